//! Decoding, splitting and encoding as users see them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use proptest::prelude::*;

use super::{JsonEncoder, JsonInput, JsonReadOptions, infer_schema};
use crate::formats::samples::decode_text;
use crate::formats::schema_text;
use crate::formats::{BatchEncoder, DecodedChunk};

fn input(columns: &str, document: bool) -> JsonInput {
    let schema = Arc::new(schema_text::parse(columns).expect("valid columns"));
    JsonInput::new(JsonReadOptions { schema, batch_rows: 100, document, max_record_size: 1 << 20, inferred: false, encoding: "UTF-8" })
        .expect("readable columns")
}

fn decode(input: &JsonInput, text: &[u8]) -> DecodedChunk {
    decode_text(input, "f.json", text, &[])
}

fn rows(decoded: &DecodedChunk) -> Vec<RecordBatch> {
    decoded.batches.iter().map(|batch| batch.rows.clone()).filter(|rows| rows.num_rows() > 0).collect()
}

fn encode(batches: &[RecordBatch]) -> String {
    let mut text = Vec::new();
    for batch in batches {
        text.extend(JsonEncoder::new(&batch.schema()).expect("writable").encode(batch).expect("no fault").bytes);
    }
    String::from_utf8(text).expect("UTF-8")
}

fn reasons(decoded: &DecodedChunk) -> Vec<String> {
    decoded.batches.iter().flat_map(|batch| &batch.rejected).map(ToString::to_string).collect()
}

const ALL: &str = "i BIGINT, u BIGINT UNSIGNED, d DECIMAL(38,10), f DOUBLE, b BOOLEAN, t VARCHAR, day DATE, at TIMESTAMP, raw BYTEA, l ARRAY<INT>, s STRUCT<a INT, b VARCHAR>, m MAP<VARCHAR, BIGINT>";

#[test]
fn every_type_comes_back_as_it_was_written() {
    let lines = concat!(
        r#"{"i":-9223372036854775808,"u":18446744073709551615,"d":1234567890123456789012345678.0123456789,"f":0.1,"b":true,"t":"a\"b\\c\né😀","day":"2024-02-29","at":"0001-01-01T00:00:00Z","raw":"AAEC","l":[1,null,-3],"s":{"a":1,"b":null},"m":{"x":1,"y":2}}"#,
        "\n",
        r#"{"i":null,"u":null,"d":null,"f":"NaN","b":null,"t":"","day":null,"at":null,"raw":"","l":[],"s":null,"m":{}}"#,
        "\n",
    );
    let decoded = decode(&input(ALL, false), lines.as_bytes());
    assert_eq!(reasons(&decoded), Vec::<String>::new());
    assert_eq!(encode(&rows(&decoded)), lines);
}

#[test]
fn bad_records_are_told_apart_and_the_others_go_on() {
    let lines = "{\"i\":1}\n{\"i\":\"x\"}\n\n{\"i\":2,\n[1]\n{\"i\":9223372036854775808}\n{\"i\":3} x\n{\"s\":{\"a\":1.5}}\n{\"i\":1,\"i\":2}\n{\"day\":\"2023-02-29\"}\n{\"t\":\"\\ud800\"}\nnull\n{\"i\":4}";
    let decoded = decode(&input(ALL, false), lines.as_bytes());
    let count: usize = rows(&decoded).iter().map(RecordBatch::num_rows).sum();
    assert_eq!(count, 2);
    assert_eq!(
        reasons(&decoded),
        [
            "f.json, line 2: field 'i': \"x\" is not BIGINT",
            "f.json, line 4: not valid JSON: it ends too early",
            "f.json, line 5: not a JSON object",
            "f.json, line 6: field 'i': 9223372036854775808 is not BIGINT",
            "f.json, line 7: not valid JSON: text after the object",
            "f.json, line 8: field 's.a': 1.5 is not INT",
            "f.json, line 9: field 'i' occurs twice",
            "f.json, line 10: field 'day': \"2023-02-29\" is not DATE",
            "f.json, line 11: field 't': not valid JSON: half of a surrogate pair in a text",
            "f.json, line 12: not a JSON object",
        ]
    );
}

#[test]
fn invalid_utf8_is_the_fault_of_its_record_alone() {
    let decoded = decode(&input("t VARCHAR", false), b"{\"t\":\"a\"}\n{\"t\":\"\xff\"}\n{\"t\":\"\xc3\xa9\"}\n");
    assert_eq!(reasons(&decoded), ["f.json, line 2: not valid UTF-8"]);
    assert_eq!(encode(&rows(&decoded)), "{\"t\":\"a\"}\n{\"t\":\"é\"}\n");
}

#[test]
fn documents_may_be_arrays_or_span_lines() {
    let expected = "{\"i\":1}\n{\"i\":2}\n";
    for text in [
        "[{\"i\":1},{\"i\":2}]",
        "[\n  {\n \"i\": 1},\n {\"i\":2}\n]\n",
        "{\"i\":1}\n{\"i\":2}",
        "\u{feff}{\"i\":1} {\"i\":2}",
        "{\"x\":[{\"]\":1}],\"i\":1},{\"i\":2}",
    ] {
        let decoded = decode(&input("i BIGINT", true), text.as_bytes());
        assert_eq!((encode(&rows(&decoded)).as_str(), reasons(&decoded)), (expected, vec![]), "{text}");
    }
    let decoded = decode(&input("i BIGINT", true), b"[{\"i\":1}, 7, \"a,b\", {\"i\":}, {\"i\":2}]");
    assert_eq!(encode(&rows(&decoded)), expected);
    assert_eq!(reasons(&decoded).len(), 3);
}

#[test]
fn deep_nesting_is_a_fault_of_its_record() {
    let mut text = "{\"x\":".repeat(10_000);
    text.push_str("\n{\"i\":1}\n");
    let decoded = decode(&input("i BIGINT", false), text.as_bytes());
    assert_eq!(encode(&rows(&decoded)), "{\"i\":1}\n");
    assert_eq!(reasons(&decoded), ["f.json, line 1: nested more than 128 levels deep"]);
}

#[test]
fn types_are_inferred_from_a_sample() {
    let text = b"{\"id\":1,\"price\":2,\"name\":\"a\",\"tags\":[\"x\"],\"c\":{\"z\":true}}\n{\"id\":2,\"price\":2.5,\"name\":null,\"at\":\"2024-01-01\",\"c\":{\"y\":1}}\n{\"id\":";
    let schema = infer_schema(text, 100, false, false).schema();
    assert_eq!(schema_text::print(&schema), "id BIGINT, price DOUBLE, name VARCHAR, tags ARRAY<VARCHAR>, c STRUCT<z BOOLEAN, y BIGINT>, at VARCHAR");
    assert_eq!(schema_text::print(&infer_schema(b"[{\"a\":1},\n{\"a\":{}}]", 100, true, true).schema()), "a VARCHAR");
}

/// A document, the ids that are read of it, and the lines on which bad records begin.
fn assert_read(text: &str, ids: &[i64], bad: &[u64]) {
    let input = input("id BIGINT", true);
    for cuts in [vec![], (0..text.len()).collect()] {
        let decoded = decode_text(&input, "f.json", text.as_bytes(), &cuts);
        let lines: Vec<u64> =
            decoded.batches.iter().flat_map(|batch| &batch.rejected).filter_map(|record| record.place.as_ref()).map(|place| place.number).collect();
        assert_eq!(encode(&rows(&decoded)), ids.iter().map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>(), "{text}");
        assert_eq!(lines, bad, "{text}");
    }
}

#[test]
fn a_torn_record_takes_no_other_with_it() {
    // Lines: cut within a text, an object, a list, after a colon and after commas.
    for torn in ["\"n\":\"cut", "\"n\":{\"a\":1", "\"n\":", "\"n\":[1", "\"n\":[1,", "\"n\":[", "\"n", "\"n\":{\"a\":[{\"b\":1},", "\"n\":\"a\\", "\"n\":tr"] {
        assert_read(&format!("{{\"id\":1}}\n{{\"id\":2,{torn}\n{{\"id\":3}}\n{{\"id\":4}}\n"), &[1, 3, 4], &[2]);
        assert_read(&format!("{{\"id\":1}}\n{{\"id\":2,{torn}\n{{\"id\":3}}\n{{\"id\":4,{torn}"), &[1, 3], &[2, 4]);
    }
    assert_read("{\"id\":1,\n{\"id\":2}\n{\"id\":3}\n", &[2, 3], &[1]);
    assert_read("{\"id\":1}\n{\"id\":2,\"t\":\"a\nnull\n[7]\n{\"id\":3}", &[1, 3], &[2, 3, 4]);
    // Objects over several lines, and an array of them.
    assert_read("{\n  \"id\": 1\n}\n{\n  \"id\": 2,\n  \"n\": {\n    \"a\": 1\n}\n{\n  \"id\": 3\n}\n", &[1, 3], &[4]);
    assert_read("[\n  {\n    \"id\": 1\n  },\n  {\n    \"id\": 2,\n    \"t\": \"cut\n  },\n  {\n    \"id\": 3\n  }\n]\n", &[1, 3], &[5]);
    assert_read("[{\"id\":1},\n {\"id\":2,\"n\":{\"a\":1},\n {\"id\":3}]", &[1, 3], &[2]);
}

#[test]
fn whole_records_are_never_taken_for_torn_ones() {
    // However little they are indented.
    for text in [
        "{\"id\":1,\n\"l\":[\n{\"id\":7},\n{\"id\":8}\n]}\n{\"id\":2}",
        "{\n\"id\":1,\n\"o\":\n{\n\"id\":7\n},\n\"t\":\n\"x\"\n}\n{\"id\":2}",
        "[{\"id\":1,\"l\":[\n1,\n-2,\nnull,\n[3\n]]},{\"id\":2}]",
        "{\"id\":1,\"t\":\"a\\n{\\\"id\\\":7}\"} {\"id\":2}",
    ] {
        assert_read(text, &[1, 2], &[]);
    }
    // One object of which the end is missing: its parts are not records.
    assert_read("{ \"type\": \"x\", \"features\": [\n{ \"id\": 7 },\n{ \"id\": 8 },\n", &[], &[1]);
}

#[test]
fn an_array_without_its_end_is_told() {
    assert_read("[{\"id\":1},{\"id\":2}", &[1, 2], &[1]);
    assert_read("[\n{\"id\":1},\n{\"id\":2},\n", &[1, 2], &[4]);
    // What is cut off within a record is told once.
    assert_read("[\n{\"id\":1},\n{\"id\":2", &[1], &[3]);
}

#[test]
fn keys_of_a_map_occur_once() {
    let many: String = (0..40).map(|key| format!("\"a rather long key {key}\":1,")).collect();
    let text = format!(
        "{{\"m\":{{\"a\":1,\"b\":2}}}}\n{{\"m\":{{\"a\":1,\"b\":2,\"a\":3}}}}\n{{\"m\":{{{many}\"x\":1}}}}\n{{\"m\":{{{many}\"a rather long key 7\":1}}}}\n"
    );
    let decoded = decode(&input("m MAP<VARCHAR, BIGINT>", false), text.as_bytes());
    assert_eq!(
        reasons(&decoded),
        [
            "f.json, line 2: field 'm': entry 3 of the map has the key of an earlier one",
            "f.json, line 4: field 'm': entry 41 of the map has the key of an earlier one"
        ]
    );
    let numbers = decode(&input("m MAP<BIGINT, BIGINT>", false), b"{\"m\":{\"1\":1,\"1.0\":2}}");
    assert_eq!(reasons(&numbers).len(), 1);
}

#[test]
fn inferred_columns_change_no_number() {
    let schema = Arc::new(schema_text::parse("f DOUBLE").expect("valid columns"));
    let input = JsonInput::new(JsonReadOptions { schema, batch_rows: 100, document: false, max_record_size: 1 << 20, inferred: true, encoding: "UTF-8" })
        .expect("columns");
    let decoded = decode(&input, b"{\"f\":0.30000000000000004}\n{\"f\":9223372036854775807}\n{\"f\":1e20}\n");
    assert_eq!(encode(&rows(&decoded)), "{\"f\":0.30000000000000004}\n{\"f\":1e+20}\n");
    assert_eq!(reasons(&decoded), ["f.json, line 2: field 'f': 9223372036854775807 is not DOUBLE"]);
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_rows(cuts in proptest::collection::vec(0usize..120, 0..8), document in any::<bool>()) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let text = "{\"t\":\"a,]}\\\"\"}\n{\"t\":\"[{\"}\n{\"t\":null,\"x\":[1,{\"y\":2}]}\n{\"t\":\"é\\\\\"}\n{\"t\":\"last\"}";
        let input = input("t VARCHAR", document);
        let whole = encode(&rows(&decode(&input, text.as_bytes())));
        prop_assert_eq!(encode(&rows(&decode_text(&input, "f", text.as_bytes(), &cuts))), whole);
    }

    #[test]
    fn any_cut_of_any_text_gives_the_same(text in "[{}\\[\\],:\"\\\\a1 \n]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..8)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let input = input("a BIGINT", true);
        let whole = decode(&input, text.as_bytes());
        let cut = decode_text(&input, "f.json", text.as_bytes(), &cuts);
        prop_assert_eq!(encode(&rows(&cut)), encode(&rows(&whole)));
        prop_assert_eq!(reasons(&cut), reasons(&whole));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), document in any::<bool>()) {
        decode(&input(ALL, document), &bytes);
    }

    #[test]
    fn any_text_comes_back(text in ".{0,40}") {
        let line = format!("{}\n", serde_json::json!({ "t": text }));
        let decoded = decode(&input("t VARCHAR", false), line.as_bytes());
        let back: serde_json::Value = serde_json::from_str(&encode(&rows(&decoded))).expect("JSON");
        prop_assert_eq!(back["t"].as_str(), Some(text.as_str()));
    }
}
