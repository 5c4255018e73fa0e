//! Files as a sink. In reading order:
//! - `options`: its keys
//! - `sink`: the configured sink
//! - `writer`: moves batches into files; rotation, rolling, what is durable
//! - `path_template`: names with placeholders
//! - `partitions`: rows by the values of the partition columns
//! - `format`: text or columnar
//! - `output`: one file, in place or under a temporary name; compression, encryption, locks
//! - `encrypted`: AES-256-GCM in frames

mod encrypted;
mod format;
mod options;
mod output;
mod partitions;
mod path_template;
mod sink;
#[cfg(test)]
mod tests;
mod writer;

pub use encrypted::{EncryptionKey, decrypt};
pub use options::FileSinkOptions;
pub use sink::FileSink;
