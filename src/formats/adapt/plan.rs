//! Which conversions between two types can be exact.

use arrow::datatypes::{DataType, Field};

use crate::formats::schema_text::print_type;

/// The types of the entries of a map: key and value.
pub(super) fn map_fields(entries: &Field) -> Option<(&Field, &Field)> {
    match entries.data_type() {
        DataType::Struct(fields) => match fields.iter().as_slice() {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

/// Refuses a conversion that would guess at meaning (text as a number, an instant as a local time). What passes is still checked value by value.
pub(super) fn check(from: &DataType, to: &DataType, path: &str) -> Result<(), String> {
    use DataType::{Binary, Date32, List, Map, Null, Struct, Time64, Timestamp, Utf8View};
    match (from, to) {
        (from, to) if from == to => Ok(()),
        (Null, _) => Ok(()),
        (from, to) if from.is_numeric() && to.is_numeric() => Ok(()),
        (Timestamp(_, from), Timestamp(_, to)) if from == to || from.is_none() => Ok(()),
        (Date32, Timestamp(..)) | (Timestamp(..), Date32) | (Time64(_), Time64(_)) | (Binary, Utf8View) | (Utf8View, Binary) => Ok(()),
        (List(from), List(to)) => check(from.data_type(), to.data_type(), &format!("{path}[]")),
        (Struct(from), Struct(to)) => to.iter().try_for_each(|to| match from.find(to.name()) {
            Some((_, from)) => check(from.data_type(), to.data_type(), &format!("{path}.{}", to.name())),
            None if to.is_nullable() => Ok(()),
            None => Err(format!("'{path}' has no field '{}', which is NOT NULL", to.name())),
        }),
        (Map(from, _), Map(to, _)) => match (map_fields(from), map_fields(to)) {
            (Some(from), Some(to)) => {
                check(from.0.data_type(), to.0.data_type(), &format!("{path}.key"))?;
                check(from.1.data_type(), to.1.data_type(), &format!("{path}.value"))
            }
            _ => Err(format!("'{path}' is not a map of keys to values")),
        },
        _ => Err(format!("column '{path}' is {} in the file and {} in the table", print_type(from), print_type(to))),
    }
}
