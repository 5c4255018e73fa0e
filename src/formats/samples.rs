//! Rows with the extremes of every type and files to try them in, for the tests of the columnar formats; texts read piece by piece, for those of the text formats.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::*;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef, i256};

use super::schema_text::parse;
use super::{Chunk, ColumnarBatch, ColumnarFormat, ColumnarInput, ColumnarRequest, DecodedBatch, DecodedChunk, Split, TextInput};
use crate::error::Result;
use crate::stream::{RecordPlace, RejectedRecord};

const COLUMNS: &str = "flag BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT, i64 BIGINT NOT NULL, u8 TINYINT UNSIGNED, u16 SMALLINT UNSIGNED, u32 INT UNSIGNED, u64 BIGINT UNSIGNED, \
     r REAL, d DOUBLE, m DECIMAL(12,2), m38 DECIMAL(38,10), m76 DECIMAL(76,20), s VARCHAR, raw BYTEA, day DATE, clock TIME, t TIMESTAMP, t0 TIMESTAMP(0), t3 TIMESTAMP(3), \
     t9 TIMESTAMP(9), local TIMESTAMP WITHOUT TIME ZONE, l ARRAY<VARCHAR>, ll ARRAY<ARRAY<BIGINT>>, st STRUCT<a INT NOT NULL, b STRUCT<c VARCHAR, d ARRAY<DATE>>>, \
     mp MAP<VARCHAR, BIGINT>, deep MAP<VARCHAR, ARRAY<STRUCT<x DECIMAL(5,1), y MAP<VARCHAR, VARCHAR>>>>, ls ARRAY<STRUCT<k VARCHAR, v DOUBLE>>";

/// Microseconds of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59.999999Z.
pub(super) const FIRST: i64 = -62_135_596_800_000_000;
pub(super) const LAST: i64 = 253_402_300_799_999_999;

/// Four rows: least, greatest, odd, and NULL wherever that may be.
pub(super) fn every_type() -> RecordBatch {
    let schema = Arc::new(parse(COLUMNS).expect("columns"));
    let p38 = 10i128.pow(38) - 1;
    let p76 = i256::from_string(&"9".repeat(76)).expect("number");
    let text = |value: String| Some(value);
    let big = "é".repeat(1 << 19);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![Some(false), Some(true), Some(false), None])),
        Arc::new(Int8Array::from(vec![Some(i8::MIN), Some(i8::MAX), Some(-1), None])),
        Arc::new(Int16Array::from(vec![Some(i16::MIN), Some(i16::MAX), Some(-1), None])),
        Arc::new(Int32Array::from(vec![Some(i32::MIN), Some(i32::MAX), Some(-1), None])),
        Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, -1, 0])),
        Arc::new(UInt8Array::from(vec![Some(0), Some(u8::MAX), Some(1), None])),
        Arc::new(UInt16Array::from(vec![Some(0), Some(u16::MAX), Some(1), None])),
        Arc::new(UInt32Array::from(vec![Some(0), Some(u32::MAX), Some(1), None])),
        Arc::new(UInt64Array::from(vec![Some(0), Some(u64::MAX), Some(1), None])),
        Arc::new(Float32Array::from(vec![Some(f32::NEG_INFINITY), Some(f32::MAX), Some(f32::NAN), None])),
        Arc::new(Float64Array::from(vec![Some(f64::INFINITY), Some(f64::MIN_POSITIVE), Some(f64::NAN), None])),
        decimal(vec![Some(-999_999_999_999), Some(999_999_999_999), Some(1), None], 12, 2),
        decimal(vec![Some(-p38), Some(p38), Some(-1), None], 38, 10),
        Arc::new(Decimal256Array::from(vec![Some(-p76), Some(p76), Some(i256::MINUS_ONE), None]).with_precision_and_scale(76, 20).expect("decimal")),
        Arc::new(StringViewArray::from_iter([text(String::new()), text(big), text("nul \0, \u{10ffff}, \"quote\"\r\n".to_owned()), None])),
        Arc::new(BinaryArray::from_opt_vec(vec![Some(b""), Some(&[0xff, 0x00, 0x80]), Some(&[0; 300]), None])),
        Arc::new(Date32Array::from(vec![Some(-719_162), Some(2_932_896), Some(0), None])),
        Arc::new(Time64MicrosecondArray::from(vec![Some(0), Some(86_399_999_999), Some(1), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(FIRST), Some(LAST), Some(-1), None]).with_timezone("UTC")),
        Arc::new(TimestampSecondArray::from(vec![Some(FIRST / 1_000_000), Some(LAST / 1_000_000), Some(-1), None]).with_timezone("UTC")),
        Arc::new(TimestampMillisecondArray::from(vec![Some(FIRST / 1_000), Some(LAST / 1_000), Some(-1), None]).with_timezone("UTC")),
        Arc::new(TimestampNanosecondArray::from(vec![Some(i64::MIN), Some(i64::MAX), Some(-1), None]).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(FIRST), Some(LAST), Some(-1), None])),
    ];
    let strings: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None, Some(""), Some("z")]));
    columns.push(list(&schema, "l", &[0, 2, 2, 4, 4], Arc::clone(&strings), Some(vec![true, true, true, false])));
    let longs: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]));
    let inner = ListArray::new(item_of(&schema, "ll", 1), offsets(&[0, 2, 2, 2, 3]), longs, Some(NullBuffer::from(vec![true, false, true, true])));
    columns.push(list(&schema, "ll", &[0, 2, 2, 4, 4], Arc::new(inner), Some(vec![true, true, true, false])));
    columns.push(nested_struct(&schema));
    let keys: ArrayRef = Arc::new(StringViewArray::from(vec!["k", "", "k"]));
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MAX)]));
    columns.push(map(data_type(&schema, "mp"), &[0, 2, 2, 3, 3], Arc::clone(&keys), values, Some(vec![true, true, true, false])));
    columns.push(deep_map(&schema));
    let DataType::List(item) = data_type(&schema, "ls") else { panic!("list") };
    let DataType::Struct(fields) = item.data_type().clone() else { panic!("struct") };
    let records =
        StructArray::new(fields, vec![keys, Arc::new(Float64Array::from(vec![Some(0.5), None, Some(-0.0)]))], Some(NullBuffer::from(vec![true, true, false])));
    columns.push(list(&schema, "ls", &[0, 1, 1, 3, 3], Arc::new(records), Some(vec![true, true, true, false])));
    RecordBatch::try_new(schema, columns).expect("batch")
}

fn decimal(values: Vec<Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).expect("decimal"))
}

fn data_type(schema: &SchemaRef, name: &str) -> DataType {
    schema.field_with_name(name).expect("column").data_type().clone()
}

fn offsets(ends: &[i32]) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ends.to_vec().into())
}

fn item_of(schema: &SchemaRef, name: &str, depth: usize) -> arrow::datatypes::FieldRef {
    let mut found = data_type(schema, name);
    for level in 0..=depth {
        let DataType::List(item) = found else { panic!("list") };
        if level == depth {
            return item;
        }
        found = item.data_type().clone();
    }
    panic!("depth")
}

fn list(schema: &SchemaRef, name: &str, ends: &[i32], values: ArrayRef, valid: Option<Vec<bool>>) -> ArrayRef {
    Arc::new(ListArray::new(item_of(schema, name, 0), offsets(ends), values, valid.map(NullBuffer::from)))
}

fn map(data_type: DataType, ends: &[i32], keys: ArrayRef, values: ArrayRef, valid: Option<Vec<bool>>) -> ArrayRef {
    let DataType::Map(entries, sorted) = data_type else { panic!("map") };
    let keys = arrow::compute::cast(&keys, &DataType::Utf8).expect("text");
    let DataType::Struct(fields) = entries.data_type().clone() else { panic!("entries") };
    Arc::new(MapArray::new(entries, offsets(ends), StructArray::new(fields, vec![keys, values], None), valid.map(NullBuffer::from), sorted))
}

fn nested_struct(schema: &SchemaRef) -> ArrayRef {
    let DataType::Struct(outer) = data_type(schema, "st") else { panic!("struct") };
    let DataType::Struct(inner) = outer[1].data_type().clone() else { panic!("struct") };
    let DataType::List(item) = inner[1].data_type().clone() else { panic!("list") };
    let days = ListArray::new(
        item,
        offsets(&[0, 2, 2, 2, 2]),
        Arc::new(Date32Array::from(vec![Some(1), None])),
        Some(NullBuffer::from(vec![true, false, true, false])),
    );
    let texts = StringViewArray::from(vec![Some("c"), None, Some(""), None]);
    let record = StructArray::new(inner, vec![Arc::new(texts), Arc::new(days)], Some(NullBuffer::from(vec![true, true, false, false])));
    let numbers = Int32Array::from(vec![1, i32::MIN, i32::MAX, 0]);
    Arc::new(StructArray::new(outer, vec![Arc::new(numbers), Arc::new(record)], Some(NullBuffer::from(vec![true, true, true, false]))))
}

fn deep_map(schema: &SchemaRef) -> ArrayRef {
    let deep = data_type(schema, "deep");
    let DataType::Map(entries, _) = &deep else { panic!("map") };
    let DataType::Struct(fields) = entries.data_type() else { panic!("entries") };
    let DataType::List(item) = fields[1].data_type().clone() else { panic!("list") };
    let DataType::Struct(record) = item.data_type().clone() else { panic!("struct") };
    let inner_keys: ArrayRef = Arc::new(StringViewArray::from(vec!["p", "q"]));
    let inner_values: ArrayRef = Arc::new(StringViewArray::from(vec![None, Some("w")]));
    let inner = map(record[1].data_type().clone(), &[0, 2, 2, 2], inner_keys, inner_values, Some(vec![true, false, true]));
    let records = StructArray::new(record, vec![decimal(vec![Some(-99_999), None, Some(5)], 5, 1), inner], Some(NullBuffer::from(vec![true, true, true])));
    let lists = ListArray::new(item, offsets(&[0, 2, 2, 3]), Arc::new(records), Some(NullBuffer::from(vec![true, false, true])));
    let keys: ArrayRef = Arc::new(StringViewArray::from(vec!["one", "two", "three"]));
    map(deep, &[0, 2, 2, 3, 3], keys, Arc::new(lists), Some(vec![true, true, true, false]))
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The records of a text that comes in pieces which end at `cuts`.
pub(super) fn decode_text(input: &dyn TextInput, name: &str, text: &[u8], cuts: &[usize]) -> DecodedChunk {
    let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let (mut buffer, mut line, mut at, mut format, mut all) = (Vec::new(), 1, 0, None, DecodedChunk::default());
    let reject = |line: u64, reason: &str, all: &mut DecodedChunk| {
        let place = RecordPlace { partition: Arc::from(name), unit: "line", number: line };
        let rejected = vec![RejectedRecord { place: Some(place), reason: reason.to_owned() }];
        all.batches.push(DecodedBatch { rows: RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty())), rejected, end: 0 });
    };
    for cut in cuts.iter().copied().filter(|cut| *cut < text.len()).chain([text.len()]) {
        let cut = cut.clamp(at, text.len());
        buffer.extend_from_slice(&text[at..cut]);
        at = cut;
        let at_end = at == text.len();
        if format.is_none() {
            format = input.preamble(&buffer, at_end, name).expect("no fault");
            let length = format.as_ref().map_or(0, |format| format.length);
            line += lines(&buffer[..length]);
            buffer.drain(..length);
        }
        let Some(format) = &mut format else { continue };
        loop {
            let length = match format.splitter.next(&buffer, at_end) {
                Split::Records(length) => {
                    let chunk = Chunk { bytes: Buffer::from(buffer[..length].to_vec()), partition: Arc::from(name), first_line: line };
                    all.batches.extend(format.decoder.decode(&chunk).expect("no engine fault").batches);
                    length
                }
                Split::Broken(length, reason) => {
                    reject(line, reason, &mut all);
                    length
                }
                Split::Incomplete => break,
            };
            assert!(length > 0 && length <= buffer.len(), "it goes on");
            line += lines(&buffer[..length]);
            buffer.drain(..length);
        }
        if let Some(reason) = format.splitter.fault_at_end().filter(|_| at_end) {
            reject(line, reason, &mut all);
        }
    }
    assert!(buffer.is_empty(), "nothing is left over: {:?}", String::from_utf8_lossy(&buffer));
    all
}

/// The bytes of a file with these batches.
pub(super) fn encode(format: &dyn ColumnarFormat, batches: &[RecordBatch]) -> Vec<u8> {
    let output = Shared::default();
    let schema = batches[0].schema();
    format.check_schema(&schema).expect("schema");
    let mut writer = format.writer(&schema, Box::new(output.clone())).expect("writer");
    for batch in batches {
        assert!(writer.write(batch).expect("written").is_empty());
    }
    writer.finish().expect("finished").flush().expect("flushed");
    std::mem::take(&mut output.0.lock().expect("lock"))
}

/// A file in a folder that lives as long as the returned guard.
pub(super) fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("rows.data");
    std::fs::write(&path, bytes).expect("write");
    (folder, path)
}

/// A request for all columns of `schema`.
pub(super) fn request(schema: &SchemaRef) -> ColumnarRequest {
    ColumnarRequest {
        schema: Arc::clone(schema),
        columns: (0..schema.fields().len()).collect(),
        batch_rows: 3,
        pruning: None,
        start_row: 0,
        partition: Arc::from("rows"),
    }
}

/// All batches of a file.
pub(super) fn read(input: &dyn ColumnarInput, path: &Path, request: &ColumnarRequest) -> Result<Vec<ColumnarBatch>> {
    let mut reader = input.open(path, request)?;
    let mut batches = Vec::new();
    while let Some(batch) = reader.next()? {
        assert!(batch.rows.num_rows() <= request.batch_rows);
        batches.push(batch);
    }
    assert!(reader.next()?.is_none(), "the end stays the end");
    Ok(batches)
}

/// The rows of batches as one.
pub(super) fn joined(batches: &[ColumnarBatch]) -> RecordBatch {
    concat_batches(&batches[0].rows.schema(), batches.iter().map(|batch| &batch.rows)).expect("joined")
}

/// Reads what was written, column by column and all at once, and compares.
pub(super) fn assert_round_trip(input: &dyn ColumnarInput, format: &dyn ColumnarFormat, rows: &RecordBatch) {
    let (_folder, path) = file(&encode(format, &[rows.slice(0, 1), rows.slice(1, rows.num_rows() - 1), rows.slice(0, 0)]));
    let all = request(&rows.schema());
    let found = read(input, &path, &all).expect("read");
    assert!(found.iter().all(|batch| batch.rejected.is_empty()), "{:?}", found.iter().flat_map(|batch| &batch.rejected).collect::<Vec<_>>());
    let found = joined(&found);
    for (at, field) in rows.schema().fields().iter().enumerate() {
        assert!(found.column(at) == rows.column(at), "{field}: {:?} is not {:?}", found.column(at), rows.column(at));
    }
    for at in 0..rows.num_columns() {
        let one = ColumnarRequest { columns: vec![at], ..all.clone() };
        assert_eq!(joined(&read(input, &path, &one).expect("read")), rows.project(&[at]).expect("column"), "column {at}");
    }
}

/// Damages a file in many ways; each must be an error or rows, in bounded time.
pub(super) fn assert_survives_damage(input: &dyn ColumnarInput, bytes: &[u8], schema: &SchemaRef) {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    for _ in 0..150 {
        let mut damaged = bytes.to_vec();
        match random(3) {
            0 => damaged.truncate(random(bytes.len())),
            1 => damaged[random(bytes.len())] = random(256) as u8,
            _ => (0..4).for_each(|_| damaged[random(bytes.len())] ^= 1 << random(8)),
        }
        let (_folder, path) = file(&damaged);
        for result in [input.schema_of(&path).map(|_| ()), read(input, &path, &request(schema)).map(|_| ())] {
            if let Err(e) = result {
                assert!(e.message().contains("rows.data"), "{e}");
            }
        }
    }
}
