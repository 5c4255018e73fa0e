//! What becomes of operands that must have one type, where DataFusion's choice of that type would lose something.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::{doubles, instants, quoted};

/// What operands of one type are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage<'a> {
    /// They are equal or not.
    Equality,
    /// They are in order or not; what says so in SQL.
    Order(&'a str),
    /// One of them is the result of a CASE or the row of a UNION.
    Branch,
    /// Arguments of a function that gives one of them.
    Argument,
    /// They are added, multiplied, divided.
    Arithmetic,
    /// One is subtracted from the other.
    Difference,
}

/// An operand as far as its type goes.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub data_type: DataType,
    /// Its value, if it is a literal.
    pub literal: Option<ScalarValue>,
}

/// What becomes of an operand.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Keep,
    Cast(DataType),
    Literal(ScalarValue),
}

/// The changes that let DataFusion's own coercion do the rest.
pub(super) fn changes(operands: &[Operand], usage: Usage<'_>) -> Result<Vec<Change>> {
    let mut changes = vec![Change::Keep; operands.len()];
    quoted::change(operands, usage, &mut changes)?;
    doubles::change(operands, &mut changes);
    instants::change(operands, usage, &mut changes);
    Ok(changes)
}
