//! Where rows go.
//! - `connector`: the sinks of this build by name
//! - `file`: files and partitioned folders
//! - `kafka`: a Kafka topic
//! - `stdout`: standard output, for statements without `INTO`

mod connector;
pub mod file;
pub mod kafka;
pub mod stdout;

pub use connector::SinkConnector;
