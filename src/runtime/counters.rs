//! What a job has done so far; every count can be read at any time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::execution::memory_pool::MemoryPool;
use serde::Serialize;
use tokio::sync::watch;

use super::job_metrics::{JobMetrics, LastTime};
use super::latency::Latency;
use crate::operators::OperatorFigures;
use crate::operators::guard::RowFaults;
use crate::stream::{ConnectionState, Health};

/// Counts of one source in one role.
#[derive(Debug, Default)]
pub struct SourceCounters {
    /// Records read, those that were rejected or skipped unread among them.
    pub records: AtomicU64,
    /// Records that could not be decoded.
    pub rejected: AtomicU64,
    /// Rows of groups that the statement's condition ruled out unread.
    pub skipped: AtomicU64,
    /// Encoded bytes.
    pub bytes: AtomicU64,
    /// From the reading of a batch to the end of its epoch.
    pub latency: Latency,
    /// When something was read last.
    pub last_read: LastTime,
    /// The state of its connection.
    pub health: Arc<Health>,
}

impl SourceCounters {
    /// Records were read.
    pub(super) fn count(&self, records: u64) {
        if records > 0 {
            add(&self.records, records);
            self.last_read.now();
        }
    }
}

/// Counts of one sink.
#[derive(Debug, Default)]
pub struct SinkCounters {
    /// Rows it has taken.
    pub rows: AtomicU64,
    /// Rows it refused for good.
    pub rejected: AtomicU64,
    /// Rows given up because writing failed.
    pub lost: AtomicU64,
    /// Tries after a failed write.
    pub retries: AtomicU64,
    /// Newest epoch that is durable.
    pub acked: AtomicU64,
    /// Of the rows it has taken, those that are not durable yet.
    pub pending: AtomicU64,
    /// Of its writes.
    pub latency: Latency,
    /// Its last write failed.
    pub down: AtomicBool,
    /// The state of its connection.
    pub health: Arc<Health>,
}

/// Counts of a job.
#[derive(Debug)]
pub struct JobCounters {
    /// By source; what was loaded as a table is left out.
    pub sources: BTreeMap<Arc<str>, SourceCounters>,
    /// By source of which tables are made: not the job's input. A source that is joined with itself is here too.
    pub tables: BTreeMap<Arc<str>, SourceCounters>,
    /// By sink, in the order of `INTO`.
    pub sinks: Vec<(Arc<str>, SinkCounters)>,
    /// The operators that keep rows, from the leaves up.
    pub operators: Vec<Arc<OperatorFigures>>,
    /// Rows of earlier statements of the script.
    pub chained: AtomicU64,
    /// Rows the statement has produced.
    pub out: AtomicU64,
    /// Executions of the plan.
    pub epochs: AtomicU64,
    /// Batches that failed the job.
    pub batches_failed: AtomicU64,
    /// Whether its sinks are there, and it reads.
    pub started: watch::Sender<bool>,
    /// When it began.
    pub began: Instant,
    /// Rows that expressions rejected, filters dropped, joins added.
    pub faults: Arc<RowFaults>,
    /// Every operator counts the rows that it drops or adds, so that input and output balance by themselves.
    pub balanced: bool,
    /// Its memory.
    pub memory: Arc<dyn MemoryPool>,
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// Subtracts, at most what is there.
pub(super) fn take(counter: &AtomicU64, count: u64) {
    let _never_refused = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| Some(old.saturating_sub(count)));
}

pub(super) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn time_text(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Counts of a sink in a summary.
#[derive(Clone, Debug, Serialize)]
pub struct SinkSummary {
    /// Its name.
    pub name: String,
    /// Rows it has taken.
    pub rows: u64,
    /// Rows it refused for good.
    pub rejected: u64,
    /// Rows given up because writing failed.
    pub lost: u64,
    /// Tries after a failed write.
    pub retries: u64,
    /// Mean time of a write, in milliseconds.
    pub write_latency_ms: f64,
    /// Newest epoch that is durable.
    pub acked: u64,
    /// The state of its connection.
    pub state: ConnectionState,
    /// Since when it is in this state.
    pub since: String,
    /// The last error of its connection.
    pub last_error: Option<String>,
    /// When that happened.
    pub last_error_at: Option<String>,
}

/// Counts of a source in a summary.
#[derive(Clone, Debug, Serialize)]
pub struct SourceSummary {
    /// Its name.
    pub name: String,
    /// `stream` or `table`.
    pub role: &'static str,
    /// Records read.
    pub records: u64,
    /// Records that could not be decoded.
    pub rejected: u64,
    /// Encoded bytes.
    pub bytes: u64,
    /// Mean time of a batch from its reading to the end of its epoch, in milliseconds.
    pub latency_ms: f64,
    /// The state of its connection.
    pub state: ConnectionState,
    /// Since when it is in this state.
    pub since: String,
    /// The last error of its connection.
    pub last_error: Option<String>,
    /// When that happened.
    pub last_error_at: Option<String>,
    /// By partition: records that wait to be read.
    pub lag: BTreeMap<Arc<str>, u64>,
}

/// A job's counts at one time. `in + expanded = out + filtered + rejected`.
#[derive(Clone, Debug, Serialize)]
pub struct JobSummary {
    /// Name of the job.
    pub job: String,
    /// Records of its sources (tables that were loaded for lookups left out).
    #[serde(rename = "in")]
    pub input: u64,
    /// Rows that joins and UNNEST added.
    pub expanded: u64,
    /// Rows that it produced; every sink gets each of them.
    pub out: u64,
    /// Rows that conditions, joins and LIMIT left out; in batch mode also those that GROUP BY and DISTINCT merged.
    pub filtered: u64,
    /// Records that could not be decoded, and rows whose expressions failed.
    pub rejected: u64,
    /// Executions of the plan.
    pub epochs: u64,
    /// Batches that failed the job.
    pub batches_failed: u64,
    /// Newest epoch that is durable in every sink.
    pub acked: u64,
    /// The figures that monitoring asks for.
    pub metrics: JobMetrics,
    /// By source, and by role if it has both.
    pub sources: Vec<SourceSummary>,
    /// By sink.
    pub sinks: Vec<SinkSummary>,
    /// By operator that keeps rows, from the leaves up.
    pub operators: Vec<OperatorSummary>,
}

/// Figures of an operator in a summary.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorSummary {
    /// What it does.
    pub operator: String,
    /// Rows that came in.
    #[serde(rename = "in")]
    pub input: u64,
    /// Rows that went out.
    pub out: u64,
    /// Rows whose result had been closed when they came.
    pub late: u64,
    /// Rows (of a grouping: groups) that it holds.
    pub state_rows: u64,
    /// Bytes of these.
    pub state_bytes: u64,
    /// Up to when its results are complete; nothing at the beginning and at the end.
    pub watermark: Option<String>,
}

impl OperatorSummary {
    fn of(figures: &OperatorFigures) -> Self {
        let ((input, out), (state_rows, state_bytes)) = (figures.rows(), figures.state());
        let watermark = figures.watermark().and_then(DateTime::<Utc>::from_timestamp_micros).map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
        Self { operator: figures.name().to_owned(), input, out, late: figures.late(), state_rows, state_bytes, watermark }
    }
}

impl JobCounters {
    /// Rows that a failed sink was never handed, since its job has stopped, are as lost as those that it could not write.
    pub(super) fn count_rest_as_lost(&self, sink: usize) {
        let counts = &self.sinks[sink].1;
        let settled = read(&counts.rows) + read(&counts.rejected) + read(&counts.lost);
        add(&counts.lost, read(&self.out).saturating_sub(settled));
    }

    /// A sink has not answered within its time: what is not durable is lost.
    pub(super) fn count_unfinished_as_lost(&self, sink: usize) {
        let counts = &self.sinks[sink].1;
        counts.down.store(true, Ordering::Relaxed);
        let pending = counts.pending.swap(0, Ordering::Relaxed);
        take(&counts.rows, pending);
        add(&counts.lost, pending);
        self.count_rest_as_lost(sink);
    }

    /// All zero.
    pub fn new(
        sources: impl IntoIterator<Item = Arc<str>>,
        tables: impl IntoIterator<Item = Arc<str>>,
        sinks: impl IntoIterator<Item = Arc<str>>,
        operators: Vec<Arc<OperatorFigures>>,
        faults: Arc<RowFaults>,
        balanced: bool,
        memory: Arc<dyn MemoryPool>,
    ) -> Self {
        Self {
            operators,
            sources: sources.into_iter().map(|name| (name, SourceCounters { health: Arc::new(Health::closed()), ..SourceCounters::default() })).collect(),
            tables: tables.into_iter().map(|name| (name, SourceCounters { health: Arc::new(Health::closed()), ..SourceCounters::default() })).collect(),
            sinks: sinks.into_iter().map(|name| (name, SinkCounters { health: Arc::new(Health::closed()), ..SinkCounters::default() })).collect(),
            chained: AtomicU64::new(0),
            out: AtomicU64::new(0),
            epochs: AtomicU64::new(0),
            batches_failed: AtomicU64::new(0),
            started: watch::Sender::new(false),
            began: Instant::now(),
            faults,
            balanced,
            memory,
        }
    }

    /// Newest epoch that is durable in every sink: what a source may forget.
    pub fn acked(&self) -> u64 {
        self.sinks.iter().map(|(_, sink)| read(&sink.acked)).min().unwrap_or(0)
    }

    /// Waits until it has started; for ever if it never does.
    pub async fn until_started(&self) {
        let mut changes = self.started.subscribe();
        // The sender lives as long as this.
        let _value = changes.wait_for(|started| *started).await;
    }

    /// The state of a source's connection.
    pub(super) fn health_of(&self, source: &str) -> Arc<Health> {
        self.sources.get(source).map(|counts| Arc::clone(&counts.health)).unwrap_or_default()
    }

    /// The counts as they stand.
    pub fn summary(&self, job: &str) -> JobSummary {
        let streams = || self.sources.values();
        let input = streams().map(|source| read(&source.records)).sum::<u64>() + read(&self.chained);
        let rows = self.faults.counts();
        let rejected = streams().map(|source| read(&source.rejected)).sum::<u64>() + read(&rows.rejected);
        let skipped = streams().map(|source| read(&source.skipped)).sum::<u64>();
        let out = read(&self.out);
        let (filtered, expanded) = if self.balanced {
            (rows.total_filtered() + skipped, rows.total_expanded())
        } else {
            // DataFusion's joins and aggregates don't say how many rows they drop or add, so it is the difference.
            let accounted = out + rejected;
            (input.saturating_sub(accounted), accounted.saturating_sub(input))
        };
        let source = |role, (name, source): (&Arc<str>, &SourceCounters)| {
            let health = source.health.report();
            SourceSummary {
                name: name.to_string(),
                role,
                records: read(&source.records),
                rejected: read(&source.rejected),
                bytes: read(&source.bytes),
                latency_ms: source.latency.mean_ms(),
                state: health.state,
                since: time_text(health.since),
                last_error_at: health.last_error.as_ref().map(|(at, _)| time_text(*at)),
                last_error: health.last_error.map(|(_, text)| text),
                lag: health.lag,
            }
        };
        let mut sources: Vec<_> =
            self.sources.iter().map(|entry| source("stream", entry)).chain(self.tables.iter().map(|entry| source("table", entry))).collect();
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        let sink = |(name, sink): &(Arc<str>, SinkCounters)| {
            let health = sink.health.report();
            SinkSummary {
                name: name.to_string(),
                rows: read(&sink.rows),
                rejected: read(&sink.rejected),
                lost: read(&sink.lost),
                retries: read(&sink.retries),
                write_latency_ms: sink.latency.mean_ms(),
                acked: read(&sink.acked),
                state: if sink.down.load(Ordering::Relaxed) { ConnectionState::Failed } else { health.state },
                since: time_text(health.since),
                last_error_at: health.last_error.as_ref().map(|(at, _)| time_text(*at)),
                last_error: health.last_error.map(|(_, text)| text),
            }
        };
        let sinks: Vec<_> = self.sinks.iter().map(sink).collect();
        let metrics = JobMetrics {
            records_processed: input,
            batches_processed: read(&self.epochs),
            batches_failed: read(&self.batches_failed),
            last_record_time: streams().filter_map(|source| source.last_read.get()).max().map(DateTime::<Utc>::from),
            errors: rejected + sinks.iter().map(|sink| sink.rejected + sink.lost).sum::<u64>(),
            ..JobMetrics::default()
        };
        JobSummary {
            job: job.to_owned(),
            input,
            expanded,
            out,
            filtered,
            rejected,
            epochs: read(&self.epochs),
            batches_failed: read(&self.batches_failed),
            acked: self.acked(),
            metrics: metrics.complete(self.began, self.memory.reserved()),
            sources,
            sinks,
            operators: self.operators.iter().map(|figures| OperatorSummary::of(figures)).collect(),
        }
    }
}
