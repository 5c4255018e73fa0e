//! A literal with a point is read as a DECIMAL, so that `d = 9999999999999999.99` compares what was written. In a division it is a DOUBLE unless a DECIMAL column takes part: a
//! DECIMAL quotient has only four digits more than the number that is divided, so `n / 3.0` would be cut.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

/// The rule; stands before the coercion of types.
#[derive(Debug)]
pub(in crate::planner) struct ExactLiterals;

impl AnalyzerRule for ExactLiterals {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let schema = merge_schema(&plan.inputs());
            plan.map_expressions(|expression| expression.transform_up(|node| Ok(division(node, &schema))))
        })
        .data()
    }

    fn name(&self) -> &str {
        "exact_literals"
    }
}

fn division(node: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Divide | Operator::Modulo), right }) = node else { return Transformed::no(node) };
    let exact = |expression: &Expr| reads_decimal(expression, schema);
    let has_literal = decimal_literal(&left).is_some() || decimal_literal(&right).is_some();
    if !has_literal || exact(&left) || exact(&right) {
        return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }));
    }
    let as_double = |expression: Box<Expr>| match decimal_literal(&expression) {
        Some(value) => Box::new(Expr::Literal(ScalarValue::Float64(Some(value)), None)),
        None => expression,
    };
    Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: as_double(left), op, right: as_double(right) }))
}

/// The nearest DOUBLE of a DECIMAL literal.
fn decimal_literal(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Literal(value @ (ScalarValue::Decimal128(..) | ScalarValue::Decimal256(..)), _) => {
            value.to_string().split(',').next()?.parse().ok().or_else(|| {
                let ScalarValue::Float64(double) = value.cast_to(&arrow::datatypes::DataType::Float64).ok()? else { return None };
                double
            })
        }
        Expr::Negative(inner) => decimal_literal(inner).map(|value| -value),
        _ => None,
    }
}

/// Whether a DECIMAL column (or a cast to DECIMAL) takes part.
fn reads_decimal(expression: &Expr, schema: &DFSchema) -> bool {
    let mut found = false;
    let _never_fails = expression.apply(|node| {
        let is_decimal = |expression: &Expr| expression.get_type(schema).is_ok_and(|data_type| data_type.is_decimal());
        found |=
            matches!(node, Expr::Column(_) | Expr::Cast(_) | Expr::TryCast(_) | Expr::ScalarSubquery(_) | Expr::OuterReferenceColumn(..)) && is_decimal(node);
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    found
}
