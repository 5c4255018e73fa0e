//! One run over everything: the slots of the plan are streams, and the plan is executed once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use futures::StreamExt;

use super::counters::{JobCounters, add};
use super::execution_error;
use super::leaf_feed::SourceFeed;
use super::queue::{Receiver, Sender, queue};
use super::rate_limited_log::RateLimitedLog;
use super::shutdown::Shutdown;
use super::source_task::SourceTask;
use super::table_loader::settle;
use crate::error::Result;
use crate::operators::slice_bytes::slice_bytes;
use crate::operators::source_slot::SlotInput;

/// Batches that wait between a source and the plan.
pub(super) const QUEUE: usize = 4;

type Rows = datafusion::error::Result<RecordBatch>;

/// Rows that wait for the plan.
struct Waiting {
    rows: Rows,
    /// What they take of the job's memory meanwhile.
    _held: MemoryReservation,
}

/// Connects the leaves of a feed to queues. A source with several leaves must not wait for the slowest of them: a join reads one side to its end before it reads the other.
fn connect(feed: &SourceFeed, bounded: bool) -> Vec<Sender<Waiting>> {
    let bounded = bounded && feed.leaves().count() == 1;
    feed.leaves()
        .map(|leaf| {
            let (sender, receiver) = queue(bounded.then_some(QUEUE));
            let stream = futures::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|Waiting { rows, .. }| (rows, receiver)) });
            leaf.slot.fill(SlotInput::Stream(stream.boxed()));
            sender
        })
        .collect()
}

/// Whether a source was read to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends(Arc<AtomicBool>);

impl Ends {
    /// It was.
    pub(super) fn reached(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Hands the rows to the leaves; false when no leaf wants more.
async fn hand_out(queues: &[Sender<Waiting>], feed: &SourceFeed, held: &MemoryReservation, rows: Result<RecordBatch>) -> bool {
    let parts = rows.and_then(|rows| {
        feed.count_copies(rows.num_rows());
        feed.leaf_batches(&rows)
    });
    match parts {
        Ok(parts) => {
            let mut wanted = false;
            for (queue, part) in queues.iter().zip(parts) {
                let (own, size) = (held.new_empty(), slice_bytes(&part));
                let rows = if queue.is_bounded() {
                    // Little: not worth failing because an operator has taken all there is, which it will spill.
                    own.grow(size);
                    Ok(part)
                } else {
                    own.try_grow(size).map(|()| part)
                };
                wanted |= queue.send(Waiting { rows, _held: own }).await;
            }
            wanted
        }
        Err(error) => {
            // One leaf is enough to fail the query.
            if let Some(queue) = queues.first() {
                let _plan_has_ended = queue.send(Waiting { rows: Err(DataFusionError::External(Box::new(error))), _held: held.new_empty() }).await;
            }
            false
        }
    }
}

/// Reads a source, once, into all leaves that want it.
pub(super) fn feed_source(feed: SourceFeed, task: SourceTask, counters: Arc<JobCounters>, shutdown: Shutdown, memory: &Arc<dyn MemoryPool>) -> Ends {
    let held = MemoryConsumer::new("rows of a source").register(memory);
    let queues = connect(&feed, true);
    let ends = Ends::default();
    let end = ends.clone();
    tokio::spawn(async move {
        let log = RateLimitedLog::new(task.place.clone());
        let counts = counters.sources.get(task.source.name());
        let mut reading = task.reading();
        loop {
            let paused = shutdown.is_paused();
            let next = tokio::select! {
                biased;
                () = shutdown.requested() => break,
                () = shutdown.until_paused(!paused) => continue,
                next = reading.next(), if !paused => next,
            };
            let rows = match next {
                Ok(None) => {
                    end.0.store(true, Ordering::Release);
                    break;
                }
                Err(error) => Err(error),
                Ok(Some(batch)) => {
                    if let Some(counts) = counts {
                        counts.count(batch.records());
                        add(&counts.skipped, batch.skipped);
                        add(&counts.bytes, batch.bytes);
                        add(&counts.rejected, batch.rejected.len() as u64);
                    }
                    settle(&batch, &task, &log).map(|()| batch.rows)
                }
            };
            if !hand_out(&queues, &feed, &held, rows).await {
                break;
            }
        }
    });
    ends
}

/// Hands the output of another job to the leaves that read it.
pub(super) fn feed_chained(feed: SourceFeed, mut rows: Receiver<RecordBatch>, counters: Arc<JobCounters>, bounded: bool, memory: &Arc<dyn MemoryPool>) {
    let held = MemoryConsumer::new("rows of another job").register(memory);
    let queues = connect(&feed, bounded);
    tokio::spawn(async move {
        while let Some(batch) = rows.recv().await {
            add(&counters.chained, batch.num_rows() as u64);
            if !hand_out(&queues, &feed, &held, Ok(batch)).await {
                break;
            }
        }
    });
}

/// Executes a plan to its end.
pub(super) async fn run_once(root: Arc<dyn datafusion::physical_plan::ExecutionPlan>, context: Arc<datafusion::execution::TaskContext>) -> Result<()> {
    let mut run = root.execute(0, context).map_err(|error| execution_error(&error))?;
    while let Some(done) = run.next().await {
        done.map_err(|error| execution_error(&error))?;
    }
    Ok(())
}
