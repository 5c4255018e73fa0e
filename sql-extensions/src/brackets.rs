//! Brackets, and CASE and END, come in pairs.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::tokens::{is_word, shown};

/// Refuses a bracket without its partner. Our clauses are found by how deep they stand, so this must hold first; and the place of the lonely bracket tells more than the place where
/// the SQL parser gives up.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut open: Vec<&TokenWithSpan> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        // A lonely `case` or `end` may be a name; `CASE WHEN` is none.
        if is_word(Some(token), "CASE") && is_word(tokens.get(at + 1), "WHEN") {
            open.push(token);
            continue;
        }
        if is_word(Some(token), "END") {
            open.pop_if(|innermost| is_word(Some(innermost), "CASE"));
            continue;
        }
        let opening = match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                open.push(token);
                continue;
            }
            Token::RParen => Token::LParen,
            Token::RBracket => Token::LBracket,
            Token::RBrace => Token::LBrace,
            _ => continue,
        };
        match open.pop() {
            Some(partner) if partner.token == opening => {}
            Some(other) => {
                return Err(SqlError::new(format!("{} closes {}", shown(Some(token)), shown(Some(other))), token.span.into()).with_help("a bracket is missing"));
            }
            None => return Err(SqlError::new(format!("{} closes nothing", shown(Some(token))), token.span.into()).with_help("remove it, or open it before")),
        }
    }
    match open.last() {
        Some(token) => Err(unclosed(token)),
        None => Ok(()),
    }
}

fn unclosed(token: &TokenWithSpan) -> SqlError {
    let help = match &token.token {
        Token::LParen => "the ) is missing",
        Token::LBracket => "the ] is missing",
        Token::LBrace => "the } is missing",
        _ => "the END is missing",
    };
    SqlError::new(format!("{} is never closed", shown(Some(token))), token.span.into()).with_help(help)
}
