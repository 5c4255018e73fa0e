//! What the SQL parser takes for a query, and is none here.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{Query, Select, SetExpr, Spanned, Visit, Visitor};

use crate::error::{Span, SqlError};
use crate::limits::LONGEST_CHAIN;

/// Refuses statements that change data (`WITH … DELETE …`), `SELECT … INTO` within brackets, and overlong FROM lists, which become a chain of joins.
pub(crate) fn check(query: &Query, statement: Span) -> Result<(), SqlError> {
    match query.visit(&mut Shape { statement }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Shape {
    statement: Span,
}

impl Shape {
    fn body(&self, body: &SetExpr) -> ControlFlow<SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left)?;
                self.body(right)
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => ControlFlow::Break(
                SqlError::new("a statement reads tables, it can't change them", self.statement).with_help("write rows to sinks: SELECT … FROM … INTO <sink>"),
            ),
            // A bracketed query is visited as a query.
            SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => ControlFlow::Continue(()),
        }
    }

    fn select(&self, select: &Select) -> ControlFlow<SqlError> {
        if let Some(into) = &select.into {
            let span = into.name.span().into();
            return ControlFlow::Break(SqlError::new("INTO can't stand in brackets", span).with_help("write INTO once, at the end of the statement"));
        }
        if select.from.len() > LONGEST_CHAIN {
            return ControlFlow::Break(SqlError::new(format!("more than {LONGEST_CHAIN} tables in FROM"), self.statement).with_help("split the statement"));
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Shape {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        self.body(&query.body)
    }
}
