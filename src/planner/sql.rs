//! Syntax tree to optimised logical plan.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::{DataFusionError, SchemaError};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Ident, Query, SelectItem, SetExpr, Statement as SqlStatement, TableFactor, Value, VisitMut, VisitorMut,
};
use sql_extensions::StreamStatement;

use super::not_in;
use super::plan_error::{plan_error, schema_error};
use super::unfolding;
use super::within_using::{self, UsingBound};
use crate::error::{Result, Script};

/// Writes `items[1].sku` as DataFusion wants it: a field after a subscript is a text to it.
struct FieldAccess;

impl VisitorMut for FieldAccess {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundFieldAccess { access_chain, .. } = expr {
            // What stands before the first subscript is the name of a column.
            for access in access_chain.iter_mut().skip_while(|access| matches!(access, AccessExpr::Dot(_))) {
                if let AccessExpr::Dot(Expr::Identifier(field)) = access {
                    let text = Value::SingleQuotedString(field.value.clone()).with_span(field.span);
                    *access = AccessExpr::Dot(Expr::Value(text));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Gives the field of a struct its own name as a column: `o.customer.id` becomes `id`, as a column would, and not DataFusion's `o[customer][id]`.
fn name_fields(query: &mut Query) {
    let mut relations = Relations::default();
    let _never_breaks = query.visit(&mut relations);
    let mut naming = FieldNames { relations: relations.names };
    let _never_breaks = query.visit(&mut naming);
}

#[derive(Default)]
struct Relations {
    names: HashSet<String>,
}

impl VisitorMut for Relations {
    type Break = ();

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        let alias = match table {
            TableFactor::Table { name, alias, .. } => {
                self.names.insert(name.to_string());
                alias
            }
            TableFactor::Derived { alias, .. } | TableFactor::TableFunction { alias, .. } | TableFactor::UNNEST { alias, .. } => alias,
            _ => return ControlFlow::Continue(()),
        };
        self.names.extend(alias.as_ref().map(|alias| alias.name.value.clone()));
        ControlFlow::Continue(())
    }
}

struct FieldNames {
    relations: HashSet<String>,
}

impl FieldNames {
    fn name(&self, item: &mut SelectItem) {
        let SelectItem::UnnamedExpr(expr) = item else { return };
        let last = match expr {
            Expr::CompoundIdentifier(parts) if parts.len() > 2 || parts.len() == 2 && !self.relations.contains(&parts[0].value) => parts.last().cloned(),
            Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
                Some(AccessExpr::Dot(Expr::Identifier(field))) => Some(field.clone()),
                _ => None,
            },
            _ => None,
        };
        if let Some(alias) = last {
            let expr = std::mem::replace(expr, Expr::Identifier(alias.clone()));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }

    fn body(&self, body: &mut SetExpr) {
        match body {
            SetExpr::Select(select) => select.projection.iter_mut().for_each(|item| self.name(item)),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            _ => {}
        }
    }
}

impl VisitorMut for FieldNames {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.body(&mut query.body);
        ControlFlow::Continue(())
    }
}

/// Plans a query. Names are matched as spelled; a column or table name that matches nothing but one name in another case is taken as that one.
/// `bounds` are the `WITHIN`s that the syntax tree has no place for.
pub(super) async fn logical_plan(
    state: &SessionState,
    mut query: Query,
    bounds: &[UsingBound],
    script: &Arc<Script>,
    statement: &StreamStatement,
) -> Result<LogicalPlan> {
    name_fields(&mut query);
    let _never_breaks = query.visit(&mut FieldAccess);
    // Each round settles one spelling, so this ends.
    loop {
        let attempt = Statement::Statement(Box::new(SqlStatement::Query(Box::new(query.clone()))));
        let error = match state.statement_to_plan(attempt).await {
            Ok(plan) => {
                let bounded = within_using::apply(state, plan, bounds);
                let optimized = bounded.and_then(|plan| not_in::check(&plan).and_then(|()| unfolding::optimize(state, &plan)));
                return optimized.map_err(|error| plan_error(error, script, statement));
            }
            Err(error) => error,
        };
        match respell(&mut query, &error) {
            Respelled::Changed => {}
            Respelled::Nothing => return Err(plan_error(error, script, statement)),
            Respelled::Ambiguous(name, candidates) => {
                return Err(plan_error(error, script, statement).context(format!("'{name}' matches {} only when case is ignored", candidates.join(" and "))));
            }
        }
    }
}

enum Respelled {
    Changed,
    Nothing,
    Ambiguous(String, Vec<String>),
}

/// Corrects the case of the one name that an error is about.
fn respell(query: &mut Query, error: &DataFusionError) -> Respelled {
    let Some(SchemaError::FieldNotFound { field, valid_fields }) = schema_error(error) else { return Respelled::Nothing };
    let relation = field.relation.as_ref().map(|relation| relation.table().to_owned());
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let mut candidates: Vec<(Option<&str>, &str)> = valid_fields
        .iter()
        .filter(|column| same(&column.name, &field.name))
        .map(|column| (column.relation.as_ref().map(|r| r.table()), column.name.as_str()))
        .filter(|(own, _)| relation.as_deref().is_none_or(|wanted| own.is_some_and(|own| same(own, wanted))))
        .collect();
    candidates.dedup();
    match candidates.as_slice() {
        [] => Respelled::Nothing,
        [(own, name)] => {
            let right = Correction { wrong: (relation.as_deref(), &field.name), right: (*own, name), changed: false };
            right.apply(query)
        }
        several => Respelled::Ambiguous(field.name.clone(), several.iter().map(|(_, name)| (*name).to_owned()).collect()),
    }
}

struct Correction<'a> {
    wrong: (Option<&'a str>, &'a str),
    right: (Option<&'a str>, &'a str),
    changed: bool,
}

impl Correction<'_> {
    fn apply(mut self, query: &mut Query) -> Respelled {
        let _ = query.visit(&mut self);
        if self.changed { Respelled::Changed } else { Respelled::Nothing }
    }

    fn correct(&mut self, ident: &mut Ident, right: &str) {
        if ident.quote_style.is_none() && ident.value != right {
            ident.value = right.to_owned();
            self.changed = true;
        }
    }
}

impl VisitorMut for Correction<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) if self.wrong.0.is_none() && ident.value == self.wrong.1 => self.correct(ident, self.right.1),
            Expr::CompoundIdentifier(parts) => {
                if let [relation, column, ..] = parts.as_mut_slice()
                    && self.wrong.0.is_some_and(|wrong| wrong == relation.value)
                    && column.value == self.wrong.1
                {
                    if let Some(right) = self.right.0 {
                        self.correct(relation, right);
                    }
                    self.correct(column, self.right.1);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
