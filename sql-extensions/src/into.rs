//! `INTO a, b, c`

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::statement::SinkName;
use crate::tokens::{short, shown, span_at};

/// Words that follow INTO where its sinks were forgotten; as names they need quotes.
const RESERVED: [&str; 12] = ["AS", "FROM", "GROUP", "HAVING", "INTO", "JOIN", "LIMIT", "ORDER", "SELECT", "UNION", "WHERE", "WITH"];

/// Whether a sink of that name must be quoted.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// The sink names after `INTO` (which stands at `at`), and the position after the clause.
pub(crate) fn parse(tokens: &[TokenWithSpan], at: usize) -> Result<(Vec<SinkName>, usize), SqlError> {
    let mut names: Vec<SinkName> = Vec::new();
    let mut at = at + 1;
    loop {
        let name = match tokens.get(at).map(|token| &token.token) {
            Some(Token::Word(word)) if word.quote_style.is_some() || !is_reserved(&word.value) => Some(word),
            _ => None,
        };
        let Some(word) = name else {
            return Err(
                SqlError::new(format!("expected the name of a sink, found {}", shown(tokens.get(at))), span_at(tokens, at)).with_help("INTO <sink>, <sink>")
            );
        };
        let span = span_at(tokens, at);
        if names.iter().any(|name| name.name == word.value) {
            return Err(SqlError::new(format!("sink '{}' is named twice", short(&word.value)), span).with_help("name each sink once"));
        }
        names.push(SinkName { name: word.value.clone(), span });
        at += 1;
        if !matches!(tokens.get(at).map(|token| &token.token), Some(Token::Comma)) {
            return Ok((names, at));
        }
        at += 1;
    }
}
