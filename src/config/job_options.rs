//! The job's own settings, and those that all sources or all sinks share.

use std::path::PathBuf;

use crate::options::{ByteSize, Millis, OptionValue, SomeBytes, define_options};
use crate::stream::{BatchStrategy, FailureStrategy, WatermarkSettings};

/// How a job is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionModeOption {
    /// As a batch if all sources are bounded, else as a stream.
    Auto,
    /// In epochs.
    Stream,
    /// As one query.
    Batch,
}

impl OptionValue for ExecutionModeOption {
    const TYPE: &'static str = "execution mode";
    const NAMES: &'static [&'static str] = &["auto", "stream", "batch"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "stream" => Ok(Self::Stream),
            "batch" => Ok(Self::Batch),
            _ => Err("expected auto, stream or batch".to_owned()),
        }
    }
}

/// Unit of numeric event times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochUnit(pub arrow::datatypes::TimeUnit);

impl OptionValue for EpochUnit {
    const TYPE: &'static str = "time unit";
    const NAMES: &'static [&'static str] = &["s", "ms", "us", "ns"];

    fn parse(text: &str) -> Result<Self, String> {
        use arrow::datatypes::TimeUnit;
        match text.trim() {
            "s" => Ok(Self(TimeUnit::Second)),
            "ms" => Ok(Self(TimeUnit::Millisecond)),
            "us" => Ok(Self(TimeUnit::Microsecond)),
            "ns" => Ok(Self(TimeUnit::Nanosecond)),
            _ => Err("expected s, ms, us or ns".to_owned()),
        }
    }
}

/// When rows of `OVER (… ORDER BY …)` come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverOrder {
    /// In the order of their event times.
    EventTime,
    /// As they come.
    Arrival,
}

impl OptionValue for OverOrder {
    const TYPE: &'static str = "order of OVER";
    const NAMES: &'static [&'static str] = &["event_time", "arrival"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "event_time" => Ok(Self::EventTime),
            "arrival" => Ok(Self::Arrival),
            _ => Err("expected event_time or arrival".to_owned()),
        }
    }
}

/// When the groups of a window come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// Once, when it is over.
    Final,
    /// Also while it is open: what has changed.
    Changes,
}

impl OptionValue for Emit {
    const TYPE: &'static str = "emission";
    const NAMES: &'static [&'static str] = &["final", "changes"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "final" => Ok(Self::Final),
            "changes" => Ok(Self::Changes),
            _ => Err("expected final or changes".to_owned()),
        }
    }
}

define_options! {
    /// Settings of a job.
    pub struct JobOptions (Job) {
        /// How the statement is run: `batch` once over bounded sources, `stream` in epochs, `auto` chooses batch when every source is bounded.
        execution_mode: ExecutionModeOption = "execution.mode" [] default "auto" like "stream";
        /// Asks for exactly-once delivery; where a source or sink can't give it, the job runs in simple mode and says which.
        use_transactions: bool = "use_transactions" [] default "false";
        /// What happens to a record, row or sink that fails: LogAndContinue skips and counts it, FailBatch stops the job with nothing of the batch written, RetryWithBackoff tries
        /// again what may succeed and stops the job otherwise.
        failure_strategy: FailureStrategy = "failure_strategy" [] default "RetryWithBackoff" like "LogAndContinue";
        /// Tries after the first one.
        max_retries: usize = "max_retries" [] default "3" like "5";
        /// Wait before the first retry; doubles each time.
        retry_backoff: Millis = "retry_backoff" [] default "1000ms" like "500ms";
        /// How batches are cut. Without it, rows are taken as they come.
        batch_strategy: BatchStrategy = "batch.strategy" [] optional like "adaptive_size";
        /// Whether rows are handled in batches; false handles them one by one.
        batch_enable: bool = "batch.enable" [] default "true" like "false";
        /// Most rows of a batch, with any strategy.
        batch_size: usize = "batch.size" ["max_batch_size", "batch_size"] optional like "500";
        /// Most rows of a batch with adaptive_size.
        adaptive_max_size: usize = "batch.adaptive_max_size" ["batch.max_size"] optional like "5000";
        /// Fewest rows that adaptive_size aims at.
        batch_min_size: usize = "batch.min_size" [] default "1" like "100";
        /// Time per batch that adaptive_size aims at.
        target_latency: Millis = "batch.target_latency" [] default "200ms" like "50ms";
        /// Longest wait since the first row of a batch. VELO_BATCH_TIMEOUT_MS sets another default.
        batch_timeout: Millis = "batch.timeout" ["batch_timeout"] optional like "2000ms";
        /// Most MiB of a batch.
        memory_limit_mb: usize = "batch.memory_limit_mb" [] optional like "16";
        /// Most bytes of a batch; of this and batch.memory_limit_mb the smaller counts.
        memory_size: ByteSize = "batch.memory_size" [] optional like "16MiB";
        /// Most rows of a batch with low_latency.
        low_latency_max_size: usize = "batch.low_latency_max_size" [] optional like "10";
        /// Longest wait with low_latency.
        low_latency_wait: Millis = "batch.low_latency_wait" [] optional like "5ms";
        /// Take what is there at once instead of waiting to fill the batch.
        eager_processing: bool = "batch.eager_processing" [] optional;
        /// Rows buffered for a source before its reading pauses.
        buffer_size: usize = "source.buffer_size" [] default "32768" like "100000";
        /// Bytes that the tables, the operators and the waiting rows of the job may take; it fails when they need more. Queues get a part of it.
        memory_limit: SomeBytes = "memory.limit" [] optional like "512MB";
        /// Bytes of these that are worth a warning.
        memory_recommended: ByteSize = "memory.recommended_limit" [] default "400MB" like "1GB";
        /// Folder in which it is recorded how far the sources were read and what the operators keep: a job that has fallen, or was stopped, goes on from there. Records of a job that has come to its end are removed. Without it
        /// a job reads again what its open windows and joins need, and forgets what groups without a window and OVER have come to. For jobs that run as a stream.
        state_dir: PathBuf = "state.dir" [] optional like "state/orders";
        /// How often a record is written there. What came out since the last one may come out twice after a fall.
        checkpoint_interval: Millis = "checkpoint.interval" [] default "10s" like "1s";
        /// How far apart event times may be in a join of streams that says nothing about it, an hour unless this is given; and for how long OVER remembers a key without rows, for good unless this is given.
        state_ttl: Millis = "state.ttl" [] optional like "10m";
        /// When the groups of a window come out: once, when it is over (`final`), or also while it is open, each epoch those that have changed (`changes`), for sinks that keep the last row of
        /// each key.
        emit: Emit = "emit" [] default "final" like "changes";
        /// When rows of OVER come out: in the order of their event times (`event_time`, which waits for the watermark), or at once, those of a batch in order (`arrival`). Without it the
        /// low_latency strategy, which promises not to wait, takes arrival.
        over_order: OverOrder = "over.order" [] optional like "arrival";
        /// How long a job may drain after SIGINT or SIGTERM.
        shutdown_timeout: Millis = "shutdown.timeout" [] default "30s" like "1m";
    }
}

define_options! {
    /// Settings that every source has.
    pub struct SourceShared (Source) {
        /// The columns: `name TYPE, …`. Without it they are inferred from the first records.
        schema: String = "schema" [] optional like "id BIGINT, amount DECIMAL(12,2), at TIMESTAMP";
        /// A file with the columns: an Avro schema (.avsc), or SQL column definitions.
        schema_file: PathBuf = "schema_file" [] optional like "schemas/orders.avsc";
        /// Column or expression that holds the event time.
        event_time: String = "event_time" [] optional like "at";
        /// Unit of a numeric event time: s, ms, us or ns.
        event_time_unit: EpochUnit = "event_time.unit" [] default "ms" like "s";
        /// How much earlier than the latest row of its partition a row may be; its time waits for that long.
        max_out_of_orderness: Millis = "watermark.max_out_of_orderness" [] default "5s" like "1s";
        /// A partition (or a source) without rows for so long is not waited for.
        idle_timeout: Millis = "watermark.idle_timeout" [] default "30s" like "1m";
        /// How much longer results stay open for rows that come even later.
        allowed_lateness: Millis = "allowed_lateness" [] default "0s" like "1m";
        /// How often a table that a stream is joined with is loaded again.
        refresh_interval: Millis = "refresh_interval" [] optional like "5m";
        /// As the job's key, for records of this source.
        failure_strategy: FailureStrategy = "failure_strategy" [] optional like "LogAndContinue";
        /// As the job's key, for this source.
        max_retries: usize = "max_retries" [] optional like "5";
        /// As the job's key, for this source.
        retry_backoff: Millis = "retry_backoff" [] optional like "500ms";
        /// As the job's key, for this source.
        batch_strategy: BatchStrategy = "batch.strategy" [] optional like "adaptive_size";
        /// As the job's key, for this source.
        batch_size: usize = "batch.size" ["max_batch_size", "batch_size"] optional like "500";
        /// As the job's key, for this source.
        batch_timeout: Millis = "batch.timeout" ["batch_timeout"] optional like "2000ms";
    }
}

define_options! {
    /// Settings that every sink has.
    pub struct SinkShared (Sink) {
        /// As the job's key, for failures of this sink.
        failure_strategy: FailureStrategy = "failure_strategy" [] optional like "LogAndContinue";
        /// As the job's key, for this sink.
        max_retries: usize = "max_retries" [] optional like "5";
        /// As the job's key, for this sink.
        retry_backoff: Millis = "retry_backoff" [] optional like "500ms";
    }
}

impl JobOptions {
    /// Whether the groups of open windows are told.
    pub fn emits_changes(&self) -> bool {
        self.emit == Emit::Changes
    }

    /// Whether rows of OVER come out as they come.
    pub fn takes_over_as_it_comes(&self) -> bool {
        let usual = if self.batch_strategy == Some(BatchStrategy::LowLatency) { OverOrder::Arrival } else { OverOrder::EventTime };
        self.over_order.unwrap_or(usual) == OverOrder::Arrival
    }
}

impl SourceShared {
    /// What is expected of the order of its rows.
    pub fn watermark(&self) -> WatermarkSettings {
        WatermarkSettings { max_out_of_orderness: self.max_out_of_orderness.0, idle_timeout: self.idle_timeout.0, allowed_lateness: self.allowed_lateness.0 }
    }

    /// Whether it says how batches are cut.
    pub fn cuts_batches(&self) -> bool {
        self.batch_strategy.is_some() || self.batch_size.is_some() || self.batch_timeout.is_some()
    }
}
