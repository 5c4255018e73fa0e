//! What a statement starts with.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::nearest_name::nearest;
use crate::tokens::{is_word, shown, span_at};
use crate::{with_clause, within};

const QUERY_STARTS: [&str; 3] = ["SELECT", "WITH", "VALUES"];
const FORMS: &str = "a statement is SELECT … or CREATE STREAM <name> AS SELECT …";

/// Refuses what starts neither a query nor a CREATE STREAM; a clause that stands alone is called by its name.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let first = tokens.first();
    let clause = if with_clause::starts(tokens, 0) {
        Some("WITH")
    } else if within::starts(tokens, 0) {
        Some("WITHIN")
    } else if is_word(first, "INTO") {
        Some("INTO")
    } else {
        None
    };
    if let Some(clause) = clause {
        let message = format!("{clause} is a clause of a statement, not a statement");
        return Err(SqlError::new(message, span_at(tokens, 0)).with_help("put it after SELECT … FROM …"));
    }
    if is_word(first, "CREATE") {
        return if is_word(tokens.get(1), "STREAM") {
            Ok(())
        } else {
            let found = shown(tokens.get(1));
            Err(SqlError::new(format!("expected STREAM after CREATE, found {found}"), span_at(tokens, 1)).with_help("CREATE STREAM <name> AS SELECT …"))
        };
    }
    if starts_query(tokens) {
        return Ok(());
    }
    let error = SqlError::new(format!("expected SELECT or CREATE STREAM, found {}", shown(first)), span_at(tokens, 0));
    let meant = match first.map(|token| &token.token) {
        Some(Token::Word(word)) => nearest(&word.value, QUERY_STARTS.into_iter().chain(["CREATE"])),
        _ => None,
    };
    Err(match meant {
        Some(meant) => error.with_help(format!("did you mean {meant}?")),
        None => error.with_help(FORMS),
    })
}

/// Refuses what starts no query after `CREATE STREAM name AS`; `at` is the position after it.
pub(crate) fn check_after_as(tokens: &[TokenWithSpan], at: usize) -> Result<(), SqlError> {
    if tokens.get(at..).is_some_and(|rest| starts_query(rest) && !with_clause::starts(rest, 0)) {
        return Ok(());
    }
    Err(SqlError::new(format!("expected SELECT after AS, found {}", shown(tokens.get(at))), span_at(tokens, at)).with_help("CREATE STREAM <name> AS SELECT …"))
}

fn starts_query(tokens: &[TokenWithSpan]) -> bool {
    let first = tokens.first();
    matches!(first.map(|token| &token.token), Some(Token::LParen)) || QUERY_STARTS.into_iter().any(|word| is_word(first, word))
}
