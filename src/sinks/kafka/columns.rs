//! Which columns make value, key, headers and time of a message.

use std::ffi::CString;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, MapArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampMillisecondType};

use super::options::KafkaSinkOptions;
use super::values::{EncodedValues, Values};
use crate::error::{Error, Result, excerpt};
use crate::formats::json::JsonEncoder;
use crate::formats::{BatchEncoder, KeyFormat, plain_texts};
use crate::kafka::HeaderColumn;
use crate::stream::{Carried, visible_columns};

/// Where the parts of a message come from.
#[derive(Debug)]
pub(super) struct MessageColumns {
    value: Vec<usize>,
    values: Values,
    key: KeySource,
    headers: Vec<(usize, CString)>,
    time: Option<usize>,
}

#[derive(Debug)]
enum KeySource {
    None,
    /// The text of one column.
    Text(usize),
    /// An object of several.
    Object(Vec<usize>, JsonEncoder),
}

impl MessageColumns {
    /// For rows of `schema`, carried columns at its end.
    ///
    /// **Errors**: a column that is named does not exist, or is of a type that can't be written.
    pub(super) fn new(sink: &str, schema: &SchemaRef, options: &KafkaSinkOptions, topic: &str, avro_schema: Option<&str>) -> Result<Self> {
        let visible = visible_columns(schema);
        let find = |key: &str, name: &str| {
            let found = schema.fields().iter().take(visible).position(|field| field.name() == name);
            found.ok_or_else(|| {
                let names = schema.fields().iter().take(visible).map(|field| field.name().as_str());
                let nearest = sql_extensions::nearest(name, names)
                    .map(|near| format!("nearest: {near}"))
                    .unwrap_or_else(|| "name a column of the SELECT list".to_owned());
                Error::setting(sink, key, format!(" names '{}', which is no column of the statement", excerpt(name))).with_help(nearest)
            })
        };
        let all = |key: &str, names: &[String]| names.iter().map(|name| find(key, name)).collect::<Result<Vec<_>>>();
        let header_columns = all("headers", options.headers.as_ref().map_or(&[], |names| &names.0))?;
        let value: Vec<usize> = (0..visible).filter(|at| !header_columns.contains(at)).collect();
        let project = |columns: &[usize]| -> Result<SchemaRef> {
            Ok(Arc::new(schema.project(columns).map_err(|error| Error::internal("a message's columns").with_source(error))?))
        };
        let key = match &options.key {
            None => Carried::Key.index(schema).map_or(KeySource::None, KeySource::Text),
            Some(names) => match (all("key", &names.0)?.as_slice(), options.key_format) {
                ([], _) => KeySource::None,
                ([one], KeyFormat::String) => KeySource::Text(*one),
                (several, _) => KeySource::Object(several.to_vec(), JsonEncoder::new(&project(several)?)?),
            },
        };
        let time = match &options.timestamp {
            Some(name) => Some(find("timestamp", name)?),
            None => Carried::Time.index(schema),
        };
        if let Some(at) = time {
            let data_type = schema.field(at).data_type();
            if !matches!(data_type, DataType::Timestamp(..)) {
                let found = crate::formats::schema_text::print_type(data_type);
                return Err(Error::setting(sink, "timestamp", format!(" names a column of type {found}; expected a TIMESTAMP")));
            }
        }
        let headers = header_columns.into_iter().map(|at| {
            let name = CString::new(schema.field(at).name().as_str()).map_err(|_| Error::setting(sink, "headers", ": a name holds a NUL"))?;
            Ok((at, name))
        });
        let headers = headers.collect::<Result<Vec<_>>>()?;
        let values = Values::new(&project(&value)?, options, topic, avro_schema)?;
        Ok(Self { value, values, key, headers, time })
    }

    /// Registers the schema of the values, if they have one.
    pub(super) fn register(&mut self, options: &KafkaSinkOptions, sink: &str, topic: &str) -> Result<()> {
        self.values.register(options, sink, topic)
    }

    /// The values, one a row; rows that can't be written are numbered in the result.
    pub(super) fn values(&self, batch: &RecordBatch) -> Result<EncodedValues> {
        self.values.encode(&project(batch, &self.value)?)
    }

    /// The keys by row; `None`: no message has one.
    pub(super) fn keys(&self, batch: &RecordBatch) -> Result<Option<BinaryViewArray>> {
        match &self.key {
            KeySource::None => Ok(None),
            KeySource::Text(at) => texts(batch.column(*at)).map(Some),
            KeySource::Object(columns, encoder) => {
                let encoded = encoder.encode(&project(batch, columns)?)?;
                Ok(Some(BinaryViewArray::from_iter_values(encoded.bytes.split_inclusive(|byte| *byte == b'\n').map(|line| &line[..line.len() - 1]))))
            }
        }
    }

    /// The times by row in milliseconds, 0 where there is none.
    pub(super) fn times(&self, batch: &RecordBatch) -> Result<Option<Vec<i64>>> {
        let Some(at) = self.time else { return Ok(None) };
        let zone = match batch.column(at).data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        let millis = cast_with_options(batch.column(at), &DataType::Timestamp(TimeUnit::Millisecond, zone), &CastOptions::default());
        let millis = millis.map_err(|error| Error::internal("a time that can't be converted").with_source(error))?;
        let millis = millis.as_primitive::<TimestampMillisecondType>();
        Ok(Some(millis.iter().map(|millis| millis.unwrap_or(0).max(0)).collect()))
    }

    /// The headers.
    pub(super) fn headers(&self, batch: &RecordBatch) -> Result<Vec<HeaderColumn>> {
        let mut headers = Vec::new();
        for (at, name) in &self.headers {
            let column = batch.column(*at);
            match column.as_map_opt() {
                Some(map) => headers.push(entries(map)?),
                None => headers.push(HeaderColumn::Named(name.clone(), texts(column)?)),
            }
        }
        Ok(headers)
    }
}

fn project(batch: &RecordBatch, columns: &[usize]) -> Result<RecordBatch> {
    batch.project(columns).map_err(|error| Error::internal("a message's columns").with_source(error))
}

/// The entries of a column of maps as headers.
fn entries(map: &MapArray) -> Result<HeaderColumn> {
    Ok(HeaderColumn::Entries { offsets: map.offsets().clone(), valid: map.nulls().cloned(), names: texts(map.keys())?, values: texts(map.values())? })
}

/// The values of a column: bytes as they are, others as their text.
fn texts(column: &ArrayRef) -> Result<BinaryViewArray> {
    if let Some(views) = column.as_string_view_opt() {
        return Ok(views.clone().to_binary_view());
    }
    match column.data_type() {
        DataType::BinaryView => return Ok(column.as_binary_view().clone()),
        DataType::Binary => return Ok(BinaryViewArray::from(column.as_binary::<i32>())),
        DataType::LargeBinary => return Ok(BinaryViewArray::from(column.as_binary::<i64>())),
        _ => {}
    }
    Ok(BinaryViewArray::from_iter(plain_texts(column)?.iter().map(|text| text.as_ref().map(String::as_bytes))))
}
