//! A side as tables, and back.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array};
use datafusion::error::Result;

use super::arrival::Layout;
use super::side::{Place, Side};
use crate::operators::changes::{Changes, foreign, numbers, table};

/// Behind the columns of the rows: bucket, number in it, and whether there was a partner.
const ADDED: usize = 3;

impl Side {
    /// Takes note of changes from now on.
    pub(super) fn track(&mut self) {
        self.tracked = true;
        self.buckets.values_mut().for_each(super::bucket::Bucket::track);
    }

    /// Adds what has changed: the rows that have come, and those of before that have got a partner.
    pub(super) fn save(&mut self, [rows_name, marks_name]: [&str; 2], changes: &mut Changes) -> Result<()> {
        let (mut buckets, mut rows): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
        for (number, bucket) in &mut self.buckets {
            let (mut first, batches, marks) = bucket.changes();
            for batch in batches {
                let count = batch.num_rows();
                let mut columns = batch.columns().to_vec();
                columns.push(Arc::new(Int64Array::from_value(*number, count)));
                columns.push(Arc::new(Int64Array::from_iter_values((0..count as i64).map(|row| i64::from(first) + row))));
                columns.push(Arc::new((0..count as u32).map(|row| Some(bucket.is_matched(first + row))).collect::<BooleanArray>()));
                changes.add(rows_name, table(columns, count)?);
                first += count as u32;
            }
            buckets.resize(buckets.len() + marks.len(), *number);
            rows.extend(marks.into_iter().map(i64::from));
        }
        let count = rows.len();
        changes.add(marks_name, table(vec![Arc::new(Int64Array::from(buckets)) as ArrayRef, Arc::new(Int64Array::from(rows))], count)?);
        Ok(())
    }

    /// Takes in what has changed.
    pub(super) fn restore(&mut self, layout: &Layout, [rows_name, marks_name]: [&str; 2], changes: &Changes) -> Result<()> {
        for rows in changes.of(rows_name) {
            let own = rows.num_columns().checked_sub(ADDED).ok_or_else(|| foreign("columns are missing"))?;
            let (buckets, places) = (numbers(rows, own)?, numbers(rows, own + 1)?);
            let matched = rows.column(own + 2).as_boolean_opt().ok_or_else(|| foreign("a column is of another type"))?;
            // Tables that were folded hold several buckets, one behind the other.
            let mut begin = 0;
            while begin < rows.num_rows() {
                let bucket = buckets.value(begin);
                let end = (begin..rows.num_rows()).find(|row| buckets.value(*row) != bucket).unwrap_or(rows.num_rows());
                let first = places.value(begin);
                if first == 0 {
                    // One of this number was dropped before.
                    self.drop_bucket(bucket);
                }
                if self.bucket(bucket).map_or(0, |bucket| bucket.rows().len()) as i64 != first {
                    return Err(foreign("rows are missing"));
                }
                let columns: Vec<usize> = (0..own).collect();
                let part = rows.project(&columns)?.slice(begin, end - begin);
                let flags: Vec<bool> = (begin..end).map(|row| matched.value(row)).collect();
                self.insert(&layout.again(part)?, &flags, 0)?;
                begin = end;
            }
        }
        for marks in changes.of(marks_name) {
            for (bucket, row) in numbers(marks, 0)?.values().iter().zip(numbers(marks, 1)?.values()) {
                self.mark(Place { bucket: *bucket, row: u32::try_from(*row).map_err(|_| foreign("a row has no number"))? });
            }
        }
        Ok(())
    }
}
