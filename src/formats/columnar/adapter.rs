//! A file's columns as the table's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::house_types::house_type;
use crate::error::{Error, ErrorKind, Fault, Result, excerpt};
use crate::formats::schema_text::print_type;
use crate::stream::{RecordPlace, RejectedRecord};

/// Takes the wanted columns out of a file's batches, in the table's types. A value that does not fit makes its row a rejected one; it is never changed.
#[derive(Clone, Debug)]
pub struct Adapter {
    schema: SchemaRef,
    partition: Arc<str>,
    /// For each wanted column its place among the columns that are read.
    places: Vec<Option<usize>>,
    read: Vec<usize>,
}

impl Adapter {
    /// Wants `schema` from a file with columns `file`.
    ///
    /// **Errors**: a column is missing and NOT NULL, or its type can't become the wanted one without loss.
    pub fn new(schema: &SchemaRef, file: &Schema, partition: Arc<str>) -> Result<Self> {
        let mut places = Vec::with_capacity(schema.fields().len());
        let mut read = Vec::new();
        for field in schema.fields() {
            let fault = |message: String| Error::new(ErrorKind::Source, Fault::User, format!("{partition}: {message}"));
            match file.index_of(field.name()) {
                Ok(at) => {
                    let found = file.field(at).data_type();
                    if !fits(found, field.data_type()) {
                        return Err(fault(format!(
                            "column '{}' is {}, which can't be read as {}",
                            field.name(),
                            print_type(found),
                            print_type(field.data_type())
                        ))
                        .with_help("declare the type that the file has, and CAST in the SELECT list"));
                    }
                    read.push(at);
                    places.push(Some(at));
                }
                Err(_) if field.is_nullable() => places.push(None),
                Err(_) => return Err(fault(format!("there is no column '{}', which is NOT NULL", field.name()))),
            }
        }
        read.sort_unstable();
        let places = places.into_iter().map(|place| place.and_then(|at| read.binary_search(&at).ok())).collect();
        Ok(Self { schema: Arc::clone(schema), partition, places, read })
    }

    /// Indices of the file's columns to read, ascending; batches are to have just those.
    pub fn columns_to_read(&self) -> &[usize] {
        &self.read
    }

    /// The rows of `batch`, of which the first is row `first_row` (from 0) of the file.
    pub fn apply(&self, batch: &RecordBatch, first_row: u64) -> Result<(RecordBatch, Vec<RejectedRecord>)> {
        let rows = batch.num_rows();
        let mut bad: Vec<(usize, String)> = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.places.len());
        for (field, place) in self.schema.fields().iter().zip(&self.places) {
            let Some(place) = place else {
                columns.push(new_null_array(field.data_type(), rows));
                continue;
            };
            let found = batch.column(*place);
            let column = convert(found, field.data_type())?;
            if column.null_count() > found.null_count() {
                let lost = (0..rows).filter(|row| column.is_null(*row) && found.is_valid(*row));
                bad.extend(lost.map(|row| (row, format!("field '{}': {} is not {}", field.name(), shown(found, row), print_type(field.data_type())))));
            }
            if !field.is_nullable() && found.null_count() > 0 {
                bad.extend(
                    (0..rows).filter(|row| found.is_null(*row)).map(|row| (row, format!("field '{}' is NOT NULL, but the value is null", field.name()))),
                );
            }
            columns.push(column);
        }
        bad.sort_by_key(|(row, _)| *row);
        bad.dedup_by_key(|(row, _)| *row);
        let internal = |error: arrow::error::ArrowError| Error::internal("the columns of a file can't be put together").with_source(error);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        if bad.is_empty() {
            return Ok((RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(internal)?, Vec::new()));
        }
        // Until the bad rows are out, columns may hold NULLs that the schema forbids.
        let lax = Arc::new(Schema::new(self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>()));
        let all = RecordBatch::try_new_with_options(lax, columns, &options).map_err(internal)?;
        let mut keep = vec![true; rows];
        bad.iter().for_each(|(row, _)| keep[*row] = false);
        let kept = filter_record_batch(&all, &BooleanArray::new(BooleanBuffer::from(keep), None)).map_err(internal)?;
        let options = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        let kept = RecordBatch::try_new_with_options(Arc::clone(&self.schema), kept.columns().to_vec(), &options).map_err(internal)?;
        let rejected = bad.into_iter().map(|(row, reason)| {
            let place = RecordPlace { partition: Arc::clone(&self.partition), unit: "row", number: first_row + row as u64 + 1 };
            RejectedRecord { place: Some(place), reason }
        });
        Ok((kept, rejected.collect()))
    }
}

/// Whether values of one type become values of another unchanged, or not at all.
fn fits(found: &DataType, wanted: &DataType) -> bool {
    use DataType::{Date32, Decimal128, Decimal256, Float32, Float64, Int8, Int16, Int32, Timestamp, UInt8, UInt16, UInt32};
    let found = house_type(found);
    match (&found, wanted) {
        (found, wanted) if found == wanted => true,
        (found, wanted) if found.is_integer() && wanted.is_integer() => true,
        (found, Decimal128(..) | Decimal256(..)) if found.is_integer() => true,
        (Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32, Float64) | (Float32, Float64) => true,
        (Decimal128(_, from) | Decimal256(_, from), Decimal128(_, to) | Decimal256(_, to)) => to >= from,
        (Date32, Timestamp(..)) => true,
        (Timestamp(from, from_zone), Timestamp(to, to_zone)) => from_zone.is_some() == to_zone.is_some() && fineness(*to) >= fineness(*from),
        (DataType::List(from), DataType::List(to)) => fits(from.data_type(), to.data_type()) && from.data_type() == to.data_type(),
        (DataType::Struct(from), DataType::Struct(to)) => {
            from.len() == to.len() && from.iter().zip(to).all(|(from, to)| from.name() == to.name() && from.data_type() == to.data_type())
        }
        (DataType::Map(..), DataType::Map(..)) => house_type(wanted) == found,
        _ => false,
    }
}

fn fineness(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

/// Casts; what does not fit becomes NULL.
fn convert(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions { safe: true, format_options: FormatOptions::default() };
    cast_with_options(array, wanted, &options).map_err(|error| {
        let message = format!("cannot read {} as {}", print_type(array.data_type()), print_type(wanted));
        Error::new(ErrorKind::Source, Fault::User, message).with_source(error)
    })
}

fn shown(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(array, &options) {
        Ok(formatter) => excerpt(&formatter.value(row).to_string()),
        Err(_) => "the value".to_owned(),
    }
}
