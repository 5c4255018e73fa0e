//! How large a query gets when it is planned: each name of a CTE is replaced by its query, and each subquery of an expression is looked at twice on every level that it is nested.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{Cte, Expr, Query, SetExpr, Spanned, TableFactor, Visit, Visitor};

use crate::error::{Span, SqlError};

/// Most tables that a query reads, each as often as its CTEs repeat it.
const MOST_TABLES: u64 = 256;
/// Deepest nesting of subqueries in expressions.
const DEEPEST_SUBQUERY: u64 = 12;
/// Most steps from a query to a table: CTEs that read CTEs, and subqueries in FROM.
const MOST_LEVELS: u64 = 256;
/// Most looks at a table, which double with each level of subqueries.
const MOST_LOOKS: u64 = 1 << 14;

/// The size of a query, or of a part of it.
#[derive(Clone, Copy, Default)]
struct Size {
    tables: u64,
    looks: u64,
    levels: u64,
    nested: u64,
}

impl Size {
    const TABLE: Self = Self { tables: 1, looks: 1, levels: 1, nested: 0 };

    fn add(&mut self, other: Self) {
        self.tables = self.tables.saturating_add(other.tables);
        self.looks = self.looks.saturating_add(other.looks);
        self.levels = self.levels.max(other.levels);
        self.nested = self.nested.max(other.nested);
    }

    /// As a subquery of an expression.
    fn in_expression(self, comparison: Comparison) -> Self {
        // `> ALL (…)` becomes three EXISTS.
        let copies = if comparison == Comparison::Quantified { 3 } else { 1 };
        Self { tables: self.tables.max(1).saturating_mul(copies), looks: self.looks.max(1).saturating_mul(2 * copies), nested: self.nested + copies, ..self }
    }

    fn excess(self) -> Option<(String, &'static str)> {
        const SPLIT: &str = "split the statement: CREATE STREAM a part of it, and read that";
        const JOIN: &str = "write some of them as joins; ANY and ALL count as three levels";
        if self.nested > DEEPEST_SUBQUERY {
            return Some((format!("subqueries nested more than {DEEPEST_SUBQUERY} levels deep"), JOIN));
        }
        if self.tables > MOST_TABLES {
            return Some((format!("more than {MOST_TABLES} tables are read, counting each as often as a CTE is named"), SPLIT));
        }
        if self.levels > MOST_LEVELS {
            return Some((format!("queries that read each other more than {MOST_LEVELS} levels deep"), SPLIT));
        }
        (self.looks > MOST_LOOKS).then(|| ("subqueries nested too deep for the number of tables in them".to_owned(), JOIN))
    }
}

/// How an expression uses its subquery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Plain,
    Quantified,
}

/// What is being visited, innermost last.
enum Open {
    Query {
        size: Size,
        /// The CTEs whose queries have been visited.
        known: Vec<(String, Size)>,
        /// The CTEs to come, by where their queries are in memory.
        coming: Vec<(*const Query, String)>,
    },
    Expression(Comparison),
}

/// Refuses a query that would get too large.
pub(crate) fn check(query: &Query) -> Result<(), SqlError> {
    let mut unfold = Unfold { open: Vec::new(), result: Ok(()) };
    let _ = query.visit(&mut unfold);
    unfold.result
}

struct Unfold {
    open: Vec<Open>,
    /// Not the break value of the visit, as in `shape`.
    result: Result<(), SqlError>,
}

impl Unfold {
    fn known(&self, name: &str) -> Option<Size> {
        self.open.iter().rev().find_map(|open| match open {
            Open::Query { known, .. } => known.iter().rev().find(|(cte, _)| cte == name).map(|(_, size)| *size),
            Open::Expression(_) => None,
        })
    }

    /// Adds to the innermost query.
    fn add(&mut self, size: Size, span: Span) -> ControlFlow<()> {
        let innermost = self.open.iter_mut().rev().find_map(|open| match open {
            Open::Query { size, .. } => Some(size),
            Open::Expression(_) => None,
        });
        if let Some(innermost) = innermost {
            innermost.add(size);
            if let Some((message, help)) = innermost.excess() {
                self.result = Err(SqlError::new(message, span).with_help(help));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

fn comparison(expr: &Expr) -> Option<Comparison> {
    match expr {
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => Some(Comparison::Plain),
        // Their subquery is an expression of its own.
        Expr::AnyOp { .. } | Expr::AllOp { .. } => Some(Comparison::Quantified),
        _ => None,
    }
}

/// Where the first SELECT of a query stands.
fn start(query: &Query) -> Span {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(inner) => body = &inner.body,
            SetExpr::Select(select) => return select.select_token.0.span.into(),
            other => return other.span().into(),
        }
    }
}

impl Visitor for Unfold {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes: &[Cte] = query.with.as_ref().map_or(&[], |with| &with.cte_tables);
        let coming = ctes.iter().map(|cte| (std::ptr::from_ref(cte.query.as_ref()), cte.alias.name.value.clone())).collect();
        self.open.push(Open::Query { size: Size::default(), known: Vec::new(), coming });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let Some(Open::Query { size, .. }) = self.open.pop() else { return ControlFlow::Continue(()) };
        let size = Size { levels: size.levels + 1, ..size };
        match self.open.last_mut() {
            Some(Open::Expression(comparison)) => {
                let size = size.in_expression(*comparison);
                self.add(size, start(query))
            }
            Some(Open::Query { known, coming, .. }) => match coming.iter().find(|(at, _)| std::ptr::eq(*at, query)) {
                Some((_, name)) => {
                    known.push((name.clone(), size));
                    ControlFlow::Continue(())
                }
                None => self.add(size, start(query)),
            },
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, .. } => {
                let cte = match name.0.as_slice() {
                    [part] => part.as_ident().and_then(|ident| self.known(&ident.value)),
                    _ => None,
                };
                self.add(cte.unwrap_or(Size::TABLE), name.span().into())
            }
            // Their tables are met by themselves.
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Some(comparison) = comparison(expr) {
            // The subquery of `> ALL (…)` is a plain one within; it keeps the copies.
            let within = matches!(self.open.last(), Some(Open::Expression(Comparison::Quantified))) && matches!(expr, Expr::Subquery(_));
            self.open.push(Open::Expression(if within { Comparison::Quantified } else { comparison }));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if comparison(expr).is_some() {
            self.open.pop();
        }
        ControlFlow::Continue(())
    }
}
