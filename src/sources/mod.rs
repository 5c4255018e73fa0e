//! Where rows come from.
//! - `connector`: the sources of this build by name
//! - `file`: files, folders, standard input
//! - `kafka`: Kafka topics

mod connector;
pub mod file;
pub mod kafka;

pub use connector::SourceConnector;
