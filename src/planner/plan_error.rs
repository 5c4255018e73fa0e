//! DataFusion's errors as ours: one plain sentence, the place in the user's text, and the nearest valid name.

use std::sync::Arc;

use datafusion::common::{Column, DataFusionError, SchemaError};
use sql_extensions::{Location, Span, StreamStatement, find_word, nearest};

use super::function_text::{between, function_message, sql_types};
use super::plain_text::{NO_OUTER_COLUMN, misplaced_outer_column, unsupported, without_dumps};
use crate::error::{Error, ErrorKind, Fault, Script};

/// How the optimiser calls subqueries that it makes joins of.
const SUBQUERIES: [&str; 2] = ["__correlated_sq", "__scalar_sq"];

/// Most names listed in an error.
const MOST_NAMES: usize = 20;

/// What DataFusion begins its messages with.
const PREFIXES: [&str; 10] = [
    "Schema error: ",
    "Error during planning: ",
    "Execution error: ",
    "This feature is not implemented: ",
    "Optimizer rule",
    "Arrow error: ",
    "SQL error: ",
    "Internal error: ",
    "Parser error: ",
    "type_coercion\ncaused by\n",
];

/// An error of DataFusion while `statement` of `script` was planned; `narrowed`: where it is, as far as could be found out.
pub(super) fn plan_error(error: DataFusionError, narrowed: Option<Span>, script: &Arc<Script>, statement: &StreamStatement) -> Error {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(own) = inner.downcast_ref::<Error>()
    {
        let copy = Error::new(own.kind(), own.fault(), own.message());
        let copy = match own.help() {
            Some(help) => copy.with_help(help),
            None => copy,
        };
        return match own.place() {
            Some(place) => copy.at(&place.script, place.span),
            None => copy.or_at(script, narrowed.unwrap_or(statement.span)),
        };
    }
    let place = Place { script, statement, diagnostic: diagnostic_span(&error).or(narrowed) };
    if let Some(schema) = schema_error(&error) {
        return place.schema_error(schema);
    }
    let text = whole_sentence(&error);
    let quoted = quoted_names(&text);
    let words: Vec<&str> = quoted.iter().map(String::as_str).collect();
    if let Some((message, help)) = unsupported(&text) {
        return place.point(Error::sql(message).with_help(help), &words);
    }
    let text = function_message(&text).unwrap_or_else(|| sql_types(&without_dumps(&text)));
    if let Some(name) = between(&text, "Invalid function '", "'") {
        let known = between(&text, "Did you mean '", "'");
        let mut own = Error::sql(format!("unknown function '{name}'"));
        if let Some(known) = known {
            own = own.with_help(format!("nearest: {known}"));
        }
        return place.point(own, &[&name]);
    }
    if let DataFusionError::ResourcesExhausted(_) = error.find_root() {
        return Error::new(ErrorKind::Limit, Fault::User, text).at(script, statement.span);
    }
    place.point(Error::sql(text), &words)
}

struct Place<'a> {
    script: &'a Arc<Script>,
    statement: &'a StreamStatement,
    diagnostic: Option<Span>,
}

impl Place<'_> {
    /// Points at DataFusion's own span, else at the first of the words that stands in the statement, else at the statement.
    fn point(&self, error: Error, words: &[&str]) -> Error {
        let span = self.diagnostic.or_else(|| words.iter().find_map(|word| find_word(&self.script.text, self.statement.span, word).first().copied()));
        error.at(self.script, span.unwrap_or(self.statement.span))
    }

    fn schema_error(&self, error: &SchemaError) -> Error {
        match error {
            SchemaError::FieldNotFound { field, valid_fields } => {
                let relation = field.relation.as_ref().map(|relation| relation.table());
                let of_relation = |column: &&Column| relation.is_none_or(|name| column.relation.as_ref().is_some_and(|r| r.table() == name));
                let mut names: Vec<&str> = valid_fields.iter().filter(of_relation).map(|column| column.name.as_str()).collect();
                names.dedup();
                let relations: Vec<&str> = valid_fields.iter().filter_map(|column| column.relation.as_ref()).map(|r| r.table()).collect();
                // All names mean something, so a subquery was moved to where one does not.
                if relations.iter().any(|name| SUBQUERIES.iter().any(|subquery| name.starts_with(subquery))) {
                    let name = relation.map_or_else(|| field.name.clone(), |relation| format!("{relation}.{}", field.name));
                    return self.point(Error::sql(misplaced_outer_column(&name)).with_help(NO_OUTER_COLUMN), &[&name, &field.name]);
                }
                if let Some(name) = relation
                    && !relations.contains(&name)
                    && !relations.is_empty()
                {
                    let mut own = Error::sql(format!("'{name}' is not a table or alias of this FROM"));
                    let mut known = relations;
                    known.dedup();
                    own = own.with_help(match nearest(name, known.iter().copied()) {
                        Some(near) => format!("nearest: {near}; has: {}", list(&known)),
                        None => format!("has: {}", list(&known)),
                    });
                    return self.point(own, &[name]);
                }
                let message = match relation {
                    Some(relation) => format!("column '{}' not found in '{relation}'", field.name),
                    None => format!("column '{}' not found", field.name),
                };
                let help = match nearest(&field.name, names.iter().copied()) {
                    Some(near) => format!("nearest: {near}; has: {}", list(&names)),
                    None if names.is_empty() => "there are no columns here".to_owned(),
                    None => format!("has: {}", list(&names)),
                };
                let span = field.spans.first().map(|span| convert(&span));
                Place { diagnostic: self.diagnostic.or(span), ..*self }.point(Error::sql(message).with_help(help), &[&field.name])
            }
            SchemaError::AmbiguousReference { field } => self.point(
                Error::sql(format!("column '{}' is in more than one table", field.name)).with_help("write it with its table: <table>.<column>"),
                &[&field.name],
            ),
            SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
                self.point(Error::sql(format!("two columns are called '{name}'")).with_help("give one of them another name with AS"), &[name])
            }
        }
    }
}

fn list(names: &[&str]) -> String {
    let mut text = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES {
        text.push_str(", …");
    }
    text
}

/// The schema error within an error, if there is one.
fn schema_error(error: &DataFusionError) -> Option<&SchemaError> {
    match error {
        DataFusionError::SchemaError(schema, _) => Some(schema),
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => schema_error(inner),
        DataFusionError::Collection(errors) => errors.iter().find_map(schema_error),
        DataFusionError::Shared(inner) => schema_error(inner),
        _ => None,
    }
}

fn diagnostic_span(error: &DataFusionError) -> Option<Span> {
    error.diagnostic().and_then(|diagnostic| diagnostic.span.as_ref()).map(convert)
}

fn convert(span: &datafusion::common::Span) -> Span {
    let location = |l: datafusion::common::Location| Location { line: l.line.max(1), column: l.column.max(1) };
    Span { start: location(span.start), end: location(span.end) }
}

/// DataFusion's words without prefixes, advice about its own settings, and back traces.
pub(crate) fn sentence(error: &DataFusionError) -> String {
    let text = whole_sentence(error);
    unsupported(&text).map(|(message, _)| message).or_else(|| function_message(&text)).unwrap_or_else(|| sql_types(&without_dumps(&text)))
}

fn whole_sentence(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let mut text = text.as_str();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let text = match text.find("\nThis issue was likely caused by a bug") {
        Some(end) => &text[..end],
        None => text,
    };
    // Errors of the parser within others are printed as Rust has them.
    let text = text.strip_prefix("ParserError(\"").and_then(|rest| rest.strip_suffix("\")")).unwrap_or(text);
    text.trim().trim_end_matches('.').to_owned()
}

/// Words in quotes, for finding the place an error is about.
fn quoted_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for quote in ['\'', '"', '`'] {
        names.extend(text.split(quote).skip(1).step_by(2).filter(|name| !name.is_empty() && !name.contains(' ')).map(str::to_owned));
    }
    names
}
