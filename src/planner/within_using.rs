//! `WITHIN` after `USING`: there is no place for a condition in the syntax tree, and an `ON` in its stead would change what the columns are called. So the joined table is given a
//! name of its own below its alias, by which its join is found in the logical plan; the bound becomes the condition of that join.

use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{Expr, ExprWithAlias, Ident, ObjectName, TableAlias, TableFactor};

/// A bound that waits for its join.
#[derive(Debug)]
pub(super) struct UsingBound {
    /// The name under which the joined table must be registered once more.
    pub name: String,
    /// The table.
    pub table: String,
    /// What must hold for its pairs.
    pub condition: Expr,
}

/// Gives the table that a join adds the name of the statement's bound number `number`; `None` if it is no table.
pub(super) fn rename(factor: &mut TableFactor, number: usize) -> Option<(String, String)> {
    let TableFactor::Table { name, alias, .. } = factor else { return None };
    let table = name.0.last()?.as_ident()?.clone();
    let own = format!("_within_{number}");
    *name = ObjectName::from(vec![Ident::with_quote('"', &own)]);
    alias.get_or_insert_with(|| TableAlias { explicit: true, name: table.clone(), columns: Vec::new() });
    Some((own, table.value))
}

/// Adds the bounds to their joins in a plan that is not optimised yet.
pub(super) fn apply(state: &SessionState, plan: LogicalPlan, bounds: &[UsingBound]) -> Result<LogicalPlan> {
    if bounds.is_empty() {
        return Ok(plan);
    }
    plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Join(mut join) = node else { return Ok(Transformed::no(node)) };
        let Some(bound) = scanned(&join.right).and_then(|name| bounds.iter().find(|bound| bound.name == name)) else {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        };
        let both = join.left.schema().join(join.right.schema())?;
        let condition = ExprWithAlias { expr: bound.condition.clone(), alias: None };
        let condition = state.create_logical_expr_from_sql_expr(condition, &both)?;
        join.filter = Some(match join.filter.take() {
            Some(own) => own.and(condition),
            None => condition,
        });
        Ok(Transformed::yes(LogicalPlan::Join(join)))
    })
    .data()
}

/// The table that a plan reads, if it does nothing but rename it.
fn scanned(plan: &LogicalPlan) -> Option<&str> {
    match plan {
        LogicalPlan::TableScan(scan) => Some(scan.table_name.table()),
        LogicalPlan::SubqueryAlias(alias) => scanned(&alias.input),
        LogicalPlan::Projection(projection) => scanned(&projection.input),
        _ => None,
    }
}
