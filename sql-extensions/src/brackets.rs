//! Brackets come in pairs.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::tokens::shown;

/// Refuses a bracket without its partner. Our clauses are found by how deep they stand, so this must hold first; and the place of the lonely bracket tells more than the place where
/// the SQL parser gives up.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut open: Vec<&TokenWithSpan> = Vec::new();
    for token in tokens {
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
        Some(token) => Err(SqlError::new(format!("{} is never closed", shown(Some(token))), token.span.into()).with_help("its partner is missing")),
        None => Ok(()),
    }
}
