//! Planned statements that run. In reading order:
//! - `spec`: what is run
//! - `pipelines`: which jobs read each other
//! - `pipeline`: starts the parts, drives them, ends them
//! - `ending`: how long the parts of a run are waited for when it ends
//! - `gate`: pipelines that start together, or not at all
//! - `plan_root`: what stands on top of a plan while it runs
//! - `room`: how much may wait between two parts
//! - `source_task`: reads ahead, within a bound
//! - `leaf_feed`: rows of a source as the leaves of a plan want them
//! - `batching`: when a batch is complete
//! - `source_clock`: how far the time of a source has come
//! - `stream_input`, `stream_driver`: epochs
//! - `checkpoint`: what a run is resumed from after a fall
//! - `table_loader`: the tables of lookup joins
//! - `batch_run`, `batch_driver`: one run over everything
//! - `queue`: between the parts of such a run
//! - `partial_result`: whether such a run may be stopped in its midst
//! - `epoch_outputs`, `load`, `sink_task`, `sink_set`: from the root of a plan to the writers
//! - `counters`: what a job has done so far
//! - `job_memory`: how much memory a job takes, and may take
//! - `job_metrics`: the same in figures that monitoring asks for
//! - `latency`: how long something takes
//! - `rate_limited_log`: warnings that can come with every row
//! - `threads`: what all of this runs on
//! - `tap`: the rows of a job as the source of another run's
//! - `shutdown`: how a run is asked to pause, to go on, and to end

mod batch_driver;
mod batch_run;
pub mod batching;
mod checkpoint;
mod counters;
mod ending;
mod epoch_outputs;
mod gate;
mod job_memory;
mod job_metrics;
mod latency;
mod leaf_feed;
mod load;
mod partial_result;
mod pipeline;
mod pipelines;
mod plan_root;
mod queue;
mod rate_limited_log;
mod room;
mod shutdown;
mod sink_set;
mod sink_task;
mod source_clock;
mod source_task;
mod spec;
mod stream_driver;
mod stream_input;
mod table_loader;
mod tap;
mod threads;

pub use checkpoint::CheckpointSpec;
pub use counters::{JobCounters, JobSummary, OperatorSummary, SinkSummary, SourceSummary};
pub use gate::Gate;
pub use job_memory::{EngineMemory, JobMemory, MemoryLimits};
pub use job_metrics::JobMetrics;
pub use latency::Latency;
pub use pipeline::{JobOutcome, Running, start, start_at};
pub use pipelines::{in_pipelines, pipelines};
pub use shutdown::Shutdown;
pub use spec::{ChainedInput, JobSpec, SinkSpec, SourceSpec};
pub use tap::{Tap, TapReaders};
pub use threads::{STACK, threads};

use datafusion::error::DataFusionError;

use crate::error::{Error, ErrorKind, Fault};

/// A job that has panicked; nothing of what it was doing is used any more.
pub(in crate::runtime) fn panicked(reason: &str) -> Error {
    Error::internal(format!("the job has panicked: {reason}")).with_help("if no function, source or sink of your own did that, please report it")
}

/// An error of a running plan as ours.
pub(in crate::runtime) fn execution_error(error: &DataFusionError) -> Error {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(own) = inner.downcast_ref::<Error>()
    {
        return own.duplicate();
    }
    let text = crate::planner::error_sentence(error);
    match error.find_root() {
        DataFusionError::ResourcesExhausted(cause) => {
            let error = Error::new(ErrorKind::Limit, Fault::User, text);
            match job_memory::cure(cause) {
                Some(cure) => error.with_help(cure),
                None => error,
            }
        }
        DataFusionError::Internal(_) => Error::internal(text),
        _ => Error::new(ErrorKind::Record, Fault::User, text),
    }
}
