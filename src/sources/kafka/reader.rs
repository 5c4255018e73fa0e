//! The thread that polls: it gathers messages, has them decoded in order, stores what may be committed, and keeps the group happy while nobody takes rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::gathered::{Decoding, Gathered};
use super::plan::ReadPlan;
use crate::error::{Error, Result};
use crate::kafka::{BatchConsumer, ClientProperties, ConsumerOptions, PartitionId, Wanted};
use crate::sources::file::work::{Submitted, WORTH_A_TASK, Work, WorkReceiver, WorkSender, work_queue};
use crate::stream::{DataReader, Health, Position, SourceBatch};
use crate::unwind::guarded_reading;

/// Messages and bytes that are decoded together.
const GATHERED_MESSAGES: usize = 4096;
const GATHERED_BYTES: usize = 2 << 20;
/// Longest wait for a message, after which the thread looks after other things.
const WAIT: Duration = Duration::from_millis(100);
/// When nobody has taken rows for so long, fetching is paused.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often lag is told, and brokers looked for that were lost.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// How often partitions are looked for that have come.
const DISCOVERY: Duration = Duration::from_secs(10);

/// Finds the partitions there are now.
pub(super) type Discover = Arc<dyn Fn() -> Result<Vec<PartitionId>> + Send + Sync>;
/// Plans a reader that goes on after a position.
pub(super) type MakePlan = Arc<dyn Fn(&Position) -> Result<ReadPlan> + Send + Sync>;

/// What a reader is made of.
#[derive(Clone)]
pub(super) struct ReaderSpec {
    pub place: String,
    pub properties: ClientProperties,
    pub plan: MakePlan,
    pub discover: Discover,
    pub decoding: Arc<Decoding>,
    pub health: Arc<Health>,
    pub parallelism: usize,
    /// Most messages of a poll.
    pub most: usize,
}

/// Shared by the reader and its thread.
#[derive(Default)]
struct Shared {
    durable: Mutex<Option<Position>>,
    closing: AtomicBool,
}

/// Reads topics.
pub(super) struct KafkaReader {
    spec: ReaderSpec,
    resume: Position,
    started: Option<Started>,
}

struct Started {
    work: WorkReceiver,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl KafkaReader {
    pub(super) fn new(spec: ReaderSpec) -> Self {
        Self { spec, resume: Position::default(), started: None }
    }

    fn start(&self) -> Result<Started> {
        let (sender, work) = work_queue(self.spec.parallelism, Arc::clone(&self.spec.decoding.schema));
        let shared = Arc::new(Shared::default());
        let (spec, resume, own) = (self.spec.clone(), self.resume.clone(), Arc::clone(&shared));
        let run = move || {
            if let Err(error) = guarded_reading(|| Polling::run(&spec, &resume, &own, &sender)) {
                sender.send(Work::Done(Err(error)));
            }
        };
        let thread = std::thread::Builder::new().name("kafka-source".to_owned()).spawn(run);
        let thread = thread.map_err(|error| Error::internal("cannot start a thread").with_source(error))?;
        Ok(Started { work, shared, thread: Some(thread) })
    }
}

#[async_trait]
impl DataReader for KafkaReader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        if self.started.is_none() {
            self.started = Some(self.start()?);
        }
        match &mut self.started {
            Some(started) => started.work.next().await,
            None => Ok(None),
        }
    }

    async fn seek(&mut self, position: &Position) -> Result<()> {
        self.resume = position.clone();
        self.started = None;
        Ok(())
    }

    fn durable(&mut self, position: &Position) {
        if let Some(started) = &self.started {
            *started.shared.durable.lock() = Some(position.clone());
        }
    }

    async fn close(&mut self) {
        let Some(started) = &mut self.started else { return };
        started.shared.closing.store(true, Ordering::Release);
        // The thread may be waiting for somebody to take rows.
        started.work.close();
        if let Some(thread) = started.thread.take() {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::warn!("{}: its thread failed", self.spec.place);
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
    }
}

/// How a schema registry that does not answer is waited for.
struct Patience {
    place: String,
    health: Arc<Health>,
    shared: Arc<Shared>,
    /// As for brokers, as long as it takes; a read that has an end follows `failure_strategy` instead.
    waits: bool,
}

impl Patience {
    fn decode(&self, gathered: Gathered, decoding: &Decoding) -> Result<Vec<SourceBatch>> {
        let mut waited = false;
        let rows = gathered.decode(decoding, |error| {
            waited |= self.waits;
            self.again(error)
        });
        if waited && self.health.release() {
            tracing::info!("{}: status Connected", self.place);
        }
        rows
    }

    /// Waits a second; false if that is of no use.
    fn again(&self, error: &Error) -> bool {
        if self.waits && self.health.hold(error.message()) {
            tracing::warn!("{}: {}; status Reconnecting", self.place, error.message());
        }
        let until = Instant::now() + Duration::from_secs(1);
        let is_closing = || self.shared.closing.load(Ordering::Acquire);
        while self.waits && !is_closing() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.waits && !is_closing()
    }
}

struct Polling<'a> {
    spec: &'a ReaderSpec,
    consumer: BatchConsumer,
    shared: &'a Shared,
    patience: Arc<Patience>,
    work: &'a WorkSender,
    /// Of a bounded read: partitions that are not done, and where they are.
    open: Option<BTreeMap<Arc<str>, i64>>,
    /// Likewise: their ends by number, as far as they have been looked up.
    limits: Vec<Option<i64>>,
    assigned: Vec<(PartitionId, i64)>,
    position: Position,
    next_housekeeping: Instant,
    /// Own time: housekeeping may come when something is in hand.
    next_look_at_passed: Instant,
    next_discovery: Option<Instant>,
}

impl<'a> Polling<'a> {
    fn run(spec: &'a ReaderSpec, resume: &Position, shared: &'a Arc<Shared>, work: &'a WorkSender) -> Result<()> {
        let plan = (spec.plan)(resume)?;
        let assigned = match &plan.wanted {
            Wanted::Assign(list) => list.clone(),
            Wanted::Subscribe(_) => Vec::new(),
        };
        let open = plan.ends.as_ref().map(|ends| {
            let done = |id: &PartitionId| assigned.iter().any(|(own, from)| own == id && Some(from) >= ends.get(id));
            ends.iter().filter(|(id, _)| !done(id)).map(|(id, end)| (id.name(), *end)).collect::<BTreeMap<_, _>>()
        });
        if open.as_ref().is_some_and(BTreeMap::is_empty) {
            return Ok(());
        }
        let options = ConsumerOptions {
            properties: &spec.properties,
            place: spec.place.clone(),
            health: Arc::clone(&spec.health),
            wanted: &plan.wanted,
            begin: plan.begin.clone(),
            tells_ends: plan.ends.is_some(),
        };
        let consumer = BatchConsumer::open(options)?;
        let now = Instant::now();
        let next_discovery = plan.discovers.then(|| now + DISCOVERY);
        let patience = Patience { place: spec.place.clone(), health: Arc::clone(&spec.health), shared: Arc::clone(shared), waits: open.is_none() };
        let mut polling = Self {
            spec,
            patience: Arc::new(patience),
            consumer,
            shared,
            work,
            open,
            limits: Vec::new(),
            assigned,
            position: resume.clone(),
            next_housekeeping: now + HOUSEKEEPING,
            next_look_at_passed: now + HOUSEKEEPING,
            next_discovery,
        };
        let result = polling.poll_all();
        polling.finish();
        result
    }

    fn is_closing(&self) -> bool {
        self.shared.closing.load(Ordering::Acquire)
    }

    fn poll_all(&mut self) -> Result<()> {
        let mut gathered = Gathered::default();
        while !self.is_closing() {
            let room = GATHERED_MESSAGES - gathered.messages().min(GATHERED_MESSAGES - 1);
            // With something in hand nothing is waited for.
            let wait = if gathered.is_empty() { WAIT } else { Duration::ZERO };
            let polled = self.poll(&mut gathered, room.min(self.spec.most), wait)?;
            let all_done = self.open.as_ref().is_some_and(BTreeMap::is_empty);
            let is_full = gathered.messages() >= GATHERED_MESSAGES.min(self.spec.most) || gathered.bytes() >= GATHERED_BYTES;
            if !gathered.is_empty() && (polled == 0 || is_full || all_done) {
                let next = Gathered::like(&gathered);
                if !self.submit(std::mem::replace(&mut gathered, next))? {
                    return Ok(());
                }
            }
            if all_done {
                return Ok(());
            }
            if gathered.is_empty() && Instant::now() >= self.next_look_at_passed {
                self.next_look_at_passed = Instant::now() + HOUSEKEEPING;
                // Otherwise they would seem to wait, and never be committed.
                self.consumer.passed().iter().for_each(|(name, next)| gathered.passed(name, *next));
            }
            self.keep_house();
        }
        Ok(())
    }

    /// Polls into `gathered`; returns how much came.
    fn poll(&mut self, gathered: &mut Gathered, most: usize, wait: Duration) -> Result<usize> {
        let metadata = &self.spec.decoding.metadata;
        let (open, limits) = (&self.open, &mut self.limits);
        let Some(open) = open else {
            let polled = self.consumer.poll(most, wait, |number, partition, message| gathered.push(message, number, partition, metadata))?;
            return Ok(polled.messages);
        };
        let mut reached: Vec<Arc<str>> = Vec::new();
        let polled = self.consumer.poll(most, wait, |number, partition, message| {
            if limits.len() <= number {
                limits.resize(number + 1, None);
            }
            let limit = *limits[number].get_or_insert_with(|| open.get(&partition.1).copied().unwrap_or(0));
            if message.offset() < limit {
                gathered.push(message, number, partition, metadata);
            }
            if message.offset() + 1 >= limit {
                reached.push(Arc::clone(&partition.1));
            }
        })?;
        let count = polled.messages + polled.ended.len();
        let Some(open) = &mut self.open else { return Ok(count) };
        reached.extend(polled.ended.into_iter().filter(|(name, next)| open.get(name).is_some_and(|end| next >= end)).map(|(name, _)| name));
        for name in reached {
            if let Some(end) = open.remove(&name) {
                gathered.passed(&name, end);
                self.consumer.stop(&name);
            }
        }
        Ok(count)
    }

    /// Has messages decoded; while nobody takes rows fetching pauses, but the group hears from us. False if nobody wants rows any more.
    fn submit(&mut self, gathered: Gathered) -> Result<bool> {
        let mut paused = false;
        let mut waiting = Some(gathered);
        loop {
            let decoding = Arc::clone(&self.spec.decoding);
            match self.work.reserve(PATIENCE) {
                Submitted::Closed => return Ok(false),
                Submitted::Full if self.is_closing() => return Ok(false),
                Submitted::Full => {
                    if !paused {
                        self.consumer.pause(true);
                        paused = true;
                    }
                    // What was fetched before the pause is not to be lost: it is taken into the same batch.
                    if let Some(gathered) = &mut waiting {
                        self.poll(gathered, 64, Duration::ZERO)?;
                    }
                    self.keep_house();
                }
                Submitted::Permit(permit) => {
                    if let Some(gathered) = waiting.take() {
                        let patience = Arc::clone(&self.patience);
                        if gathered.bytes() < WORTH_A_TASK && !decoding.decoder.asks() {
                            self.work.put(permit, patience.decode(gathered, &decoding));
                        } else {
                            self.work.spawn(permit, move || patience.decode(gathered, &decoding));
                        }
                    }
                    if paused {
                        self.consumer.pause(false);
                    }
                    return Ok(true);
                }
            }
        }
    }

    /// Stores what may be committed, tells the lag, looks for lost brokers and new partitions.
    fn keep_house(&mut self) {
        if let Some(durable) = self.shared.durable.lock().take() {
            self.consumer.durable(&durable);
            self.position.merge(&durable);
        }
        if let Some(partitions) = self.consumer.new_partitions() {
            self.spec.health.set_partitions(partitions.into_iter().map(|id| (id.topic, id.partition)));
        }
        let now = Instant::now();
        if now >= self.next_housekeeping {
            self.next_housekeeping = now + HOUSEKEEPING;
            self.spec.health.set_lag(self.consumer.lag());
            self.consumer.look_for_brokers();
        }
        if self.next_discovery.is_some_and(|due| now >= due) {
            self.next_discovery = Some(now + DISCOVERY);
            self.discover();
        }
    }

    fn discover(&mut self) {
        let found = match (self.spec.discover)() {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!("{}: partitions can't be listed: {error}", self.spec.place);
                return;
            }
        };
        let new: Vec<(PartitionId, i64)> = found
            .into_iter()
            .filter(|id| self.assigned.iter().all(|(known, _)| known != id))
            .map(|id| (id, rdkafka::Offset::Beginning.to_raw().unwrap_or(0)))
            .collect();
        if new.is_empty() {
            return;
        }
        tracing::info!("{}: {} partitions have come", self.spec.place, new.len());
        match self.consumer.assign_more(&new) {
            Ok(()) => self.assigned.extend(new),
            Err(error) => tracing::warn!("{}: new partitions can't be read: {error}", self.spec.place),
        }
    }

    /// Commits what is durable and leaves.
    fn finish(self) {
        if let Some(durable) = self.shared.durable.lock().take() {
            self.consumer.durable(&durable);
        }
        self.consumer.close();
    }
}
