//! Where rows come from.
//! - `connector`: the sources of this build by name
//! - `file`: files, folders, standard input
//! - `kafka`: Kafka topics
//! - `registered`: kinds that an application registers
//! - `provider`: a table of DataFusion as a source

mod connector;
pub mod file;
pub mod kafka;
mod provider;
mod registered;

pub use connector::SourceConnector;
pub use provider::ProviderTable;
pub use registered::{RegisteredSource, SourceKind};

/// Tells the columns that were inferred as the line to paste.
fn tell_inferred(name: &str, schema: &arrow::datatypes::Schema) {
    let text = crate::formats::schema_text::print(schema).replace('\'', "''");
    tracing::info!("source '{name}': columns inferred; to declare them: '{name}.schema' = '{text}'");
}
