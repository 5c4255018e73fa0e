//! As users see it: files written, read, resumed, damaged.

use std::sync::Arc;

use arrow::array::builder::{LargeStringBuilder, ListBuilder, MapBuilder, StringBuilder};
use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampSecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::scalar::ScalarValue;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::{ParquetCompression, ParquetInput, ParquetOutput};
use crate::formats::normalize::normalize;
use crate::formats::samples::{assert_round_trip, assert_survives_damage, encode, every_type, file, joined, read, request};
use crate::formats::schema_text::{parse, print};
use crate::formats::{ColumnarBatch, ColumnarFormat, ColumnarInput, ColumnarRequest};
use crate::options::OptionValue;

fn greater(name: &str, index: usize, value: impl Into<ScalarValue>) -> Option<Arc<dyn PhysicalExpr>> {
    Some(Arc::new(BinaryExpr::new(Arc::new(Column::new(name, index)), Operator::Gt, Arc::new(Literal::new(value.into())))))
}

/// Ten row groups of ten rows: `n` counts from 0, `s` is its text, `x` half of it.
fn ten_groups() -> (RecordBatch, Vec<u8>) {
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("s", Arc::new(StringArray::from_iter_values((0..100).map(|n| format!("{n:03}")))), true),
        ("n", Arc::new(Int64Array::from_iter_values(0..100)), true),
        ("x", Arc::new(Float64Array::from_iter_values((0..100).map(|n| if n == 3 { f64::NAN } else { f64::from(n) / 2.0 }))), true),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("batch");
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    (batch, bytes)
}

fn numbers(batches: &[ColumnarBatch], column: usize) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.rows.column(column).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[test]
fn every_type_comes_back_as_it_was_with_every_codec() {
    for codec in ["none", "snappy", "gzip", "zstd", "lz4"] {
        let compression = ParquetCompression::parse(codec).expect("codec");
        assert_round_trip(&ParquetInput, &ParquetOutput { compression }, &every_type());
    }
}

#[test]
fn foreign_text_is_read_as_the_engines_text() {
    let (_, bytes) = ten_groups();
    let (_folder, path) = file(&bytes);
    assert_eq!(*ParquetInput.schema_of(&path).expect("schema"), parse("s VARCHAR, n BIGINT, x DOUBLE").expect("schema"));
}

/// As other programs write them: other names of items, other sizes of text, with and without a note of the types they had in memory.
#[test]
fn foreign_nested_columns_are_read_in_the_engines_types() {
    let mut items = ListBuilder::new(LargeStringBuilder::new()).with_field(Field::new("element", DataType::LargeUtf8, true));
    items.append_value([Some("a"), None]);
    items.append_null();
    let record = StructArray::from(vec![(Arc::new(Field::new("name", DataType::Utf8, true)), Arc::new(StringArray::from(vec![Some("x"), None])) as ArrayRef)]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("k");
    map.values().append_null();
    map.append(true).expect("entry");
    map.append(false).expect("null");
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("items", Arc::new(items.finish()), true),
        ("record", Arc::new(record), true),
        ("map", Arc::new(map.finish()), true),
        ("code", Arc::new(vec![Some("one"), None].into_iter().collect::<DictionaryArray<Int32Type>>()), true),
        ("at", Arc::new(TimestampSecondArray::from(vec![1, -1]).with_timezone("+02:00")), true),
        ("key", Arc::new(FixedSizeBinaryArray::try_from_iter([[1u8; 3], [2; 3]].into_iter()).expect("keys")), true),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("batch");
    for skip in [false, true] {
        let mut bytes = Vec::new();
        let options = ArrowWriterOptions::new().with_skip_arrow_metadata(skip);
        let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).expect("writer");
        writer.write(&batch).expect("written");
        writer.close().expect("closed");
        let (_folder, path) = file(&bytes);
        let schema = ParquetInput.schema_of(&path).expect("schema");
        // Seconds have no name in the format: without the note they are numbers.
        let at = if skip { "BIGINT" } else { "TIMESTAMP(0)" };
        assert_eq!(print(&schema), format!("items ARRAY<VARCHAR>, record STRUCT<name VARCHAR>, map MAP<VARCHAR, VARCHAR>, code VARCHAR, at {at}, key BYTEA"));
        let found = joined(&read(&ParquetInput, &path, &request(&schema)).expect("read"));
        let expected =
            normalize(&batch.project(&[0, 1, 2, 3, 5]).expect("columns"), &Arc::new(schema.project(&[0, 1, 2, 3, 5]).expect("schema"))).expect("normal");
        assert_eq!(found.project(&[0, 1, 2, 3, 5]).expect("columns"), expected);
    }
}

#[test]
fn any_selection_of_columns_is_read_and_none_keeps_the_rows() {
    let (_, bytes) = ten_groups();
    let (_folder, path) = file(&bytes);
    let schema = ParquetInput.schema_of(&path).expect("schema");
    let all = request(&schema);
    let found = read(&ParquetInput, &path, &ColumnarRequest { columns: vec![1], batch_rows: 7, ..all.clone() }).expect("read");
    assert_eq!(numbers(&found, 0), (0..100).collect::<Vec<_>>());
    let found = read(&ParquetInput, &path, &ColumnarRequest { columns: vec![], batch_rows: 64, ..all.clone() }).expect("read");
    assert_eq!(found.iter().map(|batch| batch.rows.num_rows()).collect::<Vec<_>>(), [64, 36]);
    assert_eq!(found[0].rows.num_columns(), 0);
    let declared = Arc::new(parse("n BIGINT, missing VARCHAR, s VARCHAR").expect("schema"));
    let found = read(&ParquetInput, &path, &request(&declared)).expect("read");
    assert_eq!(joined(&found).column(1).null_count(), 100);
    assert_eq!(numbers(&found, 0), (0..100).collect::<Vec<_>>());
}

#[test]
fn row_groups_that_cannot_match_are_counted_not_read() {
    let (_, bytes) = ten_groups();
    let (_folder, path) = file(&bytes);
    let schema = ParquetInput.schema_of(&path).expect("schema");
    let all = request(&schema);
    let cases = [
        (greater("n", 1, 74i64), (70..100).collect::<Vec<i64>>()),
        (greater("s", 0, ScalarValue::Utf8View(Some("095".to_owned()))), (90..100).collect()),
        (greater("n", 1, 1000i64), vec![]),
        // NaN is greater than every number, and statistics don't tell of it.
        (greater("x", 2, 1000.0f64), (0..100).collect()),
    ];
    for (pruning, expected) in cases {
        for start in [0, 15, 71, 100] {
            let found = read(&ParquetInput, &path, &ColumnarRequest { pruning: pruning.clone(), start_row: start, ..all.clone() }).expect("read");
            let expected: Vec<i64> = expected.iter().copied().filter(|n| *n >= start as i64).collect();
            assert_eq!(numbers(&found, 1), expected);
            let skipped: u64 = found.iter().map(|batch| batch.skipped).sum();
            assert_eq!(skipped + expected.len() as u64 + start, 100);
            assert!(found.last().is_none_or(|batch| batch.next_row == 100));
        }
    }
}

#[test]
fn rows_that_would_be_rejected_are_not_skipped() {
    let (_, bytes) = ten_groups();
    let (_folder, path) = file(&bytes);
    let narrow = Arc::new(parse("n TINYINT, s VARCHAR NOT NULL").expect("schema"));
    let found = read(&ParquetInput, &path, &ColumnarRequest { pruning: greater("n", 0, 1000i64), ..request(&narrow) }).expect("read");
    assert_eq!(found.iter().map(|batch| batch.skipped).sum::<u64>(), 0);
    let strict = Arc::new(parse("n BIGINT NOT NULL").expect("schema"));
    let found = read(&ParquetInput, &path, &ColumnarRequest { pruning: greater("n", 0, 1000i64), ..request(&strict) }).expect("read");
    assert_eq!(found.iter().map(|batch| batch.skipped).sum::<u64>(), 100, "the statistics say that there is no NULL");
}

#[test]
fn reading_resumes_at_every_row() {
    let (_, bytes) = ten_groups();
    let (_folder, path) = file(&bytes);
    let schema = ParquetInput.schema_of(&path).expect("schema");
    for start in 0..=101 {
        let found = read(&ParquetInput, &path, &ColumnarRequest { start_row: start, batch_rows: 7, ..request(&schema) }).expect("read");
        assert_eq!(numbers(&found, 1), (start as i64..100).collect::<Vec<_>>());
    }
    let pruning = greater("n", 1, 44i64);
    let whole = read(&ParquetInput, &path, &ColumnarRequest { pruning: pruning.clone(), ..request(&schema) }).expect("read");
    for (at, batch) in whole.iter().enumerate() {
        let rest = read(&ParquetInput, &path, &ColumnarRequest { pruning: pruning.clone(), start_row: batch.next_row, ..request(&schema) }).expect("read");
        assert_eq!(numbers(&rest, 1), numbers(&whole[at + 1..], 1));
    }
}

#[test]
fn rejected_rows_tell_their_number_in_the_file() {
    let rows = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(120..140)) as ArrayRef)]).expect("batch");
    let (_folder, path) = file(&encode(&ParquetOutput::default(), &[rows]));
    let narrow = Arc::new(parse("n TINYINT").expect("schema"));
    let found = read(&ParquetInput, &path, &ColumnarRequest { start_row: 6, ..request(&narrow) }).expect("read");
    assert_eq!(joined(&found).num_rows(), 2);
    let told: Vec<String> = found.iter().flat_map(|batch| &batch.rejected).map(ToString::to_string).collect();
    assert_eq!((told.len(), told[0].as_str()), (12, "rows, row 9: n: 128 does not fit TINYINT"));
    let text = Arc::new(parse("n VARCHAR").expect("schema"));
    let refused = ParquetInput.open(&path, &request(&text)).map(|_| ()).expect_err("refused");
    assert!(refused.message().ends_with("rows.data': column 'n' is BIGINT in the file and VARCHAR in the table"), "{refused}");
}

#[test]
fn old_96_bit_timestamps_are_instants_of_any_year() {
    let schema = parquet::schema::parser::parse_message_type("message m { REQUIRED INT96 t; }").expect("schema");
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::default()).expect("writer");
    let mut group = writer.next_row_group().expect("group");
    let mut column = group.next_column().expect("column").expect("one");
    // Julian days: 2440588 is 1970-01-01, 5373484 is 9999-12-31; then nanoseconds of the day.
    let instant = |day: u32, nanos: u64| Int96::from(vec![nanos as u32, (nanos >> 32) as u32, day]);
    column.typed::<Int96Type>().write_batch(&[instant(2_440_588, 1_000), instant(5_373_484, 86_399_999_999_000)], None, None).expect("written");
    column.close().expect("column");
    group.close().expect("group");
    writer.close().expect("closed");
    let (_folder, path) = file(&bytes);
    let schema = ParquetInput.schema_of(&path).expect("schema");
    assert_eq!(schema.field(0).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    let found = read(&ParquetInput, &path, &request(&schema)).expect("read");
    assert_eq!(joined(&found).column(0).as_primitive::<TimestampMicrosecondType>().values(), &[1, 253_402_300_799_999_999]);
}

#[test]
fn seconds_too_far_for_milliseconds_are_rejected() {
    let seconds = TimestampSecondArray::from(vec![i64::MAX, 1]).with_timezone("UTC");
    let batch = RecordBatch::try_from_iter([("t", Arc::new(seconds) as ArrayRef)]).expect("batch");
    let mut writer = ParquetOutput::default().writer(&batch.schema(), Box::new(std::io::sink())).expect("writer");
    let rejected = writer.write(&batch).expect("written");
    assert_eq!(rejected.len(), 1);
    assert!(rejected[0].reason.starts_with("t: ") && rejected[0].reason.ends_with("does not fit TIMESTAMP(3)"), "{}", rejected[0].reason);
}

#[test]
fn schemas_that_parquet_cannot_store_are_refused() {
    let refused = |schema: Schema| ParquetOutput::default().check_schema(&Arc::new(schema)).expect_err("refused").to_string();
    let empty = DataType::Struct(arrow::datatypes::Fields::empty());
    let nested = Schema::new(vec![arrow::datatypes::Field::new_list("l", Arc::new(arrow::datatypes::Field::new_list_field(empty, true)), true)]);
    assert!(refused(nested).starts_with("column 'l[]': Parquet has no way to store a STRUCT without fields"));
    assert!(refused(Schema::empty()).contains("at least one column"));
    let twice = Schema::new(vec![parse("a INT").expect("schema").field(0).clone(), parse("a INT").expect("schema").field(0).clone()]);
    assert!(refused(twice).contains("two columns are called 'a'"));
}

#[test]
fn large_rows_close_row_groups_and_the_size_is_known_while_writing() {
    let texts = StringViewArray::from_iter_values((0..90).map(|n| format!("{n}").repeat(1 << 19)));
    let batch = RecordBatch::try_from_iter([("s", Arc::new(texts) as ArrayRef)]).expect("batch");
    let output = ParquetOutput { compression: ParquetCompression::None };
    let mut writer = output.writer(&batch.schema(), Box::new(std::io::sink())).expect("writer");
    for row in 0..90 {
        writer.write(&batch.slice(row, 1)).expect("written");
    }
    assert!(writer.written() > 80 << 20, "{}", writer.written());
}

#[test]
fn files_that_are_not_parquet_are_named() {
    let (_, bytes) = ten_groups();
    for (bytes, says) in [(&b""[..], "it is empty"), (&b"not parquet at all"[..], "Corrupt footer"), (&bytes[..bytes.len() - 100], "rows.data")] {
        let (_folder, path) = file(bytes);
        let error = ParquetInput.schema_of(&path).expect_err("unreadable");
        assert!(error.message().contains("rows.data") && error.message().contains(says), "{error}");
    }
    let missing = ParquetInput.schema_of(std::path::Path::new("/does/not/exist")).expect_err("missing");
    assert_eq!(missing.message(), "can't open '/does/not/exist': No such file or directory");
}

#[test]
fn damaged_files_are_errors_not_panics() {
    let (batch, bytes) = ten_groups();
    assert_survives_damage(&ParquetInput, &bytes, &Arc::new(crate::formats::normalize::normal_schema(&batch.schema())));
    let rows = every_type().slice(2, 2);
    let bytes = encode(&ParquetOutput { compression: ParquetCompression::None }, std::slice::from_ref(&rows));
    assert_survives_damage(&ParquetInput, &bytes, &rows.schema());
}

#[test]
fn a_damaged_note_of_the_column_types_is_told_in_words() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;
    let (_, bytes) = ten_groups();
    // The note is base64 in the footer: from its first letters to the first byte that is none of base64.
    let start = bytes.windows(4).position(|window| window == b"////").expect("note");
    let length = bytes[start..].iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte)).expect("end") / 4 * 4;
    let mut note = BASE64.decode(&bytes[start..start + length]).expect("base64");
    let name = note.windows(5).rposition(|window| window == b"\x01\0\0\0s").expect("name of a column");
    note[name + 4] = 0xff;
    let mut damaged = bytes.clone();
    damaged[start..start + length].copy_from_slice(BASE64.encode(note).as_bytes());
    let (_folder, path) = file(&damaged);
    let error = ParquetInput.schema_of(&path).expect_err("unreadable");
    assert!(error.message().ends_with("rows.data' can't be read as a Parquet file: its note of the column types (ARROW:schema) is damaged"), "{error}");
}
