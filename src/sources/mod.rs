//! Where rows come from.
//! - `connector`: the sources of this build by name
//! - `file`: files, folders, standard input
//! - `kafka`: Kafka topics

mod connector;
pub mod file;
pub mod kafka;

pub use connector::SourceConnector;

/// Tells the columns that were inferred as the line to paste.
fn tell_inferred(name: &str, schema: &arrow::datatypes::Schema) {
    let text = crate::formats::schema_text::print(schema).replace('\'', "''");
    tracing::info!("source '{name}': columns inferred; to declare them: '{name}.schema' = '{text}'");
}
