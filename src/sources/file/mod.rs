//! Files as a source. In reading order:
//! - `options`: its keys
//! - `source`: the configured source
//! - `listing`: which files a path stands for
//! - `places`: the files that it may read
//! - `path_columns`: columns that the path of a file gives
//! - `pipe`: standard input and named pipes, which can be read once
//! - `sample`: the columns of files without declared ones
//! - `gzip`, `input_stream`: a text file's bytes, decompressed, in UTF-8
//! - `text_table`: a text format with the columns of a source
//! - `records`: those bytes cut into chunks of whole records
//! - `text_reader`, `work`: a thread reads and splits, tasks decode, order is kept
//! - `followed`, `follow`: growing files
//! - `columnar_reader`: Parquet and Avro files

mod columnar_reader;
mod follow;
mod followed;
mod gzip;
mod input_stream;
mod listing;
mod options;
mod path_columns;
mod pipe;
mod places;
mod records;
mod sample;
mod source;
mod text_reader;
mod text_table;
pub(in crate::sources) mod work;

pub use options::{Compression, FileSourceOptions};
pub use source::FileSource;
