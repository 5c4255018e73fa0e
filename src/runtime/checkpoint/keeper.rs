//! Takes records, writes them when nothing of what came out before them can be lost, and puts old ones together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use tokio::task::{JoinHandle, spawn_blocking};

use super::CheckpointSpec;
use super::folder::{Folder, Found};
use super::record::{Header, InputState, Record};
use crate::error::{Error, Result};
use crate::ids::Epoch;
use crate::operators::{Changes, Saved};

/// Tries to write a record before the job is given up.
const TRIES: usize = 3;
/// Records that wait for sinks.
const MOST_TAKEN: usize = 2;
/// Records up to which they are not put together however large they are, and from which on they are however small.
const FEW: u64 = 4;
const MANY: u64 = 64;
/// Bytes of records that are not worth being put together.
const SMALL: u64 = 4 << 20;
/// The table with rows of an input that were read, but not used.
const REST: &str = "rest";

/// A part of the jobs' state by name.
type Part = (String, Arc<dyn Saved>);

/// How long a record is that was written; or the record, and why it could not be.
type Written = Result<u64, Box<(Record, Error)>>;

/// What a run begins with.
#[derive(Debug)]
pub(in crate::runtime) struct Resumed {
    /// The last epoch of the runs before.
    pub epoch: Epoch,
    /// How far the inputs were read.
    pub inputs: Vec<InputState>,
    /// For each of them the rows that were read, but not used.
    pub rests: Vec<Option<RecordBatch>>,
}

/// Keeps the records of a pipeline.
#[derive(Debug)]
pub(in crate::runtime) struct Keeper {
    folder: Folder,
    interval: Duration,
    statement: String,
    parts: Arc<Vec<Part>>,
    /// The number of the next record.
    next: u64,
    /// Number and length of the base, and the bytes of the records after it.
    base: (u64, u64),
    since_base: u64,
    last: Instant,
    taken_epoch: Epoch,
    taken: VecDeque<(Epoch, Record)>,
    writing: Option<(Epoch, JoinHandle<Written>)>,
    failed: usize,
    merging: Option<JoinHandle<Result<(u64, u64)>>>,
}

impl Keeper {
    /// Opens the folder, and restores the parts from what is in it. Reads files: not for the threads of an executor.
    ///
    /// **Errors**: the folder can't be read, a record is damaged or missing, or is one of another statement.
    pub(in crate::runtime) fn open(spec: &CheckpointSpec, parts: Vec<Part>) -> Result<(Self, Option<Resumed>)> {
        let mut folder = Folder::new(spec.folder.clone());
        let found = folder.open()?;
        let mut keeper = Self {
            folder,
            interval: spec.interval,
            statement: spec.statement.clone(),
            parts: Arc::new(parts),
            next: found.records.last().copied().or(found.base).unwrap_or(0) + 1,
            base: (found.base.unwrap_or(0), 0),
            since_base: 0,
            last: Instant::now(),
            taken_epoch: 0,
            taken: VecDeque::new(),
            writing: None,
            failed: 0,
            merging: None,
        };
        let resumed = keeper.restore(&found)?;
        keeper.parts.iter().for_each(|(_, part)| part.track());
        Ok((keeper, resumed))
    }

    fn restore(&mut self, found: &Found) -> Result<Option<Resumed>> {
        let numbers = found.base.map(|base| (base, true)).into_iter().chain(found.records.iter().map(|number| (*number, false)));
        let mut resumed = None;
        for (number, is_base) in numbers {
            let (record, bytes) = self.folder.read(number, is_base)?;
            if is_base {
                self.base.1 = bytes
            } else {
                self.since_base += bytes
            }
            self.check(&record.header)?;
            for ((name, part), changes) in self.parts.iter().zip(&record.parts) {
                part.restore(changes).map_err(|error| {
                    Error::internal(format!("the state of {name} can't be restored from record {number} of {}", self.folder.path().display()))
                        .with_source(error)
                })?;
            }
            let rest = |changes: &Changes| changes.tables.first().map(|(_, rows)| rows.clone());
            let rests = record.parts[self.parts.len()..].iter().map(rest).collect();
            self.taken_epoch = record.header.epoch;
            resumed = Some(Resumed { epoch: record.header.epoch, inputs: record.header.inputs, rests });
        }
        Ok(resumed)
    }

    fn check(&self, header: &Header) -> Result<()> {
        let names = self.parts.iter().map(|(name, _)| name);
        if header.statement == self.statement && header.parts.iter().take(self.parts.len()).eq(names) && header.parts.len() >= self.parts.len() {
            return Ok(());
        }
        Err(Error::config(format!("{} holds the state of another statement", self.folder.path().display()))
            .with_help("give this one a folder of its own with 'state.dir', or remove the folder: the job begins anew then"))
    }

    /// Whether a record is to be taken after epoch `epoch`.
    pub(in crate::runtime) fn is_due(&self, epoch: Epoch) -> bool {
        // What a slow sink has not acknowledged yet is kept in memory.
        epoch > self.taken_epoch && self.last.elapsed() >= self.interval && self.taken.len() < MOST_TAKEN
    }

    /// In how long there is something to do.
    pub(in crate::runtime) fn next_due(&self, epoch: Epoch) -> Option<Duration> {
        const SOON: Duration = Duration::from_millis(20);
        const LOOK: Duration = Duration::from_millis(200);
        if self.writing.is_some() || self.merging.is_some() {
            return Some(SOON);
        }
        if !self.taken.is_empty() {
            return Some(LOOK);
        }
        (epoch > self.taken_epoch).then(|| self.interval.saturating_sub(self.last.elapsed()).max(SOON))
    }

    /// The last epoch that a record was taken after.
    pub(in crate::runtime) fn taken_epoch(&self) -> Epoch {
        self.taken_epoch
    }

    /// Takes a record after epoch `epoch`.
    pub(in crate::runtime) fn take(&mut self, epoch: Epoch, inputs: Vec<(InputState, Option<RecordBatch>)>) -> Result<()> {
        let mut parts = Vec::with_capacity(self.parts.len() + inputs.len());
        let mut names = Vec::with_capacity(parts.capacity());
        for (name, part) in self.parts.iter() {
            names.push(name.clone());
            parts.push(part.changes().map_err(|error| Error::internal(format!("the state of {name} can't be saved")).with_source(error))?);
        }
        let mut states = Vec::with_capacity(inputs.len());
        for (state, rest) in inputs {
            names.push(state.name.clone());
            parts.push(Changes { tables: rest.map(|rows| (REST.to_owned(), rows)).into_iter().collect() });
            states.push(state);
        }
        let header = Header { statement: self.statement.clone(), epoch, inputs: states, parts: names, ..Header::default() };
        self.taken.push_back((epoch, Record { header, parts }));
        (self.taken_epoch, self.last) = (epoch, Instant::now());
        Ok(())
    }

    /// Goes on with what is to be written, now that every sink has acknowledged `acked`. Returns the epoch up to which all is recorded, if that is news.
    ///
    /// **Errors**: a record can't be written, after several tries, or was written by another run.
    pub(in crate::runtime) async fn work(&mut self, acked: Epoch) -> Result<Option<Epoch>> {
        let mut recorded = None;
        if let Some((epoch, written)) = self.writing.take_if(|(_, written)| written.is_finished()) {
            recorded = self.written(epoch, joined(written.await)?)?;
        }
        if let Some(merged) = self.merging.take_if(|merged| merged.is_finished()) {
            match joined(merged.await)? {
                Ok(base) => self.base = base,
                // The records are all there still; it is tried again with the next one.
                Err(error) => crate::telemetry::warning(&format!("records could not be put together: {error}")),
            }
        }
        let retry = self.failed > 0 && self.last.elapsed() < Duration::from_secs(1);
        if self.writing.is_none()
            && !retry
            && let Some((epoch, record)) = self.taken.pop_front_if(|(epoch, _)| *epoch <= acked)
        {
            self.writing = Some((epoch, self.write(record)));
        }
        Ok(recorded)
    }

    fn write(&self, record: Record) -> JoinHandle<Written> {
        let (folder, number) = (self.folder.clone(), self.next);
        spawn_blocking(move || {
            let put = || {
                let bytes = record.encode()?;
                folder.put(number, &bytes)?;
                Ok(bytes.len() as u64)
            };
            put().map_err(|error| Box::new((record, error)))
        })
    }

    fn written(&mut self, epoch: Epoch, result: Written) -> Result<Option<Epoch>> {
        match result {
            Ok(bytes) => {
                tracing::debug!("record {} of {}: {bytes} bytes", self.next, self.folder.path().display());
                self.next += 1;
                self.since_base += bytes;
                self.failed = 0;
                self.merge();
                Ok(Some(epoch))
            }
            Err(failed) => {
                let (record, error) = *failed;
                self.failed += 1;
                if self.failed >= TRIES || !error.retry() {
                    return Err(error.context("the state can't be recorded"));
                }
                crate::telemetry::warning(&format!("the state can't be recorded: {error}; try {} of {TRIES} follows", self.failed + 1));
                self.taken.push_front((epoch, record));
                self.last = Instant::now();
                Ok(None)
            }
        }
    }

    /// Begins to put records together if there are many of them.
    fn merge(&mut self) {
        let count = self.next - 1 - self.base.0;
        let large = self.since_base > self.base.1.max(SMALL) && count >= FEW;
        if self.merging.is_some() || !(large || count >= MANY) {
            return;
        }
        let (folder, parts, base, last) = (self.folder.clone(), Arc::clone(&self.parts), self.base.0, self.next - 1);
        self.since_base = 0;
        self.merging = Some(spawn_blocking(move || merged(&folder, &parts, base, last)));
    }

    /// Writes what was taken and a last record; to be called when nothing more is read, and the sinks have acknowledged `acked`. Returns the epoch up to which all is recorded.
    pub(in crate::runtime) async fn finish(&mut self, acked: Epoch) -> Result<Option<Epoch>> {
        let mut recorded = None;
        while self.writing.is_some() || self.taken.front().is_some_and(|(epoch, _)| *epoch <= acked) {
            recorded = self.work(acked).await?.or(recorded);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // A base that is not complete has no name: it is made by the next run.
        if let Some(merging) = self.merging.take() {
            let _result_is_for_the_next_run = merging.await;
        }
        Ok(recorded)
    }

    /// Removes all records: the jobs have come to their end.
    pub(in crate::runtime) async fn clear(&mut self) -> Result<()> {
        self.taken.clear();
        if let Some((_, writing)) = self.writing.take() {
            let _nothing_is_kept = writing.await;
        }
        if let Some(merging) = self.merging.take() {
            let _nothing_is_kept = merging.await;
        }
        self.folder.clear()
    }
}

fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T> {
    result.map_err(|error| Error::internal("a record could not be made").with_source(error))
}

/// Puts the base and the records after it, up to `last`, together into a new base. Returns its number and length.
fn merged(folder: &Folder, parts: &[Part], base: u64, last: u64) -> Result<(u64, u64)> {
    let files: Vec<(u64, bool)> = (base > 0).then_some((base, true)).into_iter().chain((base + 1..=last).map(|number| (number, false))).collect();
    let part_of = |(number, is_base): (u64, bool), at: usize| {
        let (mut record, _) = folder.read(number, is_base)?;
        Ok(record.parts.get_mut(at).map(std::mem::take).unwrap_or_default())
    };
    let (newest, _) = folder.read(last, base == last)?;
    let mut all = Vec::with_capacity(newest.parts.len());
    for (at, (_, part)) in parts.iter().enumerate() {
        all.push(part.fold(&mut files.iter().map(|file| part_of(*file, at)))?);
    }
    all.extend(newest.parts.into_iter().skip(parts.len()));
    let bytes = Record { header: newest.header, parts: all }.encode()?;
    folder.put_base(last, &bytes)?;
    Ok((last, bytes.len() as u64))
}
