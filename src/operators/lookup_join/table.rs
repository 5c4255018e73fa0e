//! The indexed rows of a table.

use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::hash_utils::create_hashes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;
use hashbrown::HashTable;

use crate::operators::guard::evaluate_guarded;
use crate::operators::slice_bytes::{Kept, slice_bytes};

/// Marks the end of a chain of rows with the same hash.
pub(super) const END: u32 = u32::MAX;

/// Seeds of the key hash; hashes never leave the process, so fixed seeds are only for reproducible runs.
const SEEDS: RandomState = RandomState::with_seeds(0x5645_4c4f, 0x5354_5245, 0x414d_4c4f, 0x4f4b_5550);

/// One version of a table: its rows in one batch, and a hash index over the join key. Immutable, so readers need no lock.
#[derive(Debug)]
pub struct LookupTable {
    rows: RecordBatch,
    keys: Vec<ArrayRef>,
    /// Hash → first row of its chain; rows of one chain come in table order.
    heads: HashTable<(u64, u32)>,
    next: Vec<u32>,
    has_null_key: bool,
    row_bytes: usize,
    /// What it takes of the job's memory.
    held: Option<MemoryReservation>,
}

impl LookupTable {
    /// Indexes rows by the key expressions. With `null_equals_null`, rows with a NULL key are found too; otherwise they never match.
    ///
    /// A row whose key fails goes to `reject`.
    ///
    /// **Errors**: those of `reject`, or the table has 2³² − 1 rows or more.
    pub fn build(
        schema: &SchemaRef,
        batches: &[RecordBatch],
        keys: &[Arc<dyn PhysicalExpr>],
        null_equals_null: bool,
        reject: &dyn Fn(DataFusionError) -> Result<()>,
    ) -> Result<Self> {
        let mut rows = concat_batches(schema, batches)?;
        let count = rows.num_rows();
        if count >= END as usize {
            return Err(DataFusionError::ResourcesExhausted(format!("a lookup table holds at most {} rows, this one has {count}", END - 1)));
        }
        let keys = match evaluate_keys(keys, &rows) {
            Ok(keys) => keys,
            Err(_) => {
                let mut good = Vec::new();
                evaluate_guarded(&rows, &|part| evaluate_keys(keys, part).map(|_| part.clone()), reject, &mut good)?;
                rows = concat_batches(schema, &good)?;
                evaluate_keys(keys, &rows)?
            }
        };
        let count = rows.num_rows();
        let mut hashes = Vec::new();
        hash_keys(&keys, count, &mut hashes)?;
        let mut heads: HashTable<(u64, u32)> = HashTable::with_capacity(count);
        let mut next = vec![END; if keys.is_empty() { 0 } else { count }];
        let mut has_null_key = false;
        if !keys.is_empty() {
            // From the last row to the first, so that every chain ends up in table order.
            for row in (0..count).rev() {
                if keys.iter().any(|key| key.is_null(row)) {
                    has_null_key = true;
                    if !null_equals_null {
                        continue;
                    }
                }
                let hash = hashes[row];
                let at = row as u32;
                match heads.find_mut(hash, |(other, _)| *other == hash) {
                    Some((_, head)) => {
                        next[row] = *head;
                        *head = at;
                    }
                    None => {
                        heads.insert_unique(hash, (hash, at), |(hash, _)| *hash);
                    }
                }
            }
        }
        let row_bytes = slice_bytes(&rows) / count.max(1);
        Ok(Self { rows, keys, heads, next, has_null_key, row_bytes, held: None })
    }

    /// Takes over what was reserved while it was read.
    ///
    /// **Errors**: it needs more than there is.
    pub fn holding(mut self, held: MemoryReservation) -> Result<Self> {
        held.try_resize(self.memory_size())?;
        self.held = Some(held);
        Ok(self)
    }

    /// The rows, in table order.
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// Bytes held, for accounting.
    pub fn memory_size(&self) -> usize {
        let mut kept = Kept::default();
        self.rows.columns().iter().chain(&self.keys).map(|column| kept.add(column)).sum::<usize>()
            + self.heads.allocation_size()
            + self.next.capacity() * size_of::<u32>()
    }

    /// Bytes of a row, on the average.
    pub(super) fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    pub(super) fn keys(&self) -> &[ArrayRef] {
        &self.keys
    }

    pub(super) fn has_null_key(&self) -> bool {
        self.has_null_key
    }

    /// First row whose key has this hash, or [`END`].
    pub(super) fn first(&self, hash: u64) -> u32 {
        self.heads.find(hash, |(other, _)| *other == hash).map_or(END, |(_, head)| *head)
    }

    /// The row after `row` in its chain, or [`END`].
    pub(super) fn after(&self, row: u32) -> u32 {
        self.next[row as usize]
    }
}

/// Evaluates the key expressions.
pub(super) fn evaluate_keys(keys: &[Arc<dyn PhysicalExpr>], rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
    keys.iter().map(|key| key.evaluate(rows)?.into_array(rows.num_rows())).collect()
}

/// One hash a row.
pub(super) fn hash_keys(keys: &[ArrayRef], rows: usize, hashes: &mut Vec<u64>) -> Result<()> {
    hashes.clear();
    hashes.resize(rows, 0);
    if !keys.is_empty() {
        create_hashes(keys, &SEEDS, hashes)?;
    }
    Ok(())
}
