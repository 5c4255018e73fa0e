//! Bytes to batches and back, the same at both ends. In reading order:
//! - `contract`: what a text format offers to readers and writers
//! - `name`: the formats by name and file suffix

mod contract;
mod name;

pub use contract::{BatchEncoder, Chunk, ChunkDecoder, DecodedChunk, EncodedBatch, Preamble, RecordSplitter, TextInput};
pub use name::FormatName;
