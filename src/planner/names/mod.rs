//! What the names of a statement mean, looked at when DataFusion has not understood it: names are spelled as the one that they match when case is ignored, each where it stands, and
//! those that match nothing are told all at once. In reading order:
//! - `scope`: relations and columns that can be named at a place
//! - `path`: `column`, `relation.column`, and fields of structs below them
//! - `expression`: the names in an expression
//! - `query`: queries, from the inside out, and the columns that come out of them
//! - `from`: what a FROM adds to a scope

mod expression;
mod from;
mod path;
mod query;
mod scope;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::Query;
use datafusion::sql::sqlparser::tokenizer;
use sql_extensions::{Span, nearest};

use scope::{Columns, Scopes};

/// A name that means nothing, or too much.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where it stands, if that is known.
    pub place: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// What the user can do.
    pub help: Option<String>,
}

/// A column that comes out of a query.
#[derive(Clone, Debug)]
pub(super) struct OutputColumn {
    /// Its name.
    pub name: String,
    /// The item of SELECT it comes from.
    pub place: Option<Span>,
    data_type: Option<DataType>,
}

/// What was found in a statement.
#[derive(Debug)]
pub(super) struct Names {
    /// Whether a name was spelled in another way.
    pub respelled: bool,
    /// What is wrong, in text order.
    pub faults: Vec<Fault>,
    /// Columns of this query and of those in it that have the name of one before; of this query last.
    pub repeated: Vec<OutputColumn>,
}

/// The columns of a table: name, type, and whether `*` sees it.
type ColumnsOf<'a> = dyn Fn(&str) -> Option<Vec<(String, DataType, bool)>> + 'a;

/// What is known without planning.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The columns of tables.
    pub columns: &'a ColumnsOf<'a>,
    /// The names of functions, in small letters.
    pub functions: &'a HashMap<String, FunctionKind>,
}

/// What a function needs around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FunctionKind {
    /// Nothing.
    Plain,
    /// OVER.
    Window,
}

/// Spells the names of a query as those that they match, and notes what is wrong.
pub(super) fn resolve(query: &mut Query, known: Known<'_>) -> Names {
    let names = Names { respelled: false, faults: Vec::new(), repeated: Vec::new() };
    let mut resolver = Resolver { known, scopes: Scopes::default(), ctes: Vec::new(), names };
    resolver.query(query);
    let mut names = resolver.names;
    names.faults.sort_by_key(|fault| fault.place.map(|place| place.start));
    names
}

struct Resolver<'a> {
    known: Known<'a>,
    scopes: Scopes,
    /// The CTEs that can be named, innermost last.
    ctes: Vec<(String, Option<Arc<Columns>>)>,
    names: Names,
}

impl Resolver<'_> {
    fn fault(&mut self, place: Option<Span>, message: impl Into<String>, help: Option<String>) {
        self.names.faults.push(Fault { place, message: message.into(), help });
    }
}

/// The place of a piece of the syntax tree; those that we have put in have none.
fn place(span: tokenizer::Span) -> Option<Span> {
    (span.start.line > 0).then(|| span.into())
}

/// Most names listed in an error.
const MOST_NAMES: usize = 20;

/// `nearest: x; has: x, y`
pub(super) fn known(name: &str, names: &[&str]) -> String {
    let mut list = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES {
        list.push_str(", …");
    }
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("nearest: {near}; has: {list}"),
        None if names.is_empty() => "there are no columns here".to_owned(),
        None => format!("has: {list}"),
    }
}
