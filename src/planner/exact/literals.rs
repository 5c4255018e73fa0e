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

use super::{division, instants, operands, rounding, union};

/// The rule; stands before the coercion of types.
#[derive(Debug)]
pub(in crate::planner) struct ExactLiterals;

impl AnalyzerRule for ExactLiterals {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(node).data()
    }

    fn name(&self) -> &str {
        "exact_literals"
    }
}

fn node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        Ok(expression(expr, &schema)?.update_data(|expr| name.restore(expr)))
    })?
    .map_data(|plan| match plan {
        LogicalPlan::Join(join) => keys(join),
        LogicalPlan::Union(rows) => union::unify(rows),
        other => Ok(other),
    })?
    // The types of columns may have changed below.
    .map_data(LogicalPlan::recompute_schema)
}

/// One expression over columns of `schema`.
pub(in crate::planner) fn expression(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|node| {
        division::division(node, schema)
            .transform_data(|node| Ok(rounding::places(node)))?
            .transform_data(|node| Ok(instants::seconds(node, schema)))?
            .transform_data(|node| operands::unify(node, schema))
    })
}

fn keys(join: Join) -> Result<LogicalPlan> {
    let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let on = join.on.into_iter().map(|(first, second)| operands::unify_key(first, &left, second, &right)).collect::<Result<_>>()?;
    Ok(LogicalPlan::Join(Join { on, ..join }))
}
