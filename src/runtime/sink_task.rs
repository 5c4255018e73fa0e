//! A writer on a thread of its own: retries, failure strategy, syncing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::counters::{JobCounters, SinkCounters, add, take};
use super::load::{Load, Waiting};
use super::rate_limited_log::RateLimitedLog;
use super::room::Room;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::ids::Epoch;
use crate::sinks::stdout::is_closed_pipe;
use crate::stream::{DataWriter, FailurePolicy, FailureStrategy, RejectedRecord, WriteReport};
use crate::unwind::guarded_future;

/// Rows that wait for a writer before the sources are slowed down: two epochs of the usual size, or many small ones, which would be handed over one by one otherwise.
pub(super) const MOST_ROWS: usize = 16_384;
/// Bytes that wait, or a single epoch that is larger.
pub(super) const MOST_BYTES: u64 = 16 << 20;
/// Messages likewise.
const QUEUE: usize = 128;
/// Epochs that are not durable yet and are told apart: there may be a hundred thousand between two syncs.
const MOST_PENDING: usize = 1024;
/// How often a writer makes durable what it has.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// How often a writer is looked after to which nothing is written.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// What a sink is told.
#[derive(Debug)]
pub(super) enum SinkMessage {
    /// Rows of an epoch; `end` says that no more of it follow.
    Rows { epoch: Epoch, batches: Vec<RecordBatch>, end: bool, room: (OwnedSemaphorePermit, Option<Arc<Waiting>>) },
    /// Complete the output, or leave it incomplete.
    Close { complete: bool },
}

/// What the driver learns from its sinks.
#[derive(Debug)]
pub(super) enum SinkEvent {
    /// The job with this number in its pipeline has to stop.
    Failed(usize, Error),
    /// Nobody reads the output any more.
    ClosedPipe,
}

/// A sink that runs.
pub(super) struct SinkHandle {
    pub queue: mpsc::Sender<SinkMessage>,
    room: Room,
    pub task: JoinHandle<Result<()>>,
}

/// What a writer is asked for besides rows.
#[derive(Clone, Copy)]
enum Step {
    EndEpoch(Epoch),
    Sync,
    Close,
}

struct SinkTask {
    writer: Box<dyn DataWriter>,
    job: usize,
    index: usize,
    counters: Arc<JobCounters>,
    policy: FailurePolicy,
    log: RateLimitedLog,
    events: mpsc::UnboundedSender<SinkEvent>,
    state: State,
    stop: SinkStop,
    last_epoch: Epoch,
    /// Rows taken of epochs that are not durable yet.
    pending: VecDeque<(Epoch, u64)>,
}

/// Whether a sink goes on.
enum State {
    Running,
    /// Nobody reads the output any more.
    Unread,
    /// It has failed for good, and so has its job.
    Failed(Error),
}

/// When a sink lets go of what it has not completed.
#[derive(Clone, Debug)]
pub(super) struct SinkStop {
    /// The time of all sinks of the job is over.
    all: CancellationToken,
    /// This one has failed, or the time is over: its writer does not wait any more.
    pub own: CancellationToken,
}

/// A writer, and what stops it.
pub(super) type OpenSink = (Box<dyn DataWriter>, SinkStop);

impl SinkStop {
    pub(super) fn of(all: &CancellationToken) -> Self {
        Self { all: all.clone(), own: all.child_token() }
    }
}

/// Starts the sink with number `index` in the counters of the job with number `job` in its pipeline; `place` names it in messages.
pub(super) fn start_sink(
    (writer, stop): OpenSink,
    (job, index): (usize, usize),
    place: String,
    policy: FailurePolicy,
    counters: Arc<JobCounters>,
    events: mpsc::UnboundedSender<SinkEvent>,
    most: u64,
) -> SinkHandle {
    let (queue, messages) = mpsc::channel(QUEUE);
    let task = SinkTask {
        writer,
        job,
        index,
        counters,
        policy,
        log: RateLimitedLog::new(place),
        events,
        state: State::Running,
        stop,
        last_epoch: 0,
        pending: VecDeque::new(),
    };
    let runtime = Handle::current();
    let span = tracing::info_span!("sink", name = &*task.counters.sinks[index].0);
    // Writers block on files, so each has a thread; its timers are the runtime's.
    let task = tokio::task::spawn_blocking(move || runtime.block_on(task.guarded(messages).instrument(span)));
    SinkHandle { queue, room: Room::new(MOST_ROWS, most), task }
}

impl SinkHandle {
    /// Sends rows; waits while too many wait. False if the task has ended.
    pub(super) async fn send(&self, epoch: Epoch, load: Load, end: bool) -> bool {
        let Load { batches, rows, bytes, held } = load;
        let Some(room) = self.room.take(self.room.of(rows, bytes as u64)).await else { return false };
        let room = (room, held);
        self.queue.send(SinkMessage::Rows { epoch, batches, end, room }).await.is_ok()
    }
}

impl SinkTask {
    fn counts(&self) -> &SinkCounters {
        &self.counters.sinks[self.index].1
    }

    /// Runs it; a panic fails the job.
    async fn guarded(self, mut messages: mpsc::Receiver<SinkMessage>) -> Result<()> {
        let (job, index, counters, events, stop) = (self.job, self.index, Arc::clone(&self.counters), self.events.clone(), self.stop.own.clone());
        let place = self.log.place().to_owned();
        guarded_future(self.run(&mut messages)).await.unwrap_or_else(|panic| {
            let error = Error::internal(format!("{place} has panicked: {panic}"));
            // Who waits for the queue is told why it is gone, so this comes before.
            counters.sinks[index].1.down.store(true, Ordering::Relaxed);
            counters.sinks[index].1.health.failed(error.message());
            stop.cancel();
            let _driver_has_ended = events.send(SinkEvent::Failed(job, error.duplicate()));
            Err(error)
        })
    }

    async fn run(mut self, messages: &mut mpsc::Receiver<SinkMessage>) -> Result<()> {
        // What an earlier run has left is replaced now, not with the first row.
        self.sync().await;
        let mut next_sync = Instant::now() + SYNC_INTERVAL;
        loop {
            let undone = self.is_running() && self.writer.acked() < self.last_epoch;
            if !undone {
                next_sync = next_sync.max(Instant::now() + SYNC_INTERVAL);
            }
            let due = if undone { Some(next_sync) } else { (self.is_running() && self.writer.watches()).then(|| Instant::now() + WATCH_INTERVAL) };
            let message = tokio::select! {
                biased;
                () = self.stop.all.cancelled() => return self.let_go(),
                message = messages.recv() => message,
                () = tokio::time::sleep_until(due.unwrap_or(next_sync).into()), if due.is_some() => {
                    self.sync().await;
                    next_sync = Instant::now() + SYNC_INTERVAL;
                    continue;
                }
            };
            match message {
                // Dropped without a word: the job gave up, and nothing is completed.
                None | Some(SinkMessage::Close { complete: false }) => return self.give_up().await,
                Some(SinkMessage::Close { complete: true }) => return self.close().await,
                Some(SinkMessage::Rows { epoch, batches, end, room }) => {
                    self.rows(epoch, &batches, end).await;
                    drop((batches, room));
                }
            }
            if self.is_running() && Instant::now() >= next_sync {
                self.sync().await;
                next_sync = Instant::now() + SYNC_INTERVAL;
            }
        }
    }

    async fn rows(&mut self, epoch: Epoch, batches: &[RecordBatch], end: bool) {
        for batch in batches {
            let rows = batch.num_rows() as u64;
            if !self.is_running() {
                if matches!(self.state, State::Failed(_)) {
                    add(&self.counts().lost, rows);
                }
                continue;
            }
            match self.write(epoch, batch).await {
                Ok(WriteReport { rejected, failed }) => {
                    if failed.is_none() && self.counts().down.swap(false, Ordering::Relaxed) {
                        self.counts().health.connected();
                    }
                    self.take_note(epoch, rows.saturating_sub(rejected.len() as u64));
                    if !rejected.is_empty() {
                        self.refuse(&rejected);
                    }
                    if let Some(error) = failed.filter(|_| self.is_running()) {
                        self.fail(error, 0);
                    }
                }
                Err(error) => self.fail(error, rows),
            }
        }
        if !self.is_running() {
            return;
        }
        if end {
            self.last_epoch = epoch;
            if let Err(error) = self.complete(Step::EndEpoch(epoch)).await {
                self.fail(error, 0);
            }
            self.settle();
        }
    }

    fn is_running(&self) -> bool {
        matches!(self.state, State::Running)
    }

    /// Counts rows that the writer has taken.
    fn take_note(&mut self, epoch: Epoch, rows: u64) {
        add(&self.counts().rows, rows);
        add(&self.counts().pending, rows);
        match self.pending.back_mut() {
            Some((last, count)) if *last == epoch => *count += rows,
            _ => self.pending.push_back((epoch, rows)),
        }
        if self.pending.len() > MOST_PENDING {
            // Neighbours become one, which is durable when the later of them is.
            let mut all = std::mem::take(&mut self.pending).into_iter();
            while let Some((epoch, rows)) = all.next() {
                self.pending.push_back(all.next().map_or((epoch, rows), |(later, more)| (later, rows + more)));
            }
        }
    }

    /// What the writer has learnt late.
    fn settle(&mut self) {
        let rejected = self.writer.take_rejected();
        if !rejected.is_empty() {
            let mut rows = rejected.len() as u64;
            take(&self.counts().rows, rows);
            for (_, pending) in self.pending.iter_mut().rev() {
                let refused = rows.min(*pending);
                *pending -= refused;
                rows -= refused;
            }
            self.refuse(&rejected);
        }
        self.note_acked();
    }

    fn note_acked(&mut self) {
        let acked = self.writer.acked();
        self.counts().acked.store(acked, Ordering::Relaxed);
        while self.pending.front().is_some_and(|(epoch, _)| *epoch <= acked) {
            self.pending.pop_front();
        }
        self.counts().pending.store(self.pending.iter().map(|(_, rows)| rows).sum(), Ordering::Relaxed);
    }

    /// What was taken but can't be made durable any more has not been written.
    fn count_pending_as_lost(&mut self) {
        let rows = self.pending.drain(..).map(|(_, rows)| rows).sum();
        self.count_lost(rows);
        self.counts().pending.store(0, Ordering::Relaxed);
    }

    /// Rows that were taken and that the writer can't make durable any more.
    fn count_lost(&self, rows: u64) {
        take(&self.counts().rows, rows);
        add(&self.counts().lost, rows);
    }

    /// Writes with retries.
    async fn write(&mut self, epoch: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        let mut retry = 0;
        loop {
            let began = Instant::now();
            let written = self.writer.write(epoch, batch).await;
            self.counts().latency.add(began.elapsed());
            match written {
                Ok(report) => {
                    self.recovered(retry);
                    return Ok(report);
                }
                Err(error) => self.wait_after(error, &mut retry).await?,
            }
        }
    }

    /// Ends an epoch, syncs or closes, with retries.
    async fn complete(&mut self, step: Step) -> Result<()> {
        let mut retry = 0;
        loop {
            let done = match step {
                Step::EndEpoch(epoch) => self.writer.end_epoch(epoch).await,
                Step::Sync => self.writer.sync().await,
                Step::Close => self.writer.close().await,
            };
            match done {
                Ok(()) => {
                    self.recovered(retry);
                    return Ok(());
                }
                Err(error) => self.wait_after(error, &mut retry).await?,
            }
        }
    }

    /// It works again after so many tries.
    fn recovered(&self, retry: usize) {
        if retry > 0 {
            self.counts().health.connected();
        }
    }

    /// Waits before the next try, or gives the error back when there is none.
    async fn wait_after(&mut self, error: Error, retry: &mut usize) -> Result<()> {
        let Some(wait) = self.policy.wait_before(*retry).filter(|_| error.retry()) else { return Err(error) };
        *retry += 1;
        add(&self.counts().retries, 1);
        // A connector that has said so itself knows more.
        if !self.counts().health.is_reconnecting() {
            self.counts().health.reconnecting(error.message());
        }
        tracing::warn!("{} failed: {error}; try {retry} of {} in {} ms", self.log.place(), self.policy.max_retries, wait.as_millis());
        tokio::select! {
            () = self.stop.own.cancelled() => Err(error),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Rows that the sink refuses for good.
    fn refuse(&mut self, rejected: &[RejectedRecord]) {
        add(&self.counts().rejected, rejected.len() as u64);
        let Some(first) = rejected.first() else { return };
        if self.policy.strategy == FailureStrategy::LogAndContinue {
            self.log.warn(rejected.len() as u64, || format!("{first}; row not written"));
        } else {
            let error = Error::new(ErrorKind::Record, Fault::User, format!("{}: {first}", self.log.place()));
            self.stop(error.with_help("set its 'failure_strategy' to LogAndContinue to go on without such rows"));
        }
    }

    /// A write that failed for good.
    fn fail(&mut self, error: Error, rows: u64) {
        if is_closed_pipe(&error) {
            self.state = State::Unread;
            let _driver_has_ended = self.events.send(SinkEvent::ClosedPipe);
            return;
        }
        self.counts().down.store(true, Ordering::Relaxed);
        self.counts().health.failed(error.message());
        add(&self.counts().lost, rows);
        if self.policy.strategy == FailureStrategy::LogAndContinue {
            // Counted, they no longer hold back what is acknowledged.
            let taken = self.writer.take_lost().unwrap_or(0);
            self.count_lost(taken);
            let rows = rows + taken;
            self.log.warn(rows, || if rows == 0 { format!("failed: {error}") } else { format!("failed: {error}; {rows} rows not written") });
        } else {
            let error = error.context(format!("{} failed", self.log.place()));
            self.stop(error);
        }
    }

    fn stop(&mut self, error: Error) {
        self.stop.own.cancel();
        let _driver_has_ended = self.events.send(SinkEvent::Failed(self.job, error.duplicate()));
        self.state = State::Failed(error);
    }

    /// The end of a sink that is not to complete its output.
    async fn give_up(mut self) -> Result<()> {
        let State::Failed(error) = std::mem::replace(&mut self.state, State::Unread) else { return Ok(()) };
        // What stands in place stays; that more fails now is no news.
        let _more = self.writer.sync().await;
        self.abandon();
        Err(error)
    }

    /// The time to finish is over.
    fn let_go(mut self) -> Result<()> {
        if matches!(self.state, State::Unread) {
            return Ok(());
        }
        self.counts().down.store(true, Ordering::Relaxed);
        self.abandon();
        Err(Error::new(ErrorKind::Limit, Fault::External, format!("{} was not drained in time", self.log.place())))
    }

    /// What is not completed is lost.
    fn abandon(&mut self) {
        self.note_acked();
        let abandoned = self.writer.abandon();
        let rejected = self.writer.take_rejected().len() as u64;
        take(&self.counts().rows, rejected);
        add(&self.counts().rejected, rejected);
        self.note_acked();
        match abandoned {
            Some(rows) => {
                self.pending.clear();
                self.counts().pending.store(0, Ordering::Relaxed);
                self.count_lost(rows);
            }
            None => self.count_pending_as_lost(),
        }
    }

    async fn sync(&mut self) {
        if let Err(error) = self.complete(Step::Sync).await {
            self.fail(error, 0);
        }
        self.settle();
    }

    async fn close(mut self) -> Result<()> {
        if !self.is_running() {
            return self.give_up().await;
        }
        let closed = self.complete(Step::Close).await;
        self.settle();
        if !self.is_running() {
            return self.give_up().await;
        }
        match closed {
            Ok(()) => Ok(()),
            Err(error) if is_closed_pipe(&error) => Ok(()),
            Err(error) => {
                self.counts().down.store(true, Ordering::Relaxed);
                self.counts().health.failed(error.message());
                match self.writer.take_lost() {
                    Some(rows) => self.count_lost(rows),
                    None => self.count_pending_as_lost(),
                }
                Err(error.context(format!("{} failed", self.log.place())))
            }
        }
    }
}
