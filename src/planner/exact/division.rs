//! In a division a literal with a point is a DOUBLE unless a DECIMAL column takes part: a DECIMAL quotient has only four digits more than the number that is divided, so `n / 3.0` would
//! be cut.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

use super::doubles;

/// Makes literals of a division DOUBLEs.
pub(super) fn division(node: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Divide | Operator::Modulo), right }) = node else { return Transformed::no(node) };
    let exact = |expression: &Expr| reads_decimal(expression, schema);
    let has_literal = doubles::literal(&left).is_some() || doubles::literal(&right).is_some();
    if !has_literal || exact(&left) || exact(&right) {
        return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }));
    }
    let as_double = |expression: Box<Expr>| match doubles::literal(&expression) {
        Some(value) => Box::new(Expr::Literal(ScalarValue::Float64(Some(value)), None)),
        None => expression,
    };
    Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: as_double(left), op, right: as_double(right) }))
}

/// Whether a DECIMAL column (or a cast to DECIMAL) takes part.
fn reads_decimal(expression: &Expr, schema: &DFSchema) -> bool {
    let mut found = false;
    let _never_fails = expression.apply(|node| {
        let is_decimal = |expression: &Expr| expression.get_type(schema).is_ok_and(|data_type| data_type.is_decimal());
        found |=
            matches!(node, Expr::Column(_) | Expr::Cast(_) | Expr::TryCast(_) | Expr::ScalarSubquery(_) | Expr::OuterReferenceColumn(..)) && is_decimal(node);
        Ok(TreeNodeRecursion::Continue)
    });
    found
}
