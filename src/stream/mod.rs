//! The contracts between the parts: read this first. In reading order:
//! - `position`: where a reader resumes
//! - `rejected`: records that could not be used, with place and reason
//! - `source`: what is configured at the beginning, and the readers that it opens
//! - `metadata`: what a source knows of a record besides its value
//! - `sink`: what is configured at the end, and the writers that it opens
//! - `carried`: columns behind the visible ones, for sinks that ask for them
//! - `failure`: what to do when a record or a sink fails
//! - `health`: the state of a connection
//! - `place`, `path_pattern`: what is read and written, for telling what collides
//! - `batch_settings`: how a source's rows are cut into batches
//! - `watermark_settings`: how far behind its latest row a source's time is

mod batch_settings;
mod carried;
mod failure;
mod health;
mod metadata;
mod path_pattern;
mod place;
mod position;
mod rejected;
mod sink;
mod source;
mod watermark_settings;

pub use batch_settings::{BatchSettings, BatchStrategy};
pub use carried::{Carried, visible, visible_columns};
pub use failure::{FailurePolicy, FailureStrategy};
pub use health::{ConnectionState, Health, HealthReport, SourcePartition};
pub use metadata::MetadataColumn;
pub use path_pattern::PathPattern;
pub use place::{Place, resolved};
pub use position::Position;
pub use rejected::{RecordPlace, RejectedRecord};
pub use sink::{DataSink, DataWriter, SinkContext, WriteReport};
pub(crate) use source::row_width;
pub use source::{Boundedness, DataReader, DataSource, LONG_ROW, ReadRequest, SourceBatch};
pub use watermark_settings::WatermarkSettings;
