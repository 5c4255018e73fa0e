//! Syntax tree to optimised logical plan.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Query, SelectItem, SetExpr, Statement as SqlStatement, TableFactor, Value, VisitMut, VisitorMut};
use sql_extensions::visit_selects;

use super::exact::Exponents;
use super::not_in;
use super::unfolding;
use super::within_using::{self, UsingBound};

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

/// Gives the columns of a recursive CTE the names of its list: DataFusion plans the branch that reads the CTE before it has looked at the list.
fn name_recursive(query: &mut Query) {
    struct Recursive;
    impl VisitorMut for Recursive {
        type Break = ();

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
            let ctes = query.with.iter_mut().filter(|with| with.recursive).flat_map(|with| &mut with.cte_tables);
            for cte in ctes {
                let SetExpr::SetOperation { left, .. } = cte.query.body.as_mut() else { continue };
                let SetExpr::Select(first) = left.as_mut() else { continue };
                if first.projection.len() != cte.alias.columns.len() {
                    continue;
                }
                for (item, column) in first.projection.iter_mut().zip(&cte.alias.columns) {
                    let alias = column.name.clone();
                    if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                        let expr = std::mem::replace(expr, Expr::Identifier(alias.clone()));
                        *item = SelectItem::ExprWithAlias { expr, alias };
                    }
                }
            }
            ControlFlow::Continue(())
        }
    }
    let _never_breaks = query.visit(&mut Recursive);
}

/// Gives the field of a struct its own name as a column: `o.customer.id` becomes `id`, as a column would, and not DataFusion's `o[customer][id]`.
fn name_fields(query: &mut Query) {
    let mut relations = Relations::default();
    let _never_breaks = query.visit(&mut relations);
    visit_selects(query, &mut |_, select| select.projection.iter_mut().for_each(|item| name_field(item, &relations.names)));
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

fn name_field(item: &mut SelectItem, relations: &HashSet<String>) {
    let SelectItem::UnnamedExpr(expr) = item else { return };
    let last = match expr {
        Expr::CompoundIdentifier(parts) if parts.len() > 2 || parts.len() == 2 && !relations.contains(&parts[0].value) => parts.last().cloned(),
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

/// Plans a query and optimises it. `bounds` are the `WITHIN`s that the syntax tree has no place for.
pub(super) async fn logical_plan(state: &SessionState, mut query: Query, bounds: &[UsingBound]) -> Result<LogicalPlan> {
    name_recursive(&mut query);
    name_fields(&mut query);
    let _never_breaks = query.visit(&mut FieldAccess);
    let _never_breaks = query.visit(&mut Exponents);
    let plan = state.statement_to_plan(Statement::Statement(Box::new(SqlStatement::Query(Box::new(query))))).await?;
    let bounded = within_using::apply(state, plan, bounds)?;
    not_in::check(&bounded)?;
    unfolding::optimize(state, &bounded)
}
