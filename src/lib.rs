//! Velostream: streaming SQL over many sources and sinks, on Apache Arrow and DataFusion.
//!
//! A statement enters at the top and rows leave through the sinks; a folder imports only folders below it:
//! `cli` → `deploy` → `config`, `runtime` → `planner` → `catalog` → `operators` → `sources`, `sinks` → `kafka`, `schema_registry` → `formats` → `stream` → `options` → the ground
//! (`functions`, `telemetry`, `error`, `ids`, `clock`, `resident`, `unwind`).

pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deploy;
pub mod error;
pub mod formats;
pub mod functions;
pub mod ids;
pub mod kafka;
pub mod operators;
pub mod options;
pub mod planner;
mod resident;
pub mod runtime;
pub mod schema_registry;
pub mod sinks;
pub mod sources;
pub mod stream;
pub mod telemetry;
mod unwind;
