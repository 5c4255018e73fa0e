//! Columns converted value by value, with the values that do not fit.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::plan::map_fields;
use crate::error::excerpt;
use crate::formats::schema_text::print_type;

/// A value that does not fit.
#[derive(Debug)]
pub(super) struct Misfit {
    /// Its row.
    pub(super) row: usize,
    /// The field and its value.
    pub(super) reason: String,
}

/// `data_type` with every nested field nullable: what a column has before the rows with misfits are gone.
pub(super) fn relaxed(data_type: &DataType) -> DataType {
    let loose = |field: &FieldRef| Arc::new(Field::new(field.name(), relaxed(field.data_type()), true));
    match data_type {
        DataType::List(item) => DataType::List(loose(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(loose).collect()),
        DataType::Map(entries, sorted) => match map_fields(entries) {
            Some((key, value)) => {
                let key = Field::new(key.name(), relaxed(key.data_type()), false);
                let value = Field::new(value.name(), relaxed(value.data_type()), true);
                DataType::Map(Arc::new(Field::new(entries.name(), DataType::Struct(Fields::from(vec![key, value])), false)), *sorted)
            }
            None => data_type.clone(),
        },
        other => other.clone(),
    }
}

/// Converts a column to `to`, which [`super::plan::check`] let pass; `nullable` says whether its values may be NULL. The result has the [`relaxed`] type; a value
/// that does not fit is in `misfits` and whatever stands for it in the result is to be dropped.
pub(super) fn convert(array: &ArrayRef, to: &DataType, nullable: bool, path: &str, misfits: &mut Vec<Misfit>) -> Result<ArrayRef, ArrowError> {
    if !nullable && array.logical_null_count() > 0 {
        let nulls = array.logical_nulls();
        let rows = (0..array.len()).filter(|row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row)));
        misfits.extend(rows.map(|row| Misfit { row, reason: format!("{path}: NULL in a column that is NOT NULL") }));
    }
    match (array.data_type(), to) {
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let mut inner = Vec::new();
            let values = convert(list.values(), item.data_type(), item.is_nullable(), &format!("{path}[]"), &mut inner)?;
            raise(inner, list.offsets(), |row| list.is_valid(row), misfits);
            let DataType::List(item) = relaxed(to) else { return Err(broken(path)) };
            Ok(Arc::new(ListArray::try_new(item, list.offsets().clone(), values, list.nulls().cloned())?))
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let (key, value) = map_fields(entries).ok_or_else(|| broken(path))?;
            let mut inner = Vec::new();
            let keys = convert(map.keys(), key.data_type(), false, &format!("{path}.key"), &mut inner)?;
            let values = convert(map.values(), value.data_type(), value.is_nullable(), &format!("{path}.value"), &mut inner)?;
            raise(inner, map.offsets(), |row| map.is_valid(row), misfits);
            let DataType::Map(entries, _) = relaxed(to) else { return Err(broken(path)) };
            let DataType::Struct(fields) = entries.data_type().clone() else { return Err(broken(path)) };
            // A key that does not fit became NULL, which a key can't be; its row is dropped, so any key will do there.
            let keys = if keys.null_count() > 0 { plain_keys(&keys)? } else { keys };
            let columns = StructArray::try_new(fields, vec![keys, values], None)?;
            Ok(Arc::new(MapArray::try_new(entries, map.offsets().clone(), columns, map.nulls().cloned(), *sorted)?))
        }
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let record = array.as_struct();
            let mut inner = Vec::new();
            let columns = fields
                .iter()
                .map(|field| match record.column_by_name(field.name()) {
                    Some(column) => convert(column, field.data_type(), field.is_nullable(), &format!("{path}.{}", field.name()), &mut inner),
                    None => Ok(new_null_array(&relaxed(field.data_type()), record.len())),
                })
                .collect::<Result<Vec<_>, _>>()?;
            misfits.extend(inner.into_iter().filter(|misfit| record.is_valid(misfit.row)));
            let DataType::Struct(fields) = relaxed(to) else { return Err(broken(path)) };
            Ok(Arc::new(StructArray::try_new_with_length(fields, columns, record.nulls().cloned(), record.len())?))
        }
        (from, to) if from == to => Ok(Arc::clone(array)),
        (DataType::Null, to) => Ok(new_null_array(&relaxed(to), array.len())),
        _ => convert_flat(array, to, path, misfits),
    }
}

/// Converts plain values and back again: what does not come back as it was did not fit.
fn convert_flat(array: &ArrayRef, to: &DataType, path: &str, misfits: &mut Vec<Misfit>) -> Result<ArrayRef, ArrowError> {
    let safe = CastOptions { safe: true, ..CastOptions::default() };
    let to_text = matches!((array.data_type(), to), (DataType::Binary, DataType::Utf8View));
    let converted = match to_text {
        true => cast(&cast_with_options(array, &DataType::Utf8, &safe)?, to)?,
        false => cast_with_options(array, to, &safe)?,
    };
    let same_bytes = to_text || matches!((array.data_type(), to), (DataType::Utf8View, DataType::Binary));
    let strays = match same_bytes {
        true => (0..array.len()).filter(|row| converted.is_null(*row) && array.is_valid(*row)).collect::<Vec<_>>(),
        false => {
            let back = cast_with_options(&converted, array.data_type(), &safe)?;
            let differs = distinct(&back, array)?;
            if differs.true_count() == 0 { Vec::new() } else { (0..array.len()).filter(|row| differs.value(*row)).collect() }
        }
    };
    if strays.is_empty() {
        return Ok(converted);
    }
    let options = FormatOptions::default();
    let shown = ArrayFormatter::try_new(array, &options)?;
    misfits.extend(
        strays.into_iter().map(|row| Misfit { row, reason: format!("{path}: {} does not fit {}", excerpt(&shown.value(row).to_string()), print_type(to)) }),
    );
    Ok(converted)
}

/// Moves misfits of the items of lists or maps to the rows that hold them; items that no row holds are nobody's.
fn raise(inner: Vec<Misfit>, offsets: &[i32], valid: impl Fn(usize) -> bool, misfits: &mut Vec<Misfit>) {
    misfits.extend(inner.into_iter().filter_map(|misfit| {
        let row = offsets.partition_point(|offset| *offset as usize <= misfit.row).checked_sub(1)?;
        (row + 1 < offsets.len() && valid(row)).then_some(Misfit { row, reason: misfit.reason })
    }));
}

/// Keys with something in the place of each NULL.
fn plain_keys(keys: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let data = keys.to_data().into_builder().nulls(None).build()?;
    Ok(arrow::array::make_array(data))
}

fn broken(path: &str) -> ArrowError {
    ArrowError::SchemaError(format!("'{path}' has an unexpected nested type"))
}
