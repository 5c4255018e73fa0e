//! Where rows go.
//! - `connector`: the sinks of this build by name
//! - `file`: files and partitioned folders
//! - `kafka`: a Kafka topic
//! - `registered`: kinds that an application registers
//! - `stdout`: standard output, for statements without `INTO`

mod connector;
pub mod file;
pub mod kafka;
mod registered;
pub mod stdout;

pub use connector::SinkConnector;
pub use registered::{RegisteredSink, SinkKind};
