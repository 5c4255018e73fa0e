//! How a registry is reached.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::options::Secret;

/// Where a registry is, and what it wants to know.
#[derive(Clone, Debug)]
pub struct RegistrySettings {
    /// Its address; several, separated by commas, are tried in order.
    pub url: String,
    /// `user:password`.
    pub user_info: Option<Secret>,
    /// Authorities that its certificate may be from (PEM); without them, those of the system.
    pub ca: Option<PathBuf>,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// The kind of errors.
    pub kind: ErrorKind,
    /// Name of the source or sink, for errors.
    pub owner: String,
}

/// Why Avro can't be read or written without a registry and without a schema.
pub fn without_schema(name: &str) -> Error {
    Error::config(format!("'{name}' is of format avro, but there is no schema registry: neither '{name}.schema.registry.url' nor the environment variable SCHEMA_REGISTRY_URL is set"))
        .about(name, "value.format")
        .with_help(format!("set one of them, or name the one schema of all messages: '{name}.schema_file' = 'file.avsc'"))
}
