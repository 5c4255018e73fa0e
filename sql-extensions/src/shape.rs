//! What the SQL parser takes for a query, and is none here.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    DataType, Expr, GroupByExpr, Query, Select, SetExpr, Spanned, TableFactor, TableWithJoins, TypedString, Value, ValueWithSpan, Visit, Visitor,
};

use crate::error::{Span, SqlError};
use crate::limits::{MOST_GROUPINGS, MOST_JOINED};
use crate::tokens::short;

/// Refuses statements that change data (`WITH … DELETE …`), `SELECT … INTO` within brackets, too many tables in one FROM or grouping sets, and what nothing would carry out:
/// parameters, samples and hints.
pub(crate) fn check(query: &Query, statement: Span) -> Result<(), SqlError> {
    let mut shape = Shape { statement, result: Ok(()) };
    let _ = query.visit(&mut shape);
    shape.result
}

/// Words that the SQL parser takes for columns where an expression is missing.
const NO_COLUMNS: [&str; 13] = ["AND", "AS", "CASE", "EXISTS", "FROM", "HAVING", "INTO", "JOIN", "NOT", "OR", "SELECT", "UNION", "WHERE"];

struct Shape {
    statement: Span,
    /// Not the break value of the visit: that would be returned through every frame of it, which costs much stack.
    result: Result<(), SqlError>,
}

impl Shape {
    /// Only the first error counts.
    fn go_on(&self) -> ControlFlow<()> {
        if self.result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

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
        if let Some(table) = joined(&select.from).get(MOST_JOINED) {
            return Err(SqlError::new(format!("more than {MOST_JOINED} tables in one FROM"), table.span().into()).with_help("split the statement"));
        }
        match grouped(&select.group_by) {
            Some(expr) => {
                Err(SqlError::new(format!("more than {MOST_GROUPINGS} grouping sets"), expr.span().into()).with_help("each column of CUBE doubles them"))
            }
            None => Ok(()),
        }
    }
}

/// The expression of a GROUP BY that makes its grouping sets too many.
fn grouped(group_by: &GroupByExpr) -> Option<&Expr> {
    let GroupByExpr::Expressions(expressions, _) = group_by else { return None };
    let mut sets = 1usize;
    expressions.iter().find(|expr| {
        let own = match expr {
            Expr::Cube(columns) => 1usize.checked_shl(u32::try_from(columns.len()).unwrap_or(u32::MAX)).unwrap_or(usize::MAX),
            Expr::Rollup(columns) => columns.len() + 1,
            Expr::GroupingSets(own) => own.len().max(1),
            _ => 1,
        };
        sets = sets.saturating_mul(own);
        sets > MOST_GROUPINGS
    })
}

/// What is joined in a FROM, brackets taken away.
fn joined(from: &[TableWithJoins]) -> Vec<&TableFactor> {
    let mut found = Vec::new();
    for item in from {
        for factor in std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)) {
            match factor {
                TableFactor::NestedJoin { table_with_joins, .. } => found.extend(joined(std::slice::from_ref(table_with_joins.as_ref()))),
                other => found.push(other),
            }
        }
    }
    found
}

fn placeholder(text: &str, span: Span) -> SqlError {
    SqlError::new(format!("a statement has no parameters, found '{}'", short(text)), span).with_help("write the value itself")
}

impl Visitor for Shape {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.result = self.body(&query.body);
        self.go_on()
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, version, with_hints, with_ordinality, partitions, json_path, sample, index_hints, .. } => {
                let lists = with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty();
                if !lists || version.is_some() || *with_ordinality || json_path.is_some() || sample.is_some() {
                    let error = SqlError::new("a table in FROM can have an alias, but no sample, partition, version or hint", name.span().into());
                    self.result = Err(error.with_help("SELECT … FROM <table> <alias>"));
                }
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } | TableFactor::UNNEST { .. } | TableFactor::Function { .. } => {}
            _ => {
                let error = SqlError::new("FROM takes tables, subqueries, functions and joins of them only", self.statement);
                self.result = Err(error.with_help("write PIVOT as CASE expressions, JSON_TABLE as UNNEST"));
            }
        }
        self.go_on()
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Value(ValueWithSpan { value: Value::Placeholder(text), span }) => self.result = Err(placeholder(text, Span::from(*span))),
            Expr::Identifier(name) if name.quote_style.is_none() && NO_COLUMNS.iter().any(|word| name.value.eq_ignore_ascii_case(word)) => {
                let error = SqlError::new(format!("expected an expression, found '{}'", name.value), name.span.into());
                self.result = Err(error.with_help("a column of that name needs double quotes"));
            }
            Expr::Cast { data_type: DataType::Custom(name, modifiers), .. }
            | Expr::TypedString(TypedString { data_type: DataType::Custom(name, modifiers), .. })
                if !modifiers.is_empty() =>
            {
                let error = SqlError::new(format!("there is no type '{}' with arguments", short(&name.to_string())), name.span().into());
                self.result = Err(error.with_help("types are INT, BIGINT, DOUBLE, DECIMAL(10, 2), VARCHAR, TIMESTAMP …"));
            }
            _ => {}
        }
        self.go_on()
    }

    /// For values outside expressions, which have no place.
    fn pre_visit_value(&mut self, value: &Value) -> ControlFlow<()> {
        if let Value::Placeholder(text) = value {
            self.result = Err(placeholder(text, self.statement));
        }
        self.go_on()
    }
}
