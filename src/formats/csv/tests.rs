//! Decoding, splitting and encoding as users see them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use proptest::prelude::*;

use super::{CsvEncoder, CsvInput, CsvReadOptions, CsvWriteOptions, check_header, infer_schema};
use crate::formats::samples::decode_text;
use crate::formats::{BatchEncoder, DecodedChunk, TextInput, schema_text};

fn input(columns: &str, has_headers: bool) -> CsvInput {
    let table = Arc::new(schema_text::parse(columns).expect("valid columns"));
    let all = (0..table.fields().len()).collect();
    let (inferred, encoding) = (false, "UTF-8");
    CsvInput::new(CsvReadOptions { table, columns: all, batch_rows: 100, delimiter: b',', has_headers, max_record_size: 1 << 20, inferred, encoding })
        .expect("readable columns")
}

fn decode(input: &CsvInput, text: &[u8]) -> DecodedChunk {
    decode_text(input, "f.csv", text, &[])
}

fn rows(decoded: &DecodedChunk) -> Vec<RecordBatch> {
    decoded.batches.iter().map(|batch| batch.rows.clone()).filter(|rows| rows.num_rows() > 0).collect()
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
    assert_eq!(encode(&rows(&decoded)), "1,a\n7,g\n");
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
fn an_open_quote_takes_one_record() {
    let read = |columns: &str, text: &str| {
        let decoded = decode(&input(columns, false), text.as_bytes());
        (encode(&rows(&decoded)), reasons(&decoded))
    };
    let columns = "i BIGINT, t VARCHAR";
    let unclosed = |line: u64| format!("f.csv, line {line}: a quote is not closed");
    // To the end of the file, and to the next quote.
    assert_eq!(read(columns, "1,a\n2,\"open\n3,b\n4,c\n"), ("1,a\n3,b\n4,c\n".to_owned(), vec![unclosed(2)]));
    let (found, why) = read(columns, "1,a\n2,\"open\n3,b\n4,\"c\"\n5,\"d\"\n");
    assert_eq!((found.as_str(), why.len()), ("1,a\n3,b\n4,c\n5,d\n", 1));
    assert!(why[0].starts_with("f.csv, line 2: text after a closing quote"), "{why:?}");
    // One after another.
    let (found, why) = read(columns, "1,\"a\n2,\"b\n3,\"c\n4,d\n");
    assert_eq!((found.as_str(), why.len()), ("4,d\n", 3));
    // A line that is no record of the table is a part of the text.
    assert_eq!(read(columns, "2,\"open\nx,y\nplain\n3,b\n"), ("3,b\n".to_owned(), vec![unclosed(1)]));
    // Where texts span lines, one line that could be a record is not enough.
    assert_eq!(read(columns, "1,\"a\nb\"\n2,\"cut\n3,b"), ("1,\"a\nb\"\n".to_owned(), vec![unclosed(3)]));
    assert_eq!(read(columns, "1,\"a\nb\"\n2,\"open\n3,b\n4,c\n5,d\n").0, "1,\"a\nb\"\n3,b\n4,c\n5,d\n");
    // Any line is a record of one column.
    assert_eq!(read("t VARCHAR", "a\n\"open\nb\n"), ("a\n".to_owned(), vec![unclosed(2)]));
}

#[test]
fn headers_that_can_not_be_used_are_refused() {
    let refused = |text: &[u8]| infer_schema(text, 100, b',', true, true).map(|_| ()).expect_err("refused");
    assert_eq!(refused(b"id,name,id\n1,a,2\n"), "two columns of the header are called 'id'");
    assert_eq!(refused(b"id,na\xffme\n1,a\n"), "the name 'na\u{fffd}me' in the header is not valid in its encoding");
    assert!(refused(b"id,name\r1,a\r2,b\r").contains("carriage returns"));
    let columns = schema_text::parse("id BIGINT").expect("valid");
    assert!(check_header(b"id,x,x\n", b',', true, true, &columns).is_ok(), "what is not read may be there twice");
    assert!(check_header(b"id,x,id\n", b',', true, true, &columns).is_err());
}

#[test]
fn a_single_column_keeps_its_nulls() {
    let decoded = decode(&input("t VARCHAR", false), b"a\n\n\"\"\nb");
    assert_eq!(encode(&rows(&decoded)), "a\n\n\"\"\nb\n");
}

#[test]
fn types_are_inferred_from_a_sample() {
    let text = b"id,code,price,day,at,ok,note\n1,007,2,2024-01-05,2024-01-05T10:00:00Z,true,\n2,010,2.5,2024-01-06,2024-01-05 10:00:00,false,x\n3,1";
    let schema = infer_schema(text, 100, b',', true, false).expect("header").schema();
    assert_eq!(schema_text::print(&schema), "id BIGINT, code VARCHAR, price DOUBLE, day DATE, at TIMESTAMP, ok BOOLEAN, note VARCHAR");
    assert_eq!(schema_text::print(&infer_schema(b"1;a\n2;b", 100, b';', false, true).expect("records").schema()), "column_1 BIGINT, column_2 VARCHAR");
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
        let cut = decode_text(&input, "f.csv", text, &cuts);
        prop_assert_eq!(encode(&rows(&cut)), encode(&rows(&whole)));
        prop_assert_eq!(reasons(&cut), reasons(&whole));
    }

    #[test]
    fn any_cut_of_any_text_gives_the_same(text in "[\",a1\r\n]{0,40}", cuts in proptest::collection::vec(0usize..40, 0..8)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let input = input("i BIGINT, t VARCHAR", false);
        let Ok(_) = input.preamble(text.as_bytes(), true, "f.csv") else { return Ok(()) };
        let whole = decode(&input, text.as_bytes());
        let cut = decode_text(&input, "f.csv", text.as_bytes(), &cuts);
        prop_assert_eq!(encode(&rows(&cut)), encode(&rows(&whole)));
        prop_assert_eq!(reasons(&cut), reasons(&whole));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let input = input("i BIGINT, t VARCHAR, at TIMESTAMP", false);
        if input.preamble(&bytes, true, "f.csv").is_ok() {
            decode(&input, &bytes);
        }
    }
}
