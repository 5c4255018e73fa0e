//! Literals with an exponent are written out: `1.5e3` becomes `1500.`, which DataFusion plans as a DECIMAL without places, not as one whose places are before its point. What fits no
//! DECIMAL is a DOUBLE.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, Value, VisitorMut};

use super::number_text::{Exact, Number, parse};

/// Visits the literals of a query.
pub(in crate::planner) struct Exponents;

impl VisitorMut for Exponents {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Value(literal) = expr else { return ControlFlow::Continue(()) };
        let Value::Number(text, _) = &literal.value else { return ControlFlow::Continue(()) };
        if !text.contains(['e', 'E']) {
            return ControlFlow::Continue(());
        }
        match parse(text) {
            Some(Number::Exact(number)) => literal.value = Value::Number(plain(number), false),
            Some(Number::Double(number)) if number.is_finite() => {
                let text = Value::SingleQuotedString(text.clone()).with_span(literal.span);
                *expr = Expr::Cast {
                    kind: CastKind::Cast,
                    expr: Box::new(Expr::Value(text)),
                    data_type: DataType::Double(ExactNumberInfo::None),
                    array: false,
                    format: None,
                };
            }
            // DataFusion says what is wrong with it.
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The digits with a point, which tells a DECIMAL from a whole number.
fn plain(number: Exact) -> String {
    let scale = usize::from(number.scale);
    let digits = format!("{:0>width$}", number.unscaled, width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_point_stands_where_the_exponent_put_it() {
        for (unscaled, scale, text) in [(10, 0, "10."), (15, 4, "0.0015"), (0, 0, "0."), (123, 1, "12.3")] {
            assert_eq!(plain(Exact { unscaled, precision: 38, scale }), text);
        }
    }
}
