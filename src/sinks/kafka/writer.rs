//! Encodes, hands over, and keeps account of what was delivered. An epoch is durable when every message of it was acknowledged by the brokers; that is told by epoch, not by message.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use async_trait::async_trait;

use super::columns::MessageColumns;
use super::values::EncodedValues;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::ids::Epoch;
use crate::kafka::{BatchProducer, ClientProperties, Delivery, Outgoing};
use crate::stream::{DataWriter, FailureStrategy, RejectedRecord, SinkContext, WriteReport};

/// How long a poll for reports may wait when the output is to be completed.
const WAIT: Duration = Duration::from_millis(50);

/// Writes one topic.
pub(super) struct KafkaWriter {
    pub columns: MessageColumns,
    pub properties: ClientProperties,
    pub topic: String,
    pub context: SinkContext,
    pub producer: Option<BatchProducer>,
    /// By epoch: batches that are not settled.
    pub under_way: BTreeMap<Epoch, usize>,
    /// Messages that were not delivered, for being sent again.
    pub again: Vec<(Delivery, Vec<usize>)>,
    /// How often in a row that has happened.
    pub tries: usize,
    pub rejected: Vec<RejectedRecord>,
    pub last_ended: Epoch,
}

impl KafkaWriter {
    fn producer(&mut self) -> Result<&mut BatchProducer> {
        let fatal = self.producer.as_ref().and_then(BatchProducer::fatal);
        if let Some(text) = fatal
            && let Some(broken) = self.producer.take()
        {
            tracing::warn!("{}: {text}; the client is made anew", self.context.place);
            for delivery in broken.give_up() {
                self.settle(delivery);
            }
        }
        match &mut self.producer {
            Some(producer) => Ok(producer),
            none => Ok(none.insert(BatchProducer::open(&self.properties, &self.topic, self.context.place.clone(), Arc::clone(&self.context.health))?)),
        }
    }

    /// Takes note of batches of which nothing is under way any more.
    fn collect(&mut self, wait: Duration) {
        let Some(producer) = &mut self.producer else { return };
        producer.poll(wait);
        for delivery in producer.take_settled() {
            self.settle(delivery);
        }
    }

    fn settle(&mut self, delivery: Delivery) {
        let mut again = Vec::new();
        for undelivered in &delivery.undelivered {
            if undelivered.refused {
                self.rejected.push(RejectedRecord { place: None, reason: format!("the broker refuses it: {}", undelivered.reason) });
            } else {
                again.push(undelivered.at);
            }
        }
        if again.is_empty() {
            self.tries = 0;
            self.done(delivery.mark);
        } else {
            again.sort_unstable();
            self.again.push((delivery, again));
        }
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

    /// Sends again what was not delivered, as often as the strategy says.
    fn send_again(&mut self) -> Result<()> {
        if self.again.is_empty() {
            return Ok(());
        }
        let reason =
            self.again.first().and_then(|(delivery, _)| delivery.undelivered.iter().find(|one| !one.refused)).map(|one| one.reason.clone()).unwrap_or_default();
        let policy = self.context.failure;
        let most = if policy.strategy == FailureStrategy::RetryWithBackoff { policy.max_retries } else { 0 };
        if self.tries >= most {
            if policy.strategy != FailureStrategy::LogAndContinue {
                return Err(Error::new(ErrorKind::Sink, Fault::External, format!("messages were not delivered: {reason}")));
            }
            for (delivery, which) in std::mem::take(&mut self.again) {
                self.rejected.extend(which.iter().map(|_| RejectedRecord { place: None, reason: format!("not delivered: {reason}") }));
                self.done(delivery.mark);
            }
            return Ok(());
        }
        self.tries += 1;
        tracing::warn!("{}: messages were not delivered: {reason}; sent again, try {} of {most}", self.context.place, self.tries);
        for (delivery, which) in std::mem::take(&mut self.again) {
            self.send(delivery.mark, delivery.outgoing, Some(&which))?;
        }
        Ok(())
    }

    fn send(&mut self, epoch: Epoch, outgoing: Outgoing, which: Option<&[usize]>) -> Result<()> {
        self.producer()?.send(epoch, outgoing, which, || Ok(()))?;
        self.collect(Duration::ZERO);
        Ok(())
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
            return Ok(WriteReport { rejected, failed: None });
        }
        let outgoing = Outgoing { values, keys: self.columns.keys(batch)?, timestamps: self.columns.times(batch)?, headers: self.columns.headers(batch)? };
        *self.under_way.entry(epoch).or_default() += 1;
        self.send(epoch, outgoing, None)?;
        Ok(WriteReport { rejected, failed: None })
    }

    async fn end_epoch(&mut self, epoch: Epoch) -> Result<()> {
        self.last_ended = epoch;
        self.collect(Duration::ZERO);
        Ok(())
    }

    async fn sync(&mut self) -> Result<()> {
        self.collect(Duration::ZERO);
        if self.under_way.is_empty()
            && let Some(producer) = &self.producer
        {
            producer.look_for_brokers();
        }
        self.send_again()
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

    async fn close(&mut self) -> Result<()> {
        while !self.under_way.is_empty() {
            self.collect(WAIT);
            self.send_again()?;
        }
        self.producer = None;
        Ok(())
    }
}
