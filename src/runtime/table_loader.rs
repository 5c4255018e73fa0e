//! The tables of lookup joins: loaded before the first row, and again when they are due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use futures::StreamExt;

use super::counters::{JobCounters, add};
use super::execution_error;
use super::leaf_feed::SourceFeed;
use super::rate_limited_log::RateLimitedLog;
use super::source_task::{SourceTask, tolerates};
use super::spec::SourceSpec;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::operators::guard::RowFaults;
use crate::operators::source_slot::SlotInput;
use crate::planner::{EventTime, LookupPlan};

/// Rows of a batch while a table is loaded.
const TABLE_BATCH_ROWS: usize = 8192;

/// The tables of one job.
pub(super) struct TableLoader {
    job: String,
    lookups: Vec<(LookupPlan, Option<Instant>)>,
    sources: Arc<Vec<SourceSpec>>,
    event_times: Vec<EventTime>,
    /// Failing rows of the tables.
    faults: Arc<RowFaults>,
    counters: Arc<JobCounters>,
    context: Arc<TaskContext>,
    parallelism: usize,
    /// Loads that failed.
    failed: RateLimitedLog,
    /// Rows of tables whose expressions failed.
    failing_rows: RateLimitedLog,
    /// Bad records, by source: they are there at every load.
    logs: BTreeMap<Arc<str>, Arc<RateLimitedLog>>,
}

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
        Self {
            job: job.to_owned(),
            lookups,
            sources,
            event_times,
            faults,
            counters,
            context,
            parallelism,
            failed: log(),
            failing_rows: log(),
            logs: BTreeMap::new(),
        }
    }

    /// Loads all tables.
    pub(super) async fn load_all(&mut self) -> Result<()> {
        self.load(|_| true).await
    }

    /// When the next table is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.lookups.iter().filter_map(|(_, due)| *due).min()
    }

    /// Loads the tables that are due; one that can't be read keeps its old version.
    pub(super) async fn refresh(&mut self) {
        let now = Instant::now();
        if self.next_due().is_none_or(|due| due > now) {
            return;
        }
        if let Err(error) = self.load(|due| due.is_some_and(|due| due <= now)).await {
            self.failed.warn_again(|| format!("a table can't be loaded again: {error}; the old version stays"));
            for (lookup, due) in &mut self.lookups {
                *due = lookup.refresh_interval.map(|interval| Instant::now() + interval);
            }
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

    async fn load(&mut self, wanted: impl Fn(Option<Instant>) -> bool) -> Result<()> {
        let chosen: Vec<usize> = (0..self.lookups.len()).filter(|at| wanted(self.lookups[*at].1)).collect();
        // A source of which several tables are made is read once, into memory, where it stays anyway. One that is the stream of the join as well is read again, in epochs: to
        // replay it, all its rows would have to be kept, while the table's plan may keep few of them, and a stream's memory must not grow with its length.
        let mut uses: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for leaf in chosen.iter().flat_map(|at| &self.lookups[*at].0.leaves) {
            *uses.entry(Arc::clone(&leaf.source)).or_default() += 1;
        }
        for name in uses.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name) {
            let leaves = chosen.iter().flat_map(|at| &self.lookups[*at].0.leaves).filter(|leaf| leaf.source == *name).cloned().collect();
            let (feed, task) = self.reader_of(name, leaves)?;
            let mut inputs: Vec<Vec<RecordBatch>> = vec![Vec::new(); feed.leaves().count()];
            let log = log_of(&mut self.logs, name, &task);
            let mut reading = task.reading();
            while let Some(batch) = reading.next().await? {
                let batch = accounted(batch, name, &task, &log, &self.counters)?;
                for (input, rows) in inputs.iter_mut().zip(feed.leaf_batches(&batch)?) {
                    input.push(rows);
                }
            }
            for (leaf, input) in feed.leaves().zip(inputs) {
                leaf.slot.fill(SlotInput::Batches(input));
            }
        }
        for at in chosen {
            let lookup = &self.lookups[at].0;
            let began = Instant::now();
            for leaf in &lookup.leaves {
                if uses.get(&leaf.source) == Some(&1) {
                    let (feed, task) = self.reader_of(&leaf.source, vec![leaf.clone()])?;
                    let log = log_of(&mut self.logs, &leaf.source, &task);
                    leaf.slot.fill(SlotInput::Stream(table_stream(feed, task, log, Arc::clone(&self.counters))));
                }
            }
            let rows = lookup
                .join
                .load(Arc::clone(&self.context))
                .await
                .map_err(|error| execution_error(&error).context(format!("job '{}': a table can't be loaded", self.job)))?;
            self.settle_rows(lookup);
            let names: Vec<&str> = lookup.leaves.iter().map(|leaf| &*leaf.source).collect();
            let loaded = format!("job '{}': {} loaded, {rows} rows in {} ms", self.job, names.join(", "), began.elapsed().as_millis());
            // The first time it is news; later it may come many times a second.
            if self.lookups[at].1.is_none() {
                tracing::info!("{loaded}")
            } else {
                tracing::debug!("{loaded}")
            }
            let due = self.lookups[at].0.refresh_interval.map(|interval| Instant::now() + interval.max(Duration::from_millis(1)));
            self.lookups[at].1 = due;
        }
        Ok(())
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
        let feed = SourceFeed::new(&spec.source.schema(), leaves, event_time, spec.source.metadata(), Arc::clone(&self.faults))?;
        let request = feed.request(TABLE_BATCH_ROWS, self.parallelism, &self.counters.health_of(name));
        let place = format!("job '{}', source '{name}'", self.job);
        Ok((feed, SourceTask { source: Arc::clone(&spec.source), request, policy: spec.failure, place }))
    }
}

/// The log of a source's bad records.
fn log_of(logs: &mut BTreeMap<Arc<str>, Arc<RateLimitedLog>>, source: &Arc<str>, task: &SourceTask) -> Arc<RateLimitedLog> {
    Arc::clone(logs.entry(Arc::clone(source)).or_insert_with(|| Arc::new(RateLimitedLog::new(task.place.clone()))))
}

/// Counts a batch of a table and settles its rejected records.
fn accounted(batch: crate::stream::SourceBatch, name: &Arc<str>, task: &SourceTask, log: &RateLimitedLog, counters: &JobCounters) -> Result<RecordBatch> {
    if let Some(counts) = counters.tables.get(name) {
        add(&counts.records, batch.records());
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
            let rows = match reading.next().await {
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
    futures::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|rows| (rows, receiver)) }).fuse().boxed()
}
