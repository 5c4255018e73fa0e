//! Parquet files. In reading order:
//! - `file`: an opened file, its columns in the engine's types
//! - `prune`: row groups that cannot satisfy a predicate
//! - `segments`: which rows of the file are read
//! - `reader`: batches out of a file
//! - `compression`, `writer`: batches into a file

mod compression;
mod file;
mod prune;
mod reader;
mod segments;
#[cfg(test)]
mod tests;
mod writer;

pub use compression::ParquetCompression;
pub use reader::ParquetInput;
pub use writer::{ParquetFileWriter, ParquetOutput};
