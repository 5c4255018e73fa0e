//! What the SQL parser takes for a query, and is none here.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{Query, Select, SetExpr, Spanned, Visit, Visitor};

use crate::error::{Span, SqlError};
use crate::limits::LONGEST_CHAIN;

/// Refuses statements that change data (`WITH … DELETE …`), `SELECT … INTO` within brackets, and overlong FROM lists, which become a chain of joins.
pub(crate) fn check(query: &Query, statement: Span) -> Result<(), SqlError> {
    let mut shape = Shape { statement, result: Ok(()) };
    let _ = query.visit(&mut shape);
    shape.result
}

struct Shape {
    statement: Span,
    /// Not the break value of the visit: that would be returned through every frame of it, which costs much stack.
    result: Result<(), SqlError>,
}

impl Shape {
    fn body(&self, body: &SetExpr) -> Result<(), SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left)?;
                self.body(right)
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(SqlError::new("a statement reads tables, it can't change them", self.statement)
                    .with_help("write rows to sinks: SELECT … FROM … INTO <sink>"))
            }
            // A bracketed query is visited as a query.
            SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
        }
    }

    fn select(&self, select: &Select) -> Result<(), SqlError> {
        if let Some(into) = &select.into {
            let span = into.name.span().into();
            return Err(SqlError::new("INTO can't stand in brackets", span).with_help("write INTO once, at the end of the statement"));
        }
        if select.from.len() > LONGEST_CHAIN {
            return Err(SqlError::new(format!("more than {LONGEST_CHAIN} tables in FROM"), self.statement).with_help("split the statement"));
        }
        Ok(())
    }
}

impl Visitor for Shape {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.result = self.body(&query.body);
        if self.result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
