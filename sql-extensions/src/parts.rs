//! A script cut at its semicolons into the tokens of each statement: comments dropped, places kept.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::dialect::VeloDialect;
use crate::error::{Location, Span, SqlError};
use crate::hash_comments;
use crate::tokens::tokenizer_error;

/// Statements at most that text without tokens is cut out of; each costs another pass over the script.
const MOST_DAMAGED: usize = 20;

/// What stands between two semicolons.
#[derive(Default)]
pub(crate) struct Part {
    /// Its tokens; those before the damage, if there is any.
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// Its comments.
    pub(crate) comments: Vec<Span>,
    /// Text that gives no tokens, such as a text that is never closed, with the stretch that was given up.
    pub(crate) damage: Option<(SqlError, Span)>,
}

impl Part {
    fn start(&self) -> Option<Location> {
        let damage = self.damage.as_ref().map(|(_, span)| span.start);
        self.tokens.first().map(|token| Span::from(token.span).start).or(damage)
    }
}

/// The statements of a script, in text order, whatever is wrong with each.
///
/// A quote that is never closed turns the rest of the script inside out. It stands, as far as one can tell, before the first text that holds a semicolon at the end of a line; its
/// statement is cut out up to there, and the rest is read anew.
pub(crate) fn parts(sql: &str) -> Vec<Part> {
    let mut text = sql.to_owned();
    let mut parts = Vec::new();
    loop {
        let blanked = hash_comments::blank(&text);
        let mut tokens = Vec::new();
        let result = Tokenizer::new(&VeloDialect, &blanked.text).tokenize_with_location_into_buf(&mut tokens);
        let hashes = hash_comments(&text, &blanked.text);
        let error = match result {
            Ok(()) => {
                parts.extend(split(tokens, hashes));
                break;
            }
            Err(error) => tokenizer_error(error, &blanked),
        };
        let lines = Lines::new(&text);
        let error = match tokens.iter().find(|token| swallows_an_end(token, &lines)) {
            Some(token) => unclosed(token),
            None => error,
        };
        let from = error.span().start;
        tokens.retain(|token| Span::from(token.span).start < from);
        if parts.len() >= MOST_DAMAGED {
            parts.extend(split(tokens, hashes));
            break;
        }
        let before = tokens.iter().rposition(|token| token.token == Token::SemiColon).map_or(0, |at| at + 1);
        let begin =
            lines.offset(before.checked_sub(1).and_then(|at| tokens.get(at)).map_or(Location { line: 1, column: 1 }, |token| Span::from(token.span).end));
        let from = lines.offset(from);
        let end = end_of_statement(&text[from..]).map_or(text.len(), |length| from + length);
        let damage = Some((error, Span { start: lines.location(from), end: lines.location(end) }));
        let kept = split(tokens.split_off(before), hashes).into_iter().next().unwrap_or_default();
        let blank: String = text[begin..end].chars().map(|c| if matches!(c, '\n' | '\r') { c } else { ' ' }).collect();
        parts.push(Part { damage, ..kept });
        text.replace_range(begin..end, &blank);
    }
    parts.sort_by_key(Part::start);
    parts
}

fn split(tokens: Vec<TokenWithSpan>, mut comments: Vec<Span>) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    for token in tokens {
        let Some(part) = parts.last_mut() else { continue };
        match &token.token {
            Token::SemiColon => {
                let end = Span::from(token.span).start;
                part.comments.extend(comments.extract_if(.., |comment| comment.start < end));
                parts.push(Part::default());
            }
            Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => part.comments.push(token.span.into()),
            Token::Whitespace(_) => {}
            _ => part.tokens.push(token),
        }
    }
    if let Some(part) = parts.last_mut() {
        part.comments.extend(comments);
    }
    parts.retain(|part| !part.tokens.is_empty());
    parts
}

/// `# …` comments, which are blanks for the tokenizer.
fn hash_comments(text: &str, blanked: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for (number, (line, blank)) in (1..).zip(text.split('\n').zip(blanked.split('\n'))) {
        let at = |column: usize| Location { line: number, column: column as u64 + 1 };
        if let Some(start) = line.chars().zip(blank.chars()).position(|(c, blank)| c != blank) {
            found.push(Span { start: at(start), end: at(line.chars().count()) });
        }
    }
    found
}

/// Whether a quoted token holds a semicolon at the end of a line: then it was most likely not meant to go on there.
fn swallows_an_end(token: &TokenWithSpan, lines: &Lines<'_>) -> bool {
    let quoted = match &token.token {
        Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::DoubleQuotedString(_) => true,
        Token::Word(word) => word.quote_style.is_some(),
        _ => false,
    };
    let span = Span::from(token.span);
    quoted && span.start.line < span.end.line && end_of_statement(&lines.text[lines.offset(span.start)..lines.offset(span.end)]).is_some()
}

fn unclosed(token: &TokenWithSpan) -> SqlError {
    let start = Span::from(token.span).start;
    let span = Span { start, end: Location { column: start.column + 1, ..start } };
    match token.token {
        Token::Word(_) => SqlError::new("the quoted name is never closed", span).with_help("names in double quotes or backticks, texts in single quotes"),
        _ => SqlError::new("the text is never closed", span).with_help("within a text, write '' for a quote"),
    }
}

/// The place after the first semicolon at the end of a line.
fn end_of_statement(text: &str) -> Option<usize> {
    let ends = |at: usize| text[at + 1..].trim_start_matches([' ', '\t', '\r']).chars().next().is_none_or(|c| c == '\n');
    text.match_indices(';').map(|(at, _)| at).find(|at| ends(*at)).map(|at| at + 1)
}

/// Places to offsets and back.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, starts: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    fn offset(&self, at: Location) -> usize {
        let line = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.starts.get(line) else { return self.text.len() };
        let column = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
        self.text[*start..].char_indices().nth(column).map_or(self.text.len(), |(offset, _)| start + offset)
    }

    fn location(&self, offset: usize) -> Location {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Location { line: line as u64, column: column as u64 + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sql: &str) -> Vec<(usize, Option<(u64, u64)>)> {
        let damage = |part: &Part| part.damage.as_ref().map(|(error, _)| (error.span().start.line, error.span().start.column));
        parts(sql).iter().map(|part| (part.tokens.len(), damage(part))).collect()
    }

    #[test]
    fn statements_are_cut_at_semicolons_outside_of_texts() {
        assert_eq!(found("a ';' b; -- c;\n;c # ;\n"), [(3, None), (1, None)]);
        assert!(found("").is_empty());
    }

    #[test]
    fn what_is_never_closed_ends_with_its_line() {
        assert_eq!(found("a b;\nc 'd;\ne 'f' g;\nh"), [(2, None), (1, Some((2, 3))), (3, None), (1, None)]);
        assert_eq!(found("a b;\nc \"d;\ne f;"), [(2, None), (1, Some((2, 3))), (2, None)]);
        assert_eq!(found("a /* b;\nc 'd' e"), [(1, Some((1, 3))), (3, None)]);
        assert_eq!(found("a 'b"), [(1, Some((1, 3)))]);
    }

    #[test]
    fn comments_belong_to_their_statement() {
        let comments: Vec<usize> = parts("a # b\n/* c */ ; -- d\n e").iter().map(|part| part.comments.len()).collect();
        assert_eq!(comments, [2, 1]);
    }
}
