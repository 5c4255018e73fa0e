//! Scripts and statements.

use datafusion_sql::sqlparser::ast::{Query, Statement};
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Location, Span, SqlError};
use crate::nearest_name::nearest;
use crate::statement::{StreamStatement, within_places};
use crate::tokens::{VeloDialect, check_limits, is_word, lower_first, shown, span_at, tokenize};
use crate::{create_stream, into, with_clause, within};

/// Errors reported for one script at most.
const MOST_ERRORS: usize = 20;
/// Nesting the SQL parser may reach; `tokens` refuses deeper brackets before, with a place.
const RECURSION: usize = 200;

/// Parses Velostream's SQL. No text makes it panic, hang or overflow the stack.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamingSqlParser;

impl StreamingSqlParser {
    /// A parser.
    pub fn new() -> Self {
        Self
    }

    /// Parses exactly one statement; a `;` at its end is allowed.
    pub fn parse(&self, sql: &str) -> Result<StreamStatement, SqlError> {
        let statements = self.parse_script(sql).map_err(|mut errors| errors.swap_remove(0))?;
        let mut statements = statements.into_iter();
        match (statements.next(), statements.next()) {
            (Some(statement), None) => Ok(statement),
            (Some(_), Some(second)) => {
                Err(SqlError::new("expected one statement, found another", second.span).with_help("parse a script of several statements with parse_script"))
            }
            (None, _) => Err(empty(sql)),
        }
    }

    /// Parses all statements of a script, separated by `;`. All faults are reported, in text order.
    pub fn parse_script(&self, sql: &str) -> Result<Vec<StreamStatement>, Vec<SqlError>> {
        let tokens = tokenize(sql).map_err(|error| vec![error])?;
        let mut statements = Vec::new();
        let mut errors = Vec::new();
        for part in tokens.split(|token| token.token == Token::SemiColon).filter(|part| !part.is_empty()) {
            match statement(part) {
                Ok(statement) => statements.push(statement),
                Err(error) => errors.push(error),
            }
            if errors.len() >= MOST_ERRORS {
                break;
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        if statements.is_empty() { Err(vec![empty(sql)]) } else { Ok(statements) }
    }
}

fn empty(sql: &str) -> SqlError {
    let line = sql.split('\n').count() as u64;
    let at = Location { line: line.max(1), column: 1 };
    SqlError::new("there is no statement", Span { start: at, end: at }).with_help("SELECT … FROM … [INTO …] [WITH (…)]")
}

/// One statement: our clauses are cut out, the rest is parsed as a query.
fn statement(tokens: &[TokenWithSpan]) -> Result<StreamStatement, SqlError> {
    check_first_word(tokens)?;
    check_limits(tokens)?;
    let (name, mut at) = create_stream::parse(tokens)?;
    let body_at = at;
    let mut query = Vec::with_capacity(tokens.len());
    let mut clauses = Vec::new();
    let (mut sinks, mut entries) = (Vec::new(), Vec::new());
    let mut depth = 0usize;
    while at < tokens.len() {
        match &tokens[at].token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        if within::starts(tokens, at) {
            let (clause, next) = within::parse(tokens, at)?;
            clauses.push(clause);
            at = next;
        } else if depth == 0 && is_word(tokens.get(at), "INTO") && !after_name_context(tokens, at) {
            (sinks, at) = into::parse(tokens, at)?;
            if at < tokens.len() && !with_clause::starts(tokens, at) {
                return Err(after_into(tokens, at));
            }
        } else if depth == 0 && with_clause::starts(tokens, at) {
            let next;
            (entries, next) = with_clause::parse(tokens, at)?;
            if next < tokens.len() {
                return Err(after_with(tokens, next));
            }
            at = next;
        } else {
            query.push(tokens[at].clone());
            at += 1;
        }
    }
    if query.is_empty() {
        let clause = if entries.is_empty() && sinks.is_empty() {
            "WITHIN"
        } else if sinks.is_empty() {
            "WITH"
        } else {
            "INTO"
        };
        let message = if body_at > 0 { "expected SELECT after AS".to_owned() } else { format!("{clause} is a clause of a statement, not a statement") };
        return Err(SqlError::new(message, span_at(tokens, body_at.min(tokens.len() - 1))).with_help("put it after SELECT … FROM …"));
    }
    let span = span_at(tokens, 0).to(span_at(tokens, tokens.len() - 1));
    let mut query = parse_query(query, span)?;
    let places = within_places(&mut query, &clauses);
    if let Some(clause) = clauses.iter().zip(&places).find(|(_, place)| place.is_none()).map(|(clause, _)| clause) {
        return Err(SqlError::new("WITHIN has no join before it", clause.span).with_help("… JOIN … ON … WITHIN INTERVAL '5' MINUTES"));
    }
    Ok(StreamStatement { name, query: Box::new(query), within: clauses, into: sinks, with: entries, span })
}

/// `AS into`, `t.into`: a name, not the clause.
fn after_name_context(tokens: &[TokenWithSpan], at: usize) -> bool {
    at > 0 && (matches!(tokens[at - 1].token, Token::Period) || is_word(tokens.get(at - 1), "AS"))
}

fn after_into(tokens: &[TokenWithSpan], at: usize) -> SqlError {
    let found = shown(tokens.get(at));
    let error = SqlError::new(format!("expected WITH ('key' = 'value', …) or the end after INTO, found {found}"), span_at(tokens, at));
    let misplaced = ["WHERE", "FROM", "JOIN", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION"].into_iter().any(|word| is_word(tokens.get(at), word));
    let fix = if misplaced { format!("write {} before INTO", found.trim_matches('\'').to_uppercase()) } else { "separate sinks by commas".to_owned() };
    error.with_help(fix)
}

fn after_with(tokens: &[TokenWithSpan], at: usize) -> SqlError {
    let error = SqlError::new(format!("expected the end of the statement after WITH (…), found {}", shown(tokens.get(at))), span_at(tokens, at));
    if is_word(tokens.get(at), "INTO") {
        error.with_help("write INTO before WITH")
    } else if is_word(tokens.get(at), "WITH") {
        error.with_help("write all settings in one WITH clause")
    } else {
        error.with_help("separate statements by ;")
    }
}

const STARTS: [&str; 4] = ["SELECT", "CREATE", "WITH", "VALUES"];

fn check_first_word(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let first = tokens.first();
    let clause =
        |name: &str| SqlError::new(format!("{name} is a clause of a statement, not a statement"), span_at(tokens, 0)).with_help("put it after SELECT … FROM …");
    if with_clause::starts(tokens, 0) {
        return Err(clause("WITH"));
    }
    if within::starts(tokens, 0) {
        return Err(clause("WITHIN"));
    }
    if is_word(first, "INTO") {
        return Err(clause("INTO"));
    }
    if is_word(first, "CREATE") && !is_word(tokens.get(1), "STREAM") {
        return Err(SqlError::new(format!("expected CREATE STREAM, found CREATE {}", shown(tokens.get(1)).trim_matches('\'')), span_at(tokens, 1))
            .with_help("CREATE STREAM <name> AS SELECT …"));
    }
    if matches!(first.map(|token| &token.token), Some(Token::LParen)) || STARTS.into_iter().any(|word| is_word(first, word)) {
        return Ok(());
    }
    let error = SqlError::new(format!("expected SELECT or CREATE STREAM, found {}", shown(first)), span_at(tokens, 0));
    Err(match first.map(|token| &token.token) {
        Some(Token::Word(word)) => match nearest(&word.value, STARTS.into_iter()) {
            Some(near) => error.with_help(format!("did you mean {near}?")),
            None => error.with_help("a statement is SELECT … or CREATE STREAM <name> AS SELECT …"),
        },
        _ => error.with_help("a statement is SELECT … or CREATE STREAM <name> AS SELECT …"),
    })
}

fn parse_query(tokens: Vec<TokenWithSpan>, statement: Span) -> Result<Query, SqlError> {
    let last = span_at(&tokens, tokens.len());
    let mut parser = Parser::new(&VeloDialect).with_recursion_limit(RECURSION).with_tokens_with_locations(tokens);
    let query = parser.parse_statement().map_err(|error| translate(error, statement, last))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let found = shown(Some(&rest));
        return Err(SqlError::new(format!("expected the end of the statement, found {found}"), rest.span.into()));
    }
    match query {
        Statement::Query(query) => Ok(*query),
        _ => Err(SqlError::new("expected SELECT or CREATE STREAM", statement).with_help("a statement is SELECT … or CREATE STREAM <name> AS SELECT …")),
    }
}

/// The SQL parser's error with its place taken out of the text.
fn translate(error: ParserError, statement: Span, last: Span) -> SqlError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => return SqlError::new("nested too deeply", statement).with_help("split the statement, for example with a CTE"),
    };
    let (message, place) = match text.rfind(" at Line: ") {
        Some(at) => (&text[..at], place(&text[at..])),
        None => (text.as_str(), None),
    };
    let message = message.replace("found: EOF", "found: the end of the statement");
    let span = match place {
        Some(start) => Span { start, end: Location { column: start.column + 1, ..start } },
        None if message.ends_with("the end of the statement") => last,
        None => statement,
    };
    SqlError::new(lower_first(&message), span)
}

fn place(text: &str) -> Option<Location> {
    let numbers: Vec<u64> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).filter_map(|part| part.parse().ok()).collect();
    match numbers.as_slice() {
        [line, column] => Some(Location { line: *line, column: *column }),
        _ => None,
    }
}
