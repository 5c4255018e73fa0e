//! The places of `round(d, 2)` as DataFusion counts them. It would cast the literal first and so lose sight of it: the planned type of the result had other places than the result.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

/// Gives `round` a literal that needs no cast, or the value of a constant expression.
pub(super) fn places(node: Expr) -> Transformed<Expr> {
    let Expr::ScalarFunction(mut call) = node else { return Transformed::no(node) };
    let constant = match call.args.as_slice() {
        [_, places] if call.name() == "round" => match places {
            Expr::Literal(..) => Some(places.clone()),
            other if other.column_refs().is_empty() && !other.is_volatile() => ExprSimplifier::new(SimplifyContext::default()).simplify(other.clone()).ok(),
            _ => None,
        },
        _ => None,
    };
    if let Some(Expr::Literal(ScalarValue::Int64(Some(value)), metadata)) = constant
        && let Ok(value) = i32::try_from(value)
    {
        call.args[1] = Expr::Literal(ScalarValue::Int32(Some(value)), metadata);
        return Transformed::yes(Expr::ScalarFunction(call));
    }
    Transformed::no(Expr::ScalarFunction(call))
}
