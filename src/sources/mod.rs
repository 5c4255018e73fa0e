//! Where rows come from.
//! - `connector`: the sources of this build by name
//! - `file`: files, folders, standard input

mod connector;
pub mod file;

pub use connector::SourceConnector;
