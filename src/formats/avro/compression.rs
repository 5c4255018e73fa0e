//! The codecs of Avro files.

use std::io::Read;

use arrow_avro::compression::CompressionCodec;

use crate::options::OptionValue;

/// Most bytes of a decompressed block; a damaged or hostile block must not fill the memory.
const MOST: u64 = 1 << 30;

/// How the blocks of an Avro file are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvroCompression {
    /// Not at all.
    #[default]
    None,
    /// Deflate, as in gzip; read by everything that reads Avro.
    Deflate,
    /// Snappy: fast.
    Snappy,
    /// Zstandard: fast and small.
    Zstd,
}

impl AvroCompression {
    /// As the writer takes it.
    pub(super) fn codec(self) -> Option<CompressionCodec> {
        match self {
            Self::None => None,
            Self::Deflate => Some(CompressionCodec::Deflate),
            Self::Snappy => Some(CompressionCodec::Snappy),
            Self::Zstd => Some(CompressionCodec::ZStandard),
        }
    }
}

impl OptionValue for AvroCompression {
    const TYPE: &'static str = "avro compression";

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "deflate" | "gzip" => Ok(Self::Deflate),
            "snappy" => Ok(Self::Snappy),
            "zstd" => Ok(Self::Zstd),
            _ => Err("expected none, gzip, snappy or zstd".to_owned()),
        }
    }
}

/// A codec found in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
}

impl Codec {
    /// By the name in the header; no name means not compressed.
    pub(super) fn named(name: Option<&[u8]>) -> Result<Self, String> {
        match name {
            None | Some(b"null") => Ok(Self::Null),
            Some(b"deflate") => Ok(Self::Deflate),
            Some(b"snappy") => Ok(Self::Snappy),
            Some(b"zstandard") => Ok(Self::Zstandard),
            Some(b"bzip2") => Ok(Self::Bzip2),
            Some(other) => Err(format!("its codec '{}' is not supported", String::from_utf8_lossy(other))),
        }
    }

    /// The bytes of a block.
    pub(super) fn decompress(self, block: Vec<u8>) -> Result<Vec<u8>, String> {
        match self {
            Self::Null => Ok(block),
            Self::Deflate => inflate(flate2::bufread::DeflateDecoder::new(block.as_slice())),
            Self::Bzip2 => inflate(bzip2::bufread::BzDecoder::new(block.as_slice())),
            Self::Zstandard => inflate(zstd::stream::read::Decoder::with_buffer(block.as_slice()).map_err(|e| e.to_string())?),
            Self::Snappy => unsnap(&block),
        }
    }
}

fn inflate(decoder: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    decoder.take(MOST + 1).read_to_end(&mut bytes).map_err(|e| format!("a block does not decompress: {e}"))?;
    if bytes.len() as u64 > MOST { Err(too_large()) } else { Ok(bytes) }
}

/// A snappy block is followed by the checksum of what it decompresses to.
fn unsnap(block: &[u8]) -> Result<Vec<u8>, String> {
    let failed = |e: snap::Error| format!("a block does not decompress: {e}");
    let (data, checksum) = block.split_last_chunk::<4>().ok_or("a block is too short")?;
    if snap::raw::decompress_len(data).map_err(failed)? as u64 > MOST {
        return Err(too_large());
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(data).map_err(failed)?;
    let mut sum = flate2::Crc::new();
    sum.update(&bytes);
    if sum.sum() == u32::from_be_bytes(*checksum) { Ok(bytes) } else { Err("the checksum of a block is wrong".to_owned()) }
}

fn too_large() -> String {
    "a block is larger than 1 GiB".to_owned()
}
