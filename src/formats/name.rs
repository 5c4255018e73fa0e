//! The formats by name and by file suffix.

use std::path::Path;

use crate::options::OptionValue;

/// A format of files and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormatName {
    /// A source reads one array, one object or lines; a sink writes one object a line.
    Json,
    /// One object a line.
    JsonLines,
    /// Delimited text.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Avro object container files.
    Avro,
}

impl FormatName {
    /// The format that a path's suffix stands for, a compression suffix left out: `orders.csv.gz` is CSV.
    pub fn from_path(path: &str) -> Option<Self> {
        let mut path = Path::new(path);
        if let Some(extension) = path.extension().and_then(|e| e.to_str())
            && matches!(extension.to_ascii_lowercase().as_str(), "gz" | "gzip" | "zst" | "zstd" | "bz2" | "enc")
        {
            path = Path::new(path.file_stem()?);
        }
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "jsonl" | "jsonlines" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "avro" => Some(Self::Avro),
            _ => None,
        }
    }

    /// The name used in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonLines => "jsonlines",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Avro => "avro",
        }
    }

    /// Whether a file of this format can be read only after it was closed.
    pub fn readable_when_closed(self) -> bool {
        matches!(self, Self::Parquet | Self::Avro)
    }
}

impl OptionValue for FormatName {
    const TYPE: &'static str = "format";
    const NAMES: &'static [&'static str] = &["json", "jsonlines", "jsonl", "ndjson", "csv", "parquet", "avro"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "jsonlines" | "jsonl" | "ndjson" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            "avro" => Ok(Self::Avro),
            _ => Err("expected json, jsonlines, csv, parquet or avro".to_owned()),
        }
    }
}
