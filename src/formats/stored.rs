//! Rows of the engine in the types that a columnar format stores.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::adapt::Adapter;
use crate::formats::normalize::{normal_schema, normalize};
use crate::stream::RejectedRecord;

/// Converts batches of one schema for a file.
pub(super) struct Stored {
    normal: SchemaRef,
    stored: SchemaRef,
    adapter: Adapter,
}

impl Stored {
    /// For batches of `schema`. `replace` names the type that stands in a file for a type that the format does not have; it is asked at every level of nesting.
    pub(super) fn new(schema: &SchemaRef, replace: &dyn Fn(&DataType) -> Option<DataType>) -> Result<Self> {
        let normal = Arc::new(normal_schema(schema));
        let stored = Arc::new(Schema::new(replace_types(normal.fields(), replace)));
        let adapter = Adapter::new(&normal, &stored)?;
        Ok(Self { normal, stored, adapter })
    }

    /// The columns of the file.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.stored
    }

    /// The rows as stored, and those that have a value the stored type can't hold.
    pub(super) fn convert(&self, batch: &RecordBatch) -> Result<(RecordBatch, Vec<RejectedRecord>)> {
        let to_sink = |e: Error| Error::new(ErrorKind::Sink, Fault::User, e.message().to_owned());
        let adapted = self.adapter.adapt(&normalize(batch, &self.normal).map_err(to_sink)?).map_err(to_sink)?;
        let rejected = adapted.rejected.into_iter().map(|rejected| RejectedRecord { place: None, reason: rejected.reason });
        Ok((adapted.rows, rejected.collect()))
    }
}

/// Fields with other types at any level of nesting, where `replace` names one.
pub(super) fn replace_types(fields: &Fields, replace: &dyn Fn(&DataType) -> Option<DataType>) -> Fields {
    let one = |field: &FieldRef| Field::new(field.name(), stored_type(field.data_type(), replace), field.is_nullable());
    fields.iter().map(one).collect()
}

fn stored_type(data_type: &DataType, replace: &dyn Fn(&DataType) -> Option<DataType>) -> DataType {
    let inner = |field: &FieldRef| Arc::new(Field::new(field.name(), stored_type(field.data_type(), replace), field.is_nullable()));
    match data_type {
        DataType::List(item) => DataType::List(inner(item)),
        DataType::Struct(fields) => DataType::Struct(replace_types(fields, replace)),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        plain => replace(plain).unwrap_or_else(|| plain.clone()),
    }
}

/// Refuses two columns (or two fields of a STRUCT) of one name: readers find columns by name.
pub(super) fn check_names(format: &str, schema: &Schema) -> Result<()> {
    let twice = |fields: &Fields| {
        let mut names = HashSet::new();
        fields.iter().find(|field| !names.insert(field.name().as_str())).map(|field| field.name().clone())
    };
    let found = twice(schema.fields()).map(|name| (name.clone(), name)).or_else(|| {
        find_type(schema, &|data_type| match data_type {
            DataType::Struct(fields) => twice(fields),
            _ => None,
        })
    });
    match found {
        None => Ok(()),
        Some((_, name)) => Err(Error::new(ErrorKind::Sink, Fault::User, format!("two columns are called '{name}', which {format} files can't have"))
            .with_help("give one of them another name with AS")),
    }
}

/// The first type, at any level, for which `test` says something, with the path of its field (`a.b[]`).
pub(super) fn find_type(schema: &Schema, test: &dyn Fn(&DataType) -> Option<String>) -> Option<(String, String)> {
    schema.fields().iter().find_map(|field| find_in(field.data_type(), field.name(), test))
}

fn find_in(data_type: &DataType, path: &str, test: &dyn Fn(&DataType) -> Option<String>) -> Option<(String, String)> {
    if let Some(found) = test(data_type) {
        return Some((path.to_owned(), found));
    }
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) | DataType::FixedSizeList(item, _) => {
            find_in(item.data_type(), &format!("{path}[]"), test)
        }
        DataType::Struct(fields) => fields.iter().find_map(|field| find_in(field.data_type(), &format!("{path}.{}", field.name()), test)),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.iter().find_map(|field| find_in(field.data_type(), &format!("{path}.{}", field.name()), test)),
            _ => None,
        },
        _ => None,
    }
}
