//! The program as users run it: the binary over real files. One binary, since each one links DataFusion again.
#![allow(clippy::unwrap_used, clippy::zombie_processes, missing_docs, unreachable_pub, reason = "a test fails by panicking")]

mod batching;
mod cli;
mod configuration;
mod dirty_input;
mod exact_numbers;
mod faults;
mod fidelity;
mod files;
mod golden;
mod layout;
mod lookups;
mod messages;
mod secrets;
mod sinks;
mod streaming;
mod velo;
