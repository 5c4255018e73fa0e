//! The columns that an Avro schema describes.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, Fields, Schema, TimeUnit};

use super::tree::{Id, Kind, Logical, Tree};
use crate::formats::normalize::{UTC, map_type};

/// Most types of the columns, those behind names counted wherever the name stands.
const MOST_TYPES: usize = 10_000;

/// What a schema describes.
#[derive(Debug)]
pub(in crate::formats::avro) struct Described {
    /// The columns in the engine's types.
    pub(in crate::formats::avro) columns: Schema,
    /// Fields that have no such type, and why, after "column 'x' ".
    pub(in crate::formats::avro) unsupported: Vec<(String, String)>,
}

/// The columns of a schema. A union of several types is a STRUCT with a column for each.
pub(super) fn describe(tree: &Tree) -> Result<Described, String> {
    let fields = tree.fields(tree.root).ok_or("is not a record, so it has no columns")?;
    let mut columns = Vec::new();
    let mut unsupported = Vec::new();
    let mut types = 0;
    for field in fields {
        match (Columns { tree, above: Vec::new(), types: &mut types }).field(&field.name, field.id) {
            Ok(column) => columns.push(column),
            Err(reason) => unsupported.push((field.name.clone(), reason)),
        }
    }
    Ok(Described { columns: Schema::new(columns), unsupported })
}

struct Columns<'a> {
    tree: &'a Tree,
    /// The named types that the present one is in.
    above: Vec<Id>,
    types: &'a mut usize,
}

impl Columns<'_> {
    fn field(&mut self, name: &str, id: Id) -> Result<Field, String> {
        let (data_type, nullable) = self.data_type(id)?;
        Ok(Field::new(name, data_type, nullable))
    }

    fn data_type(&mut self, id: Id) -> Result<(DataType, bool), String> {
        *self.types += 1;
        if *self.types > MOST_TYPES {
            return Err("has too many types".to_owned());
        }
        let node = self.tree.node(id);
        if node.name.is_some() {
            if self.above.contains(&id) {
                return Err("has a type that holds itself".to_owned());
            }
            self.above.push(id);
        }
        let found = match &node.kind {
            Kind::Null => (DataType::Null, true),
            Kind::Array(items) => {
                let (item, nullable) = self.data_type(*items)?;
                (DataType::List(Arc::new(Field::new_list_field(item, nullable))), false)
            }
            Kind::Map(values) => {
                let (value, nullable) = self.data_type(*values)?;
                (map_type(DataType::Utf8, value, nullable, false), false)
            }
            Kind::Record(fields) => {
                let fields = fields.iter().map(|field| self.field(&field.name, field.id)).collect::<Result<Fields, _>>()?;
                if fields.is_empty() {
                    return Err("has a record without fields".to_owned());
                }
                (DataType::Struct(fields), false)
            }
            Kind::Union(branches) => self.union(branches, &self.tree.values_of(id).unwrap_or_default())?,
            kind => (plain(kind, node.logical)?, false),
        };
        if node.name.is_some() {
            self.above.pop();
        }
        Ok(found)
    }

    fn union(&mut self, branches: &[Id], values: &[Id]) -> Result<(DataType, bool), String> {
        let nullable = branches.len() > values.len();
        match values {
            [] => Ok((DataType::Null, true)),
            [one] => Ok((self.data_type(*one)?.0, nullable)),
            several => {
                let one = |branch: &Id| Ok(Field::new(self.tree.branch_name(*branch), self.data_type(*branch)?.0, true));
                let fields = several.iter().map(one).collect::<Result<Vec<_>, String>>()?;
                if (1..fields.len()).any(|at| fields[..at].iter().any(|other| other.name() == fields[at].name())) {
                    return Err("has a union of types with the same name".to_owned());
                }
                Ok((DataType::Struct(fields.into()), nullable))
            }
        }
    }
}

fn plain(kind: &Kind, logical: Option<Logical>) -> Result<DataType, String> {
    Ok(match (kind, logical) {
        (_, Some(Logical::Decimal(precision, scale))) if precision <= DECIMAL128_MAX_PRECISION => DataType::Decimal128(precision, scale),
        (_, Some(Logical::Decimal(precision, scale))) => DataType::Decimal256(precision, scale),
        (_, Some(Logical::Date)) => DataType::Date32,
        (_, Some(Logical::Time(_))) => DataType::Time64(TimeUnit::Microsecond),
        (_, Some(Logical::Instant(unit))) => DataType::Timestamp(unit, Some(UTC.into())),
        (_, Some(Logical::Local(unit))) => DataType::Timestamp(unit, None),
        (_, Some(Logical::Duration)) => return Err("has a duration".to_owned()),
        (Kind::Boolean, _) => DataType::Boolean,
        (Kind::Int, _) => DataType::Int32,
        (Kind::Long, _) => DataType::Int64,
        (Kind::Float, _) => DataType::Float32,
        (Kind::Double, _) => DataType::Float64,
        (Kind::Text | Kind::Enum(_), _) => DataType::Utf8View,
        _ => DataType::Binary,
    })
}
