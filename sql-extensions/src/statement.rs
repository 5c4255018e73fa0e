//! What comes out of the parser.

use datafusion_sql::sqlparser::ast::{Ident, Query, Select};

use crate::error::{Span, SqlError};
use crate::stack::with_room;
use crate::within::WithinClause;
use crate::within_place::{start, visit_selects};

/// A name of `INTO`.
#[derive(Clone, Debug)]
pub struct SinkName {
    /// As written.
    pub name: String,
    /// Where.
    pub span: Span,
}

impl PartialEq for SinkName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A pair of `WITH`.
#[derive(Clone, Debug)]
pub struct WithEntry {
    /// The key, as written.
    pub key: String,
    /// The value, as written.
    pub value: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Where the value stands.
    pub value_span: Span,
}

impl PartialEq for WithEntry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

/// `[CREATE STREAM name AS] query [INTO …] [WITH (…)]`. Two are equal if they mean the same; places don't count.
#[derive(Clone, Debug)]
pub struct StreamStatement {
    /// Name of the stream.
    pub name: Option<Ident>,
    /// The query without our clauses; its spans are places in the script.
    pub query: Box<Query>,
    /// Its `WITHIN` clauses, in text order.
    pub within: Vec<WithinClause>,
    /// Its sinks; none means standard output.
    pub into: Vec<SinkName>,
    /// Its settings, in text order, repeated keys included.
    pub with: Vec<WithEntry>,
    /// Where the statement stands in the script.
    pub span: Span,
}

/// A statement that can't be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenStatement {
    /// Name of its stream, as far as one can tell; others may read it.
    pub name: Option<String>,
    /// What is wrong.
    pub error: SqlError,
}

impl PartialEq for StreamStatement {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.within == other.within
            && self.into == other.into
            && self.with == other.with
            && with_room(|| self.query == other.query && self.within_places() == other.within_places())
    }
}

/// Called with the SELECT that a `WITHIN` stands in, the number of the FROM item, the join that it bounds alone, and the clause.
pub type WithinVisitor<'a> = dyn FnMut(&mut Select, usize, Option<usize>, &WithinClause) -> Result<(), SqlError> + 'a;

impl StreamStatement {
    /// Calls `f` once for each `WITHIN` with the SELECT it stands in, the number of the FROM item, and `Some(join)` or `None`. `None` stands after the last join of the FROM item: it
    /// bounds every join of it. `Some(join)` bounds that join alone: others follow after it, or each of the others has a `WITHIN` of its own.
    pub fn for_each_within(query: &mut Query, within: &[WithinClause], f: &mut WithinVisitor<'_>) -> Result<(), SqlError> {
        let mut result = Ok(());
        with_room(|| {
            visit_selects(query, &mut |_, select| {
                let start = start(select);
                for (clause, place) in within.iter().filter_map(|clause| Some((clause, clause.place?))).filter(|(_, place)| place.select == start) {
                    let joins = select.from.get(place.item).map_or(0, |from| from.joins.len());
                    let placed = within.iter().filter_map(|clause| clause.place).filter(|other| other.select == start && other.item == place.item).count();
                    let bounds_all = place.join + 1 == joins && placed < joins;
                    if result.is_ok() {
                        result = f(select, place.item, (!bounds_all).then_some(place.join), clause);
                    }
                }
            })
        });
        result
    }

    /// The number of the SELECT, the FROM item and the join of each `WITHIN`.
    fn within_places(&self) -> Vec<(usize, usize, usize)> {
        let mut places = Vec::new();
        visit_selects(&mut self.query.as_ref().clone(), &mut |number, select| {
            let own = self.within.iter().filter_map(|clause| clause.place).filter(|place| place.select == start(select));
            places.extend(own.map(|place| (number, place.item, place.join)));
        });
        places
    }
}
