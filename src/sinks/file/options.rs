//! The keys of a file sink.

use crate::formats::FormatName;
use crate::formats::csv::Delimiter;
use crate::options::{ByteSize, NameList, OptionValue, PathText, Secret, SomeBytes, SomeMillis, Within, define_options};

/// Compression of an output: of the whole file for text, inside the file for Parquet and Avro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// None.
    None,
    /// gzip; deflate inside Avro.
    Gzip,
    /// Zstandard.
    Zstd,
    /// Snappy, inside Parquet and Avro.
    Snappy,
    /// LZ4, inside Parquet.
    Lz4,
}

impl OptionValue for Codec {
    const TYPE: &'static str = "compression";
    const NAMES: &'static [&'static str] = &["none", "uncompressed", "gzip", "gz", "deflate", "zstd", "zst", "snappy", "lz4"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Ok(Self::None),
            "gzip" | "gz" | "deflate" => Ok(Self::Gzip),
            "zstd" | "zst" => Ok(Self::Zstd),
            "snappy" => Ok(Self::Snappy),
            "lz4" => Ok(Self::Lz4),
            _ => Err("expected none, gzip, zstd, snappy or lz4".to_owned()),
        }
    }
}

/// How often a new file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// At every full hour (UTC).
    Hourly,
    /// At midnight (UTC).
    Daily,
}

impl OptionValue for Rotation {
    const TYPE: &'static str = "rotation";
    const NAMES: &'static [&'static str] = &["hourly", "daily"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "hourly" => Ok(Self::Hourly),
            "daily" => Ok(Self::Daily),
            _ => Err("expected hourly or daily".to_owned()),
        }
    }
}

/// An encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// AES-256-GCM in frames.
    Aes256,
}

impl OptionValue for Encryption {
    const TYPE: &'static str = "encryption";
    const NAMES: &'static [&'static str] = &["AES256", "AES-256", "AES-256-GCM"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_uppercase().as_str() {
            "AES256" | "AES-256" | "AES-256-GCM" => Ok(Self::Aes256),
            _ => Err("expected AES256".to_owned()),
        }
    }
}

define_options! {
    /// Settings of a file sink.
    pub struct FileSinkOptions (Sink) {
        /// Where rows go; `{date}` `{hour}` `{year}` `{month}` `{day}` `{timestamp}` `{batch_id}` `${DATE}` `${TIME}` are put in (UTC) when a file is begun. With `{batch_id}`
        /// every batch gets a file of its own. With partition_columns it is a folder. Missing folders are made.
        path: PathText = "path" [] required like "archive/orders_{date}.jsonl";
        /// json (one object a line), jsonlines, csv, parquet or avro. Without it the suffix of the path decides; without one of these suffixes it is json.
        format: FormatName = "format" ["value.format"] optional like "jsonlines";
        /// Keep what the file holds. Without it the file is replaced.
        append: bool = "append" [] default "false";
        /// none, gzip or zstd for text (without it the suffix .gz or .zst of the path decides); none, snappy, gzip, zstd or lz4 inside Parquet (default snappy); none, gzip, snappy or zstd
        /// inside Avro. The path is used as written.
        compression: Codec = "compression" [] optional like "zstd";
        /// hourly or daily: begin a new file at every full hour or at midnight, UTC.
        rotation: Rotation = "rotation" [] optional;
        /// With rotation, roll.size or roll.interval: the oldest files beyond this many are deleted.
        max_files: Within<1, { usize::MAX }> = "max_files" [] optional like "30";
        /// Begin a new file when one has this size.
        roll_size: SomeBytes = "roll.size" [] optional like "128MiB";
        /// Begin a new file when one has this age.
        roll_interval: SomeMillis = "roll.interval" [] optional like "15m";
        /// Bytes collected before they are handed to the operating system; a file in place gets what there is at the end of each batch, too.
        buffer_size_bytes: ByteSize = "buffer_size_bytes" [] default "65536" like "262144";
        /// AES256 encrypts the file; read it with velo-sql decrypt.
        encryption: Encryption = "encryption" [] optional;
        /// The key: 32 bytes in base64. Without it the variable VELO_ENCRYPTION_KEY is read.
        encryption_key: Secret = "encryption.key" [] optional like "${VELO_ENCRYPTION_KEY}";
        /// Rows go to a folder `column=value` for each of these columns, which are left out of the files.
        partition_columns: NameList = "partition_columns" [] optional like "day, region";
        /// CSV: whether the first record names the columns.
        has_headers: bool = "has_headers" [] default "true" like "false";
        /// CSV: the character between fields.
        delimiter: Delimiter = "delimiter" [] default "," like "\\t";
    }
}

impl FileSinkOptions {
    /// The compression of text files: the key's, else the one that the path's suffix stands for, so that a source reads the file without being told.
    pub(super) fn text_compression(&self) -> Codec {
        self.compression.unwrap_or_else(|| match self.path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "gz" | "gzip" => Codec::Gzip,
            "zst" | "zstd" => Codec::Zstd,
            _ => Codec::None,
        })
    }
}
