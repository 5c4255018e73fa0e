//! Sources, sinks, joins and columns of a statement.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Cte, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, SetExpr, Spanned, TableFactor, TableWithJoins, Visit, Visitor,
};

use crate::error::{Location, Span, SqlError};
use crate::stack::with_room;
use crate::statement::StreamStatement;
use crate::within_place::constraint;

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
    /// Joins, in text order; tables separated by commas are not among them.
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
        let mut found = Finder { analysis: QueryAnalysis { group: self.group.clone(), ..QueryAnalysis::default() }, ..Finder::default() };
        let _ = with_room(|| statement.query.visit(&mut found));
        let mut analysis = found.analysis;
        // The order of a visit is not that of the text: the tables of a FROM are met before those of a subquery in its SELECT list.
        found.sources.sort_by_key(|source| source.span.start);
        for source in found.sources {
            if !analysis.required_sources.iter().any(|known| known.name == source.name) {
                analysis.required_sources.push(source);
            }
        }
        found.joins.sort_by_key(|(place, _)| *place);
        analysis.referenced_columns.sort_by_key(|column| column.span.start);
        analysis.joins = found.joins.into_iter().map(|(_, join)| join).collect();
        analysis.required_sinks = statement.into.iter().map(|sink| SinkRef { name: sink.name.clone(), span: sink.span }).collect();
        Ok(analysis)
    }
}

/// Stands for a subquery or function without an alias, which expressions can't refer to.
const UNNAMED: &str = "(unnamed)";

#[derive(Default)]
struct Finder {
    /// The queries that are being visited, innermost last.
    scopes: Vec<Scope>,
    /// Every mention of a table.
    sources: Vec<SourceRef>,
    joins: Vec<(Location, JoinInfo)>,
    analysis: QueryAnalysis,
    columns: HashSet<(Option<String>, String)>,
}

/// The CTEs of a query: their names, and the place from which on each is known. That is behind its own query, so in `WITH t AS (SELECT … FROM t)` the `t` in brackets is a source;
/// a recursive one knows itself.
type Scope = Vec<(String, Location)>;

fn scope(query: &Query) -> Scope {
    let Some(with) = &query.with else { return Scope::new() };
    let known_from = |cte: &Cte| Span::from(if with.recursive { cte.alias.name.span } else { cte.closing_paren_token.0.span }).start;
    with.cte_tables.iter().map(|cte| (cte.alias.name.value.clone(), known_from(cte))).collect()
}

impl Finder {
    fn source(&mut self, name: &ObjectName, alias: Option<String>) {
        let Some(ident) = name.0.last().and_then(|part| part.as_ident()) else { return };
        let span = Span::from(ident.span);
        let is_cte = name.0.len() == 1 && self.scopes.iter().flatten().any(|(cte, known_from)| *cte == ident.value && *known_from <= span.start);
        if !is_cte {
            self.sources.push(SourceRef { name: ident.value.clone(), alias, span });
        }
    }

    /// Notes the relations and joins of a FROM item; returns the name of its last relation.
    fn item_of_from(&mut self, from: &TableWithJoins) -> String {
        let mut left = self.factor(&from.relation);
        for join in &from.joins {
            let right = self.factor(&join.relation);
            for column in using_columns(&join.join_operator) {
                self.column(None, &column);
            }
            let place = Span::from(join.relation.span()).start;
            self.joins.push((place, JoinInfo { kind: kind(&join.join_operator), left, right: right.clone() }));
            left = right;
        }
        left
    }

    /// Notes a table; returns the name that expressions use for the relation.
    fn factor(&mut self, factor: &TableFactor) -> String {
        let (alias, name) = match factor {
            TableFactor::Table { name, alias, args, .. } => {
                // A function with arguments is not a source.
                if args.is_none() {
                    self.source(name, alias.as_ref().map(|alias| alias.name.value.clone()));
                }
                (alias, name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()))
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let last = self.item_of_from(table_with_joins);
                (alias, Some(last))
            }
            TableFactor::Derived { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::TableFunction { alias, .. } => (alias, None),
            _ => (&None, None),
        };
        alias.as_ref().map(|alias| alias.name.value.clone()).or(name).unwrap_or_else(|| UNNAMED.to_owned())
    }

    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => {
                for from in &select.from {
                    self.item_of_from(from);
                }
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            // A bracketed query is visited as a query.
            _ => {}
        }
    }

    fn column(&mut self, relation: Option<&Ident>, name: &Ident) {
        let relation = relation.map(|relation| relation.value.clone());
        if self.columns.insert((relation.clone(), name.value.clone())) {
            self.analysis.referenced_columns.push(ColumnRef { relation, name: name.value.clone(), span: name.span.into() });
        }
    }
}

impl Visitor for Finder {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.scopes.push(scope(query));
        self.body(&query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.column(None, name),
            Expr::CompoundIdentifier(parts) => {
                if let [relation, name, ..] = parts.as_slice() {
                    self.column(Some(relation), name);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The columns of `USING (…)`.
fn using_columns(operator: &JoinOperator) -> Vec<Ident> {
    match constraint(&mut operator.clone()) {
        Some(JoinConstraint::Using(columns)) => columns.iter().filter_map(|column| column.0.last()?.as_ident().cloned()).collect(),
        _ => Vec::new(),
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
        JoinOperator::RightSemi(_) => "RIGHT SEMI",
        JoinOperator::RightAnti(_) => "RIGHT ANTI",
        JoinOperator::LeftAnti(_) | JoinOperator::Anti(_) => "LEFT ANTI",
        _ => "OTHER",
    }
}
