//! Batches to lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, SchemaRef};

use super::scan::first_special;
use crate::error::{Error, Result};
use crate::formats::contract::{BatchEncoder, EncodedBatch};
use crate::formats::value::{Quoting, Scalar, write_scalar};

/// Of a row that is far larger than the next ones nothing is to follow.
const LARGEST_GUESS: usize = 4 << 20;

/// Writes one object a line, with the columns in order and NULL as `null`. Numbers are written with all their digits; NaN and the infinities, which JSON lacks, as texts.
#[derive(Debug)]
pub struct JsonEncoder {
    keys: Vec<Vec<u8>>,
    /// Bytes of a row of the last batch: the next buffer is made as large as it gets.
    row_bytes: AtomicUsize,
}

impl JsonEncoder {
    /// An encoder for batches of this schema.
    ///
    /// **Errors**: a column's type has no form in JSON.
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        schema.fields().iter().try_for_each(|field| check(field))?;
        let keys: Vec<Vec<u8>> = schema.fields().iter().enumerate().map(|(at, field)| key(field, at == 0)).collect();
        // A guess that is right to within a factor of two for flat rows.
        let row_bytes = AtomicUsize::new(16 + keys.iter().map(|key| key.len() + 12).sum::<usize>());
        Ok(Self { keys, row_bytes })
    }
}

fn check(field: &Field) -> Result<()> {
    let fits = |data_type: &DataType| match data_type {
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check(field)).map(|()| true),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::ListView(item) | DataType::LargeListView(item) => {
            check(item).map(|()| true)
        }
        DataType::Map(entries, _) => check(entries).map(|()| true),
        other => Ok(Scalar::supports(other)),
    };
    if fits(field.data_type())? {
        Ok(())
    } else {
        Err(Error::config(format!("column '{}' has type {}, which JSON can't hold", field.name(), field.data_type()))
            .with_help("CAST it to VARCHAR in the SELECT list"))
    }
}

/// `{"name":` for the first field of an object, `,"name":` for the others.
fn key(field: &Field, first: bool) -> Vec<u8> {
    let mut key = vec![if first { b'{' } else { b',' }];
    write_text(field.name(), &mut key);
    key.push(b':');
    key
}

impl BatchEncoder for JsonEncoder {
    fn header(&self) -> Vec<u8> {
        Vec::new()
    }

    fn encode(&self, batch: &RecordBatch) -> Result<EncodedBatch> {
        let nodes = batch.columns().iter().map(Node::new).collect::<Result<Vec<_>>>()?;
        let mut out = Vec::with_capacity(batch.num_rows().saturating_mul(self.row_bytes.load(Ordering::Relaxed)).min(LARGEST_GUESS));
        for row in 0..batch.num_rows() {
            for (key, node) in self.keys.iter().zip(&nodes) {
                out.extend_from_slice(key);
                node.write(row, &mut out);
            }
            out.extend_from_slice(if nodes.is_empty() { b"{}\n" } else { b"}\n" });
        }
        if batch.num_rows() > 0 {
            self.row_bytes.store(out.len() / batch.num_rows() + 1, Ordering::Relaxed);
        }
        Ok(EncodedBatch { bytes: out, rows: batch.num_rows() as u64, rejected: Vec::new() })
    }
}

/// A column with its type settled.
struct Node {
    nulls: Option<NullBuffer>,
    values: Values,
}

enum Values {
    Scalar(Scalar, Quoting),
    Struct(Vec<(Vec<u8>, Node)>),
    List(OffsetBuffer<i32>, Box<Node>),
    Map(OffsetBuffer<i32>, Box<Node>, Box<Node>),
}

impl Node {
    fn new(array: &ArrayRef) -> Result<Self> {
        let values = match array.data_type() {
            DataType::Struct(fields) => {
                let columns = fields.iter().enumerate().zip(array.as_struct().columns());
                Values::Struct(columns.map(|((at, field), column)| Ok((key(field, at == 0), Self::new(column)?))).collect::<Result<Vec<_>>>()?)
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Values::List(list.offsets().clone(), Box::new(Self::new(list.values())?))
            }
            DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::ListView(item) | DataType::LargeListView(item) => {
                let list =
                    cast(array, &DataType::List(Arc::clone(item))).map_err(|error| Error::internal("a list can't be written as JSON").with_source(error))?;
                return Self::new(&list);
            }
            DataType::Map(..) => {
                let map = array.as_map();
                Values::Map(map.offsets().clone(), Box::new(Self::new(map.keys())?), Box::new(Self::new(map.values())?))
            }
            _ => {
                let scalar = Scalar::new(array)?;
                let quoting = scalar.quoting();
                Values::Scalar(scalar, quoting)
            }
        };
        Ok(Self { nulls: array.logical_nulls().filter(|nulls| nulls.null_count() > 0), values })
    }

    #[inline]
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(b"null");
            return;
        }
        match &self.values {
            Values::Scalar(scalar, quoting) => write_value(scalar, *quoting, row, out),
            Values::Struct(fields) => {
                for (key, node) in fields {
                    out.extend_from_slice(key);
                    node.write(row, out);
                }
                out.extend_from_slice(if fields.is_empty() { b"{}" } else { b"}" });
            }
            Values::List(offsets, items) => {
                out.push(b'[');
                for item in offsets[row] as usize..offsets[row + 1] as usize {
                    if item > offsets[row] as usize {
                        out.push(b',');
                    }
                    items.write(item, out);
                }
                out.push(b']');
            }
            Values::Map(offsets, keys, values) => {
                out.push(b'{');
                for entry in offsets[row] as usize..offsets[row + 1] as usize {
                    if entry > offsets[row] as usize {
                        out.push(b',');
                    }
                    keys.write_key(entry, out);
                    out.push(b':');
                    values.write(entry, out);
                }
                out.push(b'}');
            }
        }
    }

    /// A map's key: always a text in JSON.
    fn write_key(&self, row: usize, out: &mut Vec<u8>) {
        match &self.values {
            Values::Scalar(scalar, Quoting::Bare | Quoting::Float) => {
                out.push(b'"');
                write_scalar(scalar, row, out);
                out.push(b'"');
            }
            Values::Scalar(scalar, quoting) => write_value(scalar, *quoting, row, out),
            _ => {
                let mut nested = Vec::new();
                self.write(row, &mut nested);
                write_text(&String::from_utf8_lossy(&nested), out);
            }
        }
    }
}

#[inline]
fn write_value(scalar: &Scalar, quoting: Quoting, row: usize, out: &mut Vec<u8>) {
    match quoting {
        Quoting::Text => write_text(scalar.text(row).unwrap_or_default(), out),
        Quoting::Float if !scalar.is_not_finite(row) => write_scalar(scalar, row, out),
        Quoting::Float | Quoting::Plain => {
            out.push(b'"');
            write_scalar(scalar, row, out);
            out.push(b'"');
        }
        Quoting::Bare => write_scalar(scalar, row, out),
    }
}

/// A text in quotes, with escapes where JSON needs them.
#[inline]
fn write_text(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.push(b'"');
    while let Some(at) = first_special(rest) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The values of a column as plain text, `None` for NULL: texts as they are, nested values as JSON.
pub(in crate::formats) fn texts(array: &ArrayRef) -> Result<Vec<Option<String>>> {
    let node = Node::new(array)?;
    let mut out = Vec::new();
    let text = |row: usize| {
        if node.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) || array.data_type() == &DataType::Null {
            return None;
        }
        out.clear();
        match &node.values {
            Values::Scalar(scalar, _) => write_scalar(scalar, row, &mut out),
            _ => node.write(row, &mut out),
        }
        Some(String::from_utf8_lossy(&out).into_owned())
    };
    Ok((0..array.len()).map(text).collect())
}
