//! `CREATE STREAM name AS`

use datafusion_sql::sqlparser::ast::Ident;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::tokens::{is_word, shown, span_at};

/// The name, and the number of tokens of the clause (0: there is none).
pub(crate) fn parse(tokens: &[TokenWithSpan]) -> Result<(Option<Ident>, usize), SqlError> {
    if !(is_word(tokens.first(), "CREATE") && is_word(tokens.get(1), "STREAM")) {
        return Ok((None, 0));
    }
    let name_forgotten = is_word(tokens.get(2), "AS") && !is_word(tokens.get(3), "AS");
    let Some(Token::Word(word)) = tokens.get(2).map(|token| &token.token).filter(|_| !name_forgotten) else {
        return Err(SqlError::new(format!("expected the name of the stream, found {}", shown(tokens.get(2))), span_at(tokens, 2))
            .with_help("CREATE STREAM <name> AS SELECT …"));
    };
    if word.value.trim().is_empty() {
        let error = SqlError::new("a stream has an empty name", span_at(tokens, 2));
        return Err(error.with_help("give it one, or leave CREATE STREAM … AS away"));
    }
    if !is_word(tokens.get(3), "AS") {
        return Err(SqlError::new(format!("expected AS after the name of the stream, found {}", shown(tokens.get(3))), span_at(tokens, 3))
            .with_help("CREATE STREAM <name> AS SELECT …"));
    }
    let name = Ident { value: word.value.clone(), quote_style: word.quote_style, span: tokens[2].span };
    Ok((Some(name), 4))
}

/// The name that a broken statement would have given its stream.
pub(crate) fn name_of(tokens: &[TokenWithSpan]) -> Option<String> {
    let at = tokens.iter().take(4).position(|token| is_word(Some(token), "STREAM"))?;
    match tokens.get(at + 1).map(|token| &token.token) {
        Some(Token::Word(word)) => Some(word.value.clone()),
        _ => None,
    }
}
