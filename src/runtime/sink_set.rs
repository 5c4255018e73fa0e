//! The sinks of a job as one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::counters::{JobCounters, read};
use super::job_memory::share;
use super::load::{Load, most_waiting};
use super::sink_task::{OpenSink, SinkEvent, SinkHandle, SinkMessage, SinkStop, start_sink};
use super::spec::SinkSpec;
use super::tap::Tap;
use crate::clock::EpochClock;
use crate::error::{Error, Fault, Result};
use crate::ids::Epoch;
use crate::stream::{DataSink, DataWriter, FailurePolicy, FailureStrategy, SinkContext, visible, visible_columns};
use crate::unwind::guarded;

const FAIL: FailurePolicy = FailurePolicy { strategy: FailureStrategy::FailBatch, max_retries: 0, retry_backoff: std::time::Duration::ZERO };

/// The batches as the statement's columns say.
fn without_carried(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let count = visible_columns(schema);
    if count == schema.fields().len() {
        return Ok(batches.to_vec());
    }
    let columns: Vec<usize> = (0..count).collect();
    let shown = batches.iter().map(|batch| batch.project(&columns)).collect::<std::result::Result<_, _>>();
    shown.map_err(|error| Error::internal("a result lacks columns").with_source(error))
}

fn refused(job: &str, index: usize, name: &str, error: Error) -> Error {
    error.context(format!("Job '{job}' failed to create sinks: Failed to create sink 'sink_{index}_{name}'"))
}

/// Does something that may block with every sink, all at the same time.
async fn with_each<T: Send + 'static>(specs: &[SinkSpec], work: impl Fn(usize, Arc<dyn DataSink>) -> Box<dyn FnOnce() -> Result<T> + Send>) -> Vec<Result<T>> {
    let tasks: Vec<_> = specs
        .iter()
        .enumerate()
        .map(|(index, spec)| {
            let work = work(index, Arc::clone(&spec.sink));
            tokio::task::spawn_blocking(move || guarded(work))
        })
        .collect();
    let done = futures::future::join_all(tasks).await;
    let panicked = |panic: String| Err(Error::internal(format!("the sink has panicked: {panic}")));
    done.into_iter()
        .map(|done| match done {
            Ok(done) => done.unwrap_or_else(panicked),
            Err(error) => Err(Error::internal("a sink can't be opened").with_source(error)),
        })
        .collect()
}

/// Hands the rows of each epoch to every sink of a job.
pub(super) struct SinkSet {
    job: String,
    /// Those that are open but don't run yet. Writers can be moved between threads, but not shared.
    open: parking_lot::Mutex<Vec<Option<OpenSink>>>,
    sinks: Vec<Option<SinkHandle>>,
    /// Which of them get the carried columns.
    carried: Vec<bool>,
    counters: Arc<JobCounters>,
    /// Where rows go when every sink is down.
    last_resort: Arc<dyn DataSink>,
    fallback: Mutex<Option<Box<dyn DataWriter>>>,
    warned: AtomicBool,
    schema: SchemaRef,
    clock: Arc<EpochClock>,
    /// Where jobs of other runs read the rows.
    tap: Option<Arc<Tap>>,
    /// The time to finish is over: the sinks let go of what they have.
    pub stop: CancellationToken,
    /// A sink could not be created: the job goes on, but is no success.
    pub incomplete: bool,
    /// What rows that wait for sinks take of the job's memory.
    waiting: MemoryReservation,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Drop for SinkSet {
    fn drop(&mut self) {
        // Whatever became of the driver: no writer waits for rows or for an answer any more.
        self.stop.cancel();
    }
}

impl SinkSet {
    /// Opens the sinks of a job, all at the same time. One that can't be created is left out with a warning; if it is the settings' fault, or that of
    /// its code, the job does not start.
    #[allow(clippy::too_many_arguments, reason = "one call site")]
    pub(super) async fn open(
        job: &str,
        specs: &[SinkSpec],
        schema: &SchemaRef,
        clock: &Arc<EpochClock>,
        counters: &Arc<JobCounters>,
        last_resort: Arc<dyn DataSink>,
        tap: Option<Arc<Tap>>,
    ) -> Result<Self> {
        let stop = CancellationToken::new();
        let stops: Vec<SinkStop> = specs.iter().map(|_| SinkStop::of(&stop)).collect();
        let columns = |sink: &dyn DataSink| if sink.wants_carried() { Arc::clone(schema) } else { visible(schema) };
        // A statement that is refused leaves nothing behind: all are looked at before the first is opened. What can't be reached now is told when it is opened.
        let looked = with_each(specs, |_, sink| {
            let columns = columns(sink.as_ref());
            Box::new(move || sink.look(&columns))
        });
        for ((index, spec), looked) in specs.iter().enumerate().zip(looked.await) {
            looked.or_else(|error| if error.fault() == Fault::External { Ok(()) } else { Err(refused(job, index, spec.sink.name(), error)) })?;
        }
        let opened = with_each(specs, |index, sink| {
            let context = SinkContext {
                place: format!("job '{job}', sink '{}'", sink.name()),
                clock: Arc::clone(clock),
                health: Arc::clone(&counters.sinks[index].1.health),
                failure: specs[index].failure,
                stop: stops[index].own.clone(),
                most_buffered: share(&counters.memory, 4 * specs.len(), u64::MAX),
            };
            let columns = columns(sink.as_ref());
            Box::new(move || sink.open(columns, context))
        });
        let mut writers = Vec::new();
        let mut incomplete = false;
        for (index, (spec, opened)) in specs.iter().zip(opened.await).enumerate() {
            let name = spec.sink.name();
            match opened {
                Ok(writer) => {
                    tracing::info!("job '{job}': sink sink_{index}_{name} created ({})", spec.sink.describe());
                    counters.sinks[index].1.health.opened();
                    writers.push(Some((writer, stops[index].clone())));
                }
                Err(error) if error.fault() != Fault::External => {
                    counters.sinks[index].1.health.failed(error.message());
                    return Err(refused(job, index, name, error));
                }
                Err(error) => {
                    incomplete = true;
                    crate::telemetry::warning(&format!("Job '{job}' failed to create sinks: Failed to create sink 'sink_{index}_{name}': {}", error.message()));
                    tracing::error!("job '{job}': sink 'sink_{index}_{name}' failed: {error}; the job goes on without it");
                    counters.sinks[index].1.down.store(true, Ordering::Relaxed);
                    counters.sinks[index].1.health.failed(error.message());
                    writers.push(None);
                }
            }
        }
        Ok(Self {
            job: job.to_owned(),
            carried: specs.iter().map(|spec| spec.sink.wants_carried()).collect(),
            open: parking_lot::Mutex::new(writers),
            sinks: Vec::new(),
            counters: Arc::clone(counters),
            last_resort,
            fallback: Mutex::default(),
            warned: AtomicBool::new(false),
            schema: Arc::clone(schema),
            clock: Arc::clone(clock),
            tap,
            stop,
            incomplete,
            waiting: MemoryConsumer::new("rows for sinks").register(&counters.memory),
            waiting_bytes: Arc::default(),
        })
    }

    /// Starts the sinks of the job with this number in its pipeline. Nothing is replaced before it is known that all of it starts.
    pub(super) fn begin(&mut self, number: usize, specs: &[SinkSpec], events: &mpsc::UnboundedSender<SinkEvent>, memory: &Arc<dyn MemoryPool>) {
        let start = |(index, writer): (usize, Option<OpenSink>)| {
            let spec = &specs[index];
            let place = format!("job '{}', sink '{}'", self.job, spec.sink.name());
            let most = most_waiting(memory, specs.len());
            writer.map(|writer| start_sink(writer, (number, index), place, spec.failure, Arc::clone(&self.counters), events.clone(), most))
        };
        self.sinks = std::mem::take(self.open.get_mut()).into_iter().enumerate().map(start).collect();
    }

    /// Bytes of rows that wait for a sink.
    pub(super) fn waiting(&self) -> usize {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Sends rows to all sinks; waits while a queue is full.
    pub(super) async fn send(&self, epoch: Epoch, batches: Vec<RecordBatch>, end: bool) -> Result<()> {
        let mut shown = Load::of(without_carried(&batches, &self.schema)?);
        let mut whole = if self.carried.contains(&true) { Load::of(batches) } else { shown.clone() };
        // What both have is counted once.
        whole.hold(&self.waiting, &self.waiting_bytes);
        shown.share(&whole);
        if !shown.batches.is_empty() && !self.sinks.is_empty() && self.counters.sinks.iter().all(|(_, sink)| sink.down.load(Ordering::Relaxed)) {
            self.print(epoch, &shown.batches).await?;
        }
        for (index, (sink, carried)) in self.sinks.iter().zip(&self.carried).enumerate() {
            let Some(sink) = sink else {
                // It could not be created: it lacks every row.
                super::counters::add(&self.counters.sinks[index].1.lost, shown.rows as u64);
                continue;
            };
            if !sink.send(epoch, if *carried { whole.clone() } else { shown.clone() }, end).await {
                return Err(self.ended_early(index));
            }
        }
        if let Some(tap) = &self.tap {
            tap.send(&shown.batches).await;
        }
        Ok(())
    }

    /// A sink's task is gone: it has panicked.
    fn ended_early(&self, index: usize) -> Error {
        let (name, sink) = &self.counters.sinks[index];
        let reason = sink.health.last_error().unwrap_or_else(|| format!("job '{}', sink '{name}' has ended before its job", self.job));
        Error::internal(reason)
    }

    /// All sinks are down: better printed than lost.
    async fn print(&self, epoch: Epoch, batches: &[RecordBatch]) -> Result<()> {
        if !self.warned.swap(true, Ordering::Relaxed) {
            crate::telemetry::warning(&format!("Job '{}': all sinks have failed; rows go to standard output", self.job));
        }
        let mut fallback = self.fallback.lock().await;
        let writer = match fallback.as_mut() {
            Some(writer) => writer,
            None => {
                let context = SinkContext {
                    place: format!("job '{}'", self.job),
                    clock: Arc::clone(&self.clock),
                    health: Arc::default(),
                    failure: FAIL,
                    stop: self.stop.clone(),
                    most_buffered: u64::MAX,
                };
                fallback.insert(self.last_resort.open(visible(&self.schema), context)?)
            }
        };
        for batch in batches {
            writer.write(epoch, batch).await?;
        }
        Ok(())
    }

    /// Completes all outputs (or leaves them incomplete); the first fault is returned.
    pub(super) async fn close(&mut self, complete: bool) -> Result<()> {
        let counters = &self.counters;
        // At the same time: one that is stuck does not keep the others from completing.
        let closing = self.sinks.iter_mut().enumerate().map(|(index, sink)| async move {
            let Some(handle) = sink else { return Ok(()) };
            // A task that has ended says why below.
            let _ended = handle.queue.send(SinkMessage::Close { complete }).await;
            let closed = (&mut handle.task).await.unwrap_or_else(|error| Err(Error::internal("a sink's task failed").with_source(error)));
            *sink = None;
            if closed.is_err() {
                counters.count_rest_as_lost(index);
            }
            closed
        });
        let result = futures::future::join_all(closing.collect::<Vec<_>>()).await.into_iter().fold(Ok(()), Result::and);
        // What its strategy has survived is still missing in the output.
        self.incomplete |= self.counters.sinks.iter().any(|(_, sink)| sink.down.load(Ordering::Relaxed) || read(&sink.lost) > 0);
        result
    }

    /// Leaves sinks alone that have not ended in time.
    pub(super) fn leave(&mut self) {
        for (index, sink) in self.sinks.iter_mut().enumerate() {
            if sink.take().is_some() {
                self.counters.count_unfinished_as_lost(index);
            }
        }
    }
}
