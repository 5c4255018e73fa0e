//! Text to tokens: comments dropped, places kept.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::dialect::VeloDialect;
use crate::error::{Location, Span, SqlError};
use crate::hash_comments;

/// The tokens of a script without white space and comments.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    let blanked = hash_comments::blank(sql);
    let tokens = Tokenizer::new(&VeloDialect, &blanked).tokenize_with_location().map_err(|error| {
        let start: Location = error.location.into();
        SqlError::new(lower_first(&error.message), Span { start, end: Location { column: start.column + 1, ..start } })
    })?;
    let tokens: Vec<TokenWithSpan> = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    match tokens.iter().find(|token| matches!(&token.token, Token::Word(word) if word.quote_style.is_some_and(|quote| is_unprintable(&word.value, quote)))) {
        Some(token) => {
            Err(SqlError::new("a quoted name can't hold a quote after a quote or a backslash", token.span.into()).with_help("rename it at its source"))
        }
        None => Ok(tokens),
    }
}

/// The SQL parser prints such a name with too few quotes, so the printed statement would name something else.
fn is_unprintable(name: &str, quote: char) -> bool {
    name.chars().zip(name.chars().skip(1)).any(|(before, c)| c == quote && (before == quote || before == '\\'))
}

pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Where an identifier (or a quoted one) stands within a stretch of a script.
pub fn find_word(sql: &str, within: Span, word: &str) -> Vec<Span> {
    let Ok(tokens) = tokenize(sql) else { return Vec::new() };
    tokens
        .iter()
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

/// A token as the user would name it.
pub(crate) fn shown(token: Option<&TokenWithSpan>) -> String {
    match token {
        Some(token) => {
            let text = token.token.to_string();
            let short: String = text.chars().take(LONGEST_SHOWN).collect();
            let cut = if short.len() < text.len() { "…" } else { "" };
            if matches!(token.token, Token::SingleQuotedString(_)) { format!("{short}{cut}") } else { format!("'{short}{cut}'") }
        }
        None => "the end of the statement".to_owned(),
    }
}
