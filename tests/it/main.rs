//! The program as users run it: the binary over real files. One binary, since each one links DataFusion again.
#![allow(clippy::unwrap_used, clippy::zombie_processes, missing_docs, unreachable_pub, reason = "a test fails by panicking")]

mod batching;
mod cli;
mod collisions;
mod comparisons;
mod configuration;
mod damage;
mod declared;
mod dirty_input;
mod exact_numbers;
mod examples;
mod faults;
mod faults_at_once;
mod fidelity;
mod files;
mod following;
mod golden;
mod hidden_columns;
mod kafka;
mod kafka_avro;
mod layout;
mod limits;
mod lookup_cases;
mod lookups;
mod memory;
mod messages;
mod names;
mod partitions;
mod pipes;
mod real_broker;
mod secrets;
mod setting_files;
mod sinks;
mod standard_output;
mod streaming;
mod velo;
