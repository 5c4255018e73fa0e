//! The few types that the engine works with: text is `Utf8View`, bytes are `Binary`, instants are UTC, lists are `List`; none of the changes loses a value.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

/// The engine's type for a type of another system.
pub fn house_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        // Milliseconds that mean a day, but may hold more.
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Time32(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => DataType::Decimal128(*precision, *scale),
        DataType::Dictionary(_, value) => house_type(value),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::ListView(item) | DataType::LargeListView(item) => {
            DataType::List(Arc::new(Field::new_list_field(house_type(item.data_type()), item.is_nullable())))
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| house_field(field)).collect()),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                // DataFusion looks keys up with texts of this type.
                let key = match house_type(pair[0].data_type()) {
                    DataType::Utf8View => DataType::Utf8,
                    other => other,
                };
                let key = Field::new("key", key, false);
                let value = Field::new("value", house_type(pair[1].data_type()), pair[1].is_nullable());
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(vec![key, value].into()), false)), *sorted)
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    }
}

fn house_field(field: &Field) -> Field {
    Field::new(field.name(), house_type(field.data_type()), field.is_nullable())
}

/// A schema in the engine's types, without metadata.
pub fn house_schema(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(|field| house_field(field)).collect::<Vec<_>>())
}
