//! An Avro schema made from columns.

use std::collections::HashSet;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde_json::{Value, json};

use crate::formats::schema_text::print_type;

/// The schema of a record with these columns (normal types), as JSON. Records in it are called after the path to them. Errors name the column.
pub(super) fn make(schema: &Schema, record_name: &str) -> Result<Value, String> {
    let (namespace, name) = record_name.rsplit_once('.').unwrap_or(("", record_name));
    for part in record_name.split('.') {
        check_name(part).map_err(|reason| format!("the name of the record, {reason}; set 'avro.record.name'"))?;
    }
    let mut record = record(schema.fields().iter().map(AsRef::as_ref), name, "", &mut HashSet::new())?;
    if !namespace.is_empty() {
        record["namespace"] = Value::from(namespace);
    }
    Ok(record)
}

/// The name of a record for a topic: signs that a name can't have become `_`.
pub(super) fn record_name(topic: &str) -> String {
    let plain: String = topic.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain }
}

fn check_name(name: &str) -> Result<(), String> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if good { Ok(()) } else { Err(format!("'{name}', is not a name in Avro, which knows only letters A to Z, digits and _")) }
}

/// `names`: those of the records so far; each has one of its own.
fn record<'a>(fields: impl Iterator<Item = &'a Field>, name: &str, path: &str, names: &mut HashSet<String>) -> Result<Value, String> {
    let mut name = name.to_owned();
    while !names.insert(name.clone()) {
        name.push('_');
    }
    let mut one = |field: &Field| -> Result<Value, String> {
        check_name(field.name()).map_err(|reason| format!("a column's name, {reason}; give it another name with AS"))?;
        let path = if path.is_empty() { field.name().clone() } else { format!("{path}.{}", field.name()) };
        let inner = nullable(field, &format!("{name}_{}", field.name()), &path, names)?;
        Ok(match field.is_nullable() || field.data_type().is_null() {
            true => json!({ "name": field.name(), "type": inner, "default": null }),
            false => json!({ "name": field.name(), "type": inner }),
        })
    };
    let fields = fields.map(&mut one).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "type": "record", "name": name, "fields": fields }))
}

fn nullable(field: &Field, name: &str, path: &str, names: &mut HashSet<String>) -> Result<Value, String> {
    let inner = avro_type(field.data_type(), name, path, names)?;
    Ok(if field.is_nullable() && !field.data_type().is_null() { json!(["null", inner]) } else { inner })
}

fn avro_type(data_type: &DataType, name: &str, path: &str, names: &mut HashSet<String>) -> Result<Value, String> {
    let decimal = |precision: u8, scale: i8| json!({ "type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale });
    let unit_name = |unit: TimeUnit| match unit {
        TimeUnit::Second | TimeUnit::Millisecond => "millis",
        TimeUnit::Microsecond => "micros",
        TimeUnit::Nanosecond => "nanos",
    };
    Ok(match data_type {
        DataType::Null => json!("null"),
        DataType::Boolean => json!("boolean"),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => json!("int"),
        DataType::UInt32 | DataType::Int64 => json!("long"),
        DataType::UInt64 => decimal(20, 0),
        DataType::Float32 => json!("float"),
        DataType::Float64 => json!("double"),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) if *scale >= 0 => decimal(*precision, *scale),
        DataType::Utf8 | DataType::Utf8View => json!("string"),
        DataType::Binary => json!("bytes"),
        DataType::Date32 => json!({ "type": "int", "logicalType": "date" }),
        DataType::Time64(_) => json!({ "type": "long", "logicalType": "time-micros" }),
        DataType::Timestamp(unit, zone) => {
            let local = if zone.is_some() { "" } else { "local-" };
            json!({ "type": "long", "logicalType": format!("{local}timestamp-{}", unit_name(*unit)) })
        }
        DataType::List(item) => json!({ "type": "array", "items": nullable(item, name, &format!("{path}[]"), names)? }),
        DataType::Struct(fields) if !fields.is_empty() => record(fields.iter().map(AsRef::as_ref), name, path, names)?,
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 && matches!(pair[0].data_type(), DataType::Utf8 | DataType::Utf8View) => {
                json!({ "type": "map", "values": nullable(&pair[1], name, &format!("{path}.value"), names)? })
            }
            _ => return Err(format!("column '{path}' is a MAP whose keys are not VARCHAR, which Avro can't hold; leave it out or CAST it")),
        },
        other => return Err(format!("column '{path}' is of type {}, which Avro can't hold; leave it out or CAST it", print_type(other))),
    })
}
