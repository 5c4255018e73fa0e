//! Planned statements that run. In reading order:
//! - `spec`: what is run
//! - `pipeline`: starts the parts, drives them, ends them
//! - `source_task`: reads ahead, within a bound
//! - `leaf_feed`: rows of a source as the leaves of a plan want them
//! - `batching`: when a batch is complete
//! - `stream_input`, `stream_driver`: epochs
//! - `table_loader`: the tables of lookup joins
//! - `batch_driver`: one run over everything
//! - `epoch_outputs`, `sink_task`, `sink_set`: from the root of a plan to the writers
//! - `counters`: what a job has done so far
//! - `rate_limited_log`: warnings that can come with every row
//! - `shutdown`: how a run is asked to end

mod batch_driver;
pub mod batching;
mod counters;
mod epoch_outputs;
mod leaf_feed;
mod pipeline;
mod rate_limited_log;
mod shutdown;
mod sink_set;
mod sink_task;
mod source_task;
mod spec;
mod stream_driver;
mod stream_input;
mod table_loader;

pub use counters::{JobCounters, JobSummary, SinkSummary, SourceSummary};
pub use pipeline::{JobOutcome, Running, start};
pub use shutdown::Shutdown;
pub use spec::{ChainedInput, JobSpec, SinkSpec, SourceSpec};

use datafusion::error::DataFusionError;

use crate::error::{Error, ErrorKind, Fault};

/// An error of a running plan as ours.
pub(in crate::runtime) fn execution_error(error: &DataFusionError) -> Error {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(own) = inner.downcast_ref::<Error>()
    {
        let copy = Error::new(own.kind(), own.fault(), own.message()).with_retry(own.retry());
        return match own.help() {
            Some(help) => copy.with_help(help),
            None => copy,
        };
    }
    let text = crate::planner::error_sentence(error);
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Error::new(ErrorKind::Limit, Fault::User, text),
        DataFusionError::Internal(_) => Error::internal(text),
        _ => Error::new(ErrorKind::Record, Fault::User, text),
    }
}
