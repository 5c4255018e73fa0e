//! What is run.

use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::CheckpointSpec;
use super::tap::Tap;
use crate::clock::EpochClock;
use crate::operators::guard::RowFaults;
use crate::planner::JobPlan;
use crate::stream::{BatchSettings, DataSink, DataSource, FailurePolicy, WatermarkSettings};

/// A source of a job.
#[derive(Debug)]
pub struct SourceSpec {
    /// The source.
    pub source: Arc<dyn DataSource>,
    /// How its rows are cut into batches.
    pub batch: BatchSettings,
    /// How its failures are met.
    pub failure: FailurePolicy,
    /// What is expected of the order of its rows.
    pub watermark: WatermarkSettings,
}

/// An input that an earlier job of the pipeline produces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedInput {
    /// Its name in `FROM`.
    pub name: Arc<str>,
    /// Number of the job that produces it, counted over the whole run.
    pub job: usize,
}

/// A sink of a job.
#[derive(Debug)]
pub struct SinkSpec {
    /// The sink.
    pub sink: Arc<dyn DataSink>,
    /// How its failures are met.
    pub failure: FailurePolicy,
}

/// A planned statement with its sources and sinks.
#[derive(Debug)]
pub struct JobSpec {
    /// Name of the job.
    pub name: String,
    /// The plan.
    pub plan: JobPlan,
    /// Its sources.
    pub sources: Vec<SourceSpec>,
    /// Inputs that earlier jobs produce.
    pub chained: Vec<ChainedInput>,
    /// Its sinks; none means that only other jobs read it.
    pub sinks: Vec<SinkSpec>,
    /// How failing rows are met.
    pub failure: FailurePolicy,
    /// Its failing rows, shared with the plan.
    pub faults: Arc<RowFaults>,
    /// Its clock, shared with the plan.
    pub clock: Arc<EpochClock>,
    /// Every epoch is exactly one batch of one source.
    pub one_batch_per_epoch: bool,
    /// Rows of a source that may wait before its reading pauses.
    pub buffer_rows: usize,
    /// How long draining may take.
    pub shutdown_timeout: Duration,
    /// Ends the job after this many rows.
    pub row_limit: Option<usize>,
    /// Where it is recorded how far it has come, if it is.
    pub checkpoint: Option<CheckpointSpec>,
    /// Where jobs of other runs read its rows.
    pub tap: Option<Arc<Tap>>,
}
