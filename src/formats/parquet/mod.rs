//! Parquet: only the wanted columns are read, and row groups that the statement's condition rules out are skipped.
//! - `input`: files as rows
//! - `pruning`: which row groups can hold rows that satisfy a predicate
//! - `output`: rows as a file

mod input;
mod output;
mod pruning;

pub use input::ParquetInput;
pub use output::{ParquetCodec, ParquetOutput};
