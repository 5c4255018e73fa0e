//! The buckets of one side, and its rows that wait to be closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::arrival::Arrival;
use super::bounds::TimeBounds;
use super::bucket::Bucket;
use super::kind::{Emits, JoinSide};
use crate::operators::event_time::TimeQueue;

/// Slots of the queue that a bucket's rows go to.
const SLOTS: i64 = 16;

/// A row: its bucket, and its number there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub bucket: i64,
    pub row: u32,
}

/// The rows of one side.
#[derive(Debug)]
pub(super) struct Side {
    schema: SchemaRef,
    width: i64,
    pub(super) buckets: BTreeMap<i64, Bucket>,
    /// How long after its own time a row can find partners.
    reach: i64,
    emits: Emits,
    waiting: TimeQueue<Place>,
    /// The bucket that rows went to last.
    open: Option<i64>,
    rows: usize,
    /// Changes are taken note of.
    pub(super) tracked: bool,
}

impl Side {
    pub(super) fn new(schema: SchemaRef, bounds: TimeBounds, side: JoinSide, emits: Emits) -> Self {
        let width = bounds.bucket_width();
        let waiting = TimeQueue::new((width / SLOTS).max(1));
        Self { schema, width, buckets: BTreeMap::new(), reach: bounds.reach_of(side), emits, waiting, open: None, rows: 0, tracked: false }
    }

    fn bucket_of(&self, time: i64) -> i64 {
        time.div_euclid(self.width)
    }

    /// Keeps rows; `matched` says which have had partners already.
    pub(super) fn insert(&mut self, arrival: &Arrival, matched: &[bool], epoch: u64) -> Result<()> {
        if arrival.len() == 0 {
            return Ok(());
        }
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        for time in &arrival.times {
            (least, greatest) = (least.min(*time), greatest.max(*time));
        }
        let remembers = self.emits.remembers();
        let (first, last) = (self.bucket_of(least), self.bucket_of(greatest));
        if first == last {
            return self.insert_into((first, epoch), &arrival.rows, &arrival.times, &arrival.hashes, remembers.then_some(matched));
        }
        let mut parts: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for (row, time) in arrival.times.iter().enumerate() {
            parts.entry(self.bucket_of(*time)).or_default().push(row as u32);
        }
        for (bucket, numbers) in parts {
            let (rows, times, hashes) = arrival.part(&numbers)?;
            let matched: Vec<bool> = if remembers { numbers.iter().map(|row| matched[*row as usize]).collect() } else { Vec::new() };
            self.insert_into((bucket, epoch), &rows, &times, &hashes, remembers.then_some(&matched))?;
        }
        Ok(())
    }

    fn insert_into(
        &mut self,
        (number, epoch): (i64, u64),
        rows: &arrow::array::RecordBatch,
        times: &[i64],
        hashes: &[u32],
        matched: Option<&[bool]>,
    ) -> Result<()> {
        if self.open != Some(number) {
            if let Some(sealed) = self.open.and_then(|open| self.buckets.get_mut(&open)) {
                sealed.seal();
            }
            self.open = Some(number);
        }
        let bucket = self.buckets.entry(number).or_insert_with(|| Bucket::new(Arc::clone(&self.schema), epoch, self.tracked));
        let first = bucket.insert(rows, times, hashes, matched)?;
        self.rows += times.len();
        if self.emits.when_unmatched {
            for (at, (time, matched)) in times.iter().zip(matched.unwrap_or_default()).enumerate() {
                if !matched {
                    self.waiting.push(*time, Place { bucket: number, row: first + at as u32 });
                }
            }
        }
        Ok(())
    }

    /// The buckets that hold rows with times between the two.
    pub(super) fn within(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, &Bucket)> {
        let (from, to) = (self.bucket_of(from), self.bucket_of(to));
        // A row of the stream may stand at the very ends of time.
        (from <= to).then(|| self.buckets.range(from..=to)).into_iter().flatten().map(|(number, bucket)| (*number, bucket))
    }

    pub(super) fn bucket(&self, number: i64) -> Option<&Bucket> {
        self.buckets.get(&number)
    }

    /// Takes note that a row has a partner; returns whether it is its first one.
    pub(super) fn mark(&mut self, place: Place) -> bool {
        self.buckets.get_mut(&place.bucket).is_some_and(|bucket| bucket.mark(place.row))
    }

    /// The rows that no partner can come for any more and that have had none, now that the other side's time is `now`.
    pub(super) fn close(&mut self, now: i64) -> Vec<Place> {
        let mut unmatched = Vec::new();
        if self.waiting.is_empty() {
            return unmatched;
        }
        let buckets = &self.buckets;
        // A row is closed when its time and reach lie before now.
        let before = if now == i64::MAX { now } else { now.saturating_sub(self.reach) };
        self.waiting.take_before(before, |_, place| {
            if buckets.get(&place.bucket).is_some_and(|bucket| !bucket.is_matched(place.row)) {
                unmatched.push(place);
            }
        });
        unmatched
    }

    /// Drops the buckets that no row of the other side can reach any more, now that its time is `now`.
    pub(super) fn evict(&mut self, now: i64) {
        while let Some(entry) = self.buckets.first_entry() {
            if now != i64::MAX && entry.get().latest().saturating_add(self.reach) >= now {
                break;
            }
            self.rows -= entry.get().rows().len();
            entry.remove();
        }
    }

    /// Drops a bucket, if it is there.
    pub(super) fn drop_bucket(&mut self, number: i64) {
        if let Some(gone) = self.buckets.remove(&number) {
            self.rows -= gone.rows().len();
        }
    }

    /// The rows at `places`: some of their columns.
    pub(super) fn take(&self, places: &[Place], columns: impl Iterator<Item = usize>) -> Result<Vec<ArrayRef>> {
        let mut numbers: Vec<i64> = places.iter().map(|place| place.bucket).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let buckets: Vec<(&Bucket, usize)> = numbers
            .iter()
            .filter_map(|number| self.buckets.get(number))
            .scan(0, |first, bucket| {
                let own = *first;
                *first += bucket.rows().batches().len();
                Some((bucket, own))
            })
            .collect();
        let mut last = (i64::MIN, 0);
        let indices: Vec<(usize, usize)> = places
            .iter()
            .map(|place| {
                if last.0 != place.bucket {
                    last = (place.bucket, numbers.binary_search(&place.bucket).unwrap_or(0));
                }
                let (bucket, first) = buckets[last.1];
                let (batch, row) = bucket.rows().place(place.row);
                (first + batch, row)
            })
            .collect();
        columns
            .map(|column| {
                let arrays: Vec<&dyn Array> =
                    buckets.iter().flat_map(|(bucket, _)| bucket.rows().batches()).map(|batch| batch.column(column).as_ref()).collect();
                Ok(interleave(&arrays, &indices)?)
            })
            .collect()
    }

    /// The epoch in which the oldest of its rows came, as far as buckets tell.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.buckets.values().map(Bucket::since).min()
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn memory_size(&self) -> usize {
        self.buckets.values().map(Bucket::memory_size).sum::<usize>() + self.waiting.memory_size()
    }
}
