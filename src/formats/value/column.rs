//! Columns under construction. A row that turns out bad is taken back by cutting every column to the row's start, so a decoder never builds a row twice.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, BooleanBufferBuilder, Date32Array, Decimal128Array, Decimal256Array, GenericByteArray, ListArray, MapArray, NullArray,
    NullBufferBuilder, PrimitiveArray, StringViewArray, StructArray, Time64MicrosecondArray, make_view,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, BinaryType, DataType, Field, FieldRef, Fields, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{keeps_digits, parse_date, parse_decimal128, parse_decimal256, parse_float, parse_integer, parse_time, parse_timestamp};
use crate::error::{Error, Result, excerpt};
use crate::formats::schema_text::print_type;

/// Number of the view buffer that is the chunk itself, and of the one that holds what had to be rewritten (escapes).
const CHUNK: u32 = 0;
const SIDE: u32 = 1;

/// Text as views into the chunk.
#[derive(Debug, Default)]
pub(in crate::formats) struct TextData {
    pub(super) views: Vec<u128>,
    pub(super) side: Vec<u8>,
}

/// A struct's columns, and what helps to find them by name.
#[derive(Debug)]
pub(in crate::formats) struct StructData {
    pub(in crate::formats) columns: Vec<Column>,
    /// Number of the object that last set each column: tells missing and repeated fields.
    pub(in crate::formats) stamps: Vec<u64>,
    /// Number of the present object.
    pub(in crate::formats) stamp: u64,
}

/// The values of a column, by type.
#[derive(Debug)]
pub(in crate::formats) enum Data {
    Null,
    Boolean(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    UInt8(Vec<u8>),
    UInt16(Vec<u16>),
    UInt32(Vec<u32>),
    UInt64(Vec<u64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal128(Vec<i128>, u8, i8),
    Decimal256(Vec<i256>, u8, i8),
    Text(TextData),
    Binary(Vec<i32>, Vec<u8>),
    Date(Vec<i32>),
    Time(Vec<i64>),
    Instant(Vec<i64>, TimeUnit, Option<Arc<str>>),
    List(Vec<i32>, Box<Column>, FieldRef),
    Struct(StructData, Fields),
    Map(Vec<i32>, Box<Column>, Box<Column>, FieldRef),
}

/// A column under construction.
#[derive(Debug)]
pub(in crate::formats) struct Column {
    name: String,
    nullable: bool,
    data_type: DataType,
    /// A DOUBLE takes no number whose digits it would change.
    keeps_digits: bool,
    pub(in crate::formats) data: Data,
    validity: NullBufferBuilder,
}

/// Why a value was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Misfit {
    /// The column is `NOT NULL`.
    Null,
    /// The text is not a value of the type, or does not fit it.
    Type,
}

impl Column {
    /// An empty column. Refuses types that text formats can't be read into.
    pub(in crate::formats) fn new(field: &Field, capacity: usize) -> Result<Self> {
        let data = match field.data_type() {
            DataType::Null => Data::Null,
            DataType::Boolean => Data::Boolean(BooleanBufferBuilder::new(capacity)),
            DataType::Int8 => Data::Int8(Vec::with_capacity(capacity)),
            DataType::Int16 => Data::Int16(Vec::with_capacity(capacity)),
            DataType::Int32 => Data::Int32(Vec::with_capacity(capacity)),
            DataType::Int64 => Data::Int64(Vec::with_capacity(capacity)),
            DataType::UInt8 => Data::UInt8(Vec::with_capacity(capacity)),
            DataType::UInt16 => Data::UInt16(Vec::with_capacity(capacity)),
            DataType::UInt32 => Data::UInt32(Vec::with_capacity(capacity)),
            DataType::UInt64 => Data::UInt64(Vec::with_capacity(capacity)),
            DataType::Float32 => Data::Float32(Vec::with_capacity(capacity)),
            DataType::Float64 => Data::Float64(Vec::with_capacity(capacity)),
            DataType::Decimal128(precision, scale) => Data::Decimal128(Vec::with_capacity(capacity), *precision, *scale),
            DataType::Decimal256(precision, scale) => Data::Decimal256(Vec::with_capacity(capacity), *precision, *scale),
            DataType::Utf8 | DataType::Utf8View => Data::Text(TextData { views: Vec::with_capacity(capacity), side: Vec::new() }),
            DataType::Binary => Data::Binary(offsets(capacity), Vec::new()),
            DataType::Date32 => Data::Date(Vec::with_capacity(capacity)),
            DataType::Time64(TimeUnit::Microsecond) => Data::Time(Vec::with_capacity(capacity)),
            DataType::Timestamp(unit, zone) => Data::Instant(Vec::with_capacity(capacity), *unit, zone.clone()),
            DataType::List(item) => Data::List(offsets(capacity), Box::new(Self::new(item, capacity)?), Arc::clone(item)),
            DataType::Struct(fields) => {
                let columns = fields.iter().map(|field| Self::new(field, capacity)).collect::<Result<Vec<_>>>()?;
                Data::Struct(StructData { stamps: vec![0; columns.len()], columns, stamp: 0 }, fields.clone())
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => {
                    Data::Map(offsets(capacity), Box::new(Self::new(&pair[0], capacity)?), Box::new(Self::new(&pair[1], capacity)?), Arc::clone(entries))
                }
                other => return Err(unsupported(field, other)),
            },
            other => return Err(unsupported(field, other)),
        };
        Ok(Self {
            name: field.name().clone(),
            nullable: field.is_nullable(),
            data_type: field.data_type().clone(),
            keeps_digits: false,
            data,
            validity: NullBufferBuilder::new(capacity),
        })
    }

    /// The column as one whose type was guessed from other values: a DOUBLE refuses numbers whose digits it would change.
    pub(in crate::formats) fn guessed(mut self) -> Self {
        self.keep_digits();
        self
    }

    fn keep_digits(&mut self) {
        self.keeps_digits = true;
        match &mut self.data {
            Data::List(_, item, _) => item.keep_digits(),
            Data::Map(_, key, value, _) => {
                key.keep_digits();
                value.keep_digits();
            }
            Data::Struct(inner, _) => inner.columns.iter_mut().for_each(Self::keep_digits),
            _ => {}
        }
    }

    /// Name of the field.
    pub(in crate::formats) fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub(in crate::formats) fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Values so far.
    pub(in crate::formats) fn len(&self) -> usize {
        self.validity.len()
    }

    /// Marks that the value just put into `data` is there.
    pub(in crate::formats) fn set_valid(&mut self) {
        self.validity.append_non_null();
    }

    /// Adds NULL.
    pub(in crate::formats) fn push_null(&mut self) -> Result<(), Misfit> {
        if !self.nullable {
            return Err(Misfit::Null);
        }
        self.fill_null();
        Ok(())
    }

    fn fill_null(&mut self) {
        match &mut self.data {
            Data::Null => {}
            Data::Boolean(values) => values.append(false),
            Data::Int8(values) => values.push(0),
            Data::Int16(values) => values.push(0),
            Data::Int32(values) | Data::Date(values) => values.push(0),
            Data::Int64(values) | Data::Time(values) | Data::Instant(values, ..) => values.push(0),
            Data::UInt8(values) => values.push(0),
            Data::UInt16(values) => values.push(0),
            Data::UInt32(values) => values.push(0),
            Data::UInt64(values) => values.push(0),
            Data::Float32(values) => values.push(0.0),
            Data::Float64(values) => values.push(0.0),
            Data::Decimal128(values, ..) => values.push(0),
            Data::Decimal256(values, ..) => values.push(i256::ZERO),
            Data::Text(text) => text.views.push(0),
            Data::Binary(offsets, values) => offsets.push(values.len() as i32),
            Data::List(offsets, item, _) => offsets.push(item.len() as i32),
            Data::Map(offsets, key, ..) => offsets.push(key.len() as i32),
            // Below a NULL struct the fields have no meaning, NOT NULL or not.
            Data::Struct(inner, _) => inner.columns.iter_mut().for_each(Self::fill_null),
        }
        self.validity.append_null();
    }

    /// Adds a Boolean.
    pub(in crate::formats) fn push_bool(&mut self, value: bool) -> Result<(), Misfit> {
        match &mut self.data {
            Data::Boolean(values) => values.append(value),
            _ => return Err(Misfit::Type),
        }
        self.set_valid();
        Ok(())
    }

    /// Adds text that lies in the chunk at `offset`.
    pub(in crate::formats) fn push_text_at(&mut self, text: &[u8], offset: usize) -> Result<(), Misfit> {
        match &mut self.data {
            // Chunks are far smaller than 4 GiB; a larger one would not be addressable by views.
            Data::Text(data) => data.views.push(make_view(text, CHUNK, u32::try_from(offset).map_err(|_| Misfit::Type)?)),
            _ => return self.push_parsed(text),
        }
        self.set_valid();
        Ok(())
    }

    /// Adds text that does not lie in the chunk as it is.
    pub(in crate::formats) fn push_text(&mut self, text: &[u8]) -> Result<(), Misfit> {
        match &mut self.data {
            Data::Text(data) => {
                let offset = u32::try_from(data.side.len()).map_err(|_| Misfit::Type)?;
                data.views.push(make_view(text, SIDE, offset));
                if text.len() > 12 {
                    data.side.extend_from_slice(text);
                }
            }
            _ => return self.push_parsed(text),
        }
        self.set_valid();
        Ok(())
    }

    /// Adds the value that a text stands for; not for text columns.
    pub(in crate::formats) fn push_parsed(&mut self, text: &[u8]) -> Result<(), Misfit> {
        fn integer<T: TryFrom<i128>>(text: &[u8]) -> Result<T, Misfit> {
            parse_integer(text).and_then(|value| T::try_from(value).ok()).ok_or(Misfit::Type)
        }
        match &mut self.data {
            Data::Boolean(values) => match text {
                b"true" | b"TRUE" | b"True" => values.append(true),
                b"false" | b"FALSE" | b"False" => values.append(false),
                _ => return Err(Misfit::Type),
            },
            Data::Int8(values) => values.push(integer(text)?),
            Data::Int16(values) => values.push(integer(text)?),
            Data::Int32(values) => values.push(integer(text)?),
            Data::Int64(values) => values.push(integer(text)?),
            Data::UInt8(values) => values.push(integer(text)?),
            Data::UInt16(values) => values.push(integer(text)?),
            Data::UInt32(values) => values.push(integer(text)?),
            Data::UInt64(values) => values.push(integer(text)?),
            Data::Float32(values) => {
                let value = float(text)?;
                // Rounding to the nearest is what a REAL column means; overflow is not.
                let narrow = value as f32;
                if narrow.is_infinite() && value.is_finite() {
                    return Err(Misfit::Type);
                }
                values.push(narrow);
            }
            Data::Float64(values) => {
                let value = float(text)?;
                if self.keeps_digits && text.len() > 15 && !keeps_digits(text) {
                    return Err(Misfit::Type);
                }
                values.push(value);
            }
            Data::Decimal128(values, precision, scale) => {
                let value = parse_decimal128(text, *scale).ok_or(Misfit::Type)?;
                if value.unsigned_abs() >= 10u128.pow(u32::from(*precision)) {
                    return Err(Misfit::Type);
                }
                values.push(value);
            }
            Data::Decimal256(values, precision, scale) => {
                let value = parse_decimal256(text, *scale).ok_or(Misfit::Type)?;
                arrow::datatypes::validate_decimal256_precision(value, *precision, *scale).map_err(|_| Misfit::Type)?;
                values.push(value);
            }
            Data::Binary(offsets, values) => {
                if BASE64.decode_vec(text, values).is_err() {
                    values.truncate(offsets.last().map_or(0, |last| *last as usize));
                    return Err(Misfit::Type);
                }
                offsets.push(i32::try_from(values.len()).map_err(|_| Misfit::Type)?);
            }
            Data::Date(values) => values.push(parse_date(text).ok_or(Misfit::Type)?),
            Data::Time(values) => values.push(parse_time(text).ok_or(Misfit::Type)?),
            Data::Instant(values, unit, zone) => values.push(parse_timestamp(text, *unit, zone.is_some()).ok_or(Misfit::Type)?),
            Data::Null | Data::Text(_) | Data::List(..) | Data::Struct(..) | Data::Map(..) => return Err(Misfit::Type),
        }
        self.set_valid();
        Ok(())
    }

    /// Cuts the column back to `rows` values.
    pub(in crate::formats) fn truncate(&mut self, rows: usize) {
        match &mut self.data {
            Data::Null => {}
            Data::Boolean(values) => values.truncate(rows),
            Data::Int8(values) => values.truncate(rows),
            Data::Int16(values) => values.truncate(rows),
            Data::Int32(values) | Data::Date(values) => values.truncate(rows),
            Data::Int64(values) | Data::Time(values) | Data::Instant(values, ..) => values.truncate(rows),
            Data::UInt8(values) => values.truncate(rows),
            Data::UInt16(values) => values.truncate(rows),
            Data::UInt32(values) => values.truncate(rows),
            Data::UInt64(values) => values.truncate(rows),
            Data::Float32(values) => values.truncate(rows),
            Data::Float64(values) => values.truncate(rows),
            Data::Decimal128(values, ..) => values.truncate(rows),
            Data::Decimal256(values, ..) => values.truncate(rows),
            Data::Text(text) => text.views.truncate(rows),
            Data::Binary(offsets, values) => {
                offsets.truncate(rows + 1);
                values.truncate(last(offsets));
            }
            Data::List(offsets, item, _) => {
                offsets.truncate(rows + 1);
                item.truncate(last(offsets));
            }
            Data::Map(offsets, key, value, _) => {
                offsets.truncate(rows + 1);
                key.truncate(last(offsets));
                value.truncate(last(offsets));
            }
            Data::Struct(inner, _) => inner.columns.iter_mut().for_each(|column| column.truncate(rows)),
        }
        self.validity.truncate(rows);
    }

    /// The finished array; the column is empty afterwards. `chunk` is what text columns point into; every text put with [`Self::push_text_at`] is UTF-8.
    pub(in crate::formats) fn finish(&mut self, chunk: &Buffer) -> Result<ArrayRef> {
        let rows = self.len();
        let nulls = self.validity.finish();
        fn primitive<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>, nulls: Option<arrow::buffer::NullBuffer>) -> PrimitiveArray<T> {
            let capacity = values.capacity().min(values.len() * 2);
            PrimitiveArray::new(ScalarBuffer::from(std::mem::replace(values, Vec::with_capacity(capacity))), nulls)
        }
        fn broken(error: arrow::error::ArrowError) -> Error {
            Error::internal("a decoded column is inconsistent").with_source(error)
        }
        Ok(match &mut self.data {
            Data::Null => Arc::new(NullArray::new(rows)),
            Data::Boolean(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Data::Int8(values) => Arc::new(primitive::<Int8Type>(values, nulls)),
            Data::Int16(values) => Arc::new(primitive::<Int16Type>(values, nulls)),
            Data::Int32(values) => Arc::new(primitive::<Int32Type>(values, nulls)),
            Data::Int64(values) => Arc::new(primitive::<Int64Type>(values, nulls)),
            Data::UInt8(values) => Arc::new(primitive::<UInt8Type>(values, nulls)),
            Data::UInt16(values) => Arc::new(primitive::<UInt16Type>(values, nulls)),
            Data::UInt32(values) => Arc::new(primitive::<UInt32Type>(values, nulls)),
            Data::UInt64(values) => Arc::new(primitive::<UInt64Type>(values, nulls)),
            Data::Float32(values) => Arc::new(primitive::<Float32Type>(values, nulls)),
            Data::Float64(values) => Arc::new(primitive::<Float64Type>(values, nulls)),
            Data::Decimal128(values, precision, scale) => {
                Arc::new(Decimal128Array::new(std::mem::take(values).into(), nulls).with_precision_and_scale(*precision, *scale).map_err(broken)?)
            }
            Data::Decimal256(values, precision, scale) => {
                Arc::new(Decimal256Array::new(std::mem::take(values).into(), nulls).with_precision_and_scale(*precision, *scale).map_err(broken)?)
            }
            Data::Text(text) => {
                let views = ScalarBuffer::from(std::mem::replace(&mut text.views, Vec::with_capacity(rows)));
                let buffers: Arc<[Buffer]> = Arc::from([chunk.clone(), Buffer::from(std::mem::take(&mut text.side))]);
                // SAFETY: every view was made by `make_view` from bytes at that place of that buffer, and the decoder has checked that they are UTF-8 and cut at ASCII characters.
                let views: ArrayRef = Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) });
                if self.data_type == DataType::Utf8 { arrow::compute::cast(&views, &DataType::Utf8).map_err(broken)? } else { views }
            }
            Data::Binary(ends, values) => {
                let ends = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, offsets(rows))));
                Arc::new(BinaryArray::from(GenericByteArray::<BinaryType>::new(ends, Buffer::from(std::mem::take(values)), nulls)))
            }
            Data::Date(values) => Arc::new(Date32Array::new(std::mem::take(values).into(), nulls)),
            Data::Time(values) => Arc::new(Time64MicrosecondArray::new(std::mem::take(values).into(), nulls)),
            Data::Instant(values, unit, zone) => match unit {
                TimeUnit::Second => Arc::new(primitive::<TimestampSecondType>(values, nulls).with_timezone_opt(zone.clone())),
                TimeUnit::Millisecond => Arc::new(primitive::<TimestampMillisecondType>(values, nulls).with_timezone_opt(zone.clone())),
                TimeUnit::Microsecond => Arc::new(primitive::<TimestampMicrosecondType>(values, nulls).with_timezone_opt(zone.clone())),
                TimeUnit::Nanosecond => Arc::new(primitive::<TimestampNanosecondType>(values, nulls).with_timezone_opt(zone.clone())),
            },
            Data::List(ends, item, field) => {
                let ends = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, offsets(rows))));
                Arc::new(ListArray::try_new(Arc::clone(field), ends, item.finish(chunk)?, nulls).map_err(broken)?)
            }
            Data::Struct(inner, fields) => {
                let columns = inner.columns.iter_mut().map(|column| column.finish(chunk)).collect::<Result<Vec<_>>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows).map_err(broken)?)
            }
            Data::Map(ends, key, value, field) => {
                let ends = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, offsets(rows))));
                let DataType::Struct(pair) = field.data_type() else { return Err(Error::internal("a map without entries")) };
                let entries = StructArray::try_new(pair.clone(), vec![key.finish(chunk)?, value.finish(chunk)?], None).map_err(broken)?;
                Arc::new(MapArray::try_new(Arc::clone(field), ends, entries, nulls, false).map_err(broken)?)
            }
        })
    }
}

fn offsets(capacity: usize) -> Vec<i32> {
    let mut offsets = Vec::with_capacity(capacity + 1);
    offsets.push(0);
    offsets
}

fn last(offsets: &[i32]) -> usize {
    offsets.last().map_or(0, |last| *last as usize)
}

fn float(text: &[u8]) -> Result<f64, Misfit> {
    match text {
        b"NaN" => Ok(f64::NAN),
        b"Infinity" => Ok(f64::INFINITY),
        b"-Infinity" => Ok(f64::NEG_INFINITY),
        _ => parse_float(text).ok_or(Misfit::Type),
    }
}

fn unsupported(field: &Field, data_type: &DataType) -> Error {
    Error::config(format!("column '{}' has type {data_type}, which text formats can't be read into", field.name()))
}

/// Refuses a schema with a column that text formats can't be read into.
pub(in crate::formats) fn check_columns(schema: &arrow::datatypes::Schema) -> Result<()> {
    schema.fields().iter().try_for_each(|field| Column::new(field, 0).map(|_| ()))
}

/// One value, from its text or (`None`) NULL.
pub(in crate::formats) fn parse_value(field: &Field, text: Option<&str>) -> Result<ArrayRef, String> {
    let mut column = Column::new(field, 1).map_err(|error| error.message().to_owned())?;
    let pushed = match text {
        Some(text) => column.push_text(text.as_bytes()),
        None => column.push_null(),
    };
    pushed.map_err(|misfit| match misfit {
        Misfit::Null => "is NOT NULL, but the value is NULL".to_owned(),
        Misfit::Type => format!("\"{}\" is not {}", excerpt(text.unwrap_or_default()), print_type(field.data_type())),
    })?;
    column.finish(&Buffer::from(&[] as &[u8])).map_err(|error| error.message().to_owned())
}
