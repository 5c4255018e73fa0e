//! The keys of a file source.

use super::listing::Listing;
use crate::formats::FormatName;
use crate::formats::csv::Delimiter;
use crate::options::{ByteSize, Millis, OptionValue, PathText, define_options};

/// Compression of text files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None.
    None,
    /// gzip, several members allowed.
    Gzip,
    /// Zstandard, several frames allowed.
    Zstd,
    /// bzip2, several streams allowed.
    Bzip2,
    /// Codecs that occur only inside Parquet and Avro files, which say so themselves.
    Inside,
}

impl OptionValue for Compression {
    const TYPE: &'static str = "compression";
    const NAMES: &'static [&'static str] = &["none", "uncompressed", "gzip", "gz", "zstd", "zst", "bz2", "bzip2", "snappy", "lz4", "brotli"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Ok(Self::None),
            "gzip" | "gz" => Ok(Self::Gzip),
            "zstd" | "zst" => Ok(Self::Zstd),
            "bz2" | "bzip2" => Ok(Self::Bzip2),
            "snappy" | "lz4" | "brotli" => Ok(Self::Inside),
            _ => Err("expected none, gzip, zstd or bz2".to_owned()),
        }
    }
}

impl Compression {
    /// The compression that a path's suffix stands for.
    pub(super) fn from_path(path: &str) -> Self {
        let suffix = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match suffix.as_str() {
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            "bz2" => Self::Bzip2,
            _ => Self::None,
        }
    }
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first record.
    Earliest,
    /// With what is appended from now on.
    Latest,
}

impl OptionValue for Start {
    const TYPE: &'static str = "start";
    const NAMES: &'static [&'static str] = &["earliest", "latest"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            _ => Err("expected earliest or latest: files have no times to start at".to_owned()),
        }
    }
}

/// Where reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// With what is there when the job starts.
    Latest,
}

impl OptionValue for Until {
    const TYPE: &'static str = "until";
    const NAMES: &'static [&'static str] = &["latest"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "latest" => Ok(Self::Latest),
            _ => Err("expected latest: files have no times to end at".to_owned()),
        }
    }
}

/// A text encoding of the WHATWG list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(pub &'static encoding_rs::Encoding);

impl OptionValue for TextEncoding {
    const TYPE: &'static str = "encoding";

    fn parse(text: &str) -> Result<Self, String> {
        encoding_rs::Encoding::for_label(text.as_bytes())
            .map(Self)
            .ok_or_else(|| "expected a name such as utf-8, latin1, windows-1252, utf-16le, shift_jis".to_owned())
    }
}

define_options! {
    /// Settings of a file source.
    pub struct FileSourceOptions (Source) {
        /// A file, a glob (`data/*.csv`, read in the order of the names), a folder (its files and those of its folders `column=value`, in the order of the names, hidden ones
        /// left out), a named pipe, or `-` for standard input.
        path: PathText = "path" [] required like "data/orders.csv";
        /// json (an array, an object, or lines), jsonlines, csv, parquet or avro. Without it the suffix of the path decides; without one of these suffixes it is json.
        format: FormatName = "format" ["value.format"] optional like "csv";
        /// gzip, zstd, bz2 or none, for json, jsonlines and csv. Without it the suffix of each file decides. Parquet and Avro files say themselves what they use, so it is
        /// not looked at there.
        compression: Compression = "compression" [] optional like "gzip";
        /// CSV: whether the first record names the columns.
        has_headers: bool = "has_headers" [] default "true" like "false";
        /// CSV: the character between fields.
        delimiter: Delimiter = "delimiter" [] default "," like ";";
        /// Encoding of text files (a name of the WHATWG list; `latin1` is windows-1252 there). A record with bytes that mean nothing in it is a bad one.
        encoding: TextEncoding = "encoding" [] default "utf-8" like "latin1";
        /// Go on reading what is appended to the file, and files that come to match the path.
        follow: bool = "follow" [] default "false";
        /// How often a followed file is looked at.
        follow_interval: Millis = "follow.interval" [] default "100ms" like "1s";
        /// earliest reads from the beginning; latest, with follow, only what is appended from now on.
        start: Start = "start" [] default "earliest" like "latest";
        /// latest ends with what is there when the job starts, so that a followed file or standard input is bounded.
        until: Until = "until" [] optional;
        /// Longer records are rejected.
        max_record_size: ByteSize = "max_record_size" [] default "16MiB" like "1MiB";
    }
}

impl FileSourceOptions {
    /// Whether the path is standard input or a named pipe.
    pub fn reads_pipe(&self) -> bool {
        Listing::new(&self.path).is_ok_and(|listing| listing.is_pipe())
    }

    /// Whether reading ends by itself.
    pub fn is_bounded(&self) -> bool {
        self.until.is_some() || !(self.follow || *self.path == *"-")
    }
}
