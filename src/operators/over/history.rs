//! The rows of each key that are looked back at.

use std::collections::VecDeque;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{interleave, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::function::LookBack;
use super::ordered::Part;

/// Where a row is kept.
#[derive(Clone, Copy, Debug)]
struct At {
    batch: u32,
    row: u32,
    time: i64,
}

/// The rows of a key.
#[derive(Clone, Debug, Default)]
struct OfKey {
    first: Vec<At>,
    /// In their order; places ascend.
    last: VecDeque<At>,
}

/// Rows that are kept together. Small ones are put together as new ones come, so that there are few.
struct Stored {
    rows: RecordBatch,
    keys: Vec<u32>,
    /// How often each is still referred to.
    uses: Vec<u8>,
    /// How many are.
    live: usize,
}

/// Rows that are kept of some keys.
#[derive(Default)]
pub(super) struct Kept {
    pub columns: Vec<ArrayRef>,
    /// The place of each row's key.
    pub keys: Vec<i64>,
    pub first: Vec<bool>,
    pub last: Vec<bool>,
    pub times: Vec<i64>,
}

/// Rows of all keys.
pub(super) struct History {
    look_back: LookBack,
    keys: Vec<OfKey>,
    stored: Vec<Stored>,
    /// How many rows there were when silent keys were looked at last.
    swept: usize,
}

/// Rows that have come, behind those of the same keys that are looked back at.
pub(super) struct WithHistory {
    /// All rows, by key.
    pub rows: RecordBatch,
    /// For each part where its rows begin, those that are looked back at first.
    pub begins: Vec<usize>,
    /// For each part how many are looked back at.
    pub before: Vec<usize>,
}

impl History {
    pub(super) fn new(look_back: LookBack) -> Self {
        Self { look_back, keys: Vec::new(), stored: Vec::new(), swept: 0 }
    }

    /// Puts the rows that are kept of each part's key before the part's own rows: `order` of `rows`.
    pub(super) fn before(&self, rows: &RecordBatch, order: &[u32], parts: &[Part]) -> Result<WithHistory> {
        let own = self.stored.len();
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(order.len());
        let (mut begins, mut before) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
        for part in parts {
            begins.push(places.len());
            if let Some(kept) = self.keys.get(part.key).filter(|_| !part.fresh) {
                let oldest = kept.last.front().map(|at| (at.batch, at.row));
                // The first rows may be among the last ones.
                let first = kept.first.iter().filter(|at| oldest.is_none_or(|oldest| (at.batch, at.row) < oldest));
                places.extend(first.chain(&kept.last).map(|at| (at.batch as usize, at.row as usize)));
            }
            before.push(places.len() - begins[begins.len() - 1]);
            places.extend(order[part.begin..part.end].iter().map(|row| (own, *row as usize)));
        }
        let column = |at: usize| -> Result<ArrayRef> {
            let stored = self.stored.iter().map(|stored| stored.rows.column(at).as_ref());
            let arrays: Vec<&dyn Array> = stored.chain([rows.column(at).as_ref()]).collect();
            Ok(interleave(&arrays, &places)?)
        };
        let columns = (0..rows.num_columns()).map(column).collect::<Result<Vec<_>>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(places.len()));
        Ok(WithHistory { rows: RecordBatch::try_new_with_options(rows.schema(), columns, &options)?, begins, before })
    }

    /// Keeps what is looked back at of rows that have come out, and forgets what is not any more. Rows to come are not earlier than `time`.
    pub(super) fn keep(&mut self, rows: &RecordBatch, order: &[u32], parts: &[Part], times: Option<&[i64]>, time: i64) -> Result<()> {
        let LookBack { rows: count, span, first } = self.look_back;
        let oldest = span.map(|span| time.saturating_sub(span));
        let batch = self.stored.len() as u32;
        let (mut taken, mut keys, mut uses): (Vec<u32>, Vec<u32>, Vec<u8>) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            if self.keys.len() <= part.key {
                self.keys.resize_with(part.key + 1, OfKey::default);
            }
            let kept = &mut self.keys[part.key];
            if part.fresh {
                let old = std::mem::take(kept);
                for at in old.first.iter().chain(&old.last) {
                    if at.batch == batch { uses[at.row as usize] -= 1 } else { release(&mut self.stored, *at) }
                }
            }
            let own = &order[part.begin..part.end];
            let time_of = |row: u32| times.map_or(0, |times| times[row as usize]);
            for (at, row) in own.iter().enumerate() {
                let is_first = kept.first.len() < first;
                let is_last = own.len() - at <= count || oldest.is_some_and(|oldest| time_of(*row) >= oldest);
                if !is_first && !is_last {
                    continue;
                }
                let place = At { batch, row: taken.len() as u32, time: time_of(*row) };
                taken.push(*row);
                keys.push(part.key as u32);
                uses.push(u8::from(is_first) + u8::from(is_last));
                if is_first {
                    kept.first.push(place);
                }
                if is_last {
                    kept.last.push_back(place);
                }
            }
            while kept.last.len() > count
                && let Some(at) = kept.last.pop_front_if(|at| oldest.is_none_or(|oldest| at.time < oldest))
            {
                if at.batch == batch { uses[at.row as usize] -= 1 } else { release(&mut self.stored, at) }
            }
        }
        if !taken.is_empty() {
            let live = uses.iter().filter(|uses| **uses > 0).count();
            self.stored.push(Stored { rows: take_record_batch(rows, &UInt32Array::from(taken))?, keys, uses, live });
        }
        if let Some(oldest) = oldest
            && self.rows() > 2 * self.swept.max(1024)
        {
            self.sweep(oldest);
        }
        self.tidy()
    }

    /// Forgets rows of keys that have been silent for longer than is looked back.
    fn sweep(&mut self, oldest: i64) {
        let count = self.look_back.rows;
        for kept in &mut self.keys {
            while kept.last.len() > count
                && let Some(at) = kept.last.pop_front_if(|at| at.time < oldest)
            {
                release(&mut self.stored, at);
            }
        }
        self.swept = self.rows();
    }

    /// The rows of some keys: each with the place of its key among them, whether it is one of the first and of the last ones, and its time.
    pub(super) fn of(&self, numbers: &[u32], schema: &SchemaRef) -> Result<Kept> {
        let (mut places, mut kept) = (Vec::new(), Kept::default());
        for (row, number) in numbers.iter().enumerate() {
            let Some(own) = self.keys.get(*number as usize) else { continue };
            let mut add = |at: &At, is_first, is_last| {
                places.push((at.batch as usize, at.row as usize));
                kept.keys.push(row as i64);
                kept.first.push(is_first);
                kept.last.push(is_last);
                kept.times.push(at.time);
            };
            let is_last = |at: &At| own.last.iter().any(|last| (last.batch, last.row) == (at.batch, at.row));
            own.first.iter().for_each(|at| add(at, true, is_last(at)));
            let is_first = |at: &&At| own.first.iter().any(|first| (first.batch, first.row) == (at.batch, at.row));
            own.last.iter().filter(|at| !is_first(at)).for_each(|at| add(at, false, true));
        }
        let column = |at: usize| -> Result<ArrayRef> {
            let arrays: Vec<&dyn Array> = self.stored.iter().map(|stored| stored.rows.column(at).as_ref()).collect();
            Ok(if arrays.is_empty() { arrow::array::new_empty_array(schema.field(at).data_type()) } else { interleave(&arrays, &places)? })
        };
        kept.columns = (0..schema.fields().len()).map(column).collect::<Result<_>>()?;
        Ok(kept)
    }

    /// Keeps rows of some keys instead of those that are kept of them: `keys` numbers the key of each row.
    pub(super) fn put(&mut self, all: &[u32], rows: RecordBatch, keys: Vec<u32>, kept: &Kept) -> Result<()> {
        let most = all.iter().max().map_or(0, |most| *most as usize + 1);
        if self.keys.len() < most {
            self.keys.resize_with(most, OfKey::default);
        }
        for key in all {
            let old = std::mem::take(&mut self.keys[*key as usize]);
            old.first.iter().chain(&old.last).for_each(|at| release(&mut self.stored, *at));
        }
        if rows.num_rows() == 0 {
            return self.tidy();
        }
        let batch = self.stored.len() as u32;
        let mut uses = Vec::with_capacity(keys.len());
        for (row, key) in keys.iter().enumerate() {
            let at = At { batch, row: row as u32, time: kept.times[row] };
            let own = &mut self.keys[*key as usize];
            if kept.first[row] {
                own.first.push(at);
            }
            if kept.last[row] {
                own.last.push_back(at);
            }
            uses.push(u8::from(kept.first[row]) + u8::from(kept.last[row]));
        }
        let live = uses.iter().filter(|uses| **uses > 0).count();
        self.stored.push(Stored { rows, keys, uses, live });
        self.tidy()
    }

    /// Puts small batches together, and moves rows out of batches that are mostly forgotten.
    fn tidy(&mut self) -> Result<()> {
        const SMALL: usize = 64;
        for at in 0..self.stored.len() {
            let stored = &self.stored[at];
            if stored.keys.len() > SMALL && stored.live * 4 < stored.keys.len() {
                self.rewrite(at, at + 1)?;
            }
        }
        while let [.., before, last] = self.stored.as_slice()
            && before.live < 2 * last.live.max(SMALL / 2)
        {
            let count = self.stored.len();
            self.rewrite(count - 2, count)?;
        }
        Ok(())
    }

    /// Puts the live rows of some batches into one; the batches behind them stay where they are, so it is one of several or the last two.
    fn rewrite(&mut self, begin: usize, end: usize) -> Result<()> {
        let (mut places, mut keys, mut uses) = (Vec::new(), Vec::new(), Vec::new());
        for (number, stored) in self.stored[begin..end].iter().enumerate() {
            for row in (0..stored.keys.len()).filter(|row| stored.uses[*row] > 0) {
                let (key, from) = (stored.keys[row], ((begin + number) as u32, row as u32));
                let to = (begin as u32, places.len() as u32);
                let kept = &mut self.keys[key as usize];
                let at = kept.last.binary_search_by_key(&from, |at| (at.batch, at.row)).ok();
                let last = at.and_then(|at| kept.last.get_mut(at));
                let moved = last.into_iter().chain(kept.first.iter_mut().find(|at| (at.batch, at.row) == from));
                moved.for_each(|at| (at.batch, at.row) = to);
                places.push((number, row));
                keys.push(key);
                uses.push(stored.uses[row]);
            }
        }
        let first = &self.stored[begin].rows;
        let column = |at: usize| -> Result<ArrayRef> {
            let arrays: Vec<&dyn Array> = self.stored[begin..end].iter().map(|stored| stored.rows.column(at).as_ref()).collect();
            Ok(interleave(&arrays, &places)?)
        };
        let columns = (0..first.num_columns()).map(column).collect::<Result<Vec<_>>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(places.len()));
        let rows = RecordBatch::try_new_with_options(first.schema(), columns, &options)?;
        let live = keys.len();
        self.stored.splice(begin..end, [Stored { rows, keys, uses, live }]);
        Ok(())
    }

    /// Keys have new numbers: `kept[new]` is the old one; the others are forgotten.
    pub(super) fn renumber(&mut self, kept: &[u32]) -> Result<()> {
        let mut keys = vec![OfKey::default(); kept.len()];
        let mut new = vec![u32::MAX; self.keys.len()];
        for (number, old) in kept.iter().enumerate() {
            if let Some(own) = self.keys.get_mut(*old as usize) {
                keys[number] = std::mem::take(own);
                new[*old as usize] = number as u32;
            }
        }
        for gone in &self.keys {
            gone.first.iter().chain(&gone.last).for_each(|at| release(&mut self.stored, *at));
        }
        self.keys = keys;
        for key in self.stored.iter_mut().flat_map(|stored| &mut stored.keys) {
            *key = new.get(*key as usize).copied().unwrap_or(u32::MAX);
        }
        self.tidy()
    }

    /// Rows that are kept.
    pub(super) fn rows(&self) -> usize {
        self.stored.iter().map(|stored| stored.live).sum()
    }

    pub(super) fn memory_size(&self) -> usize {
        let stored = self.stored.iter().map(|stored| stored.rows.get_array_memory_size() + stored.keys.capacity() * 5);
        // A place or two of each key lie elsewhere.
        stored.sum::<usize>() + self.keys.capacity() * size_of::<OfKey>() + self.rows() * 2 * size_of::<At>()
    }
}

/// A row is referred to once less.
fn release(stored: &mut [Stored], at: At) {
    let stored = &mut stored[at.batch as usize];
    let uses = &mut stored.uses[at.row as usize];
    *uses -= 1;
    stored.live -= usize::from(*uses == 0);
}
