//! Scripts and statements.

use datafusion_sql::sqlparser::ast::Query;
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::dialect::VeloDialect;
use crate::error::{Location, Span, SqlError};
use crate::limits::check_limits;
use crate::parts::{Part, parts};
use crate::stack::with_room;
use crate::statement::{BrokenStatement, SinkName, StreamStatement, WithEntry};
use crate::tokens::{check, is_word, lower_first, shown, span_at};
use crate::within::WithinClause;
use crate::{brackets, create_stream, first_word, hidden_values, into, shape, unfold, with_clause, within, within_place};

/// Errors reported for one script at most.
const MOST_ERRORS: usize = 20;
/// Nesting the SQL parser may reach; `limits` refuses deeper brackets before, with a place.
const RECURSION: usize = 200;

const SEPARATE: &str = "separate statements by ;";

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
        let (mut statements, mut errors) = (Vec::new(), Vec::new());
        for parsed in self.parse_each(sql) {
            match parsed {
                Ok(statement) => statements.push(statement),
                Err(broken) => errors.push(broken.error),
            }
        }
        if errors.is_empty() { Ok(statements) } else { Err(errors) }
    }

    /// Parses all statements of a script, separated by `;`, each for itself: what is wrong with one does not hide the others. Never empty; ends after 20 broken statements.
    pub fn parse_each(&self, sql: &str) -> Vec<Result<StreamStatement, BrokenStatement>> {
        let mut parsed = with_room(|| parse_parts(parts(sql)));
        if parsed.is_empty() {
            parsed.push(Err(BrokenStatement { name: None, error: empty(sql) }));
        }
        parsed
    }
}

fn parse_parts(parts: Vec<Part>) -> Vec<Result<StreamStatement, BrokenStatement>> {
    let mut broken = 0;
    let mut parsed = Vec::new();
    for part in parts {
        let statement = parse_part(part);
        broken += usize::from(statement.is_err());
        parsed.push(statement);
        if broken >= MOST_ERRORS {
            break;
        }
    }
    parsed
}

fn parse_part(part: Part) -> Result<StreamStatement, BrokenStatement> {
    let Part { tokens, damage, .. } = part;
    let parsed = match damage {
        Some((error, _)) => Err(error),
        None => check(&tokens).and_then(|()| statement(&tokens)),
    };
    parsed.map_err(|error| BrokenStatement { name: create_stream::name_of(&tokens), error: hidden_values::without_found_value(error, &tokens) })
}

fn empty(sql: &str) -> SqlError {
    let line = sql.split('\n').count() as u64;
    let at = Location { line: line.max(1), column: 1 };
    SqlError::new("there is no statement", Span { start: at, end: at }).with_help("SELECT … FROM … [INTO …] [WITH (…)]")
}

/// One statement: our clauses are cut out, the rest is parsed as a query.
fn statement(tokens: &[TokenWithSpan]) -> Result<StreamStatement, SqlError> {
    first_word::check(tokens)?;
    brackets::check(tokens)?;
    check_limits(tokens)?;
    let (name, body) = create_stream::parse(tokens)?;
    if name.is_some() {
        first_word::check_after_as(tokens, body)?;
    }
    let Clauses { query, mut within, into, with } = cut_clauses(tokens, body)?;
    let span = span_at(tokens, 0).to(span_at(tokens, tokens.len() - 1));
    let mut query = parse_query(query, tokens).map_err(|error| match within.iter().find(|clause| clause.span.start == error.span().start) {
        Some(clause) => within_place::misplaced(clause.span),
        None => error,
    })?;
    within_place::take_marks(&mut query, &mut within)?;
    shape::check(&query, span)?;
    unfold::check(&query)?;
    Ok(StreamStatement { name, query: Box::new(query), within, into, with, span })
}

/// A statement in its parts.
#[derive(Default)]
struct Clauses {
    /// The tokens of the query, with a mark for each `WITHIN`.
    query: Vec<TokenWithSpan>,
    within: Vec<WithinClause>,
    into: Vec<SinkName>,
    with: Vec<WithEntry>,
}

fn cut_clauses(tokens: &[TokenWithSpan], body: usize) -> Result<Clauses, SqlError> {
    let mut clauses = Clauses::default();
    let mut depth = 0usize;
    let mut at = body;
    while let Some(token) = tokens.get(at) {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        if within::starts(tokens, at) {
            let clause;
            (clause, at) = within::parse(tokens, at)?;
            clauses.within.push(clause);
            within_place::push_mark(&mut clauses.query, token);
        } else if depth == 0 && is_word(Some(token), "INTO") && !after_name_context(tokens, at) {
            (clauses.into, at) = into::parse(tokens, at)?;
            if at < tokens.len() && !with_clause::starts(tokens, at) {
                return Err(after_into(tokens, at));
            }
        } else if with_clause::starts(tokens, at) && !after_name_context(tokens, at) {
            if depth > 0 {
                return Err(SqlError::new("WITH (…) can't stand in brackets", token.span.into()).with_help("write it once, at the end of the statement"));
            }
            (clauses.with, at) = with_clause::parse(tokens, at)?;
            if at < tokens.len() {
                return Err(after_with(tokens, at));
            }
        } else {
            clauses.query.push(token.clone());
            at += 1;
        }
    }
    Ok(clauses)
}

/// `AS into`, `t.into`: a name, not the clause.
fn after_name_context(tokens: &[TokenWithSpan], at: usize) -> bool {
    at > 0 && (matches!(tokens[at - 1].token, Token::Period) || is_word(tokens.get(at - 1), "AS"))
}

fn after_into(tokens: &[TokenWithSpan], at: usize) -> SqlError {
    let found = shown(tokens.get(at));
    let error = SqlError::new(format!("expected WITH ('key' = 'value', …) or the end after INTO, found {found}"), span_at(tokens, at));
    error.with_help(part_of_query(tokens, at).map_or_else(|| "separate sinks by commas".to_owned(), |word| format!("write {word} before INTO")))
}

fn after_with(tokens: &[TokenWithSpan], at: usize) -> SqlError {
    let error = SqlError::new(format!("expected the end of the statement after WITH (…), found {}", shown(tokens.get(at))), span_at(tokens, at));
    if is_word(tokens.get(at), "INTO") {
        error.with_help("write INTO before WITH")
    } else if is_word(tokens.get(at), "WITH") {
        error.with_help("write all settings in one WITH clause")
    } else {
        error.with_help(part_of_query(tokens, at).map_or_else(|| SEPARATE.to_owned(), |word| format!("write {word} before WITH")))
    }
}

/// The word at `at`, if it starts a part of a query.
fn part_of_query(tokens: &[TokenWithSpan], at: usize) -> Option<&'static str> {
    ["WHERE", "FROM", "JOIN", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "WITHIN"].into_iter().find(|word| is_word(tokens.get(at), word))
}

/// `tokens` are those of the statement, for the places and texts of errors; `query` are those to parse.
fn parse_query(query: Vec<TokenWithSpan>, tokens: &[TokenWithSpan]) -> Result<Query, SqlError> {
    let end = span_at(&query, query.len()).start;
    let mut parser = Parser::new(&VeloDialect).with_recursion_limit(RECURSION).with_tokens_with_locations(query);
    let query = parser.parse_query().map_err(|error| translate(error, tokens, end))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let found = shown(Some(&rest));
        return Err(SqlError::new(format!("expected the end of the statement, found {found}"), rest.span.into()).with_help(SEPARATE));
    }
    Ok(*query)
}

/// Characters of the SQL parser's message that are shown at most: it may quote a token of any length.
const LONGEST_MESSAGE: usize = 200;

/// The SQL parser's error with its place taken out of the text. `end` is the end of the query.
fn translate(error: ParserError, tokens: &[TokenWithSpan], end: Location) -> SqlError {
    let statement = span_at(tokens, 0).to(span_at(tokens, tokens.len().saturating_sub(1)));
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => return SqlError::new("nested too deeply", statement).with_help("split the statement, for example with a CTE"),
    };
    let (message, place) = match text.rsplit_once(" at Line: ") {
        Some((message, at)) => (message, place(at)),
        None => (text.as_str(), text.ends_with("found: EOF").then_some(end)),
    };
    let mut found = place.map(|place| tokens.iter().position(|token| Span::from(token.span).start >= place).unwrap_or(tokens.len()));
    // It says `Expected an expression, found: FROM` with the place of the token after FROM.
    let after_from =
        message.strip_prefix("Expected an expression, found: ").is_some_and(|word| found.is_some_and(|at| at > 0 && is_word(tokens.get(at - 1), word)));
    if after_from {
        found = found.map(|at| at - 1);
    }
    let span = found.map_or(statement, |found| span_at(tokens, found));
    let expected =
        message.strip_prefix("Expected: ").or(message.strip_prefix("Expected ").filter(|_| after_from)).and_then(|rest| rest.split_once(", found: "));
    match (expected, found) {
        (Some((expected, _)), Some(found)) => SqlError::new(format!("expected {expected}, found {}", shown(tokens.get(found))), span),
        _ => SqlError::new(lower_first(message).chars().take(LONGEST_MESSAGE).collect::<String>(), span),
    }
}

/// The place after `at Line: `.
fn place(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location { line: line.parse().ok()?, column: column.trim().parse().ok()? })
}
