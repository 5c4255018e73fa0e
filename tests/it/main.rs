//! The program as users run it: the binary over real files. One binary, since each one links DataFusion again.
#![allow(clippy::unwrap_used, clippy::zombie_processes, missing_docs, unreachable_pub, reason = "a test fails by panicking")]

mod batching;
mod cli;
mod configuration;
mod damage;
mod dirty_input;
mod faults;
mod fidelity;
mod files;
mod following;
mod golden;
mod layout;
mod lookups;
mod messages;
mod partitions;
mod pipes;
mod secrets;
mod streaming;
mod velo;
