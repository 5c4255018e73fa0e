//! A quoted number beside a number is that number: DataFusion would compare both as texts, and `'10'` is less than `'9'`.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};

use super::common_type::{Change, Operand, Usage};
use super::number_text::{Exact, Number, parse};
use crate::error::{Error, excerpt};
use crate::formats::schema_text::print_type;

/// Quoted numbers that are compared with numbers become numbers. Columns of texts can be equal to numbers, as keys are, but can't be in one order with them.
pub(super) fn change(operands: &[Operand], usage: Usage<'_>, changes: &mut [Change]) -> Result<()> {
    if !matches!(usage, Usage::Equality | Usage::Order(_)) {
        return Ok(());
    }
    let Some(number) = operands.iter().map(|operand| &operand.data_type).find(|data_type| data_type.is_numeric()) else { return Ok(()) };
    let is_text = |operand: &Operand| operand.data_type.is_string();
    if let Some(text) = operands.iter().find(|operand| is_text(operand) && operand.literal.is_none()) {
        let Usage::Order(comparison) = usage else { return Ok(()) };
        let (text, number) = (print_type(&text.data_type), with_article(number));
        return refuse(&format!("a {text} and {number} are compared by {comparison}"), "CAST one side");
    }
    let double = operands.iter().any(|operand| operand.data_type.is_floating());
    for (operand, change) in operands.iter().zip(changes) {
        let Some(Some(text)) = operand.literal.as_ref().and_then(ScalarValue::try_as_str) else { continue };
        let value =
            if double { text.trim().parse().ok().map(|value| ScalarValue::Float64(Some(value))) } else { parse(text).map(|value| literal(value, number)) };
        let Some(value) = value else {
            return refuse(&format!("'{}' is compared with {}, but is no number", excerpt(text), with_article(number)), "write a number, or CAST one side");
        };
        *change = Change::Literal(value);
    }
    Ok(())
}

/// A literal of the type that it is compared with if that holds it.
fn literal(value: Number, beside: &DataType) -> ScalarValue {
    let Exact { unscaled, precision, scale } = match value {
        Number::Exact(exact) => exact,
        Number::Double(value) => return ScalarValue::Float64(Some(value)),
    };
    // A scale of at most 38 fits.
    let decimal = ScalarValue::Decimal128(Some(unscaled), precision, i8::try_from(scale).unwrap_or(i8::MAX));
    if scale > 0 || !beside.is_integer() {
        return decimal;
    }
    decimal.cast_to(beside).ok().filter(|whole| !whole.is_null()).unwrap_or(decimal)
}

fn with_article(data_type: &DataType) -> String {
    let name = print_type(data_type);
    let article = if name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    format!("{article} {name}")
}

fn refuse(what: &str, help: &str) -> Result<()> {
    Err(DataFusionError::External(Box::new(Error::sql(what).with_help(help))))
}
