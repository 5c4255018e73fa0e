//! Reads ahead of the driver, within a bound, and starts again after failures that may pass.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::room::Room;
use super::shutdown::Shutdown;
use crate::error::{Error, Result};
use crate::operators::slice_bytes::slice_bytes;
use crate::stream::{DataReader, DataSource, FailurePolicy, FailureStrategy, Position, ReadRequest, SourceBatch};
use crate::unwind::guarded_future;

/// Bytes of memory that a batch takes, at least as many as its records have.
pub(super) fn memory_size(batch: &SourceBatch) -> u64 {
    batch.bytes.max(slice_bytes(&batch.rows) as u64)
}

/// What a source's task tells the driver.
#[derive(Debug)]
pub(super) enum SourceEvent {
    /// Rows.
    Batch(SourceBatch),
    /// It has ended.
    Ended,
    /// It can't go on.
    Failed(Error),
    /// It can't go on, and neither can its job, since it has broken its contract.
    Panicked(Error),
}

/// A source that is read.
pub(super) struct SourceTask {
    pub source: Arc<dyn DataSource>,
    pub request: ReadRequest,
    pub policy: FailurePolicy,
    pub place: String,
    /// Where it begins, if that was recorded.
    pub begin: Position,
}

/// What connects a task with its driver.
pub(super) struct TaskEnds {
    /// Number of the source in the driver.
    pub index: usize,
    /// For what is read ahead.
    pub ahead: Room,
    pub events: mpsc::UnboundedSender<(usize, SourceEvent)>,
    /// Up to which everything is durable in all sinks.
    pub durable: watch::Receiver<Position>,
}

impl SourceTask {
    /// Reads until the end, a failure, or the request to end (or to `stop`); sends everything to `events`. The reader stays open, and learns what is `durable`, until nobody
    /// can say more about that.
    ///
    /// **Errors**: it has panicked, be it after the driver has ended.
    pub(super) async fn run(self, ends: TaskEnds, shutdown: Shutdown, stop: Shutdown) -> Result<()> {
        let (index, events) = (ends.index, ends.events.clone());
        guarded_future(self.read(ends, shutdown, stop)).await.map_err(|panic| {
            let error = has_panicked(&panic).context(&self.place);
            self.request.health.failed(error.message());
            let _driver_has_ended = events.send((index, SourceEvent::Panicked(error.duplicate())));
            error
        })
    }

    async fn read(&self, ends: TaskEnds, shutdown: Shutdown, stop: Shutdown) {
        let TaskEnds { index, ahead, events, mut durable } = ends;
        let send = |event| events.send((index, event)).is_ok();
        let mut reading = self.reading();
        loop {
            let paused = shutdown.is_paused();
            let next = tokio::select! {
                biased;
                () = shutdown.requested() => break,
                () = stop.requested() => break,
                () = shutdown.until_paused(!paused) => continue,
                Ok(()) = durable.changed() => {
                    reading.durable(&durable.borrow_and_update());
                    continue;
                }
                next = reading.next(), if !paused => next,
            };
            match next {
                Ok(Some(batch)) => {
                    let room = ahead.of(batch.rows.num_rows(), memory_size(&batch));
                    // The driver gives it back when it has used the rows.
                    let fits = async { ahead.take(room).await.map_or((), OwnedSemaphorePermit::forget) };
                    tokio::pin!(fits);
                    loop {
                        tokio::select! {
                            () = &mut fits => break,
                            () = stop.requested() => break,
                            Ok(()) = durable.changed() => reading.durable(&durable.borrow_and_update()),
                        }
                    }
                    if !send(SourceEvent::Batch(batch)) {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.request.health.failed(error.message());
                    send(if reading.panicked { SourceEvent::Panicked(error) } else { SourceEvent::Failed(error) });
                    return;
                }
            }
        }
        send(SourceEvent::Ended);
        drop(events);
        while durable.changed().await.is_ok() {
            reading.durable(&durable.borrow_and_update());
        }
        reading.close().await;
        self.request.health.ended();
    }

    /// A reader for use without a task.
    pub(super) fn reading(&self) -> Reading<'_> {
        Reading { task: self, position: self.begin.clone(), reader: None, retry: 0, panicked: false }
    }
}

fn has_panicked(panic: &str) -> Error {
    Error::internal(format!("the source has panicked: {panic}"))
}

/// A reader that is opened again, where it stood, after a failure that may pass.
pub(super) struct Reading<'a> {
    task: &'a SourceTask,
    position: Position,
    reader: Option<Box<dyn DataReader>>,
    retry: usize,
    /// The source has panicked.
    panicked: bool,
}

impl Reading<'_> {
    /// The next batch. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<SourceBatch>> {
        loop {
            let next = guarded_future(self.try_next()).await.unwrap_or_else(|panic| {
                self.panicked = true;
                Err(has_panicked(&panic))
            });
            let error = match next {
                Ok(Some(batch)) => {
                    self.position.merge(&batch.position);
                    self.retry = 0;
                    return Ok(Some(batch));
                }
                Ok(None) => return Ok(None),
                Err(error) => error,
            };
            let policy = self.task.policy;
            let Some(wait) = policy.wait_before(self.retry).filter(|_| error.retry()) else { return Err(error.context(&self.task.place)) };
            self.retry += 1;
            self.reader = None;
            tracing::warn!("{}: {error}; try {} of {} in {} ms", self.task.place, self.retry, policy.max_retries, wait.as_millis());
            tokio::time::sleep(wait).await;
        }
    }

    fn durable(&mut self, position: &Position) {
        if let Some(reader) = &mut self.reader {
            reader.durable(position);
        }
    }

    async fn close(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.close().await;
        }
    }

    async fn try_next(&mut self) -> Result<Option<SourceBatch>> {
        if self.reader.is_none() {
            let mut reader = self.task.source.open(self.task.request.clone())?;
            if self.position != Position::default() {
                reader.seek(&self.position).await?;
            }
            self.reader = Some(reader);
            self.task.request.health.opened();
        }
        match &mut self.reader {
            Some(reader) => reader.next().await,
            None => Ok(None),
        }
    }
}

/// Whether a job goes on without records that can't be used.
pub(super) fn tolerates(policy: &FailurePolicy) -> bool {
    policy.strategy == FailureStrategy::LogAndContinue
}
