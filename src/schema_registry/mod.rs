//! A client of schema registries that speak the interface of Confluent's. In reading order:
//! - `settings`: how a registry is reached
//! - `requests`: questions over HTTP, with retries
//! - `registry`: schemas by number and by subject

mod registry;
mod requests;
mod settings;

pub use registry::{Registered, SchemaRegistry};
pub use settings::{RegistrySettings, without_schema};
