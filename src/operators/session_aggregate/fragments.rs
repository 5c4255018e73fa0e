//! What the rows of a batch have come to, and the merging of that.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::operators::changes::table;
use crate::operators::window_aggregate::{Aggregate, Evaluated};

/// No fragment.
const NONE: u32 = u32::MAX;
/// Fragments and batches up to which nothing is merged before its time.
const FEW_FRAGMENTS: usize = 65_536;
const FEW_CHUNKS: usize = 1024;

/// The fragments of a session: the first and the last of a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

/// Where a fragment is, and which one follows it in its session.
#[derive(Clone, Copy, Debug)]
struct Fragment {
    chunk: u32,
    row: u32,
    next: u32,
}

/// The fragments of one batch, by column.
#[derive(Debug)]
struct Chunk {
    keys: Vec<ArrayRef>,
    /// Of each aggregate.
    states: Vec<Vec<ArrayRef>>,
}

/// All fragments, those of closed sessions among them.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    chunks: Vec<Chunk>,
    fragments: Vec<Fragment>,
    bytes: usize,
}

/// The columns of sessions: their keys, and the aggregates, ready to be asked.
pub(super) struct Merged {
    pub keys: Vec<ArrayRef>,
    pub accumulators: Vec<Box<dyn GroupsAccumulator>>,
}

impl Fragments {
    /// Adds a fragment of the batch that is being read to a session.
    pub(super) fn append(&mut self, list: &mut List, row: u32) {
        let own = self.fragments.len() as u32;
        self.fragments.push(Fragment { chunk: self.chunks.len() as u32, row, next: NONE });
        self.join(list, List { first: own, last: own });
    }

    /// Puts the fragments of another session behind those of a session.
    pub(super) fn join(&mut self, list: &mut List, other: List) {
        match self.fragments.get_mut(list.last as usize) {
            Some(last) => {
                last.next = other.first;
                list.last = other.last;
            }
            None => *list = other,
        }
    }

    /// Adds the rows of the batch whose fragments have been appended: the number of each row's fragment, and the row that begins each fragment.
    pub(super) fn push(&mut self, aggregates: &[Aggregate], rows: &Evaluated, numbers: &[usize], heads: Vec<u32>) -> Result<()> {
        let count = heads.len();
        let heads = UInt32Array::from(heads);
        let keys = rows.keys.iter().map(|column| Ok(owned(take(column, &heads, None)?))).collect::<Result<_>>()?;
        let mut states = Vec::with_capacity(aggregates.len());
        for ((aggregate, arguments), filter) in aggregates.iter().zip(&rows.arguments).zip(&rows.filters) {
            let mut accumulator = aggregate.accumulator()?;
            accumulator.update_batch(arguments, numbers, filter.as_ref(), count)?;
            states.push(accumulator.state(EmitTo::All)?);
        }
        self.add(Chunk { keys, states });
        Ok(())
    }

    fn add(&mut self, chunk: Chunk) {
        self.bytes += chunk.keys.iter().chain(chunk.states.iter().flatten()).map(|column| column.get_array_memory_size()).sum::<usize>();
        self.chunks.push(chunk);
    }

    /// The fragments of the batch that has been added last as a table: their spans, keys and states.
    pub(super) fn newest(&self, spans: [ArrayRef; 2]) -> Result<RecordBatch> {
        let rows = spans[0].len();
        let mut columns = spans.to_vec();
        if let Some(chunk) = self.chunks.last() {
            columns.extend(chunk.keys.iter().chain(chunk.states.iter().flatten()).cloned());
        }
        table(columns, rows)
    }

    /// Adds fragments that have been appended: their keys, and what they have come to.
    pub(super) fn put(&mut self, keys: &[ArrayRef], states: Vec<Vec<ArrayRef>>) {
        self.add(Chunk { keys: keys.to_vec(), states });
    }

    /// Merges the fragments of each of some sessions.
    pub(super) fn merged(&self, aggregates: &[Aggregate], lists: &[List]) -> Result<Merged> {
        let mut read: Vec<&Chunk> = Vec::new();
        let mut places = vec![NONE; self.chunks.len()];
        let (mut indices, mut numbers, mut heads) = (Vec::with_capacity(lists.len()), Vec::with_capacity(lists.len()), Vec::with_capacity(lists.len()));
        for (number, list) in lists.iter().enumerate() {
            let mut at = list.first;
            heads.push(indices.len());
            while let Some(fragment) = self.fragments.get(at as usize) {
                let place = &mut places[fragment.chunk as usize];
                if *place == NONE {
                    *place = read.len() as u32;
                    read.push(&self.chunks[fragment.chunk as usize]);
                }
                indices.push((*place as usize, fragment.row as usize));
                numbers.push(number);
                at = fragment.next;
            }
        }
        let gather = |column: &dyn Fn(&Chunk) -> ArrayRef, indices: &[(usize, usize)]| -> Result<ArrayRef> {
            let columns: Vec<ArrayRef> = read.iter().map(|chunk| column(chunk)).collect();
            Ok(interleave(&columns.iter().map(AsRef::as_ref).collect::<Vec<_>>(), indices)?)
        };
        let mut accumulators = Vec::with_capacity(aggregates.len());
        for (at, aggregate) in aggregates.iter().enumerate() {
            let columns = read.first().map_or(0, |chunk| chunk.states[at].len());
            let states = (0..columns).map(|column| gather(&|chunk| Arc::clone(&chunk.states[at][column]), &indices)).collect::<Result<Vec<_>>>()?;
            let mut accumulator = aggregate.accumulator()?;
            accumulator.merge_batch(&states, &numbers, None, lists.len())?;
            accumulators.push(accumulator);
        }
        let first: Vec<(usize, usize)> = heads.into_iter().filter_map(|head| indices.get(head).copied()).collect();
        let keys = (0..read.first().map_or(0, |chunk| chunk.keys.len())).map(|at| gather(&|chunk| Arc::clone(&chunk.keys[at]), &first));
        Ok(Merged { keys: keys.collect::<Result<_>>()?, accumulators })
    }

    /// Whether there are many more fragments than the open sessions need.
    pub(super) fn are_too_many(&self, sessions: usize) -> bool {
        self.fragments.len() > 2 * sessions + FEW_FRAGMENTS || self.chunks.len() > FEW_CHUNKS
    }

    /// Leaves one fragment for each of the open sessions, and forgets those of closed ones.
    pub(super) fn compact<'a>(&mut self, aggregates: &[Aggregate], open: impl Iterator<Item = &'a mut List>) -> Result<()> {
        let mut open: Vec<&mut List> = open.collect();
        let lists: Vec<List> = open.iter().map(|list| **list).collect();
        let kept = if lists.is_empty() { None } else { Some(self.merged(aggregates, &lists)?) };
        *self = Self::default();
        if let Some(mut kept) = kept {
            for (row, list) in open.iter_mut().enumerate() {
                **list = List::default();
                self.append(list, row as u32);
            }
            let states = kept.accumulators.iter_mut().map(|accumulator| accumulator.state(EmitTo::All)).collect::<Result<_>>()?;
            self.add(Chunk { keys: kept.keys.into_iter().map(owned).collect(), states });
        }
        Ok(())
    }

    pub(super) fn memory_size(&self) -> usize {
        self.bytes + self.fragments.capacity() * size_of::<Fragment>()
    }
}

/// A column that does not hold on to the texts of rows that are not in it.
fn owned(column: ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => column,
    }
}
