//! Arrays as values in Avro's binary form. What the schema can't hold is refused, never changed.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int64Array, StringViewArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, Time64NanosecondType, TimeUnit};

use super::decimals::Decimals;
use super::default::{encode_default, put_counted, put_number};
use super::put::in_unit;
use super::tree::{Id, Kind, Logical, RecordField, Tree};
use crate::error::excerpt;
use crate::formats::schema_text::print_type;

/// An array on its way into a type.
#[derive(Debug)]
pub(super) struct Node {
    nulls: Option<NullBuffer>,
    /// The branches of a union: null, and that of the values.
    null: Option<i64>,
    value: Option<i64>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Null,
    Boolean(BooleanArray),
    Int(Int64Array),
    Long(Int64Array),
    Float(Float32Array),
    Double(Float64Array),
    Text(StringViewArray),
    Symbol(StringViewArray, HashMap<String, i64>),
    Bytes(BinaryArray, Option<usize>),
    Decimal(Decimals),
    Date(Date32Array),
    /// Nanoseconds that the number stands for here and there.
    Time(ScalarBuffer<i64>, i64, i64),
    Instant(ScalarBuffer<i64>, TimeUnit, TimeUnit),
    List(OffsetBuffer<i32>, Box<Node>),
    Map(OffsetBuffer<i32>, StringViewArray, Box<Node>),
    Record(Vec<(String, Node)>),
    /// A STRUCT that stands for a union: the branch of each column.
    Branches(Vec<(i64, Node)>),
    /// A field without a column: its default.
    Always(Vec<u8>),
}

impl Node {
    /// For an array of a normal type. Errors name the field and what is wrong.
    pub(super) fn new(tree: &Tree, id: Id, array: &ArrayRef, path: &str) -> Result<Self, String> {
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let Kind::Union(branches) = &tree.node(id).kind else {
            return Ok(Self { nulls, null: None, value: None, values: values(tree, id, array, path)? });
        };
        let null = branches.iter().position(|branch| matches!(tree.node(*branch).kind, Kind::Null)).and_then(|at| i64::try_from(at).ok());
        if let Some(columns) = array.as_struct_opt().filter(|_| tree.values_of(id).is_some_and(|values| values.len() > 1))
            && let Some(values) = of_branches(tree, branches, columns, path)?
        {
            return Ok(Self { nulls, null, value: None, values });
        }
        let mut refused = None;
        for (at, branch) in (0i64..).zip(branches) {
            if Some(at) != null || array.data_type().is_null() {
                match values(tree, *branch, array, path) {
                    Ok(values) => return Ok(Self { nulls, null, value: Some(at), values }),
                    Err(reason) => _ = refused.get_or_insert(reason),
                }
            }
        }
        Err(refused.unwrap_or_else(|| format!("field '{path}' of the schema is a union that holds nothing")))
    }

    /// Appends the value of a row; on an error a part of it.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return match (self.null, &self.values) {
                (Some(branch), _) => {
                    put_number(branch, out);
                    Ok(())
                }
                (None, Values::Null) => Ok(()),
                (None, _) => Err("NULL, which the schema does not allow there".to_owned()),
            };
        }
        if let Some(branch) = self.value {
            put_number(branch, out);
        }
        let unfit = |value: &dyn std::fmt::Display, what: &str| Err(format!("{} does not fit {what}", excerpt(&value.to_string())));
        match &self.values {
            Values::Null => {}
            Values::Boolean(values) => out.push(u8::from(values.value(row))),
            Values::Long(values) => put_number(values.value(row), out),
            Values::Int(values) => match i32::try_from(values.value(row)) {
                Ok(value) => put_number(value.into(), out),
                Err(_) => return unfit(&values.value(row), "an int"),
            },
            Values::Float(values) => out.extend_from_slice(&values.value(row).to_le_bytes()),
            Values::Double(values) => out.extend_from_slice(&values.value(row).to_le_bytes()),
            Values::Text(values) => put_counted(values.value(row).as_bytes(), out),
            Values::Symbol(values, symbols) => match symbols.get(values.value(row)) {
                Some(at) => put_number(*at, out),
                None => return Err(format!("'{}' is no symbol of the enum", excerpt(values.value(row)))),
            },
            Values::Bytes(values, None) => put_counted(values.value(row), out),
            Values::Bytes(values, Some(size)) => match values.value(row) {
                value if value.len() == *size => out.extend_from_slice(value),
                value => return unfit(&format!("a value of {} bytes", value.len()), &format!("a fixed of {size}")),
            },
            Values::Decimal(decimals) => {
                if !decimals.get(row).is_some_and(|value| decimals.put(value, out)) {
                    let what = format!("a decimal of {} digits, {} of them behind the point", decimals.precision, decimals.scale);
                    return unfit(&decimals.values.value_as_string(row), &what);
                }
            }
            Values::Date(values) => put_number(values.value(row).into(), out),
            Values::Time(values, from, to) => match values[row].checked_mul(*from).filter(|nanos| nanos % to == 0) {
                Some(nanos) => put_number(nanos / to, out),
                None => return unfit(&"a time", "the unit of the schema"),
            },
            Values::Instant(values, from, to) => match in_unit(values[row], *from, *to) {
                Some(value) => put_number(value, out),
                None => return unfit(&"a timestamp", "the unit of the schema"),
            },
            Values::List(offsets, items) => {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                if end > start {
                    put_number((end - start) as i64, out);
                    (start..end).try_for_each(|item| items.write(item, out))?;
                }
                out.push(0);
            }
            Values::Map(offsets, keys, values) => {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                if end > start {
                    put_number((end - start) as i64, out);
                    for entry in start..end {
                        put_counted(keys.value(entry).as_bytes(), out);
                        values.write(entry, out)?;
                    }
                }
                out.push(0);
            }
            Values::Record(fields) => {
                for (name, field) in fields {
                    field.write(row, out).map_err(|reason| within(name, reason))?;
                }
            }
            Values::Branches(branches) => {
                let given = branches.iter().find(|(_, node)| node.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)));
                match (given, self.null) {
                    (Some((branch, node)), _) => {
                        put_number(*branch, out);
                        node.write(row, out)?;
                    }
                    (None, Some(branch)) => put_number(branch, out),
                    (None, None) => return Err("no branch of the union has a value".to_owned()),
                }
            }
            Values::Always(bytes) => out.extend_from_slice(bytes),
        }
        Ok(())
    }
}

/// Puts a field's name before a reason; those of the fields around it come before it.
fn within(name: &str, reason: String) -> String {
    match reason.strip_prefix("field '") {
        Some(inner) => format!("field '{name}.{inner}"),
        None => format!("field '{name}': {reason}"),
    }
}

/// The columns of a STRUCT as branches of a union; `None` if they are not called after them.
fn of_branches(tree: &Tree, branches: &[Id], columns: &StructArray, path: &str) -> Result<Option<Values>, String> {
    let mut found = Vec::new();
    for (field, column) in columns.fields().iter().zip(columns.columns()) {
        let Some(at) = branches.iter().position(|branch| tree.branch_name(*branch) == field.name()) else { return Ok(None) };
        found.push((at as i64, Node::new(tree, branches[at], column, &format!("{path}.{}", field.name()))?));
    }
    Ok(Some(Values::Branches(found)))
}

fn values(tree: &Tree, id: Id, array: &ArrayRef, path: &str) -> Result<Values, String> {
    use DataType::{Binary, Boolean, Date32, Float32, Float64, List, Map, Null, Struct, Time64, Timestamp, UInt64, Utf8, Utf8View};
    let node = tree.node(id);
    let from = array.data_type();
    let unfit = || format!("column '{path}' is {}, which does not fit the type {} of the schema", print_type(from), tree.branch_name(id));
    let broken = |error: arrow::error::ArrowError| format!("column '{path}' can't be converted: {error}");
    let to = |data_type: &DataType| cast(array, data_type).map_err(broken);
    let longs = || Ok::<_, String>(to(&DataType::Int64)?.as_primitive::<Int64Type>().clone());
    let texts = || Ok::<_, String>(to(&Utf8View)?.as_string_view().clone());
    let integer = from.is_integer() && *from != UInt64;
    let size = match node.kind {
        Kind::Fixed(size) => Some(size),
        _ => None,
    };
    Ok(match (&node.kind, node.logical, from) {
        (Kind::Null, _, Null) => Values::Null,
        (_, Some(Logical::Decimal(precision, scale)), _) if from.is_decimal() || from.is_integer() => {
            Values::Decimal(Decimals::new(array, (precision, scale), size).map_err(broken)?)
        }
        (_, Some(Logical::Date), Date32) => Values::Date(array.as_primitive().clone()),
        (_, Some(Logical::Time(unit)), Time64(own)) => {
            let nanos = |unit: TimeUnit| if unit == TimeUnit::Millisecond { 1_000_000 } else { 1_000 };
            match own {
                TimeUnit::Nanosecond => Values::Time(array.as_primitive::<Time64NanosecondType>().values().clone(), 1, nanos(unit)),
                _ => Values::Time(array.as_primitive::<Time64MicrosecondType>().values().clone(), 1_000, nanos(unit)),
            }
        }
        (_, Some(Logical::Instant(unit)), Timestamp(own, Some(_))) | (_, Some(Logical::Local(unit)), Timestamp(own, None)) => {
            let numbers = array.to_data().into_builder().data_type(DataType::Int64).build().map_err(broken)?;
            Values::Instant(Int64Array::from(numbers).values().clone(), *own, unit)
        }
        (Kind::Boolean, _, Boolean) => Values::Boolean(array.as_boolean().clone()),
        (Kind::Int, None, _) if integer => Values::Int(longs()?),
        (Kind::Long, None, _) if integer => Values::Long(longs()?),
        (Kind::Float, _, Float32) => Values::Float(array.as_primitive::<Float32Type>().clone()),
        (Kind::Double, _, Float64) => Values::Double(array.as_primitive::<Float64Type>().clone()),
        (Kind::Double, _, Float32) => Values::Double(to(&Float64)?.as_primitive::<Float64Type>().clone()),
        (Kind::Double, _, _) if integer && from.primitive_width().is_some_and(|width| width <= 4) => {
            Values::Double(to(&Float64)?.as_primitive::<Float64Type>().clone())
        }
        (Kind::Text, _, Utf8 | Utf8View) => Values::Text(texts()?),
        (Kind::Enum(symbols), _, Utf8 | Utf8View) => Values::Symbol(texts()?, symbols.all.iter().cloned().zip(0..).collect()),
        (Kind::Bytes | Kind::Fixed(_), None | Some(Logical::Duration), Binary) => Values::Bytes(array.as_binary::<i32>().clone(), size),
        (Kind::Array(items), _, List(_)) => {
            let list = array.as_list::<i32>();
            Values::List(list.offsets().clone(), Box::new(Node::new(tree, *items, list.values(), &format!("{path}[]"))?))
        }
        (Kind::Map(value), _, Map(..)) => {
            let map = array.as_map();
            let keys = cast(map.keys(), &Utf8View).map_err(broken)?;
            let values = Node::new(tree, *value, map.values(), &format!("{path}.value"))?;
            Values::Map(map.offsets().clone(), keys.as_string_view().clone(), Box::new(values))
        }
        (Kind::Record(fields), _, Struct(_)) => record(tree, fields, array.as_struct(), path)?,
        _ => return Err(unfit()),
    })
}

/// The columns of a STRUCT as fields of a record, in the record's order.
fn record(tree: &Tree, fields: &[RecordField], columns: &StructArray, path: &str) -> Result<Values, String> {
    let full = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(unknown) = columns.fields().iter().find(|column| fields.iter().all(|field| field.name != *column.name())) {
        return Err(format!("column '{}' is not in the schema; leave it out, or add it there", full(unknown.name())));
    }
    let one = |field: &RecordField| {
        let node = match columns.column_by_name(&field.name) {
            Some(column) => Node::new(tree, field.id, column, &full(&field.name))?,
            None => absent(tree, field).ok_or_else(|| format!("field '{}' of the schema has neither a column nor a default", full(&field.name)))?,
        };
        Ok((field.name.clone(), node))
    };
    Ok(Values::Record(fields.iter().map(one).collect::<Result<_, String>>()?))
}

/// What stands for a field without a column: its default, or null where the schema allows it.
fn absent(tree: &Tree, field: &RecordField) -> Option<Node> {
    let mut bytes = Vec::new();
    let default = field.default.as_ref().unwrap_or(&serde_json::Value::Null);
    encode_default(tree, field.id, default, &mut bytes).ok()?;
    Some(Node { nulls: None, null: None, value: None, values: Values::Always(bytes) })
}
