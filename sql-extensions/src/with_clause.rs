//! `WITH ('key' = 'value', …)`

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::hidden_values::is_followed_key;
use crate::statement::WithEntry;
use crate::tokens::{is_word, short, shown, span_at};

/// Whether the clause starts at `at`. `WITH (` is nothing else: between the WITH and the bracket of a CTE stands its name.
pub(crate) fn starts(tokens: &[TokenWithSpan], at: usize) -> bool {
    is_word(tokens.get(at), "WITH") && matches!(tokens.get(at + 1).map(|token| &token.token), Some(Token::LParen))
}

/// The entries of the clause at `at`, and the position after it.
pub(crate) fn parse(tokens: &[TokenWithSpan], at: usize) -> Result<(Vec<WithEntry>, usize), SqlError> {
    let mut entries = Vec::new();
    let mut at = at + 2;
    loop {
        if matches!(tokens.get(at).map(|token| &token.token), Some(Token::RParen)) {
            return Ok((entries, at + 1));
        }
        let key = text(tokens, at, "a key in single quotes")?;
        if !matches!(tokens.get(at + 1).map(|token| &token.token), Some(Token::Eq)) {
            // A text that looks like no key may be a value whose key was forgotten.
            let named = if is_followed_key(tokens, at) { format!(" '{}'", short(&key)) } else { String::new() };
            return Err(SqlError::new(format!("expected = after the key{named}, found {}", shown(tokens.get(at + 1))), span_at(tokens, at + 1))
                .with_help("'key' = 'value'"));
        }
        let value = text(tokens, at + 2, "a value in single quotes")?;
        entries.push(WithEntry { key, value, key_span: span_at(tokens, at), value_span: span_at(tokens, at + 2) });
        at += 3;
        match tokens.get(at).map(|token| &token.token) {
            Some(Token::Comma) => at += 1,
            Some(Token::RParen) => {}
            _ => {
                return Err(SqlError::new(format!("expected a comma or ) after the value, found {}", shown(tokens.get(at))), span_at(tokens, at))
                    .with_help("separate 'key' = 'value' pairs by commas"));
            }
        }
    }
}

fn text(tokens: &[TokenWithSpan], at: usize, expected: &str) -> Result<String, SqlError> {
    match tokens.get(at).map(|token| &token.token) {
        Some(Token::SingleQuotedString(text)) => Ok(text.clone()),
        _ => Err(SqlError::new(format!("expected {expected}, found {}", shown(tokens.get(at))), span_at(tokens, at)).with_help("'key' = 'value'")),
    }
}
