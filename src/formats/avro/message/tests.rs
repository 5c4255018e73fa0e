//! Messages of one schema as columns of another, and rows as messages.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Value, json};

use super::super::container::Container;
use super::super::{AvroInput, AvroOutput};
use super::default::{put_counted, put_number};
use super::*;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::messages::{DecodedMessages, MessageDecoder, Messages};
use crate::formats::schema_text::{parse, print};
use crate::formats::{ColumnarInput, samples};

#[derive(Debug, Default)]
struct Known(HashMap<u32, String>);

impl WriterSchemas for Known {
    fn schema(&self, number: u32) -> Result<Result<Arc<SchemaText>, String>> {
        match self.0.get(&number) {
            Some(text) if text == "down" => Err(Error::new(ErrorKind::Source, Fault::External, "no answer")),
            Some(text) => Ok(Ok(Arc::new(SchemaText::alone(text.as_str())))),
            None => Ok(Err(format!("its schema ({number}) is not known"))),
        }
    }
}

fn text(schema: &Value) -> SchemaText {
    SchemaText::alone(schema.to_string())
}

fn record(fields: Value) -> Value {
    json!({ "type": "record", "name": "r", "namespace": "n", "fields": fields })
}

fn messages(values: &[Vec<u8>]) -> Messages {
    let ends = values.iter().scan(0, |end, value| {
        *end += value.len();
        Some(*end)
    });
    Messages { ends: ends.collect(), bytes: Buffer::from(values.concat()) }
}

/// Decodes values of one writer's schema into the columns of a reader's.
fn resolve(writer: &Value, reader: &Value, values: &[Vec<u8>]) -> DecodedMessages {
    let columns = Arc::new(text(reader).columns("test").expect("columns"));
    let framed: Vec<Vec<u8>> = values.iter().map(|value| [&[0, 0, 0, 0, 7], value.as_slice()].concat()).collect();
    let schemas = Known([(7, writer.to_string())].into());
    let decoder = AvroMessageDecoder::new(columns, Some(&text(reader)), Writers::Numbered(Arc::new(schemas)), 1 << 27).expect("a decoder");
    decoder.decode(&messages(&framed)).expect("no fault of ours")
}

/// Decodes values into declared columns.
fn declared(writer: &Value, columns: &str, values: &[Vec<u8>]) -> DecodedMessages {
    let columns = Arc::new(parse(columns).expect("columns"));
    let decoder = AvroMessageDecoder::new(columns, None, Writers::One(Arc::new(text(writer))), 1 << 27).expect("a decoder");
    decoder.decode(&messages(values)).expect("no fault of ours")
}

/// A row as text.
fn row(batch: &RecordBatch, at: usize) -> String {
    let options = FormatOptions::default().with_null("NULL");
    let cell = |column: &Arc<dyn Array>| ArrayFormatter::try_new(column, &options).expect("printable").value(at).to_string();
    batch.columns().iter().map(cell).collect::<Vec<_>>().join(" | ")
}

fn number(number: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_number(number, &mut bytes);
    bytes
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_counted(text.as_bytes(), &mut bytes);
    bytes
}

fn round_trip(rows: &RecordBatch, framed: bool) -> DecodedMessages {
    let encoder = AvroMessageEncoder::new(&rows.schema(), None, "com.example.row").expect("an encoder");
    let encoded = encoder.encode(rows, framed.then_some(3)).expect("encoded");
    assert_eq!(encoded.rejected, []);
    let schema: SchemaRef = Arc::new(encoder.schema().columns("test").expect("columns"));
    let writers = match framed {
        true => Writers::Numbered(Arc::new(Known([(3, encoder.schema().json.clone())].into()))),
        false => Writers::One(Arc::new(encoder.schema().clone())),
    };
    let decoder = AvroMessageDecoder::new(schema, Some(encoder.schema()), writers, 1 << 27).expect("a decoder");
    decoder.decode(&Messages { bytes: Buffer::from(encoded.bytes), ends: encoded.ends }).expect("no fault of ours")
}

#[test]
fn rows_of_every_type_come_back() {
    let rows = samples::every_type();
    for framed in [true, false] {
        let decoded = round_trip(&rows, framed);
        assert_eq!(decoded.rejected, []);
        assert_eq!(decoded.rows.num_rows(), rows.num_rows());
        for at in 0..rows.num_rows() {
            assert_eq!(row(&decoded.rows, at), row(&rows, at), "{}", print(&decoded.rows.schema()));
        }
    }
}

#[test]
fn columns_are_those_of_a_file_with_the_same_schema() {
    let bytes = samples::encode(&AvroOutput::default(), &[samples::every_type()]);
    let (_folder, path) = samples::file(&bytes);
    let columns = AvroInput.schema_of(&path).expect("columns");
    let container = Container::open(std::fs::File::open(&path).expect("a file"), bytes.len() as u64).expect("a container");
    assert_eq!(SchemaText::alone(container.schema).columns("test").expect("columns"), *columns);
}

#[test]
fn fields_are_matched_by_name_and_alias_and_the_others_have_their_defaults() {
    let writer = record(json!([{ "name": "gone", "type": "string" }, { "name": "b", "type": "int" }, { "name": "old", "type": "long" }]));
    let reader = record(json!([
        { "name": "added", "type": "string", "default": "a default that is long" }, { "name": "new", "aliases": ["old"], "type": "long" },
        { "name": "b", "type": ["null", "long"] }, { "name": "nothing", "type": ["null", "int"], "default": null },
        { "name": "list", "type": { "type": "array", "items": "int" }, "default": [1, 2] }
    ]));
    let decoded = resolve(&writer, &reader, &[[string("x"), number(5), number(-6)].concat()]);
    assert_eq!(decoded.rejected, []);
    assert_eq!(row(&decoded.rows, 0), "a default that is long | -6 | 5 | NULL | [1, 2]");
}

#[test]
fn numbers_widen_and_symbols_and_nested_records_are_resolved() {
    let inner = |fields: Value| json!({ "type": "record", "name": "i", "fields": fields });
    let color = |symbols: Value| json!({ "type": "enum", "name": "color", "symbols": symbols, "default": "other" });
    let writer = record(json!([
        { "name": "i", "type": "int" }, { "name": "f", "type": "float" }, { "name": "c", "type": color(json!(["red", "blue", "other"])) },
        { "name": "n", "type": inner(json!([{ "name": "x", "type": "int" }, { "name": "y", "type": "string" }])) }, { "name": "s", "type": "string" }
    ]));
    let reader = record(json!([
        { "name": "i", "type": "double" }, { "name": "f", "type": "double" }, { "name": "c", "type": color(json!(["other", "red"])) },
        { "name": "n", "type": inner(json!([{ "name": "z", "type": "int", "default": 9 }, { "name": "x", "type": "long" }])) }, { "name": "s", "type": "bytes" }
    ]));
    let value = |symbol: i64| [number(3), 1.5f32.to_le_bytes().to_vec(), number(symbol), number(4), string("y"), string("s")].concat();
    let decoded = resolve(&writer, &reader, &[value(0), value(1), value(7)]);
    assert_eq!(row(&decoded.rows, 0), "3.0 | 1.5 | red | {z: 9, x: 4} | 73");
    assert_eq!(row(&decoded.rows, 1), "3.0 | 1.5 | other | {z: 9, x: 4} | 73");
    assert_eq!(decoded.rejected, [(2, "field 'c': the value is damaged: an enum has an unknown symbol".to_owned())]);
}

#[test]
fn unions_are_structs_with_a_column_for_each_type() {
    let union = json!(["null", "int", "string", { "type": "record", "name": "p", "fields": [{ "name": "x", "type": "int" }] }]);
    let writer = record(json!([{ "name": "u", "type": union }]));
    let values = [[number(0)].concat(), [number(1), number(5)].concat(), [number(2), string("t")].concat(), [number(3), number(6)].concat()];
    let columns = text(&writer).columns("test").expect("columns");
    assert_eq!(print(&columns), "u STRUCT<int INT, string VARCHAR, p STRUCT<x INT NOT NULL>>");
    let decoded = resolve(&writer, &writer, &values);
    let rows: Vec<String> = (0..4).map(|at| row(&decoded.rows, at)).collect();
    assert_eq!(rows, ["NULL", "{int: 5, string: NULL, p: NULL}", "{int: NULL, string: t, p: NULL}", "{int: NULL, string: NULL, p: {x: 6}}"]);
    // And back.
    let encoder = AvroMessageEncoder::new(&decoded.rows.schema(), Some(&text(&writer)), "").expect("an encoder");
    assert_eq!(encoder.encode(&decoded.rows, None).expect("encoded").bytes, values.concat());
    // A writer without the union is its branch; a column of one type takes the branches that fit.
    let plain = record(json!([{ "name": "u", "type": "string" }]));
    assert_eq!(row(&resolve(&plain, &writer, &[string("t")]).rows, 0), "{int: NULL, string: t, p: NULL}");
    let decoded = declared(&writer, "u BIGINT", &values[..3]);
    assert_eq!((row(&decoded.rows, 0), row(&decoded.rows, 1)), ("NULL".to_owned(), "5".to_owned()));
    assert_eq!(decoded.rejected, [(2, "field 'u': its schema has the type string for 'u', whose column is BIGINT".to_owned())]);
}

#[test]
fn logical_types_are_columns_of_their_own() {
    let logical = |base: &str, name: &str| json!({ "type": base, "logicalType": name });
    let money = json!({ "type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2 });
    let fixed = json!({ "type": "fixed", "name": "f", "size": 5, "logicalType": "decimal", "precision": 10, "scale": 3 });
    let writer = record(json!([
        { "name": "d", "type": logical("int", "date") }, { "name": "t", "type": logical("int", "time-millis") }, { "name": "ms", "type": logical("long", "timestamp-millis") },
        { "name": "us", "type": logical("long", "timestamp-micros") }, { "name": "l", "type": logical("long", "local-timestamp-micros") }, { "name": "m", "type": money },
        { "name": "f", "type": fixed }, { "name": "id", "type": logical("string", "uuid") }
    ]));
    let columns = text(&writer).columns("test").expect("columns");
    assert_eq!(
        print(&columns),
        "d DATE NOT NULL, t TIME NOT NULL, ms TIMESTAMP(3) NOT NULL, us TIMESTAMP NOT NULL, l TIMESTAMP WITHOUT TIME ZONE NOT NULL, m DECIMAL(9,2) NOT NULL, \
         f DECIMAL(10,3) NOT NULL, id VARCHAR NOT NULL"
    );
    let value =
        [number(1), number(1_500), number(1_704_448_800_123), number(1), number(2), vec![4, 0xff, 0x38], vec![0, 0, 0, 4, 0xd2], string("6f1c")].concat();
    let decoded = resolve(&writer, &writer, std::slice::from_ref(&value));
    assert_eq!(
        row(&decoded.rows, 0),
        "1970-01-02 | 00:00:01.500 | 2024-01-05T10:00:00.123Z | 1970-01-01T00:00:00.000001Z | 1970-01-01T00:00:00.000002 | -2.00 | 1.234 | 6f1c"
    );
    let decoded = declared(&writer, "m DECIMAL(12,4), ms TIMESTAMP, f BIGINT", std::slice::from_ref(&value));
    assert_eq!(decoded.rejected, [(0, "field 'f': a decimal is not BIGINT".to_owned())]);
    let decoded = declared(&writer, "m DECIMAL(12,4), ms TIMESTAMP", &[value]);
    assert_eq!(row(&decoded.rows, 0), "-2.0000 | 2024-01-05T10:00:00.123Z");
}

#[test]
fn a_bad_message_takes_nothing_else_with_it() {
    let writer = record(json!([
        { "name": "id", "type": "long" }, { "name": "t", "type": "string" }, { "name": "l", "type": { "type": "array", "items": "null" } },
        { "name": "m", "type": { "type": "map", "values": "int" } }
    ]));
    let good = |id: i64| [number(id), string("a text of some length"), vec![0], number(1), string("k"), number(2), vec![0]].concat();
    let bad: [(Vec<u8>, &str); 9] = [
        (vec![], "field 'id': the value is damaged: it ends inside a number"),
        (vec![2], "field 't': the value is damaged: it ends inside a number"),
        ([number(1), number(9), b"short".to_vec()].concat(), "field 't': the value is damaged: it ends inside a value"),
        ([number(1), number(-9)].concat(), "field 't': the value is damaged: a length is negative"),
        ([number(1), vec![2, 0xff]].concat(), "field 't': the value is damaged: a text is not UTF-8"),
        ([number(1), string("t"), number(i64::MAX), vec![0]].concat(), "field 'l': the value is damaged: an array has an impossible number of items"),
        ([vec![0xff; 11]].concat(), "field 'id': the value is damaged: a number has more than 64 bits"),
        (
            [number(1), string("t"), vec![0], number(2), string("k"), number(1), string("k"), number(2), vec![0]].concat(),
            "field 'm': entry 2 of the map has the key of an earlier one",
        ),
        ([good(1), vec![0]].concat(), "the value is damaged: 1 bytes are left over"),
    ];
    for (bytes, reason) in bad {
        let decoded = declared(&writer, "id BIGINT, t VARCHAR, l ARRAY<INT>, m MAP<VARCHAR, INT>", &[good(1), bytes, good(2)]);
        assert_eq!(decoded.rejected, [(1, reason.to_owned())]);
        assert_eq!(decoded.message_of_row, [0, 2]);
        assert_eq!(decoded.rows.column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
        assert_eq!(decoded.rows.column(1).as_string_view().iter().collect::<Vec<_>>(), [Some("a text of some length"); 2]);
    }
    // Of no column, messages are counted all the same, and checked.
    let decoded = AvroMessageDecoder::new(Arc::new(Schema::empty()), None, Writers::One(Arc::new(text(&writer))), 100).expect("a decoder");
    let decoded = decoded.decode(&messages(&[good(1), vec![2], vec![0; 101]])).expect("no fault of ours");
    assert_eq!((decoded.rows.num_rows(), decoded.rejected.len()), (1, 2));
}

#[test]
fn damaged_messages_of_every_type_are_no_panics() {
    let rows = samples::every_type();
    let encoder = AvroMessageEncoder::new(&rows.schema(), None, "row").expect("an encoder");
    let encoded = encoder.encode(&rows, None).expect("encoded");
    let schema: SchemaRef = Arc::new(encoder.schema().columns("test").expect("columns"));
    let decoder =
        AvroMessageDecoder::new(Arc::clone(&schema), Some(encoder.schema()), Writers::One(Arc::new(encoder.schema().clone())), 1 << 27).expect("a decoder");
    let last = &encoded.bytes[encoded.ends[encoded.ends.len() - 2]..];
    let good = last.to_vec();
    for at in 0..good.len() {
        for flipped in [1, 0x40, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flipped;
            let decoded = decoder.decode(&messages(&[good.clone(), bad, good[..at].to_vec(), good.clone()])).expect("no fault of ours");
            assert_eq!((decoded.message_of_row.first(), decoded.message_of_row.last()), (Some(&0), Some(&3)));
            assert_eq!(decoded.rows.num_rows() + decoded.rejected.len(), 4);
        }
    }
}

#[test]
fn messages_of_several_schemas_are_one_batch() {
    let old = record(json!([{ "name": "id", "type": "int" }]));
    let new = record(json!([{ "name": "name", "type": "string", "default": "-" }, { "name": "id", "type": "long" }]));
    let known = Known([(1, old.to_string()), (2, new.to_string()), (3, "\"string\"".to_owned()), (4, "{".to_owned()), (9, "down".to_owned())].into());
    let columns = Arc::new(text(&new).columns("test").expect("columns"));
    let decoder = AvroMessageDecoder::new(columns, Some(&text(&new)), Writers::Numbered(Arc::new(known)), 100).expect("a decoder");
    let framed = |number: u8, value: &[u8]| [&[0, 0, 0, 0, number], value].concat();
    let both = [
        framed(1, &number(1)),
        framed(2, &[string("b"), number(2)].concat()),
        framed(5, b"x"),
        framed(3, b"x"),
        framed(4, b"x"),
        b"{}".to_vec(),
        framed(1, &number(3)),
    ];
    let decoded = decoder.decode(&messages(&both)).expect("no fault of ours");
    assert_eq!((0..3).map(|at| row(&decoded.rows, at)).collect::<Vec<_>>(), ["- | 1", "b | 2", "- | 3"]);
    let reasons: Vec<&str> = decoded.rejected.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons[0], "its schema (5) is not known");
    assert_eq!(reasons[1], "its schema (3) is not a record");
    assert!(reasons[2].starts_with("its schema (4) is not JSON"), "{}", reasons[2]);
    assert!(reasons[3].starts_with("it does not begin with a schema registry's prefix"), "{}", reasons[3]);
    assert!(decoder.decode(&messages(&[framed(9, b"x")])).is_err(), "a registry that does not answer is no fault of a message");
}

#[test]
fn rows_that_a_given_schema_can_not_hold_are_refused_one_by_one() {
    let schema = record(json!([
        { "name": "extra", "type": "string", "default": "d" }, { "name": "n", "type": "int" }, { "name": "m", "type": { "type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1 } },
        { "name": "e", "type": ["null", { "type": "enum", "name": "e", "symbols": ["A", "B"] }] }
    ]));
    let columns = Arc::new(parse("e VARCHAR, n BIGINT, m DECIMAL(10,2)").expect("columns"));
    let encoder = AvroMessageEncoder::new(&columns, Some(&text(&schema)), "").expect("an encoder");
    assert_eq!(encoder.name(), "n.r");
    let rows = RecordBatch::try_new(
        columns,
        vec![
            Arc::new(arrow::array::StringViewArray::from(vec![Some("B"), None, Some("C"), None, None, None])),
            Arc::new(arrow::array::Int64Array::from(vec![Some(1), Some(2), Some(3), Some(1 << 40), None, Some(4)])),
            Arc::new(arrow::array::Decimal128Array::from(vec![110, -50, 0, 0, 0, 111]).with_precision_and_scale(10, 2).expect("a decimal")),
        ],
    )
    .expect("rows");
    let encoded = encoder.encode(&rows, None).expect("encoded");
    let reasons: Vec<(usize, &str)> = encoded.rejected.iter().map(|(row, reason)| (*row, reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            (2, "field 'e': 'C' is no symbol of the enum"),
            (3, "field 'n': 1099511627776 does not fit an int"),
            (4, "field 'n': NULL, which the schema does not allow there"),
            (5, "field 'm': 1.11 does not fit a decimal of 4 digits, 1 of them behind the point"),
        ]
    );
    let decoded = declared(
        &schema,
        "n INT, m DECIMAL(4,1), e VARCHAR, extra VARCHAR",
        &[encoded.bytes[..encoded.ends[0]].to_vec(), encoded.bytes[encoded.ends[0]..].to_vec()],
    );
    assert_eq!((row(&decoded.rows, 0), row(&decoded.rows, 1)), ("1 | 1.1 | B | d".to_owned(), "2 | -0.5 | NULL | d".to_owned()));
    assert_eq!(decoded.rows.column(0).as_primitive::<Int32Type>().len() + decoded.rows.column(1).as_primitive::<Decimal128Type>().len(), 4);
    let refused = |columns: &str| {
        AvroMessageEncoder::new(&Arc::new(parse(columns).expect("columns")), Some(&text(&schema)), "").expect_err("refused").message().to_owned()
    };
    assert_eq!(refused("e VARCHAR, m DECIMAL(4,1)"), "field 'n' of the schema has neither a column nor a default");
    assert_eq!(refused("n INT, m DECIMAL(4,1), x INT"), "column 'x' is not in the schema; leave it out, or add it there");
    assert_eq!(refused("n VARCHAR, m DECIMAL(4,1)"), "column 'n' is VARCHAR, which does not fit the type int of the schema");
}

#[test]
fn schemas_are_refused_in_words() {
    let refused = |json: &str, columns: &str| {
        let schema = Arc::new(parse(columns).expect("columns"));
        AvroMessageDecoder::new(schema, None, Writers::One(Arc::new(SchemaText::alone(json))), 100).expect_err("refused").message().to_owned()
    };
    assert!(refused("{", "a INT").starts_with("the schema is not JSON"));
    assert_eq!(refused("\"int\"", "a INT"), "the schema is not a record");
    let schema = record(json!([{ "name": "a", "type": "string" }, { "name": "t", "type": ["null", "n.r"] }])).to_string();
    assert_eq!(refused(&schema, "a INT"), "the schema has the type string for 'a', whose column is INT");
    assert_eq!(refused(&schema, "b INT NOT NULL"), "the schema has no field 'b', which is NOT NULL");
    // A type that holds itself is passed over.
    let tree = json!({ "type": "record", "name": "r", "fields": [{ "name": "t", "type": ["null", "r"] }, { "name": "a", "type": "int" }] });
    let decoded = declared(&tree, "a INT", &[vec![2, 2, 0, 2, 4, 6]]);
    assert_eq!(row(&decoded.rows, 0), "3");
    let deep = [vec![2; 1_000], vec![0]].concat();
    assert_eq!(declared(&tree, "a INT", &[deep]).rejected[0].1, "the value is damaged: a value is nested too deeply");
    let references = [record(json!([{ "name": "x", "type": "int" }])).to_string()];
    let named =
        SchemaText { json: json!({ "type": "record", "name": "o", "fields": [{ "name": "r", "type": "n.r" }] }).to_string(), references: references.into() };
    assert_eq!(print(&named.columns("test").expect("columns")), "r STRUCT<x INT NOT NULL> NOT NULL");
}

#[test]
fn records_in_a_made_schema_have_names_of_their_own() {
    let columns = Arc::new(parse("a STRUCT<b STRUCT<x INT>>, a_b STRUCT<x INT>").expect("columns"));
    let encoder = AvroMessageEncoder::new(&columns, None, &AvroMessageEncoder::record_name("my-topic.1")).expect("an encoder");
    assert_eq!(encoder.name(), "my_topic_1");
    assert_eq!(encoder.schema().columns("test").expect("columns"), *columns);
}
