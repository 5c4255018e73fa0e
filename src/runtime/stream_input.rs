//! The rows of one source that wait to become batches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use super::batching::{Decision, Waiting, adapt, decide};
use super::checkpoint::InputState;
use super::counters::{JobCounters, SourceCounters, add};
use super::leaf_feed::{LeafRows, SourceFeed};
use super::rate_limited_log::RateLimitedLog;
use super::room::Room;
use super::source_clock::SourceClock;
use super::source_task::{memory_size, tolerates};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::operators::source_slot::SlotInput;
use crate::stream::{BatchSettings, FailurePolicy, Position, RejectedRecord, SourceBatch};

/// An input of a statement that is read in epochs.
pub(super) struct StreamInput {
    /// Number of the statement in the pipeline.
    pub statement: usize,
    pub feed: SourceFeed,
    pub ahead: Room,
    pub ended: bool,
    name: Arc<str>,
    counters: Arc<JobCounters>,
    settings: BatchSettings,
    policy: FailurePolicy,
    log: RateLimitedLog,
    target: usize,
    pieces: VecDeque<Piece>,
    rows: usize,
    bytes: u64,
    /// Bytes of memory that they take.
    size: u64,
    since: Option<Instant>,
    /// Since when the batch that was cut last has waited.
    taken: Option<Instant>,
    /// Bytes that complete a batch of any strategy.
    most_bytes: u64,
    /// What it takes of the job's memory.
    held: MemoryReservation,
    /// Its time, if somebody goes by it.
    pub clock: Option<SourceClock>,
    /// How far what has been cut reaches.
    read: Position,
}

fn held(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

struct Piece {
    rows: RecordBatch,
    bytes: u64,
    /// Bytes of memory.
    size: u64,
    skipped: u64,
    rejected: Vec<RejectedRecord>,
    position: Position,
    /// Some of its rows have been cut off.
    is_begun: bool,
    /// Room it takes of what may be read ahead.
    room: u32,
}

/// Puts batches into the slots of a source's leaves; `seen` sees them before.
pub(super) fn fill(feed: &SourceFeed, batches: &[RecordBatch], seen: &mut dyn FnMut(&LeafRows)) -> Result<()> {
    let mut inputs: Vec<Vec<RecordBatch>> = vec![Vec::with_capacity(batches.len()); feed.leaves().count()];
    for batch in batches {
        feed.count_copies(batch.num_rows());
        let rows = feed.leaf_rows(batch)?;
        seen(&rows);
        for (input, rows) in inputs.iter_mut().zip(rows.batches) {
            input.push(rows);
        }
    }
    for (leaf, input) in feed.leaves().zip(inputs) {
        leaf.slot.fill(SlotInput::Batches(input));
    }
    Ok(())
}

impl StreamInput {
    #[allow(clippy::too_many_arguments, reason = "one call site")]
    pub(super) fn new(
        statement: usize,
        name: Arc<str>,
        job: &str,
        feed: SourceFeed,
        ahead: Room,
        settings: BatchSettings,
        policy: FailurePolicy,
        counters: Arc<JobCounters>,
        most_bytes: u64,
        memory: &Arc<dyn MemoryPool>,
        clock: Option<SourceClock>,
    ) -> Self {
        let log = RateLimitedLog::new(format!("job '{job}', source '{name}'"));
        let held = MemoryConsumer::new(format!("rows of '{name}'")).register(memory);
        let target = settings.min_rows.max(1);
        Self {
            statement,
            feed,
            ahead,
            ended: false,
            name,
            counters,
            settings,
            policy,
            log,
            target,
            pieces: VecDeque::new(),
            rows: 0,
            bytes: 0,
            size: 0,
            since: None,
            taken: None,
            most_bytes,
            held,
            clock,
            read: Position::default(),
        }
    }

    /// Nothing of it is left.
    pub(super) fn is_drained(&self) -> bool {
        self.ended && self.pieces.is_empty()
    }

    /// Puts batches into the slots of its leaves, and moves its time.
    pub(super) fn fill(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let clock = &mut self.clock;
        fill(&self.feed, batches, &mut |rows| {
            if let (Some(clock), Some(times)) = (clock.as_mut(), &rows.times) {
                clock.see(times, rows.partitions.as_ref(), Instant::now());
            }
        })?;
        self.clock.iter_mut().for_each(|clock| {
            clock.advance(Instant::now());
        });
        Ok(())
    }

    fn counts(&self) -> Option<&SourceCounters> {
        self.counters.sources.get(&self.name)
    }

    /// Takes in what was read.
    pub(super) fn absorb(&mut self, batch: SourceBatch) {
        let size = memory_size(&batch);
        self.held.grow(held(size));
        self.size += size;
        let room = self.ahead.of(batch.rows.num_rows(), size);
        self.rows += batch.rows.num_rows();
        self.bytes += batch.bytes;
        if self.rows > 0 && self.since.is_none() {
            self.since = Some(Instant::now());
        }
        self.pieces.push_back(Piece {
            rows: batch.rows,
            bytes: batch.bytes,
            size,
            skipped: batch.skipped,
            rejected: batch.rejected,
            position: batch.position,
            is_begun: false,
            room,
        });
    }

    /// Counts the records of a piece that are no rows, when its first row is used.
    fn settle(&mut self, rejected: &[RejectedRecord], skipped: u64) -> Result<()> {
        if let Some(counts) = self.counts() {
            counts.count(skipped + rejected.len() as u64);
            add(&counts.skipped, skipped);
            add(&counts.rejected, rejected.len() as u64);
        }
        let Some(first) = rejected.first() else { return Ok(()) };
        if !tolerates(&self.policy) {
            return Err(self.refused(first));
        }
        self.log.warn(rejected.len() as u64, || format!("{first}; record skipped"));
        Ok(())
    }

    fn count_rows(&self, rows: usize, bytes: u64) {
        if let Some(counts) = self.counts() {
            counts.count(rows as u64);
            add(&counts.bytes, bytes);
        }
    }

    /// What to do now.
    pub(super) fn decide(&self) -> Decision {
        // Records that stop the job don't wait for company.
        if !tolerates(&self.policy) && self.pieces.front().is_some_and(|piece| !piece.rejected.is_empty()) {
            return Decision::Take(self.rows.min(self.settings.max_rows));
        }
        if self.rows == 0 && !self.pieces.is_empty() {
            return Decision::Take(0);
        }
        let age = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        decide(&self.settings, self.target, Waiting { rows: self.rows, bytes: self.bytes, age, ended: self.ended, most_bytes: self.most_bytes })
    }

    /// Cuts a batch of `rows` rows (fewer, for batches that need not be full, where that saves cutting) and the position after it.
    ///
    /// **Errors**: among the records of the batch is one that can't be used, and the strategy is not to go on without it.
    pub(super) fn cut(&mut self, rows: usize) -> Result<(Vec<RecordBatch>, Position)> {
        let mut batches = Vec::with_capacity(1);
        let mut position = Position::default();
        let mut left = rows;
        let before = self.size;
        while let Some(piece) = self.pieces.front_mut() {
            if left == 0 && piece.rows.num_rows() > 0 {
                break;
            }
            let (rejected, skipped) = (std::mem::take(&mut piece.rejected), std::mem::take(&mut piece.skipped));
            if skipped > 0 || !rejected.is_empty() {
                self.settle(&rejected, skipped)?;
                continue;
            }
            let count = piece.rows.num_rows();
            if count > left {
                if self.settings.eager && !batches.is_empty() {
                    break;
                }
                batches.push(piece.rows.slice(0, left));
                piece.rows = piece.rows.slice(left, count - left);
                piece.is_begun |= left > 0;
                let bytes = piece.bytes * left as u64 / count as u64;
                piece.bytes -= bytes;
                let size = piece.size * left as u64 / count as u64;
                piece.size -= size;
                self.size -= size;
                self.bytes -= bytes;
                self.rows -= left;
                self.count_rows(left, bytes);
                break;
            }
            let Some(piece) = self.pieces.pop_front() else { break };
            self.ahead.release(piece.room);
            self.count_rows(count, piece.bytes);
            self.bytes -= piece.bytes;
            self.size -= piece.size;
            self.rows -= count;
            left -= count;
            position.merge(&piece.position);
            self.read.merge(&piece.position);
            if count > 0 {
                batches.push(piece.rows);
            }
        }
        self.taken = self.since.take();
        self.since = (self.rows > 0).then(Instant::now);
        // What was cut now is held until the next is: the epoch works on it.
        self.held.resize(held(before));
        Ok((batches, position))
    }

    /// How far it was read, for a record; and the rows up to there that have not been used.
    pub(super) fn state(&self, job: &str) -> (InputState, Option<RecordBatch>) {
        let mut read = self.read.clone();
        let begun = self.pieces.front().filter(|piece| piece.is_begun);
        if let Some(piece) = begun {
            read.merge(&piece.position);
        }
        let (time, partitions) = self.clock.as_ref().map(SourceClock::state).unwrap_or_default();
        let offsets = read.offsets.iter().map(|(partition, offset)| (partition.to_string(), *offset)).collect();
        (InputState { name: format!("{job}.{}", self.name), offsets, time, partitions }, begun.map(|piece| piece.rows.clone()))
    }

    /// Goes on where an earlier run has stopped. Returns where its source is to begin.
    pub(super) fn resume(&mut self, state: &InputState, rest: Option<RecordBatch>) -> Position {
        let offsets = state.offsets.iter().map(|(partition, offset)| (Arc::from(partition.as_str()), *offset)).collect();
        let position = Position { offsets };
        if let Some(clock) = &mut self.clock {
            clock.resume(state.time, &state.partitions);
        }
        self.read = position.clone();
        if let Some(rows) = rest {
            let bytes = crate::operators::slice_bytes::slice_bytes(&rows) as u64;
            self.rows += rows.num_rows();
            self.bytes += bytes;
            self.size += bytes;
            self.held.grow(held(bytes));
            self.since.get_or_insert_with(Instant::now);
            self.pieces.push_front(Piece { rows, bytes, size: bytes, skipped: 0, rejected: Vec::new(), position: position.clone(), is_begun: true, room: 0 });
        }
        position
    }

    fn refused(&self, record: &RejectedRecord) -> Error {
        add(&self.counters.batches_failed, 1);
        Error::new(ErrorKind::Record, Fault::User, format!("source '{}', {record}", self.name))
            .with_help(format!("mend the record, or set '{}.failure_strategy' = 'LogAndContinue' to skip and count such records", self.name))
    }

    /// The batch that was cut last is through.
    pub(super) fn note_latency(&mut self) {
        if let Some((since, counts)) = self.taken.take().zip(self.counts()) {
            counts.latency.add(since.elapsed());
        }
    }

    /// Takes note of how long a batch took.
    pub(super) fn learn(&mut self, rows: usize, took: Duration) {
        self.target = adapt(&self.settings, self.target, rows, took);
    }
}
