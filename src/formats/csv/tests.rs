//! Decoding, splitting and encoding as users see them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use proptest::prelude::*;

use super::{CsvEncoder, CsvInput, CsvReadOptions, CsvWriteOptions, infer_schema};
use crate::formats::{BatchEncoder, Chunk, DecodedChunk, TextInput, schema_text};

fn input(columns: &str, has_headers: bool) -> CsvInput {
    let table = Arc::new(schema_text::parse(columns).expect("valid columns"));
    let all = (0..table.fields().len()).collect();
    CsvInput::new(CsvReadOptions { table, columns: all, batch_rows: 100, delimiter: b',', has_headers, max_record_size: 1 << 20 }).expect("readable columns")
}

fn decode(input: &CsvInput, text: &[u8]) -> DecodedChunk {
    let preamble = input.preamble(text, true, "f.csv").expect("no fault").expect("known");
    let first_line = 1 + text[..preamble.length].iter().filter(|byte| **byte == b'\n').count() as u64;
    let chunk = Chunk { bytes: Buffer::from(text[preamble.length..].to_vec()), partition: Arc::from("f.csv"), first_line };
    preamble.decoder.decode(&chunk).expect("no engine fault")
}

fn rows(decoded: &DecodedChunk) -> Vec<RecordBatch> {
    decoded.batches.iter().map(|batch| batch.rows.clone()).collect()
}

fn encode(batches: &[RecordBatch]) -> String {
    let mut text = Vec::new();
    for batch in batches {
        let options = CsvWriteOptions { delimiter: b',', has_headers: false };
        text.extend(CsvEncoder::new(&batch.schema(), options).expect("writable").encode(batch).expect("no fault").bytes);
    }
    String::from_utf8(text).expect("UTF-8")
}

fn reasons(decoded: &DecodedChunk) -> Vec<String> {
    decoded.batches.iter().flat_map(|batch| &batch.rejected).map(ToString::to_string).collect()
}

#[test]
fn quotes_empty_texts_and_nulls_come_back() {
    let text = "1,\"a,b\",2.50\n2,\"say \"\"hi\"\"\",\n3,\"\",0.10\n4,,-1.00\n5,\"two\nlines\",7.00\n6,\" blank \",7.00\n";
    let decoded = decode(&input("i BIGINT, t VARCHAR, d DECIMAL(12,2)", false), text.as_bytes());
    assert_eq!(reasons(&decoded), Vec::<String>::new());
    assert_eq!(encode(&rows(&decoded)), text);
}

#[test]
fn the_header_names_the_columns_in_any_order() {
    let decoded = decode(&input("i BIGINT, t VARCHAR, x DOUBLE", true), b"\xef\xbb\xbft,other,i\r\na,zzz,1\r\n\r\nb,,2");
    assert_eq!(encode(&rows(&decoded)), "1,a,\n2,b,\n");
    let fault = input("i BIGINT NOT NULL", true).preamble(b"t,other\n", true, "f.csv").expect_err("no such column");
    assert_eq!(fault.to_string(), "f.csv: the header has no column 'i'; it has t, other");
}

#[test]
fn bad_records_are_told_apart_and_the_others_go_on() {
    let text = b"i,t\n1,a\nx,b\n2\n3,c,d\n\"4\"x,e\n5,\xff\n6,\"open\n7,g\n";
    let decoded = decode(&input("i BIGINT, t VARCHAR", true), text);
    assert_eq!(encode(&rows(&decoded)), "1,a\n");
    assert_eq!(
        reasons(&decoded),
        [
            "f.csv, line 3: field 'i': \"x\" is not BIGINT",
            "f.csv, line 4: 1 fields, expected 2",
            "f.csv, line 5: 3 fields, expected 2",
            "f.csv, line 6: text after a closing quote (a quote within quotes is written twice)",
            "f.csv, line 7: not valid UTF-8",
            "f.csv, line 8: a quote is not closed",
        ]
    );
}

#[test]
fn a_single_column_keeps_its_nulls() {
    let decoded = decode(&input("t VARCHAR", false), b"a\n\n\"\"\nb");
    assert_eq!(encode(&rows(&decoded)), "a\n\n\"\"\nb\n");
}

#[test]
fn types_are_inferred_from_a_sample() {
    let text = b"id,code,price,day,at,ok,note\n1,007,2,2024-01-05,2024-01-05T10:00:00Z,true,\n2,010,2.5,2024-01-06,2024-01-05 10:00:00,false,x\n3,1";
    let schema = infer_schema(text, 100, b',', true, false);
    assert_eq!(schema_text::print(&schema), "id BIGINT, code VARCHAR, price DOUBLE, day DATE, at TIMESTAMP, ok BOOLEAN, note VARCHAR");
    assert_eq!(schema_text::print(&infer_schema(b"1;a\n2;b", 100, b';', false, true)), "column_1 BIGINT, column_2 VARCHAR");
}

proptest! {
    #[test]
    fn any_texts_come_back(rows in proptest::collection::vec((proptest::option::of(".{0,12}"), proptest::option::of("[ ,\"\r\n a]{0,6}")), 1..20)) {
        let schema = Arc::new(schema_text::parse("a VARCHAR, b VARCHAR").expect("valid"));
        let a: arrow::array::StringViewArray = rows.iter().map(|(a, _)| a.as_deref()).collect();
        let b: arrow::array::StringViewArray = rows.iter().map(|(_, b)| b.as_deref()).collect();
        let batch = RecordBatch::try_new(schema, vec![Arc::new(a), Arc::new(b)]).expect("one batch");
        let text = encode(std::slice::from_ref(&batch));
        let decoded = decode(&input("a VARCHAR, b VARCHAR", false), text.as_bytes());
        prop_assert_eq!(reasons(&decoded), Vec::<String>::new());
        // A row of two NULLs is `,`: no blank line.
        prop_assert_eq!(&decoded.batches[0].rows, &batch);
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_rows(cuts in proptest::collection::vec(0usize..60, 0..8)) {
        let text = b"1,\"a\nb\"\n2,\"c\"\"\n\"\n3,d\"e\n4,\"\"\n5,f\r\n6,\"x";
        let input = input("i BIGINT, t VARCHAR", false);
        let whole = decode(&input, text);
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut splitter = input.splitter();
        let (mut buffer, mut at, mut text_out, mut rejected) = (Vec::new(), 0, String::new(), 0);
        for cut in cuts.into_iter().chain([text.len()]) {
            let cut = cut.clamp(at, text.len());
            buffer.extend_from_slice(&text[at..cut]);
            at = cut;
            let length = splitter.whole_records(&buffer, at == text.len());
            let decoded = decode(&input, &buffer[..length]);
            text_out.push_str(&encode(&rows(&decoded)));
            rejected += reasons(&decoded).len();
            buffer.drain(..length);
        }
        prop_assert_eq!(text_out, encode(&rows(&whole)));
        prop_assert_eq!(rejected, reasons(&whole).len());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        decode(&input("i BIGINT, t VARCHAR, at TIMESTAMP", false), &bytes);
    }
}
