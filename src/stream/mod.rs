//! The contracts between the parts: read this first. In reading order:
//! - `position`: where a reader resumes
//! - `rejected`: records that could not be used, with place and reason
//! - `source`: what is configured at the beginning, and the readers that it opens
//! - `sink`: what is configured at the end, and the writers that it opens
//! - `failure`: what to do when a record or a sink fails
//! - `batch_settings`: how a source's rows are cut into batches

mod batch_settings;
mod failure;
mod position;
mod rejected;
mod sink;
mod source;

pub use batch_settings::{BatchSettings, BatchStrategy};
pub use failure::{FailurePolicy, FailureStrategy};
pub use position::Position;
pub use rejected::{RecordPlace, RejectedRecord};
pub use sink::{DataSink, DataWriter, WriteReport};
pub use source::{Boundedness, DataReader, DataSource, ReadRequest, SourceBatch};
