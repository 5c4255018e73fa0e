//! Sums, differences and products that don't fit their type are errors of their row; DataFusion lets them wrap around.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Literal, NegativeExpr};

/// The expression over columns of `schema`, with checked arithmetic.
pub(in crate::planner) fn checked(expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    expression
        .transform_up(|node| {
            if let Some(binary) = node.as_any().downcast_ref::<BinaryExpr>()
                && matches!(binary.op(), Operator::Plus | Operator::Minus | Operator::Multiply)
            {
                let binary = BinaryExpr::new(Arc::clone(binary.left()), *binary.op(), Arc::clone(binary.right()));
                return Ok(Transformed::yes(Arc::new(binary.with_fail_on_overflow(true)) as _));
            }
            if let Some(negative) = node.as_any().downcast_ref::<NegativeExpr>() {
                let data_type = negative.arg().data_type(schema)?;
                if data_type.is_integer() {
                    let zero = Arc::new(Literal::new(ScalarValue::new_zero(&data_type)?));
                    let difference = BinaryExpr::new(zero, Operator::Minus, Arc::clone(negative.arg())).with_fail_on_overflow(true);
                    return Ok(Transformed::yes(Arc::new(difference) as _));
                }
            }
            Ok(Transformed::no(node))
        })
        .data()
}
