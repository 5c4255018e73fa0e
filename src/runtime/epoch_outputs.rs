//! Between the root of a plan and the sinks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use parking_lot::Mutex;

use super::counters::{JobCounters, add};
use super::job_memory::is_taken_by_others;
use super::queue::Sender;
use super::sink_set::SinkSet;
use crate::operators::fan_out::Outputs;
use crate::operators::slice_bytes::slice_bytes;

/// How long memory is waited for that other jobs have, and how often it is asked for.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

/// Takes the batches of an execution. Those of an epoch that may still fail as a whole are collected and handed on by the driver when it has succeeded; others go on at once.
pub(super) struct EpochOutputs {
    names: Vec<String>,
    counters: Arc<JobCounters>,
    schema: SchemaRef,
    epoch: AtomicU64,
    collected: Mutex<Vec<RecordBatch>>,
    /// What these take of the job's memory.
    held: MemoryReservation,
    direct: Option<Direct>,
}

/// Where batches go at once.
pub(super) struct Direct {
    pub sinks: Arc<tokio::sync::RwLock<SinkSet>>,
    /// Jobs that read this one.
    pub readers: Vec<Sender<RecordBatch>>,
}

impl std::fmt::Debug for EpochOutputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EpochOutputs").field("names", &self.names).finish_non_exhaustive()
    }
}

impl EpochOutputs {
    pub(super) fn new(names: Vec<String>, counters: Arc<JobCounters>, schema: SchemaRef, direct: Option<Direct>, memory: &Arc<dyn MemoryPool>) -> Self {
        let held = MemoryConsumer::new("results").register(memory);
        Self { names, counters, schema, epoch: AtomicU64::new(0), collected: Mutex::default(), held, direct }
    }

    /// The epoch that is about to be executed.
    pub(super) fn begin(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// Takes memory for results; where other jobs have it, waits for them, but not for ever.
    async fn hold(&self, bytes: usize) -> Result<()> {
        let began = Instant::now();
        loop {
            match self.held.try_grow(bytes) {
                Err(error) if is_taken_by_others(&error) && began.elapsed() < PATIENCE => tokio::time::sleep(LOOK).await,
                done => return done,
            }
        }
    }

    /// The batches of the epoch.
    pub(super) fn take(&self) -> Vec<RecordBatch> {
        self.held.free();
        std::mem::take(&mut *self.collected.lock())
    }
}

#[async_trait]
impl Outputs for EpochOutputs {
    async fn put(&self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        // Plans may rename columns on the way; sinks see the names of the statement.
        let batch = if batch.schema_ref() == &self.schema {
            batch
        } else {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), batch.columns().to_vec(), &options)?
        };
        add(&self.counters.out, batch.num_rows() as u64);
        let Some(direct) = &self.direct else {
            self.hold(slice_bytes(&batch)).await?;
            self.collected.lock().push(batch);
            return Ok(());
        };
        for reader in &direct.readers {
            // A reader that has ended (by its LIMIT) wants no more.
            let _ended = reader.send(batch.clone()).await;
        }
        let sinks = direct.sinks.read().await;
        sinks.send(self.epoch.load(Ordering::Relaxed), vec![batch], false).await.map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }
}
