//! As users see it: files written, read, resumed, damaged.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringViewArray, StructArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, TimestampMicrosecondType};
use std::sync::Arc;

use super::{Adapted, Adapter};
use crate::error::Result;
use crate::formats::schema_text::parse;

fn adapt(columns: Vec<(&str, ArrayRef)>, table: &str) -> Result<Adapted> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).expect("batch");
    let table = Arc::new(parse(table).expect("schema"));
    Adapter::new(&batch.schema(), &table)?.adapt(&batch)
}

fn refused(columns: Vec<(&str, ArrayRef)>, table: &str) -> String {
    adapt(columns, table).expect_err("refused").message().to_owned()
}

fn reasons(adapted: &Adapted) -> Vec<(usize, &str)> {
    adapted.rejected.iter().map(|rejected| (rejected.row, rejected.reason.as_str())).collect()
}

fn longs(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

#[test]
fn columns_are_matched_by_name_and_missing_ones_are_null() {
    let adapted = adapt(vec![("b", longs(vec![Some(1)])), ("a", longs(vec![Some(2)])), ("other", longs(vec![Some(3)]))], "a BIGINT, c VARCHAR, b BIGINT")
        .expect("adapted");
    assert_eq!(adapted.rows.column(0).as_primitive::<Int64Type>().value(0), 2);
    assert!(adapted.rows.column(1).is_null(0));
    assert_eq!(adapted.rows.column(2).as_primitive::<Int64Type>().value(0), 1);
    assert_eq!(refused(vec![("b", longs(vec![]))], "a BIGINT NOT NULL"), "the file has no column 'a', which is NOT NULL");
}

#[test]
fn a_value_that_does_not_fit_rejects_its_row_and_changes_none() {
    let adapted = adapt(vec![("n", longs(vec![Some(1), Some(i64::MAX), None, Some(-5)]))], "n INT").expect("adapted");
    assert_eq!(adapted.rows.column(0).as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(1), None, Some(-5)]);
    assert_eq!(reasons(&adapted), [(1, "n: 9223372036854775807 does not fit INT")]);

    let adapted = adapt(vec![("x", longs(vec![Some(1 << 53), Some((1 << 53) + 1)]))], "x DOUBLE").expect("adapted");
    assert_eq!(reasons(&adapted), [(1, "x: 9007199254740993 does not fit DOUBLE")]);

    let decimals = Float64Array::from(vec![0.25, 0.125, f64::NAN, 1e30]);
    let adapted = adapt(vec![("x", Arc::new(decimals))], "x DECIMAL(10,2)").expect("adapted");
    assert_eq!(adapted.rejected.iter().map(|rejected| rejected.row).collect::<Vec<_>>(), [1, 2, 3]);

    let instants = TimestampNanosecondArray::from(vec![1_000, 1_001]).with_timezone("UTC");
    let adapted = adapt(vec![("t", Arc::new(instants))], "t TIMESTAMP").expect("adapted");
    assert_eq!(adapted.rows.column(0).as_primitive::<TimestampMicrosecondType>().values(), &[1]);
    assert_eq!(adapted.rejected.len(), 1);
}

#[test]
fn null_in_a_not_null_column_rejects_its_row() {
    let adapted = adapt(vec![("n", longs(vec![Some(1), None]))], "n BIGINT NOT NULL").expect("adapted");
    assert_eq!(adapted.rows.num_rows(), 1);
    assert_eq!(reasons(&adapted), [(1, "n: NULL in a column that is NOT NULL")]);
}

#[test]
fn bytes_become_text_only_if_they_are_utf8() {
    let bytes = BinaryArray::from_opt_vec(vec![Some(b"ok"), Some(&[0xff]), None]);
    let adapted = adapt(vec![("s", Arc::new(bytes))], "s VARCHAR").expect("adapted");
    assert_eq!(adapted.rows.column(0).as_string_view().iter().collect::<Vec<_>>(), [Some("ok"), None]);
    assert_eq!(adapted.rejected[0].row, 1);
}

#[test]
fn misfits_inside_lists_and_structs_reject_the_row_that_holds_them() {
    let list =
        ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)]), None, Some(vec![]), Some(vec![Some(2), Some(1 << 40)]), Some(vec![None])]);
    let adapted = adapt(vec![("l", Arc::new(list))], "l ARRAY<INT>").expect("adapted");
    assert_eq!(reasons(&adapted), [(3, "l[]: 1099511627776 does not fit INT")]);
    assert_eq!(adapted.rows.num_rows(), 4);

    let record = StructArray::from(vec![(Arc::new(Field::new("a", DataType::Int64, true)), longs(vec![Some(1), Some(1 << 40), None]))]);
    let adapted = adapt(vec![("s", Arc::new(record))], "s STRUCT<a INT NOT NULL, b VARCHAR>").expect("adapted");
    assert_eq!(reasons(&adapted), [(1, "s.a: 1099511627776 does not fit INT"), (2, "s.a: NULL in a column that is NOT NULL")]);
    assert_eq!(adapted.rows.schema().field(0).data_type(), parse("s STRUCT<a INT NOT NULL, b VARCHAR>").expect("schema").field(0).data_type());
    assert_eq!(adapted.rows.num_rows(), 1);
}

#[test]
fn types_that_differ_in_meaning_are_refused() {
    let text: ArrayRef = Arc::new(StringViewArray::from(vec!["1"]));
    assert_eq!(refused(vec![("n", Arc::clone(&text))], "n INT"), "column 'n' is VARCHAR in the file and INT in the table");
    assert!(refused(vec![("n", longs(vec![]))], "n VARCHAR").contains("BIGINT in the file"));
    let instant: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1]).with_timezone("UTC"));
    assert!(refused(vec![("t", instant)], "t TIMESTAMP WITHOUT TIME ZONE").contains("WITHOUT TIME ZONE in the table"));
}

#[test]
fn equal_columns_pass_untouched_even_when_there_are_none() {
    let schema = Arc::new(Schema::empty());
    let adapter = Adapter::new(&schema, &schema).expect("adapter");
    assert!(adapter.is_identity());
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(7));
    let batch = RecordBatch::try_new_with_options(schema, vec![], &options).expect("batch");
    assert_eq!(adapter.adapt(&batch).expect("adapted").rows.num_rows(), 7);
}
