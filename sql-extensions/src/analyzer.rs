//! Sources, sinks, joins and columns of a statement.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{Expr, JoinOperator, ObjectName, Query, SetExpr, TableFactor, TableWithJoins, Visit, Visitor};

use crate::error::{Span, SqlError};
use crate::statement::StreamStatement;

/// A table that a statement reads and that no CTE defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRef {
    /// Its name, which settings are written with.
    pub name: String,
    /// Its alias where it is first named.
    pub alias: Option<String>,
    /// Where it is first named.
    pub span: Span,
}

/// A sink that a statement writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkRef {
    /// Its name.
    pub name: String,
    /// Where it is named.
    pub span: Span,
}

/// A join of two relations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinInfo {
    /// `INNER`, `LEFT`, `RIGHT`, `FULL`, `CROSS` …
    pub kind: &'static str,
    /// The relation before it, as referred to in expressions.
    pub left: String,
    /// The joined relation, as referred to in expressions.
    pub right: String,
}

/// A column named in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRef {
    /// The relation before the dot.
    pub relation: Option<String>,
    /// The column.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// What a statement needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryAnalysis {
    /// Consumer group that was given to the analyzer.
    pub group: String,
    /// Distinct tables, in the order they are named.
    pub required_sources: Vec<SourceRef>,
    /// Sinks, in the order they are named.
    pub required_sinks: Vec<SinkRef>,
    /// Joins, in text order.
    pub joins: Vec<JoinInfo>,
    /// Distinct columns, in text order.
    pub referenced_columns: Vec<ColumnRef>,
}

/// Finds out what a statement needs, without knowing any schema.
#[derive(Clone, Debug)]
pub struct QueryAnalyzer {
    group: String,
}

impl QueryAnalyzer {
    /// An analyzer; `group` is the consumer group that is noted in the analysis.
    pub fn new(group: String) -> Self {
        Self { group }
    }

    /// Analyses a statement.
    pub fn analyze(&self, statement: &StreamStatement) -> Result<QueryAnalysis, SqlError> {
        let mut found =
            Finder { scopes: Vec::new(), analysis: QueryAnalysis { group: self.group.clone(), ..QueryAnalysis::default() }, columns: HashSet::new() };
        let _ = statement.query.visit(&mut found);
        let mut analysis = found.analysis;
        analysis.required_sinks = statement.into.iter().map(|sink| SinkRef { name: sink.name.clone(), span: sink.span }).collect();
        Ok(analysis)
    }
}

struct Finder {
    /// Names of the CTEs of each query that is being visited.
    scopes: Vec<Vec<String>>,
    analysis: QueryAnalysis,
    columns: HashSet<(Option<String>, String)>,
}

impl Finder {
    fn source(&mut self, name: &ObjectName, alias: Option<String>) {
        let Some(ident) = name.0.last().and_then(|part| part.as_ident()) else { return };
        let is_cte = name.0.len() == 1 && self.scopes.iter().flatten().any(|cte| *cte == ident.value);
        if !is_cte && !self.analysis.required_sources.iter().any(|source| source.name == ident.value) {
            self.analysis.required_sources.push(SourceRef { name: ident.value.clone(), alias, span: ident.span.into() });
        }
    }

    fn item_of_from(&mut self, from: &TableWithJoins) {
        let mut left = self.factor(&from.relation);
        for join in &from.joins {
            let right = self.factor(&join.relation);
            if let (Some(left), Some(right)) = (&left, &right) {
                self.analysis.joins.push(JoinInfo { kind: kind(&join.join_operator), left: left.clone(), right: right.clone() });
            }
            left = right.or(left);
        }
    }

    /// Notes a table; returns the name that expressions use for the relation.
    fn factor(&mut self, factor: &TableFactor) -> Option<String> {
        match factor {
            // A function with arguments is not a source.
            TableFactor::Table { name, alias, args: None, .. } => {
                let alias = alias.as_ref().map(|alias| alias.name.value.clone());
                self.source(name, alias.clone());
                alias.or_else(|| Some(name.0.last()?.as_ident()?.value.clone()))
            }
            TableFactor::Derived { alias, .. } => alias.as_ref().map(|alias| alias.name.value.clone()),
            TableFactor::NestedJoin { table_with_joins, alias } => {
                self.item_of_from(table_with_joins);
                alias.as_ref().map(|alias| alias.name.value.clone())
            }
            _ => None,
        }
    }

    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => select.from.iter().for_each(|from| self.item_of_from(from)),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            _ => {}
        }
    }
}

impl Visitor for Finder {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.as_ref().map(|with| with.cte_tables.iter().map(|cte| cte.alias.name.value.clone()).collect());
        self.scopes.push(ctes.unwrap_or_default());
        // The tables of the CTEs come first in the text.
        if query.with.is_none() {
            self.body(&query.body);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if query.with.is_some() {
            self.body(&query.body);
        }
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let column = match expr {
            Expr::Identifier(name) => Some((None, name)),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [relation, name, ..] => Some((Some(relation.value.clone()), name)),
                _ => None,
            },
            _ => None,
        };
        if let Some((relation, name)) = column
            && self.columns.insert((relation.clone(), name.value.clone()))
        {
            self.analysis.referenced_columns.push(ColumnRef { relation, name: name.value.clone(), span: name.span.into() });
        }
        ControlFlow::Continue(())
    }
}

fn kind(operator: &JoinOperator) -> &'static str {
    match operator {
        JoinOperator::Join(_) | JoinOperator::Inner(_) => "INNER",
        JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => "LEFT",
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => "RIGHT",
        JoinOperator::FullOuter(_) => "FULL",
        JoinOperator::CrossJoin(_) => "CROSS",
        JoinOperator::LeftSemi(_) | JoinOperator::Semi(_) => "LEFT SEMI",
        JoinOperator::LeftAnti(_) | JoinOperator::Anti(_) => "LEFT ANTI",
        _ => "OTHER",
    }
}
