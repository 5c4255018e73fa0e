//! Rows of one stretch of time, with their index.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use hashbrown::HashTable;

use super::rows::Rows;

/// Marks the end of a chain.
const END: u32 = u32::MAX;

/// A row as the index sees it. Chains of rows with one hash lead from the newest row to the oldest.
#[derive(Clone, Copy, Debug)]
struct Entry {
    time: i64,
    hash: u32,
    before: u32,
}

/// Rows, and for each hash of a key those that have it.
#[derive(Debug)]
pub(super) struct Bucket {
    rows: Rows,
    entries: Vec<Entry>,
    newest: HashTable<u32>,
    /// Which rows have had a partner; empty if nobody asks.
    matched: Vec<bool>,
    latest: i64,
    /// The epoch in which its first rows came.
    since: u64,
    /// What of it has been saved, if anything is.
    saved: Option<Progress>,
}

/// What of a bucket has been saved.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// How many rows.
    rows: u32,
    /// Those of them that have got a partner since.
    marks: Vec<u32>,
}

/// The table takes its tags from the upper bits, which a short hash has not.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Bucket {
    pub(super) fn new(schema: SchemaRef, epoch: u64, tracked: bool) -> Self {
        let saved = tracked.then(Progress::default);
        Self { rows: Rows::new(schema), entries: Vec::new(), newest: HashTable::new(), matched: Vec::new(), latest: i64::MIN, since: epoch, saved }
    }

    /// Takes note of changes from now on.
    pub(super) fn track(&mut self) {
        self.saved = Some(Progress { rows: self.entries.len() as u32, marks: Vec::new() });
    }

    /// The number of the first row that has not been saved, the rows from there on, and the saved ones that have got a partner; all count as saved then.
    pub(super) fn changes(&mut self) -> (u32, Vec<RecordBatch>, Vec<u32>) {
        let Some(saved) = &mut self.saved else { return (0, Vec::new(), Vec::new()) };
        let first = std::mem::replace(&mut saved.rows, self.entries.len() as u32);
        (first, self.rows.behind(first), std::mem::take(&mut saved.marks))
    }

    /// Adds rows with their times and hashes; `matched`, if it is remembered. Returns the number of the first.
    ///
    /// **Errors**: there would be 2³² − 1 rows or more.
    pub(super) fn insert(&mut self, rows: &RecordBatch, times: &[i64], hashes: &[u32], matched: Option<&[bool]>) -> Result<u32> {
        let first = self.entries.len();
        if first + rows.num_rows() >= END as usize {
            return Err(DataFusionError::ResourcesExhausted(format!("an interval join holds at most {} rows of a stretch of time", END - 1)));
        }
        self.rows.push(rows)?;
        self.entries.reserve(rows.num_rows());
        for (time, hash) in times.iter().zip(hashes) {
            let row = self.entries.len() as u32;
            let entries = &self.entries;
            let slot = self.newest.entry(spread(*hash), |row| entries[*row as usize].hash == *hash, |row| spread(entries[*row as usize].hash));
            let before = match slot {
                hashbrown::hash_table::Entry::Occupied(mut newest) => std::mem::replace(newest.get_mut(), row),
                hashbrown::hash_table::Entry::Vacant(place) => {
                    place.insert(row);
                    END
                }
            };
            self.entries.push(Entry { time: *time, hash: *hash, before });
            self.latest = self.latest.max(*time);
        }
        if let Some(matched) = matched {
            self.matched.extend_from_slice(matched);
        }
        Ok(first as u32)
    }

    /// Calls `found` with each row that has the hash and a time between the two.
    #[inline]
    pub(super) fn find(&self, hash: u32, from: i64, to: i64, mut found: impl FnMut(u32)) {
        let entries = &self.entries;
        let Some(mut row) = self.newest.find(spread(hash), |row| entries[*row as usize].hash == hash).copied() else { return };
        while row != END {
            let entry = entries[row as usize];
            if entry.time >= from && entry.time <= to {
                found(row);
            }
            row = entry.before;
        }
    }

    /// Takes note that a row has a partner; returns whether it is its first one.
    pub(super) fn mark(&mut self, row: u32) -> bool {
        let first = self.matched.get_mut(row as usize).is_some_and(|matched| !std::mem::replace(matched, true));
        if first && let Some(saved) = self.saved.as_mut().filter(|saved| row < saved.rows) {
            saved.marks.push(row);
        }
        first
    }

    /// Whether a row has had a partner.
    pub(super) fn is_matched(&self, row: u32) -> bool {
        self.matched.get(row as usize).is_some_and(|matched| *matched)
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The latest time of a row.
    pub(super) fn latest(&self) -> i64 {
        self.latest
    }

    /// The epoch in which its first rows came.
    pub(super) fn since(&self) -> u64 {
        self.since
    }

    /// No more rows are likely to come: memory kept for them is given back.
    pub(super) fn seal(&mut self) {
        self.entries.shrink_to_fit();
        self.matched.shrink_to_fit();
        let entries = &self.entries;
        self.newest.shrink_to_fit(|row| spread(entries[*row as usize].hash));
    }

    pub(super) fn memory_size(&self) -> usize {
        self.rows.memory_size() + self.entries.capacity() * size_of::<Entry>() + self.newest.allocation_size() + self.matched.capacity()
    }
}
