//! Files as a sink. In reading order:
//! - `options`: its keys
//! - `places`: the files that it may write
//! - `sink`: the configured sink
//! - `writer`: moves batches into files; rotation, rolling, what is durable
//! - `progress`: which rows of a file are safe, and which are lost
//! - `path_template`: names with placeholders
//! - `names`: numbers of files, and what earlier runs have left under their names
//! - `partitions`: rows by the values of the partition columns
//! - `format`: text or columnar
//! - `output`: one file, in place or complete when closed
//! - `closed`: compression, encryption
//! - `temporary`: hidden names
//! - `lock`: one writer at a time
//! - `encrypted`: AES-256-GCM in frames
//! - `replacement`: one file written whole or not at all, for `decrypt`
//! - `fault_tests`: what is replaced, what is lost, what stays

mod closed;
mod encrypted;
#[cfg(test)]
mod fault_tests;
mod format;
mod lock;
mod names;
mod options;
mod output;
mod partitions;
mod path_template;
mod places;
mod progress;
mod replacement;
mod sink;
mod temporary;
#[cfg(test)]
mod tests;
mod writer;

pub use encrypted::{EncryptionKey, decrypt};
pub use options::FileSinkOptions;
pub use replacement::Replacement;
pub use sink::FileSink;
