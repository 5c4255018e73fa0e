//! Pairs of row numbers for one batch of the stream.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::compute::kernels::cmp::{eq, not_distinct};
use arrow::compute::{filter, take};
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr_common::datum::compare_op_for_nested;

use super::table::{END, LookupTable, hash_keys};

/// Candidate pairs after which a piece is handed out, so that one batch of the stream never makes an unbounded output batch; cut only between stream rows.
pub(super) const PIECE: usize = 65_536;

/// Row numbers that belong together, in stream order and, for one stream row, in table order.
pub(super) struct Pairs {
    /// Stream rows `begin..end` that these pairs account for.
    pub begin: usize,
    pub end: usize,
    pub stream: UInt32Array,
    pub table: UInt32Array,
}

impl Pairs {
    /// Bytes they take.
    pub(super) fn memory_size(&self) -> usize {
        self.stream.get_buffer_memory_size() + self.table.get_buffer_memory_size()
    }
}

/// Walks the stream rows of a batch; yields verified pairs piece by piece.
pub(super) struct Probe {
    table: Arc<LookupTable>,
    keys: Vec<ArrayRef>,
    hashes: Vec<u64>,
    null_equals_null: bool,
    rows: usize,
    at: usize,
}

impl Probe {
    /// `keys` are the stream's key columns; no keys at all pairs every row with every row.
    pub(super) fn new(table: &Arc<LookupTable>, keys: Vec<ArrayRef>, rows: usize, null_equals_null: bool) -> Result<Self> {
        let mut hashes = Vec::new();
        hash_keys(&keys, rows, &mut hashes)?;
        Ok(Self { table: Arc::clone(table), keys, hashes, null_equals_null, rows, at: 0 })
    }

    /// The key columns.
    pub(super) fn keys(&self) -> &[ArrayRef] {
        &self.keys
    }

    /// The stream row at which the next piece begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on after the row at `begin`, if a failure has left the probe there.
    pub(super) fn skip_past(&mut self, begin: usize) {
        self.at = self.at.max(begin + 1).min(self.rows);
    }

    /// The next piece, or `None` after the last stream row.
    pub(super) fn next_piece(&mut self) -> Result<Option<Pairs>> {
        if self.at >= self.rows {
            return Ok(None);
        }
        let begin = self.at;
        let likely = (self.rows - begin).min(PIECE);
        let (mut stream, mut table) = (Vec::with_capacity(likely), Vec::with_capacity(likely));
        while self.at < self.rows && stream.len() < PIECE {
            let row = self.at as u32;
            if self.keys.is_empty() {
                let all = self.table.rows().num_rows() as u32;
                stream.extend(std::iter::repeat_n(row, all as usize));
                table.extend(0..all);
            } else if self.null_equals_null || self.keys.iter().all(|key| key.is_valid(self.at)) {
                let mut partner = self.table.first(self.hashes[self.at]);
                while partner != END {
                    stream.push(row);
                    table.push(partner);
                    partner = self.table.after(partner);
                }
            }
            self.at += 1;
        }
        let (stream, table) = self.verify(UInt32Array::from(stream), UInt32Array::from(table))?;
        Ok(Some(Pairs { begin, end: self.at, stream, table }))
    }

    /// Drops pairs whose keys only share a hash.
    fn verify(&self, mut stream: UInt32Array, mut table: UInt32Array) -> Result<(UInt32Array, UInt32Array)> {
        for (stream_key, table_key) in self.keys.iter().zip(self.table.keys()) {
            if stream.is_empty() {
                break;
            }
            let left = take(stream_key, &stream, None)?;
            let right = take(table_key, &table, None)?;
            let same = same(&left, &right, self.null_equals_null)?;
            if same.null_count() > 0 || same.true_count() < same.len() {
                stream = filtered(&stream, &same)?;
                table = filtered(&table, &same)?;
            }
        }
        Ok((stream, table))
    }
}

/// Where two columns hold the same value; lists and structs as DataFusion's own joins compare them (within one, NULL is NULL).
fn same(left: &ArrayRef, right: &ArrayRef, null_equals_null: bool) -> Result<BooleanArray> {
    if left.data_type().is_nested() {
        let operator = if null_equals_null { Operator::IsNotDistinctFrom } else { Operator::Eq };
        return compare_op_for_nested(operator, left, right);
    }
    Ok(if null_equals_null { not_distinct(left, right)? } else { eq(left, right)? })
}

/// The numbers where `keep` is true.
pub(super) fn filtered(numbers: &UInt32Array, keep: &BooleanArray) -> Result<UInt32Array> {
    let kept = filter(numbers, keep)?;
    Ok(arrow::array::cast::AsArray::as_primitive::<arrow::datatypes::UInt32Type>(&kept).clone())
}
