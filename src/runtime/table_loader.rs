//! The tables of lookup joins: loaded before the first row, and again when they are due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::PhysicalExpr;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::counters::{JobCounters, add};
use super::execution_error;
use super::job_memory::decoded_rows;
use super::leaf_feed::SourceFeed;
use super::rate_limited_log::RateLimitedLog;
use super::source_task::{SourceTask, tolerates};
use super::spec::SourceSpec;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::operators::guard::RowFaults;
use crate::operators::lookup_join::LookupTable;
use crate::operators::slice_bytes::slice_bytes;
use crate::operators::source_slot::SlotInput;
use crate::planner::{EventTime, LookupPlan};

/// Rows of a batch while a table is loaded.
const TABLE_BATCH_ROWS: usize = 8192;

/// The tables of one job.
pub(super) struct TableLoader {
    lookups: Vec<(LookupPlan, Option<Instant>)>,
    reader: Arc<TableReader>,
    reloading: Option<Reloading>,
    /// Loads that failed.
    failed: RateLimitedLog,
}

/// Tables that are being loaded again while the stream goes on.
struct Reloading {
    chosen: Vec<usize>,
    task: JoinHandle<Result<Vec<Loaded>>>,
}

impl Drop for Reloading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A table that was read, and how long that took.
struct Loaded {
    table: LookupTable,
    took: Duration,
}

/// How often it is looked whether tables have been loaded again.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

impl TableLoader {
    #[allow(clippy::too_many_arguments, reason = "one call site")]
    pub(super) fn new(
        job: &str,
        lookups: Vec<LookupPlan>,
        sources: Arc<Vec<SourceSpec>>,
        event_times: Vec<EventTime>,
        faults: Arc<RowFaults>,
        counters: Arc<JobCounters>,
        context: Arc<TaskContext>,
        parallelism: usize,
    ) -> Self {
        let lookups = lookups.into_iter().map(|lookup| (lookup, None)).collect();
        let log = || RateLimitedLog::new(format!("job '{job}'"));
        let (failed, failing_rows, logs, job) = (log(), log(), Mutex::default(), job.to_owned());
        let reader = Arc::new(TableReader { job, sources, event_times, faults, counters, context, parallelism, failing_rows, logs });
        Self { lookups, reader, reloading: None, failed }
    }

    /// Loads all tables.
    pub(super) async fn load_all(&mut self) -> Result<()> {
        let all: Vec<usize> = (0..self.lookups.len()).collect();
        let loaded = self.reader.read(self.plans(&all)).await.map_err(|error| error.context("a table can't be loaded"))?;
        self.put(&all, loaded);
        Ok(())
    }

    fn plans(&self, chosen: &[usize]) -> Vec<LookupPlan> {
        chosen.iter().map(|at| self.lookups[*at].0.clone()).collect()
    }

    /// Makes what was read the present versions.
    fn put(&mut self, chosen: &[usize], loaded: Vec<Loaded>) {
        for (at, Loaded { table, took }) in chosen.iter().zip(loaded) {
            let (lookup, due) = &mut self.lookups[*at];
            let names: Vec<&str> = lookup.leaves.iter().map(|leaf| &*leaf.source).collect();
            let told = format!("job '{}': {} loaded, {} rows in {} ms", self.reader.job, names.join(", "), table.rows().num_rows(), took.as_millis());
            lookup.join.handle().load(table);
            // The first time it is news; later it may come many times a second.
            if due.is_none() { tracing::info!("{told}") } else { tracing::debug!("{told}") }
        }
        self.schedule(chosen);
    }

    fn schedule(&mut self, chosen: &[usize]) {
        for at in chosen {
            let (lookup, due) = &mut self.lookups[*at];
            *due = lookup.refresh_interval.map(|interval| Instant::now() + interval.max(Duration::from_millis(1)));
        }
    }

    /// When there is something to do: a table is due, or one that is being loaded may have come.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = self.lookups.iter().filter_map(|(_, due)| *due).min()?;
        Some(if self.reloading.is_some() { Instant::now() + LOOK_INTERVAL } else { due })
    }

    /// Puts in place the tables that have been loaded again, between two epochs, and begins to load those that are due; one that can't be read keeps its old version.
    pub(super) async fn refresh(&mut self) {
        let now = Instant::now();
        if let Some(reloading) = self.reloading.take_if(|reloading| reloading.task.is_finished()) {
            let mut reloading = reloading;
            let loaded = (&mut reloading.task).await.unwrap_or_else(|error| Err(Error::internal("the loading of a table has ended").with_source(error)));
            match loaded {
                Ok(loaded) => self.put(&reloading.chosen, loaded),
                Err(error) => {
                    self.failed.warn_again(1, || format!("a table can't be loaded again: {error}; the old version stays"));
                    self.schedule(&reloading.chosen);
                }
            }
        }
        if self.reloading.is_none() && self.next_due().is_some_and(|due| due <= now) {
            let chosen: Vec<usize> = (0..self.lookups.len()).filter(|at| self.lookups[*at].1.is_some_and(|due| due <= now)).collect();
            let (reader, plans) = (Arc::clone(&self.reader), self.plans(&chosen));
            let task = tokio::spawn(async move { reader.read(plans).await });
            self.reloading = Some(Reloading { chosen, task });
        }
    }

    /// Announces that the next epoch is the last one.
    pub(super) fn announce_last_epoch(&self) {
        self.lookups.iter().for_each(|(lookup, _)| lookup.join.handle().announce_last_epoch());
    }

    /// Announces the last epoch if it may have rows and has not been announced; returns whether it did.
    pub(super) fn begin_last_epoch(&self) -> bool {
        let begins = self.has_rows_at_the_end() && !self.lookups.iter().any(|(lookup, _)| lookup.join.handle().is_last_epoch());
        if begins {
            self.announce_last_epoch();
        }
        begins
    }

    /// Whether the last epoch may have rows even if no input is left.
    pub(super) fn has_rows_at_the_end(&self) -> bool {
        self.lookups.iter().any(|(lookup, _)| lookup.join.kind().remembers_matches())
    }
}

/// Rows of a source of which several tables are made, until the table has read them.
struct KeptRows {
    rows: RecordBatch,
    /// What they take of the job's memory.
    _held: Arc<MemoryReservation>,
}

/// Reads the tables of a job.
struct TableReader {
    job: String,
    sources: Arc<Vec<SourceSpec>>,
    event_times: Vec<EventTime>,
    /// Failing rows of the tables.
    faults: Arc<RowFaults>,
    counters: Arc<JobCounters>,
    context: Arc<TaskContext>,
    parallelism: usize,
    /// Rows of tables whose expressions failed.
    failing_rows: RateLimitedLog,
    /// Bad records, by source: they are there at every load.
    logs: Mutex<BTreeMap<Arc<str>, Arc<RateLimitedLog>>>,
}

impl TableReader {
    async fn read(&self, lookups: Vec<LookupPlan>) -> Result<Vec<Loaded>> {
        // A source of which several tables are made is read once, into memory, where it stays anyway. One that is the stream of the join as well is read again, in epochs: to
        // replay it, all its rows would have to be kept, while the table's plan may keep few of them, and a stream's memory must not grow with its length.
        let mut uses: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for leaf in lookups.iter().flat_map(|lookup| &lookup.leaves) {
            *uses.entry(Arc::clone(&leaf.source)).or_default() += 1;
        }
        for name in uses.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name) {
            let leaves = lookups.iter().flat_map(|lookup| &lookup.leaves).filter(|leaf| leaf.source == *name).cloned().collect();
            let (feed, task) = self.reader_of(name, leaves)?;
            let mut inputs: Vec<Vec<KeptRows>> = feed.leaves().map(|_| Vec::new()).collect();
            let log = self.log_of(name, &task);
            let mut reading = task.reading();
            while let Some(batch) = reading.next().await? {
                let batch = accounted(batch, name, &task, &log, &self.counters)?;
                // The tables hold what they take over; the rest goes with the last of them that has read it.
                let held = Arc::new(MemoryConsumer::new(format!("rows of '{name}'")).register(self.context.memory_pool()));
                held.try_grow(slice_bytes(&batch)).map_err(|error| execution_error(&error))?;
                for (input, rows) in inputs.iter_mut().zip(feed.leaf_batches(&batch)?) {
                    input.push(KeptRows { rows, _held: Arc::clone(&held) });
                }
            }
            for (leaf, input) in feed.leaves().zip(inputs) {
                leaf.slot.fill(SlotInput::Stream(futures::stream::iter(input.into_iter().map(|kept| Ok(kept.rows))).boxed()));
            }
        }
        let mut loaded = Vec::new();
        for lookup in &lookups {
            let began = Instant::now();
            for leaf in &lookup.leaves {
                if uses.get(&leaf.source) == Some(&1) {
                    let (feed, task) = self.reader_of(&leaf.source, vec![leaf.clone()])?;
                    let log = self.log_of(&leaf.source, &task);
                    leaf.slot.fill(SlotInput::Stream(table_stream(feed, task, log, Arc::clone(&self.counters))));
                }
            }
            let table = lookup.join.read_table(Arc::clone(&self.context)).await.map_err(|error| execution_error(&error))?;
            self.settle_rows(lookup);
            loaded.push(Loaded { table, took: began.elapsed() });
        }
        Ok(loaded)
    }

    /// The log of a source's bad records.
    fn log_of(&self, source: &Arc<str>, task: &SourceTask) -> Arc<RateLimitedLog> {
        Arc::clone(self.logs.lock().entry(Arc::clone(source)).or_insert_with(|| Arc::new(RateLimitedLog::new(task.place.clone()))))
    }

    /// Counts and logs the rows of a table whose expressions failed.
    fn settle_rows(&self, lookup: &LookupPlan) {
        let rejected = self.faults.counts().rejected.swap(0, Ordering::Relaxed);
        let Some(leaf) = lookup.leaves.first().filter(|_| rejected > 0) else { return };
        if let Some(counts) = self.counters.tables.get(&leaf.source) {
            add(&counts.rejected, rejected);
        }
        let reason = self.faults.take_reasons().into_iter().next().unwrap_or_default();
        self.failing_rows.warn(rejected, || format!("table '{}': {reason}; row skipped", leaf.source));
    }

    fn reader_of(&self, name: &Arc<str>, leaves: Vec<crate::planner::LeafPlan>) -> Result<(SourceFeed, SourceTask)> {
        let spec = self.sources.iter().find(|spec| spec.source.name() == &**name);
        let spec = spec.ok_or_else(|| {
            Error::config(format!("'{name}' is the output of another statement, which can't be joined as a table"))
                .with_help("let it be the stream of the join")
        })?;
        let event_time: Option<&Arc<dyn PhysicalExpr>> = self.event_times.iter().find(|(source, _)| source == name).map(|(_, expression)| expression);
        let feed = SourceFeed::new(&spec.source.schema(), leaves, event_time, spec.source.metadata(), false, false, Arc::clone(&self.faults))?;
        let request =
            feed.request(decoded_rows(self.context.memory_pool(), TABLE_BATCH_ROWS, feed.row_width()), self.parallelism, &self.counters.health_of(name));
        let place = format!("job '{}', source '{name}'", self.job);
        Ok((feed, SourceTask { source: Arc::clone(&spec.source), request, policy: spec.failure, place, begin: crate::stream::Position::default() }))
    }
}

/// Counts a batch of a table and settles its rejected records.
fn accounted(batch: crate::stream::SourceBatch, name: &Arc<str>, task: &SourceTask, log: &RateLimitedLog, counters: &JobCounters) -> Result<RecordBatch> {
    if let Some(counts) = counters.tables.get(name) {
        counts.count(batch.records());
        add(&counts.rejected, batch.rejected.len() as u64);
        add(&counts.skipped, batch.skipped);
        add(&counts.bytes, batch.bytes);
    }
    settle(&batch, task, log)?;
    Ok(batch.rows)
}

/// Logs the rejected records of a batch, or fails because of the first.
pub(super) fn settle(batch: &crate::stream::SourceBatch, task: &SourceTask, log: &RateLimitedLog) -> Result<()> {
    let Some(first) = batch.rejected.first() else { return Ok(()) };
    if tolerates(&task.policy) {
        log.warn(batch.rejected.len() as u64, || format!("{first}; record skipped"));
        return Ok(());
    }
    let name = task.source.name();
    Err(Error::new(ErrorKind::Record, Fault::User, format!("source '{name}', {first}"))
        .with_help(format!("mend the record, or set '{name}.failure_strategy' = 'LogAndContinue' to skip and count such records")))
}

fn table_stream(
    feed: SourceFeed,
    task: SourceTask,
    log: Arc<RateLimitedLog>,
    counters: Arc<JobCounters>,
) -> futures::stream::BoxStream<'static, datafusion::error::Result<RecordBatch>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    tokio::spawn(async move {
        let name: Arc<str> = Arc::from(task.source.name());
        let mut reading = task.reading();
        loop {
            let next = tokio::select! {
                biased;
                // A source may have nothing to say for as long as it likes.
                () = sender.closed() => break,
                next = reading.next() => next,
            };
            let rows = match next {
                Ok(None) => break,
                Ok(Some(batch)) => accounted(batch, &name, &task, &log, &counters).and_then(|rows| feed.leaf_batches(&rows)),
                Err(error) => Err(error),
            };
            let failed = rows.is_err();
            let rows = rows.map(|mut rows| rows.swap_remove(0)).map_err(|error| DataFusionError::External(Box::new(error)));
            if sender.send(rows).await.is_err() || failed {
                break;
            }
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|rows| (rows, receiver)) }).boxed()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Schema, SchemaRef};
    use async_trait::async_trait;

    use super::*;
    use crate::stream::{Boundedness, DataReader, DataSource, FailurePolicy, FailureStrategy, Position, ReadRequest, SourceBatch};

    /// A source, and a reader of it, that never has a row.
    #[derive(Debug)]
    struct Silent(Arc<()>);

    impl DataSource for Silent {
        fn name(&self) -> &str {
            "silent"
        }

        fn schema(&self) -> SchemaRef {
            Arc::new(Schema::empty())
        }

        fn boundedness(&self) -> Boundedness {
            Boundedness::Bounded
        }

        fn estimated_bytes(&self) -> u64 {
            0
        }

        fn describe(&self) -> String {
            "silent".to_owned()
        }

        fn open(&self, _: ReadRequest) -> Result<Box<dyn DataReader>> {
            Ok(Box::new(Self(Arc::clone(&self.0))))
        }
    }

    #[async_trait]
    impl DataReader for Silent {
        async fn next(&mut self) -> Result<Option<SourceBatch>> {
            std::future::pending().await
        }

        async fn seek(&mut self, _: &Position) -> Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_goes_with_the_table_that_it_is_for() {
        let faults = Arc::new(RowFaults::new(true));
        let counters = Arc::new(JobCounters::new(
            [],
            [Arc::from("silent")],
            [],
            Vec::new(),
            Arc::clone(&faults),
            false,
            Arc::new(datafusion::execution::memory_pool::UnboundedMemoryPool::default()),
        ));
        let alive = Arc::new(());
        let feed = SourceFeed::new(&Arc::new(Schema::empty()), Vec::new(), None, &[], false, false, faults).expect("a feed");
        let request = feed.request(1, 1, &counters.health_of("silent"));
        let policy = FailurePolicy { strategy: FailureStrategy::LogAndContinue, max_retries: 0, retry_backoff: Duration::ZERO };
        let task =
            SourceTask { source: Arc::new(Silent(Arc::clone(&alive))), request, policy, place: String::new(), begin: crate::stream::Position::default() };
        let mut rows = table_stream(feed, task, Arc::new(RateLimitedLog::new(String::new())), counters);
        assert!(tokio::time::timeout(Duration::from_millis(20), rows.next()).await.is_err());
        assert_eq!(Arc::strong_count(&alive), 3, "it is read");
        drop(rows);
        let gone = async {
            while Arc::strong_count(&alive) > 1 {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(5), gone).await.is_ok());
    }
}
