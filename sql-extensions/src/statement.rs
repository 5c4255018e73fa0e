//! What comes out of the parser.

use datafusion_sql::sqlparser::ast::{Ident, Join, Query, Select, SetExpr, Spanned, TableFactor, VisitMut, VisitorMut};
use std::ops::ControlFlow;

use crate::error::{Location, Span, SqlError};
use crate::within::WithinClause;

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

impl PartialEq for StreamStatement {
    fn eq(&self, other: &Self) -> bool {
        let places = |statement: &Self| {
            let mut query = statement.query.as_ref().clone();
            within_places(&mut query, &statement.within)
        };
        self.name == other.name
            && self.query == other.query
            && self.within == other.within
            && self.into == other.into
            && self.with == other.with
            && places(self) == places(other)
    }
}

/// Where a `WITHIN` belongs: the number of the SELECT in visiting order, the FROM item, and the join it follows.
pub(crate) type WithinPlace = (usize, usize, Option<usize>);

/// Called with the SELECT that a `WITHIN` stands in, the number of the FROM item, the join that it bounds alone, and the clause.
pub type WithinVisitor<'a> = dyn FnMut(&mut Select, usize, Option<usize>, &WithinClause) -> Result<(), SqlError> + 'a;

impl StreamStatement {
    /// Calls `f` once for each `WITHIN` with the SELECT it stands in, the number of the FROM item, and `Some(join)` if further joins follow after it (it then bounds that join
    /// alone) or `None` if it stands after the last join or a bare table (it then bounds every join of that FROM item).
    pub fn for_each_within(query: &mut Query, within: &[WithinClause], f: &mut WithinVisitor<'_>) -> Result<(), SqlError> {
        let places = within_places(query, within);
        let mut result = Ok(());
        visit_selects(query, &mut |number, select| {
            for (clause, place) in within.iter().zip(&places) {
                if let Some((at, item, join)) = place
                    && *at == number
                    && result.is_ok()
                {
                    let last = select.from.get(*item).map_or(0, |from| from.joins.len());
                    let only = join.filter(|join| join + 1 < last);
                    result = f(select, *item, only, clause);
                }
            }
        });
        result
    }
}

/// The place of each clause: the FROM item or join that ends last before it. `None` cannot come out of the parser, which refuses such clauses.
pub(crate) fn within_places(query: &mut Query, within: &[WithinClause]) -> Vec<Option<WithinPlace>> {
    let mut ends: Vec<(Location, WithinPlace)> = Vec::new();
    visit_selects(query, &mut |number, select| {
        for (item, from) in select.from.iter().enumerate() {
            ends.push((factor_end(&from.relation), (number, item, None)));
            for (at, join) in from.joins.iter().enumerate() {
                ends.push((join_end(join), (number, item, Some(at))));
            }
        }
    });
    within.iter().map(|clause| ends.iter().filter(|(end, _)| *end <= clause.span.start).max_by_key(|(end, _)| *end).map(|(_, place)| *place)).collect()
}

fn factor_end(factor: &TableFactor) -> Location {
    Span::from(factor.span()).end
}

fn join_end(join: &Join) -> Location {
    Span::from(join.span()).end
}

/// Visits the SELECTs of a query and its subqueries, in a fixed order.
pub(crate) fn visit_selects(query: &mut Query, f: &mut dyn FnMut(usize, &mut Select)) {
    struct Selects<'a> {
        number: usize,
        f: &'a mut dyn FnMut(usize, &mut Select),
    }
    impl Selects<'_> {
        fn body(&mut self, body: &mut SetExpr) {
            match body {
                SetExpr::Select(select) => {
                    (self.f)(self.number, select);
                    self.number += 1;
                }
                SetExpr::SetOperation { left, right, .. } => {
                    self.body(left);
                    self.body(right);
                }
                // A bracketed query is visited as a query.
                _ => {}
            }
        }
    }
    impl VisitorMut for Selects<'_> {
        type Break = ();
        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
            self.body(&mut query.body);
            ControlFlow::Continue(())
        }
    }
    let _ = query.visit(&mut Selects { number: 0, f });
}
