//! Velostream: streaming SQL over many sources and sinks, on Apache Arrow and DataFusion.
//!
//! A statement enters at the top and rows leave through the sinks; a folder imports only folders below it:
//! `cli` → `server` → `deploy` → `config`, `runtime` → `planner` → `catalog` → `operators` → `sources`, `sinks` → `kafka`, `schema_registry` → `formats` → `stream` → `options` → the ground
//! (`functions`, `telemetry`, `error`, `ids`, `clock`, `resident`, `freed`, `unwind`).

/// The crates whose types stand in the contracts of sources, sinks, tables and functions, in the versions that the engine has.
pub use ::{arrow, async_trait, datafusion};

pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deploy;
pub mod error;
pub mod formats;
mod freed;
pub mod functions;
pub mod ids;
pub mod kafka;
pub mod operators;
pub mod options;
pub mod planner;
mod resident;
pub mod runtime;
pub mod schema_registry;
pub mod server;
pub mod sinks;
pub mod sources;
pub mod stream;
pub mod telemetry;
mod unwind;
