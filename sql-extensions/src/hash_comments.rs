//! `# …` comments.

use std::iter::Peekable;
use std::str::Chars;

use crate::error::Location;

/// A script without `#` comments.
pub(crate) struct Blanked {
    pub(crate) text: String,
    /// Where the block comment starts that never ends.
    pub(crate) unclosed_comment: Option<Location>,
}

/// `#` starts a comment up to the end of the line, unless it stands in quotes or in another comment. The SQL tokenizer has no such comments: they are blanked out, character by
/// character, so that every place stays where it is.
pub(crate) fn blank(sql: &str) -> Blanked {
    let mut blanker = Blanker { chars: sql.chars().peekable(), out: String::with_capacity(sql.len()), unclosed: None };
    blanker.run();
    let unclosed_comment = blanker.unclosed.map(|start| {
        let before = &blanker.out[..start];
        let column = before.chars().rev().take_while(|c| *c != '\n').count();
        Location { line: before.matches('\n').count() as u64 + 1, column: column as u64 + 1 }
    });
    Blanked { text: blanker.out, unclosed_comment }
}

struct Blanker<'a> {
    chars: Peekable<Chars<'a>>,
    out: String,
    /// The byte of `out` where a block comment starts that never ends.
    unclosed: Option<usize>,
}

impl Blanker<'_> {
    fn run(&mut self) {
        // `E` before a quote lets backslashes escape, unless it ends a longer word.
        let (mut before, mut last) = (' ', ' ');
        while let Some(c) = self.chars.next() {
            match (c, self.chars.peek()) {
                ('#', _) => {
                    self.out.push(' ');
                    self.blank_line();
                }
                ('-', Some('-')) => {
                    self.out.push(c);
                    self.copy_line();
                }
                ('/', Some('*')) => {
                    self.out.push(c);
                    self.copy_block();
                }
                ('\'' | '"' | '`', _) => {
                    self.out.push(c);
                    self.copy_quoted(c, c == '\'' && matches!(last, 'e' | 'E') && !before.is_alphanumeric() && before != '_');
                }
                ('$', _) => {
                    self.out.push(c);
                    if !last.is_alphanumeric() && !matches!(last, '_' | '$' | '@') {
                        self.copy_between_signs();
                    }
                }
                _ => self.out.push(c),
            }
            (before, last) = (last, c);
        }
    }

    fn blank_line(&mut self) {
        while let Some(c) = self.chars.next_if(|c| *c != '\n') {
            self.out.push(if c == '\r' { c } else { ' ' });
        }
    }

    fn copy_line(&mut self) {
        while let Some(c) = self.chars.next_if(|c| *c != '\n') {
            self.out.push(c);
        }
    }

    /// `$$ … $$` or `$tag$ … $tag$`; the first sign is copied already.
    fn copy_between_signs(&mut self) {
        let start = self.out.len() - 1;
        while let Some(c) = self.chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
            self.out.push(c);
        }
        let Some(sign) = self.chars.next_if_eq(&'$') else { return };
        self.out.push(sign);
        let (delimiter, text) = (self.out[start..].to_owned(), self.out.len());
        while !self.out[text..].ends_with(&delimiter)
            && let Some(c) = self.chars.next()
        {
            self.out.push(c);
        }
    }

    /// Block comments nest.
    fn copy_block(&mut self) {
        let mut depth = 1usize;
        let start = self.out.len() - 1;
        self.out.extend(self.chars.next());
        while depth > 0
            && let Some(c) = self.chars.next()
        {
            self.out.push(c);
            match (c, self.chars.peek()) {
                ('*', Some('/')) => depth -= 1,
                ('/', Some('*')) => depth += 1,
                _ => continue,
            }
            self.out.extend(self.chars.next());
        }
        if depth > 0 {
            self.unclosed = Some(start);
        }
    }

    fn copy_quoted(&mut self, quote: char, backslash_escapes: bool) {
        while let Some(c) = self.chars.next() {
            self.out.push(c);
            if c == quote {
                // A doubled quote is one of the text.
                match self.chars.next_if_eq(&quote) {
                    Some(c) => self.out.push(c),
                    None => return,
                }
            } else if c == '\\' && backslash_escapes {
                self.out.extend(self.chars.next());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Location;

    fn blank(sql: &str) -> String {
        super::blank(sql).text
    }

    #[test]
    fn only_comments_are_blanked() {
        assert_eq!(blank("a # b 'c\r\nd"), "a       \r\nd");
        assert_eq!(blank("'#' \"#\" `#` # x"), "'#' \"#\" `#`    ");
        assert_eq!(blank("-- # it's\n# x"), "-- # it's\n   ");
        assert_eq!(blank("/* /* # */ # ' */ # x"), "/* /* # */ # ' */    ");
        assert_eq!(blank("E'\\'#' # x"), "E'\\'#'    ");
        assert_eq!(blank("date'\\'# x"), "date'\\'   ");
        assert_eq!(blank("'it''s #' # é"), "'it''s #'    ");
        assert_eq!(blank("$$ # ' $$ # x, $a$ $$ # $a$ # y"), "$$ # ' $$                      ");
        assert_eq!(blank("$a$ $$ # $a$, a$$ # y"), "$a$ $$ # $a$, a$$    ");
        assert_eq!(blank("$1 # y"), "$1    ");
        assert_eq!(blank("/*/ # */ # x"), "/*/ # */    ");
    }

    #[test]
    fn a_comment_without_end_is_placed() {
        let start = |sql: &str| super::blank(sql).unclosed_comment.map(|Location { line, column }| (line, column));
        assert_eq!(start("a\nß # /*\n é/* b /* c */\n"), Some((3, 3)));
        assert_eq!(start("/* a /* b */ */ '/*' -- /*"), None);
    }
}
