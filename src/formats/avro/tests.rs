//! As users see it: files written, read, resumed, damaged.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, NullArray, RecordBatch, StringViewArray, UInt64Array};
use arrow::datatypes::{DataType, Decimal128Type, Field, Fields, Int64Type, IntervalUnit, Schema};
use serde_json::{Value, json};

use super::schema::put_long;
use super::{AvroCompression, AvroInput, AvroOutput, schema_from_json};
use crate::formats::samples::{assert_round_trip, assert_survives_damage, encode, every_type, file, joined, read, request};
use crate::formats::schema_text::{parse, print};
use crate::formats::{ColumnarBatch, ColumnarFormat, ColumnarInput, ColumnarRequest};
use crate::options::OptionValue;

/// A hundred rows in blocks of ten: `n` counts from 0, `s` is its text.
fn ten_blocks() -> Vec<u8> {
    let schema = json!({"type": "record", "name": "r", "fields": [{"name": "s", "type": "string"}, {"name": "n", "type": "long"}]});
    let block = |block: usize| {
        let mut bytes = Vec::new();
        for n in block * 10..block * 10 + 10 {
            let text = format!("{n:03}");
            put_long(&mut bytes, text.len());
            bytes.extend_from_slice(text.as_bytes());
            put_long(&mut bytes, n);
        }
        (10, bytes)
    };
    container(&schema, &(0..10).map(block).collect::<Vec<_>>())
}

/// A file of blocks (records, bytes) as they are.
fn container(schema: &Value, blocks: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"Obj\x01".to_vec();
    put_long(&mut bytes, 1);
    for part in ["avro.schema", &schema.to_string()] {
        put_long(&mut bytes, part.len());
        bytes.extend_from_slice(part.as_bytes());
    }
    put_long(&mut bytes, 0);
    bytes.extend_from_slice(&[7; 16]);
    for (records, data) in blocks {
        put_long(&mut bytes, *records);
        put_long(&mut bytes, data.len());
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(&[7; 16]);
    }
    bytes
}

fn numbers(batches: &[ColumnarBatch], column: usize) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.rows.column(column).as_primitive::<Int64Type>().values().to_vec()).collect()
}

fn reason(bytes: &[u8]) -> String {
    let (_folder, path) = file(bytes);
    let failed = AvroInput.schema_of(&path).and_then(|schema| read(&AvroInput, &path, &request(&schema))).map(|_| ()).expect_err("unreadable");
    let message = failed.message().to_owned();
    assert!(message.contains("rows.data"), "{message}");
    message.split_once("as an Avro file: ").map_or(message.clone(), |(_, reason)| reason.to_owned())
}

#[test]
fn every_type_comes_back_as_it_was_with_every_codec() {
    for codec in ["none", "gzip", "snappy", "zstd"] {
        let compression = AvroCompression::parse(codec).expect("codec");
        assert_round_trip(&AvroInput, &AvroOutput { compression }, &every_type());
    }
}

#[test]
fn types_that_avro_does_not_have_are_stored_in_wider_ones() {
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX])) as ArrayRef, true),
        ("nothing", Arc::new(NullArray::new(1)), true),
    ]);
    let (_folder, path) = file(&encode(&AvroOutput::default(), &[batch.expect("batch")]));
    let schema = AvroInput.schema_of(&path).expect("schema");
    assert_eq!(print(&schema), "u DECIMAL(20,0), nothing VARCHAR");
    let found = joined(&read(&AvroInput, &path, &request(&schema)).expect("read"));
    assert_eq!(found.column(0).as_primitive::<Decimal128Type>().value(0), i128::from(u64::MAX));
    assert!(found.column(1).is_null(0));
}

#[test]
fn any_selection_of_columns_is_read_and_none_keeps_the_rows() {
    let (_folder, path) = file(&ten_blocks());
    let schema = AvroInput.schema_of(&path).expect("schema");
    let all = request(&schema);
    assert_eq!(
        numbers(&read(&AvroInput, &path, &ColumnarRequest { columns: vec![1], batch_rows: 7, ..all.clone() }).expect("read"), 0),
        (0..100).collect::<Vec<_>>()
    );
    for (start, count) in [(0, 100), (99, 1), (100, 0), (200, 0)] {
        let found = read(&AvroInput, &path, &ColumnarRequest { columns: vec![], batch_rows: 64, start_row: start, ..all.clone() }).expect("read");
        assert_eq!(found.iter().map(|batch| batch.rows.num_rows()).sum::<usize>(), count);
        assert!(found.len() <= 2);
        assert!(found.last().is_none_or(|batch| batch.next_row == 100));
    }
    let declared = Arc::new(parse("n BIGINT, missing VARCHAR").expect("schema"));
    let found = read(&AvroInput, &path, &request(&declared)).expect("read");
    assert_eq!((numbers(&found, 0).len(), joined(&found).column(1).null_count()), (100, 100));
}

#[test]
fn reading_resumes_at_every_row() {
    let (_folder, path) = file(&ten_blocks());
    let schema = AvroInput.schema_of(&path).expect("schema");
    for start in 0..=101 {
        let found = read(&AvroInput, &path, &ColumnarRequest { start_row: start, batch_rows: 7, ..request(&schema) }).expect("read");
        assert_eq!(numbers(&found, 1), (start as i64..100).collect::<Vec<_>>());
        assert!(found.last().is_none_or(|batch| batch.next_row == 100));
    }
}

#[test]
fn rejected_rows_tell_their_number_in_the_file() {
    let rows = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(120..140)) as ArrayRef)]).expect("batch");
    let (_folder, path) = file(&encode(&AvroOutput::default(), &[rows]));
    let narrow = Arc::new(parse("n TINYINT").expect("schema"));
    let found = read(&AvroInput, &path, &ColumnarRequest { start_row: 6, ..request(&narrow) }).expect("read");
    assert_eq!(joined(&found).num_rows(), 2);
    assert_eq!(found[0].rejected[0].to_string(), "rows, row 9: n: 128 does not fit TINYINT");
}

#[test]
fn a_type_defined_in_a_column_that_is_left_out_is_still_known() {
    let inner = json!({"type": "record", "name": "point", "namespace": "geo", "fields": [{"name": "x", "type": "long"}]});
    let fields = json!([{"name": "a", "type": inner}, {"name": "b", "type": "geo.point"}, {"name": "c", "type": ["null", "geo.point"]}]);
    let bytes = container(&json!({"type": "record", "name": "r", "fields": fields}), &[(2, vec![2, 4, 2, 6, 8, 10, 0])]);
    let (_folder, path) = file(&bytes);
    let schema = AvroInput.schema_of(&path).expect("schema");
    assert_eq!(print(&schema), "a STRUCT<x BIGINT NOT NULL> NOT NULL, b STRUCT<x BIGINT NOT NULL> NOT NULL, c STRUCT<x BIGINT NOT NULL>");
    for (columns, expected) in [(vec![1], [2, 5]), (vec![0], [1, 4]), (vec![1, 2], [2, 5])] {
        let found = joined(&read(&AvroInput, &path, &ColumnarRequest { columns, ..request(&schema) }).expect("read"));
        assert_eq!(found.column(0).as_struct().column(0).as_primitive::<Int64Type>().values(), &expected);
        assert!(found.num_columns() == 1 || (found.column(1).is_valid(0) && found.column(1).is_null(1)));
    }
}

#[test]
fn columns_without_bytes_are_null_in_every_row() {
    let fields = json!([{"name": "nothing", "type": "null"}]);
    let bytes = container(&json!({"type": "record", "name": "r", "fields": fields}), &[(5, vec![]), (2, vec![])]);
    let (_folder, path) = file(&bytes);
    let schema = AvroInput.schema_of(&path).expect("schema");
    let found = joined(&read(&AvroInput, &path, &request(&schema)).expect("read"));
    assert_eq!((found.num_rows(), found.column(0).logical_null_count()), (7, 7));
}

#[test]
fn schemas_in_json_become_columns() {
    let text = r#"{"type": "record", "name": "order", "namespace": "shop", "fields": [
        {"name": "id", "type": "long"}, {"name": "key", "type": {"type": "string", "logicalType": "uuid"}}, {"name": "note", "type": ["null", "string"], "default": null},
        {"name": "state", "type": {"type": "enum", "name": "state", "symbols": ["NEW", "DONE"]}}, {"name": "hash", "type": {"type": "fixed", "name": "md5", "size": 16}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}}, {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "tags", "type": {"type": "array", "items": ["string", "null"]}}, {"name": "counts", "type": {"type": "map", "values": "int"}},
        {"name": "buyer", "type": ["null", {"type": "record", "name": "person", "fields": [{"name": "name", "type": "string"}, {"name": "state", "type": "state"}]}]}]}"#;
    let schema = schema_from_json(text).expect("schema");
    assert_eq!(
        print(&schema),
        "id BIGINT NOT NULL, key VARCHAR NOT NULL, note VARCHAR, state VARCHAR NOT NULL, hash BYTEA NOT NULL, amount DECIMAL(12,2) NOT NULL, day DATE NOT NULL, \
         at TIMESTAMP(3) NOT NULL, clock TIME NOT NULL, local TIMESTAMP WITHOUT TIME ZONE NOT NULL, tags ARRAY<VARCHAR> NOT NULL, counts MAP<VARCHAR, INT> NOT NULL, \
         buyer STRUCT<name VARCHAR NOT NULL, state VARCHAR NOT NULL>"
    );
}

#[test]
fn schemas_that_are_no_columns_are_refused_in_words() {
    let refused = |text: &str| schema_from_json(text).expect_err("refused").message().to_owned();
    let record = |field: &str| refused(&format!(r#"{{"type":"record","name":"r","fields":[{{"name":"a","type":{field}}}]}}"#));
    assert!(refused("{").starts_with("the Avro schema is not JSON: "));
    assert_eq!(refused("\"string\""), "the Avro schema is not a record, so it has no columns");
    assert_eq!(record("\"nope\""), "the Avro schema does not define 'nope'");
    assert_eq!(record("[\"null\", \"r\"]"), "column 'a' has a type that holds itself, which is not supported");
    let duration = r#"{"type": "fixed", "name": "d", "size": 12, "logicalType": "duration"}"#;
    assert_eq!(record(duration), "column 'a' has a duration, which is not supported");
    assert_eq!(record("{\"type\": \"array\"}"), "the Avro schema has a type array without 'items'");
    // Each type holds the one before it twice: few bytes of schema, endless columns.
    let mut fields = vec![json!({"name": "f0", "type": {"type": "record", "name": "t0", "fields": [{"name": "x", "type": "int"}]}})];
    for level in 1..60 {
        let inner = format!("t{}", level - 1);
        fields.push(json!({"name": format!("f{level}"), "type": {"type": "record", "name": format!("t{level}"), "fields": [{"name": "l", "type": inner}, {"name": "r", "type": inner}]}}));
    }
    assert!(refused(&json!({"type": "record", "name": "bomb", "fields": fields}).to_string()).contains("too many types"));
}

#[test]
fn schemas_that_avro_cannot_store_are_refused() {
    let refused = |fields: Vec<Field>| AvroOutput::default().check_schema(&Arc::new(Schema::new(fields))).expect_err("refused").to_string();
    assert_eq!(
        refused(vec![Field::new("unit price", DataType::Int64, true)]),
        "'unit price' is not a name in Avro, which knows only letters A to Z, digits and _; give the column another name with AS"
    );
    assert!(
        refused(vec![Field::new("s", DataType::Struct(Fields::from(vec![Field::new("1st", DataType::Int64, true)])), true)]).starts_with("'1st' is not a name")
    );
    let numbered = parse("m MAP<INT, VARCHAR>").expect("schema").field(0).clone();
    assert!(refused(vec![numbered]).starts_with("column 'm': Avro has no way to store a MAP whose keys are not VARCHAR"));
    assert!(refused(vec![Field::new("i", DataType::Interval(IntervalUnit::MonthDayNano), true)]).contains("Avro has no way to store the type Interval"));
    assert!(refused(vec![Field::new("d", DataType::Decimal128(5, -2), true)]).contains("negative scale"));
    let named = Field::new("a", DataType::Int64, true).with_metadata(HashMap::from([("avro.name".to_owned(), "x".to_owned())]));
    assert!(AvroOutput::default().check_schema(&Arc::new(Schema::new(vec![named]))).is_ok());
}

#[test]
fn large_rows_become_blocks_of_bounded_size() {
    let texts = StringViewArray::from_iter_values((0..20).map(|n| format!("{n}").repeat(1 << 18)));
    let batch = RecordBatch::try_from_iter([("s", Arc::new(texts) as ArrayRef)]).expect("batch");
    let bytes = encode(&AvroOutput::default(), std::slice::from_ref(&batch));
    let (_folder, path) = file(&bytes);
    let schema = AvroInput.schema_of(&path).expect("schema");
    assert_eq!(joined(&read(&AvroInput, &path, &request(&schema)).expect("read")).column(0), batch.column(0));
    let mut container = super::container::Container::open(std::fs::File::open(&path).expect("file"), bytes.len() as u64).expect("container");
    while let Some(block) = container.next().expect("block") {
        assert!(block.bytes.len() < 2 << 20, "{}", block.bytes.len());
    }
}

#[test]
fn files_that_end_early_or_lie_are_errors() {
    let whole = ten_blocks();
    assert_eq!(reason(b""), "it is empty");
    assert_eq!(reason(b"id,name\n1,a\n"), "it does not begin as an Avro file does");
    assert_eq!(reason(&whole[..whole.len() - 1]), "it ends inside a block");
    assert_eq!(reason(&whole[..60]), "its header is damaged: it ends inside a value");
    let mut moved = whole.clone();
    let last = moved.len() - 1;
    moved[last] ^= 1;
    assert_eq!(reason(&moved), "a block does not end where it should");
    let schema = json!({"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}]});
    assert_eq!(reason(&container(&schema, &[(1, vec![2, 4])])), "the block of record 1 has bytes that are no record");
    assert_eq!(reason(&container(&schema, &[(3, vec![2, 4])])), "a block has fewer bytes than records");
    assert_eq!(reason(&container(&schema, &[(1, vec![2]), (1, vec![0x80])])), "record 2 is damaged: it ends inside a number");
    let schema = json!({"type": "record", "name": "r", "fields": [{"name": "s", "type": "string"}]});
    assert_eq!(reason(&container(&schema, &[(1, vec![2, 0xff])])), "record 1 is damaged: a text is not UTF-8");
}

#[test]
fn damaged_files_are_errors_not_panics() {
    let rows = every_type().slice(2, 2);
    for compression in [AvroCompression::None, AvroCompression::Deflate, AvroCompression::Snappy, AvroCompression::Zstd] {
        assert_survives_damage(&AvroInput, &encode(&AvroOutput { compression }, std::slice::from_ref(&rows)), &rows.schema());
    }
    let blocks = ten_blocks();
    assert_survives_damage(&AvroInput, &blocks, &Arc::new(parse("s VARCHAR, n BIGINT").expect("schema")));
}

#[test]
fn columns_of_types_that_are_not_supported_leave_the_others_readable() {
    let tree = json!({"type": "record", "name": "tree", "namespace": "n", "fields": [{"name": "next", "type": ["null", "tree"]}]});
    let inner = json!({"type": "record", "name": "point", "namespace": "geo", "fields": [{"name": "x", "type": ["int", "string"]}]});
    let fields = json!([
        {"name": "a", "type": "long"}, {"name": "u", "type": ["null", "int", "string"]}, {"name": "one", "type": ["int"]}, {"name": "t", "type": tree},
        {"name": "p", "type": inner}, {"name": "ps", "type": {"type": "array", "items": "geo.point"}}, {"name": "z", "type": "string"}
    ]);
    // a=1, u="x", one=7, t=two levels, p.x=2, no ps, z="z"; and once more with other branches.
    let records = [vec![2, 4, 2, b'x', 0, 14, 2, 2, 0, 0, 4, 0, 2, b'z'], vec![4, 0, 0, 16, 0, 2, 2, b'y', 2, 0, 2, 0, 2, b'w']].concat();
    let (_folder, path) = file(&container(&json!({"type": "record", "name": "r", "fields": fields}), &[(2, records)]));
    let schema = AvroInput.schema_of(&path).expect("schema");
    assert_eq!(print(&schema), "a BIGINT NOT NULL, z VARCHAR NOT NULL");
    let found = joined(&read(&AvroInput, &path, &request(&schema)).expect("read"));
    assert_eq!(found.column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
    assert_eq!(found.column(1).as_string_view().iter().collect::<Vec<_>>(), [Some("z"), Some("w")]);
    let refused = |column: &str| {
        let declared = Arc::new(parse(column).expect("schema"));
        AvroInput.open(&path, &request(&declared)).map(|_| ()).expect_err("refused").to_string()
    };
    let union = "has a union other than of one type and null";
    assert!(
        refused("u VARCHAR").ends_with(&format!("rows.data': column 'u' {union}, which is not supported; leave it out of the statement")),
        "{}",
        refused("u VARCHAR")
    );
    assert!(refused("one INT").contains(&format!("column 'one' {union}")), "{}", refused("one INT"));
    assert!(refused("p STRUCT<x INT>").contains(&format!("column 'p' {union} inside (p.x)")), "{}", refused("p STRUCT<x INT>"));
    assert!(refused("t VARCHAR").contains("column 't' has a type that holds itself"));
}

#[test]
fn values_that_hold_themselves_too_deeply_are_damage() {
    let tree = json!({"type": "record", "name": "tree", "fields": [{"name": "next", "type": ["null", "tree"]}]});
    let schema = json!({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}, {"name": "t", "type": tree}]});
    let record = |levels: usize| [vec![2], vec![2; levels], vec![0]].concat();
    let (_folder, path) = file(&container(&schema, &[(1, record(300))]));
    let columns = AvroInput.schema_of(&path).expect("schema");
    assert_eq!(numbers(&read(&AvroInput, &path, &request(&columns)).expect("read"), 0), [1]);
    assert_eq!(reason(&container(&schema, &[(1, record(1_000_000))])), "record 1 is damaged: a value of a type that holds itself is nested too deeply");
}
