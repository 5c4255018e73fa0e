//! `# …` comments.

use std::iter::Peekable;
use std::str::Chars;

/// `#` starts a comment up to the end of the line, unless it stands in quotes or in another comment. The SQL tokenizer has no such comments: they are blanked out, character by
/// character, so that every place stays where it is.
pub(crate) fn blank(sql: &str) -> String {
    if !sql.contains('#') {
        return sql.to_owned();
    }
    let mut blanker = Blanker { chars: sql.chars().peekable(), out: String::with_capacity(sql.len()) };
    blanker.run();
    blanker.out
}

struct Blanker<'a> {
    chars: Peekable<Chars<'a>>,
    out: String,
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

    /// Block comments nest.
    fn copy_block(&mut self) {
        let mut depth = 1usize;
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
    use super::blank;

    #[test]
    fn only_comments_are_blanked() {
        assert_eq!(blank("a # b 'c\r\nd"), "a       \r\nd");
        assert_eq!(blank("'#' \"#\" `#` # x"), "'#' \"#\" `#`    ");
        assert_eq!(blank("-- # it's\n# x"), "-- # it's\n   ");
        assert_eq!(blank("/* /* # */ # ' */ # x"), "/* /* # */ # ' */    ");
        assert_eq!(blank("E'\\'#' # x"), "E'\\'#'    ");
        assert_eq!(blank("date'\\'# x"), "date'\\'   ");
        assert_eq!(blank("'it''s #' # é"), "'it''s #'    ");
        assert_eq!(blank("/*/ # */ # x"), "/*/ # */    ");
    }
}
