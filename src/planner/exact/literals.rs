//! A literal with a point is read as a DECIMAL, so that `d = 9999999999999999.99` compares what was written. This rule stands before DataFusion's coercion of types and settles what
//! that one would settle with a loss.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::outer::{Outer, refresh};
use super::{division, instants, operands, rounding, union};

/// The rule; stands before the coercion of types.
#[derive(Debug)]
pub(in crate::planner) struct ExactLiterals;

impl AnalyzerRule for ExactLiterals {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up(|plan| node(plan, None)).data()
    }

    fn name(&self) -> &str {
        "exact_literals"
    }
}

/// Comes from the inputs up, so that a subquery is looked at when the types of the columns around it are settled.
fn node(plan: LogicalPlan, outer: Option<&Outer<'_>>) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&plan.inputs());
    let own = Outer { schema: &schema, around: outer };
    let names = NamePreserver::new(&plan);
    plan.map_subqueries(|subquery| subquery.transform_up(|plan| node(plan, Some(&own))))?
        .transform_data(|plan| {
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(within(expr, &schema, outer)?.update_data(|expr| name.restore(expr)))
            })
        })?
        .map_data(|plan| match plan {
            LogicalPlan::Join(join) => keys(lateral(join, outer)?),
            LogicalPlan::Union(rows) => union::unify(rows),
            LogicalPlan::Subquery(mut subquery) => {
                subquery.outer_ref_columns = subquery.outer_ref_columns.into_iter().map(|column| refresh(column, outer).data).collect();
                Ok(LogicalPlan::Subquery(subquery))
            }
            other => Ok(other),
        })?
        // The types of columns may have changed below.
        .map_data(LogicalPlan::recompute_schema)
}

/// One expression over columns of `schema`.
pub(in crate::planner) fn expression(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    within(expr, schema, None).data()
}

fn within(expr: Expr, schema: &DFSchema, outer: Option<&Outer<'_>>) -> Result<Transformed<Expr>> {
    expr.transform_up(|node| {
        refresh(node, outer)
            .transform_data(|node| Ok(division::division(node, schema)))?
            .transform_data(|node| Ok(rounding::places(node)))?
            .transform_data(|node| Ok(instants::seconds(node, schema)))?
            .transform_data(|node| operands::unify(node, schema))
    })
}

/// A LATERAL subquery is an input that names columns of the other one, whose types are settled by now.
fn lateral(mut join: Join, outer: Option<&Outer<'_>>) -> Result<Join> {
    if matches!(join.right.as_ref(), LogicalPlan::Subquery(_)) {
        let left = Arc::clone(join.left.schema());
        let own = Outer { schema: &left, around: outer };
        join.right = Arc::new(Arc::unwrap_or_clone(join.right).transform_up(|plan| node(plan, Some(&own))).data()?);
    }
    Ok(join)
}

fn keys(join: Join) -> Result<LogicalPlan> {
    let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let on = join.on.into_iter().map(|(first, second)| operands::unify_key(first, &left, second, &right)).collect::<Result<_>>()?;
    Ok(LogicalPlan::Join(Join { on, ..join }))
}
