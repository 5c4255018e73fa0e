//! Files as a source. In reading order:
//! - `options`: its keys
//! - `source`: the configured source
//! - `listing`: which files a path stands for
//! - `sample`: the columns of files without declared ones
//! - `input_stream`: a text file's bytes, decompressed, in UTF-8
//! - `records`: those bytes cut into chunks of whole records
//! - `text_reader`, `work`: a thread reads and splits, tasks decode, order is kept
//! - `follow`: growing files
//! - `columnar_reader`: Parquet and Avro files

mod columnar_reader;
mod follow;
mod input_stream;
mod listing;
mod options;
mod records;
mod sample;
mod source;
mod text_reader;
pub(in crate::sources) mod work;

pub use options::{Compression, FileSourceOptions};
pub use source::FileSource;
