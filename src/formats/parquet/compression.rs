//! The codecs of Parquet files by name.

use parquet::basic::{Compression, GzipLevel, ZstdLevel};

use crate::options::OptionValue;

/// How the pages inside a Parquet file are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParquetCompression {
    /// Not at all.
    None,
    /// Snappy: fast, and read by everything that reads Parquet.
    #[default]
    Snappy,
    /// Gzip: slow, small.
    Gzip,
    /// Zstandard: fast and small.
    Zstd,
    /// LZ4 (raw blocks): fastest.
    Lz4,
}

impl ParquetCompression {
    /// As the writer takes it.
    pub(super) fn codec(self) -> Compression {
        match self {
            Self::None => Compression::UNCOMPRESSED,
            Self::Snappy => Compression::SNAPPY,
            Self::Gzip => Compression::GZIP(GzipLevel::default()),
            Self::Zstd => Compression::ZSTD(ZstdLevel::default()),
            Self::Lz4 => Compression::LZ4_RAW,
        }
    }
}

impl OptionValue for ParquetCompression {
    const TYPE: &'static str = "parquet compression";

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "lz4" => Ok(Self::Lz4),
            _ => Err("expected none, snappy, gzip, zstd or lz4".to_owned()),
        }
    }
}
