//! CSV after RFC 4180: fields in quotes may hold delimiters, line ends and doubled quotes. An empty field without quotes is NULL, one in quotes is the empty text.
//! - `delimiter`: the character between fields
//! - `scan`: one field
//! - `header`: the first record of a file
//! - `split`: where records end
//! - `decode`: records to columns
//! - `input`: header and options
//! - `encode`: batches to records
//! - `infer`: columns of a sample

mod decode;
mod delimiter;
mod encode;
mod header;
mod infer;
mod input;
mod scan;
mod split;
#[cfg(test)]
mod tests;

pub use delimiter::Delimiter;
pub use encode::{CsvEncoder, CsvWriteOptions};
pub use header::check_header;
pub use infer::infer_schema;
pub use input::{CsvInput, CsvReadOptions};
