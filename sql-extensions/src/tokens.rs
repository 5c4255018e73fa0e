//! Tokens: what is refused of them, and how they are named in errors.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, TokenizerError};

use crate::error::{Location, Span, SqlError};
use crate::hash_comments::Blanked;
use crate::parts::parts;

/// Refuses tokens that nothing can be made of, or that would be printed as others.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    match tokens.iter().find(|token| matches!(&token.token, Token::Word(word) if word.quote_style.is_some_and(|quote| is_unprintable(&word.value, quote)))) {
        Some(token) => {
            Err(SqlError::new("a quoted name can't hold a quote after a quote or a backslash", token.span.into()).with_help("rename it at its source"))
        }
        None => check_texts(tokens).and_then(|()| check_dots(tokens)),
    }
}

/// Refuses texts that DataFusion has no values for, or that would be printed as other tokens.
fn check_texts(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    for token in tokens {
        match &token.token {
            Token::HexStringLiteral(text) if !text.chars().all(|c| c.is_ascii_hexdigit()) => {
                return Err(SqlError::new("expected hexadecimal digits between X' and '", token.span.into()).with_help("X'0A1B'"));
            }
            Token::SingleQuotedByteStringLiteral(_)
            | Token::DoubleQuotedByteStringLiteral(_)
            | Token::TripleSingleQuotedByteStringLiteral(_)
            | Token::TripleDoubleQuotedByteStringLiteral(_)
            | Token::SingleQuotedRawStringLiteral(_)
            | Token::DoubleQuotedRawStringLiteral(_)
            | Token::TripleSingleQuotedRawStringLiteral(_)
            | Token::TripleDoubleQuotedRawStringLiteral(_) => {
                return Err(SqlError::new("a text can't have the prefix B or R", token.span.into()).with_help("'text', E'with \\n', or X'0A' for bytes"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// `a . 1` and `1 . a` would be printed as `a.1` and `1.a`, which are other tokens.
fn check_dots(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let number = |token: &TokenWithSpan| matches!(token.token, Token::Number(..));
    let lonely = tokens.windows(2).find_map(|pair| match pair {
        [dot, other] if dot.token == Token::Period && number(other) => Some(other),
        [other, dot] if dot.token == Token::Period && number(other) => Some(other),
        _ => None,
    });
    match lonely {
        Some(number) => {
            Err(SqlError::new(format!("expected a name beside the dot, found {}", shown(Some(number))), number.span.into()).with_help("<table>.<column>"))
        }
        None => Ok(()),
    }
}

/// The SQL parser prints such a name with too few quotes, so the printed statement would name something else.
fn is_unprintable(name: &str, quote: char) -> bool {
    name.chars().zip(name.chars().skip(1)).any(|(before, c)| c == quote && (before == quote || before == '\\'))
}

/// The SQL tokenizer's error in words of ours where it speaks of its own inside.
pub(crate) fn tokenizer_error(error: TokenizerError, blanked: &Blanked) -> SqlError {
    let lines: Vec<&str> = blanked.text.split('\n').collect();
    // The place may be the end of the text, which has no character.
    let at = |start: Location| {
        let line = usize::try_from(start.line).ok().and_then(|line| lines.get(line.checked_sub(1)?));
        let length = line.map_or(0, |line| line.chars().count() as u64);
        Span { start, end: Location { column: (start.column + 1).min(length + 1).max(start.column), ..start } }
    };
    if let Some(start) = blanked.unclosed_comment {
        return SqlError::new("the comment is never closed", at(start)).with_help("end it with */");
    }
    let span = at(error.location.into());
    if error.message.contains("close delimiter") {
        return SqlError::new("the quoted name is never closed", span).with_help("names in double quotes or backticks, texts in single quotes");
    }
    if error.message.starts_with("Unterminated string literal") {
        return SqlError::new("the text is never closed", span).with_help("within a text, write '' for a quote");
    }
    if error.message.starts_with("Unterminated dollar") {
        return SqlError::new("the text between $ signs is never closed", span).with_help("end it as it starts");
    }
    SqlError::new(lower_first(&short(&error.message)), span)
}

pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Where an identifier (or a quoted one) stands within a stretch of a script.
pub fn find_word(sql: &str, within: Span, word: &str) -> Vec<Span> {
    let parts = parts(sql);
    let tokens = parts.iter().flat_map(|part| &part.tokens);
    tokens
        .filter(|token| {
            matches!(&token.token, Token::Word(found) if found.value == word) || matches!(&token.token, Token::SingleQuotedString(found) if found == word)
        })
        .map(|token| Span::from(token.span))
        .filter(|span| within.contains(span.start))
        .collect()
}

/// Whether a token is the (unquoted) word, in any case.
pub(crate) fn is_word(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|token| &token.token), Some(Token::Word(found)) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The span of a token, or of the end of the text after `tokens`.
pub(crate) fn span_at(tokens: &[TokenWithSpan], at: usize) -> Span {
    match tokens.get(at) {
        Some(token) => token.span.into(),
        None => {
            let end = tokens.last().map_or(Location { line: 1, column: 1 }, |token| Span::from(token.span).end);
            Span { start: end, end }
        }
    }
}

/// Characters of a token that are shown at most.
const LONGEST_SHOWN: usize = 40;

/// The beginning of a text that may be of any length.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A token as the user would name it.
pub(crate) fn shown(token: Option<&TokenWithSpan>) -> String {
    match token.map(|token| &token.token) {
        Some(Token::SingleQuotedString(text)) => format!("the text '{}'", short(text)),
        Some(token) => format!("'{}'", short(&token.to_string())),
        None => "the end of the statement".to_owned(),
    }
}
