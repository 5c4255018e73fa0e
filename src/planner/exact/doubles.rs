//! Beside a DOUBLE or REAL all is DOUBLE. DataFusion would compare both as DECIMAL(30,15), which has no place for 1e-16, 1e15 or NaN.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

use super::common_type::{Change, Operand};

/// DECIMALs beside a DOUBLE become DOUBLEs.
pub(super) fn change(operands: &[Operand], changes: &mut [Change]) {
    if !operands.iter().any(|operand| operand.data_type.is_floating()) {
        return;
    }
    for (operand, change) in operands.iter().zip(changes) {
        if !operand.data_type.is_decimal() {
            continue;
        }
        *change = match operand.literal.as_ref().and_then(nearest) {
            Some(value) => Change::Literal(ScalarValue::Float64(Some(value))),
            None => Change::Cast(DataType::Float64),
        };
    }
}

/// The nearest DOUBLE of a DECIMAL literal.
pub(super) fn literal(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Literal(value, _) if value.data_type().is_decimal() => nearest(value),
        Expr::Negative(inner) => literal(inner).map(|value| -value),
        _ => None,
    }
}

fn nearest(value: &ScalarValue) -> Option<f64> {
    // A conversion of Arrow's would round twice.
    let array = value.to_array().ok()?;
    let text = arrow::util::display::array_value_to_string(&array, 0).ok()?;
    text.parse().ok()
}
