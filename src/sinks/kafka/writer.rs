//! Encodes, hands over, and keeps account of what was delivered. An epoch is durable when every message of it was acknowledged by the brokers; that is told by epoch, not by message.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use async_trait::async_trait;

use super::columns::MessageColumns;
use super::values::EncodedValues;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::ids::Epoch;
use crate::kafka::{BatchProducer, Cause, ClientProperties, Delivery, Outgoing};
use crate::stream::{DataWriter, FailureStrategy, RejectedRecord, SinkContext, WriteReport};

/// How long a poll for reports may wait at once.
const WAIT: Duration = Duration::from_millis(20);
/// How long reports of what is on its way are waited for when the job has failed.
const LAST_REPORTS: Duration = Duration::from_millis(500);

/// Writes one topic.
pub(super) struct KafkaWriter {
    pub columns: MessageColumns,
    pub properties: ClientProperties,
    pub topic: String,
    pub context: SinkContext,
    /// How long rows wait for brokers that do not answer, where the strategy does not wait them out.
    pub patience: Duration,
    pub producer: Option<BatchProducer>,
    /// By epoch: batches that are not settled, or whose losses are not counted.
    pub under_way: BTreeMap<Epoch, usize>,
    /// Messages that were not delivered, for being sent again.
    pub again: Vec<Delivery>,
    /// The wait before they are sent again is over.
    pub has_waited: bool,
    /// Messages that are lost and not counted yet, and the epochs of their batches.
    pub lost: (u64, Vec<Epoch>),
    /// Why; not told yet.
    pub loss: Option<String>,
    pub rejected: Vec<RejectedRecord>,
    pub last_ended: Epoch,
    pub closing: bool,
}

impl KafkaWriter {
    /// The client, made anew if it was given up.
    pub(super) fn producer(&mut self) -> Result<&mut BatchProducer> {
        match &mut self.producer {
            Some(producer) => Ok(producer),
            none => Ok(none.insert(BatchProducer::open(&self.properties, &self.topic, self.context.place.clone(), Arc::clone(&self.context.health))?)),
        }
    }

    /// Ends the client; what it did not deliver is to be sent again, or lost.
    fn give_up(&mut self) {
        let Some(producer) = self.producer.take() else { return };
        let (deliveries, held) = producer.give_up();
        deliveries.into_iter().for_each(|delivery| self.settle(delivery));
        held.into_iter().for_each(|(mark, count)| self.lose(mark, count, "the client was ended while it was sent"));
    }

    /// Takes note of batches of which nothing is under way any more.
    fn collect(&mut self, wait: Duration) {
        let Some(producer) = &mut self.producer else { return };
        producer.poll(wait);
        let (settled, fatal) = (producer.take_settled(), producer.fatal());
        settled.into_iter().for_each(|delivery| self.settle(delivery));
        if let Some(text) = fatal {
            tracing::warn!("{}: {text}; the client is made anew", self.context.place);
            self.give_up();
        }
    }

    fn settle(&mut self, mut delivery: Delivery) {
        let tolerant = self.context.failure.strategy == FailureStrategy::LogAndContinue;
        let mark = delivery.mark;
        let (mut lost, mut reason) = (0, None);
        delivery.undelivered.retain(|undelivered| match undelivered.cause {
            Cause::Refused => {
                self.rejected.push(RejectedRecord { place: None, reason: undelivered.reason.clone() });
                false
            }
            Cause::TimedOut | Cause::Failed if tolerant => {
                lost += 1;
                reason.get_or_insert_with(|| format!("messages were not delivered: {}", undelivered.reason));
                false
            }
            Cause::RequestTooLarge | Cause::TimedOut | Cause::Failed => true,
        });
        let settled = delivery.undelivered.is_empty();
        if !settled {
            delivery.undelivered.sort_unstable_by_key(|undelivered| undelivered.at);
            self.again.push(delivery);
        }
        match reason {
            Some(reason) => {
                // What is sent again is settled by itself.
                *self.under_way.entry(mark).or_default() += usize::from(!settled);
                self.lose(mark, lost, &reason);
            }
            None if settled => self.done(mark),
            None => {}
        }
    }

    /// Messages of a batch are lost; its epoch is not acknowledged before they are counted.
    fn lose(&mut self, mark: Epoch, count: usize, reason: &str) {
        self.lost.0 += count as u64;
        self.lost.1.push(mark);
        self.loss.get_or_insert_with(|| reason.to_owned());
    }

    /// A batch of an epoch is settled.
    fn done(&mut self, epoch: Epoch) {
        if let Some(count) = self.under_way.get_mut(&epoch) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&epoch);
            }
        }
    }

    /// Losses that were not told yet.
    fn losses(&mut self) -> Option<Error> {
        self.loss.take().map(|reason| Error::new(ErrorKind::Sink, Fault::External, reason))
    }

    fn is_away(&self) -> bool {
        self.producer.as_ref().is_some_and(BatchProducer::is_away)
    }

    /// That no broker has answered for longer than this sink waits. With RetryWithBackoff it waits as long as it takes.
    fn away_too_long(&self) -> Option<Error> {
        if self.context.failure.strategy == FailureStrategy::RetryWithBackoff {
            return None;
        }
        let (since, reason) = self.producer.as_ref()?.away()?;
        let waited = since.elapsed();
        let message = || format!("no broker has answered for {} s: {reason}", waited.as_secs());
        (waited >= self.patience).then(|| Error::new(ErrorKind::Sink, Fault::External, message()))
    }

    /// Why it is not waited any longer.
    fn impatience(&self) -> Option<Error> {
        if self.context.stop.is_cancelled() {
            return Some(Error::new(ErrorKind::Sink, Fault::External, "the time to finish is over, and the brokers have not confirmed all messages"));
        }
        self.away_too_long()
    }

    /// Waits until the client has taken all messages.
    fn hand_over(&mut self) -> Result<()> {
        while self.producer.as_ref().is_some_and(BatchProducer::waits) {
            if let Some(error) = self.impatience() {
                if let Some(producer) = &mut self.producer {
                    producer.drop_waiting(error.message());
                }
                self.collect(Duration::ZERO);
                return Err(error);
            }
            self.collect(WAIT);
        }
        self.collect(Duration::ZERO);
        Ok(())
    }

    /// Waits until nothing is under way.
    fn drain(&mut self) -> Result<()> {
        while self.producer.as_ref().is_some_and(|producer| !producer.is_idle()) {
            if let Some(error) = self.impatience() {
                return Err(error);
            }
            self.collect(WAIT);
        }
        Ok(())
    }

    /// Sends again what was not delivered, until everything is. Nothing new is sent meanwhile, so that messages of one key don't overtake each other.
    ///
    /// **Errors**: it failed; may be repeated after a wait, as often as the strategy says.
    fn send_again(&mut self) -> Result<()> {
        while !self.again.is_empty() {
            if let Some(error) = self.impatience() {
                return Err(error);
            }
            self.drain()?;
            let away = self.context.failure.strategy == FailureStrategy::RetryWithBackoff && self.is_away();
            let mut causes = self.again.iter().flat_map(|delivery| &delivery.undelivered);
            // That brokers are away is waited out, however often the client's own time runs out.
            let failed = causes.find(|one| one.cause == Cause::Failed || (one.cause == Cause::TimedOut && !away)).map(|one| one.reason.clone());
            if let Some(reason) = failed
                && !std::mem::take(&mut self.has_waited)
            {
                self.has_waited = true;
                return Err(Error::new(ErrorKind::Sink, Fault::External, format!("messages were not delivered: {reason}")).with_retry(true));
            }
            self.make_requests_smaller();
            self.producer()?;
            for delivery in std::mem::take(&mut self.again) {
                let which = delivery.undelivered.iter().map(|undelivered| undelivered.at).collect();
                if let Some(producer) = &mut self.producer {
                    producer.send(delivery.mark, delivery.outgoing, Some(which));
                }
            }
            self.hand_over()?;
            self.drain()?;
        }
        self.has_waited = false;
        Ok(())
    }

    /// The topic allows less than what the client puts into one request; that is half as much from now on. A message that is refused in a request of its own is refused for good.
    fn make_requests_smaller(&mut self) {
        let too_large = |delivery: &Delivery| delivery.undelivered.iter().any(|one| one.cause == Cause::RequestTooLarge);
        let Some(producer) = self.producer.as_ref().filter(|_| self.again.iter().any(too_large)) else { return };
        let size = (producer.batch_size() / 2).max(1);
        tracing::info!("{}: the topic does not take requests of {} bytes; they are made of {size}", self.context.place, producer.batch_size());
        self.properties.set("batch.size", size.to_string());
        // Nothing is under way; the next one is made with the new setting.
        self.producer = None;
    }
}

/// The rows that have a value; `None`: all.
fn kept(batch: &RecordBatch, rejected: &[(usize, String)]) -> Result<Option<RecordBatch>> {
    if rejected.is_empty() {
        return Ok(None);
    }
    let mut keep = vec![true; batch.num_rows()];
    rejected.iter().for_each(|(row, _)| keep[*row] = false);
    let kept = filter_record_batch(batch, &BooleanArray::from(keep));
    kept.map(Some).map_err(|error| Error::internal("rows can't be left out").with_source(error))
}

#[async_trait]
impl DataWriter for KafkaWriter {
    async fn write(&mut self, epoch: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        self.collect(Duration::ZERO);
        self.send_again()?;
        let EncodedValues { payload: values, rejected } = self.columns.values(batch)?;
        let kept = kept(batch, &rejected)?;
        let batch = kept.as_ref().unwrap_or(batch);
        let rejected = rejected.into_iter().map(|(_, reason)| RejectedRecord { place: None, reason }).collect();
        if values.is_empty() {
            return Ok(WriteReport { rejected, failed: self.losses() });
        }
        let outgoing = Outgoing { values, keys: self.columns.keys(batch)?, timestamps: self.columns.times(batch)?, headers: self.columns.headers(batch)? };
        self.producer()?.send(epoch, outgoing, None);
        *self.under_way.entry(epoch).or_default() += 1;
        // From here on the rows are taken: what becomes of them is told by the report.
        let failed = self.hand_over().err().or_else(|| self.away_too_long());
        Ok(WriteReport { rejected, failed: self.losses().or(failed) })
    }

    async fn end_epoch(&mut self, epoch: Epoch) -> Result<()> {
        self.last_ended = epoch;
        self.collect(Duration::ZERO);
        self.losses().map_or(Ok(()), Err)
    }

    async fn sync(&mut self) -> Result<()> {
        self.collect(Duration::ZERO);
        if self.under_way.is_empty()
            && let Some(producer) = &self.producer
        {
            producer.look_for_brokers();
        }
        self.send_again()?;
        self.losses().map_or(Ok(()), Err)
    }

    fn watches(&self) -> bool {
        self.producer.is_some()
    }

    fn take_rejected(&mut self) -> Vec<RejectedRecord> {
        std::mem::take(&mut self.rejected)
    }

    fn acked(&self) -> Epoch {
        self.under_way.keys().next().map_or(self.last_ended, |first| (first - 1).min(self.last_ended))
    }

    fn take_lost(&mut self) -> Option<u64> {
        if self.closing {
            self.give_up();
            for delivery in std::mem::take(&mut self.again) {
                self.lose(delivery.mark, delivery.undelivered.len(), "given up");
            }
        }
        let (count, marks) = std::mem::take(&mut self.lost);
        marks.into_iter().for_each(|mark| self.done(mark));
        self.loss = None;
        Some(count)
    }

    fn abandon(&mut self) -> Option<u64> {
        let begun = Instant::now();
        let answers = |producer: &BatchProducer| !producer.is_idle() && !producer.is_away();
        while begun.elapsed() < LAST_REPORTS && self.producer.as_ref().is_some_and(answers) {
            self.collect(WAIT);
        }
        self.closing = true;
        self.take_lost()
    }

    async fn close(&mut self) -> Result<()> {
        self.closing = true;
        self.drain()?;
        self.send_again()?;
        self.losses().map_or(Ok(()), Err)?;
        self.producer = None;
        Ok(())
    }
}
