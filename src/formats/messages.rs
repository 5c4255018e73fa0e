//! What a format offers to readers of messages: values that come one by one, each with bounds of its own.

use std::fmt::Debug;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use crate::error::Result;
use crate::options::OptionValue;

/// The format of message values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFormat {
    /// Objects; a reader takes arrays of objects, too.
    Json,
    /// Records in Avro's binary form.
    Avro,
}

impl OptionValue for MessageFormat {
    const TYPE: &'static str = "message format";
    const NAMES: &'static [&'static str] = &["json", "avro"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "avro" => Ok(Self::Avro),
            _ => Err("expected json or avro".to_owned()),
        }
    }
}

/// The format of message keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// Text; written of several columns, an object.
    String,
    /// JSON.
    Json,
}

impl OptionValue for KeyFormat {
    const TYPE: &'static str = "key format";
    const NAMES: &'static [&'static str] = &["string", "text", "json"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "string" | "text" => Ok(Self::String),
            "json" => Ok(Self::Json),
            _ => Err("expected string or json".to_owned()),
        }
    }
}

/// The values of messages, one after another in one buffer.
#[derive(Clone, Debug)]
pub struct Messages {
    /// The bytes. Shared: text columns may point into it.
    pub bytes: Buffer,
    /// Where each value ends.
    pub ends: Vec<usize>,
}

impl Messages {
    /// Start and end of each value.
    pub fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        std::iter::once(0).chain(self.ends.iter().copied()).zip(self.ends.iter().copied())
    }
}

/// The rows of messages.
#[derive(Debug)]
pub struct DecodedMessages {
    /// The rows, in the order of the messages.
    pub rows: RecordBatch,
    /// For each row the number of its message.
    pub message_of_row: Vec<u32>,
    /// Messages that can't be used: their numbers, and why.
    pub rejected: Vec<(u32, String)>,
    /// Messages that hold no row: empty arrays.
    pub empty: u64,
}

/// Decodes the values of messages; has no state, so that several can be decoded at the same time.
pub trait MessageDecoder: Send + Sync + Debug {
    /// Decodes them. A value that does not decode is in `rejected`; only a fault of the engine is an error.
    fn decode(&self, messages: &Messages) -> Result<DecodedMessages>;

    /// Whether that may wait for another system.
    fn asks(&self) -> bool {
        false
    }
}
