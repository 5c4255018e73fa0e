//! The types of foreign files as the few types the engine works with. Every value is kept: conversions that could lose one are not made here.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::error::{Error, ErrorKind, Fault, Result};

/// The time zone of instants.
pub(in crate::formats) const UTC: &str = "UTC";

/// The type the engine works with for a type found in a file: one type for text, for bytes, for lists and for instants. A timestamp keeps its unit; whatever zone it
/// is displayed in, it is the same instant in UTC. Types without a simpler relative are returned as they are.
pub fn normal_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => DataType::Decimal128(*precision, *scale),
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some(UTC.into())),
        // Milliseconds that need not be whole days: as days the rest would be lost.
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into())),
        DataType::Time32(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(Arc::new(Field::new_list_field(normal_type(item.data_type()), item.is_nullable())))
        }
        DataType::Struct(fields) => DataType::Struct(normal_fields(fields)),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                map_type(normal_type(fields[0].data_type()), normal_type(fields[1].data_type()), fields[1].is_nullable(), *sorted)
            }
            _ => data_type.clone(),
        },
        DataType::Dictionary(_, value) => normal_type(value),
        DataType::RunEndEncoded(_, values) => normal_type(values.data_type()),
        other => other.clone(),
    }
}

/// A map in the engine's form.
pub(in crate::formats) fn map_type(key: DataType, value: DataType, nullable: bool, sorted: bool) -> DataType {
    // DataFusion looks keys up with texts of this type.
    let key = if key == DataType::Utf8View { DataType::Utf8 } else { key };
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, nullable)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), sorted)
}

fn normal_fields(fields: &Fields) -> Fields {
    fields.iter().map(|field| normal_field(field)).collect()
}

fn normal_field(field: &Field) -> FieldRef {
    Arc::new(Field::new(field.name(), normal_type(field.data_type()), field.is_nullable()))
}

/// The columns of a file with [`normal_type`]s and without the metadata of the file.
pub fn normal_schema(schema: &Schema) -> Schema {
    Schema::new(normal_fields(schema.fields()))
}

/// A batch as read from a file in the types of `schema`, which is the [`normal_schema`] of the file (or of the same selection of its columns).
///
/// **Errors**: a column longer than its normal type can address (2 GiB of bytes in one batch); never a changed value.
pub fn normalize(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            converted(column, field.data_type())
                .map_err(|e| Error::new(ErrorKind::Source, Fault::User, format!("column '{}' can't be read as {}: {e}", field.name(), field.data_type())))
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
        .map_err(|e| Error::new(ErrorKind::Source, Fault::User, format!("the columns do not match the schema of the file: {e}")))
}

/// The same values in another type. Nested ones are taken apart: the cast of lists fails where the names of their items differ.
fn converted(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    Ok(match (column.data_type(), to) {
        (from, to) if from == to => Arc::clone(column),
        (DataType::List(_), DataType::List(item)) => {
            let list = column.as_list::<i32>();
            let values = converted(list.values(), item.data_type())?;
            Arc::new(ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        (DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) | DataType::FixedSizeList(item, _), DataType::List(_)) => {
            converted(&cast_with_options(column, &DataType::List(Arc::clone(item)), &exact)?, to)?
        }
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let record = column.as_struct();
            let columns = record.columns().iter().zip(fields).map(|(column, field)| converted(column, field.data_type())).collect::<Result<_, _>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, record.nulls().cloned(), record.len())?)
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = column.as_map();
            let inner = converted(&(Arc::new(map.entries().clone()) as ArrayRef), entries.data_type())?;
            Arc::new(MapArray::try_new(Arc::clone(entries), map.offsets().clone(), inner.as_struct().clone(), map.nulls().cloned(), *sorted)?)
        }
        _ => cast_with_options(column, to, &exact)?,
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date64Array, DictionaryArray, FixedSizeListArray, Float16Array, LargeStringArray, Time32SecondArray, TimestampNanosecondArray};
    use arrow::datatypes::{Float32Type, Int32Type, Time64MicrosecondType, TimestampMillisecondType, TimestampNanosecondType};

    use super::*;

    #[test]
    fn foreign_columns_keep_their_values_in_normal_types() {
        let list = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None], 2);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(LargeStringArray::from(vec![Some("a"), None])),
            Arc::new(vec!["x", "y"].into_iter().collect::<DictionaryArray<Int32Type>>()),
            Arc::new(TimestampNanosecondArray::from(vec![1, i64::MIN]).with_timezone("+02:00")),
            Arc::new(Date64Array::from(vec![86_400_001, -1])),
            Arc::new(Time32SecondArray::from(vec![1, 86_399])),
            Arc::new(Float16Array::from(vec![half(0x3c00), half(0x7c00)])),
            Arc::new(list),
        ];
        let fields: Vec<Field> = columns.iter().enumerate().map(|(at, column)| Field::new(format!("c{at}"), column.data_type().clone(), true)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("batch");
        let schema = Arc::new(normal_schema(&batch.schema()));
        let normal = normalize(&batch, &schema).expect("normal");
        assert_eq!(normal.column(0).as_string_view().iter().collect::<Vec<_>>(), [Some("a"), None]);
        assert_eq!(normal.column(1).as_string_view().value(1), "y");
        assert_eq!(normal.column(2).as_primitive::<TimestampNanosecondType>().values(), &[1, i64::MIN]);
        assert_eq!(schema.field(2).data_type(), &DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())));
        assert_eq!(normal.column(3).as_primitive::<TimestampMillisecondType>().values(), &[86_400_001, -1]);
        assert_eq!(normal.column(4).as_primitive::<Time64MicrosecondType>().values(), &[1_000_000, 86_399_000_000]);
        assert_eq!(normal.column(5).as_primitive::<Float32Type>().values(), &[1.0, f32::INFINITY]);
        let list = normal.column(6).as_list::<i32>();
        assert!(list.is_null(1) && list.value(0).is_null(1));
    }

    #[test]
    fn lists_take_the_names_of_normal_types_whatever_theirs_are() {
        let named = |inner: DataType| Arc::new(Field::new("element", inner, true));
        let numbers: ArrayRef = Arc::new(arrow::array::Int32Array::from(vec![Some(1), None, Some(3), Some(4)]));
        let pairs = FixedSizeListArray::new(named(DataType::Int32), 2, numbers, None);
        let nested: ArrayRef =
            Arc::new(ListArray::new(named(pairs.data_type().clone()), arrow::buffer::OffsetBuffer::new(vec![0, 1, 2].into()), Arc::new(pairs.clone()), None));
        let record = StructArray::from(vec![(Arc::new(Field::new("l", pairs.data_type().clone(), true)), Arc::new(pairs.clone()) as ArrayRef)]);
        let batch = RecordBatch::try_from_iter([("pairs", Arc::new(pairs) as ArrayRef), ("nested", nested), ("record", Arc::new(record))]).expect("batch");
        let schema = Arc::new(normal_schema(&batch.schema()));
        let normal = normalize(&batch, &schema).expect("normal");
        assert_eq!(normal.column(0).as_list::<i32>().value(1).as_primitive::<Int32Type>().values(), &[3, 4]);
        assert_eq!(normal.column(1).as_list::<i32>().value(0).as_list::<i32>().value(0).len(), 2);
        assert_eq!(normal.column(2).as_struct().column(0).as_list::<i32>().value_length(0), 2);
    }

    fn half(bits: u16) -> <arrow::datatypes::Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native {
        <arrow::datatypes::Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native::from_bits(bits)
    }

    #[test]
    fn a_normal_type_is_its_own_normal_type() {
        let types = crate::formats::schema_text::parse(
            "a VARCHAR, b TIMESTAMP, c TIMESTAMP WITHOUT TIME ZONE, d MAP<VARCHAR, STRUCT<x INT NOT NULL, y ARRAY<TIME>>>, e BYTEA",
        )
        .expect("schema");
        assert_eq!(normal_schema(&types), types);
    }
}
