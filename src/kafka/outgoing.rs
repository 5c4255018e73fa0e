//! Messages to send, and what became of them.

use std::ffi::CString;

use arrow::array::{Array, BinaryViewArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use rdkafka::types::RDKafkaErrorCode as Code;

/// Slices of one buffer.
#[derive(Debug, Default)]
pub struct Payload {
    /// The bytes of all.
    pub bytes: Vec<u8>,
    /// Where each ends.
    pub ends: Vec<usize>,
    /// Bytes before each of these ends that are no part of it (the end of a line).
    pub gap: usize,
}

impl Payload {
    /// Number of slices.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One slice.
    pub fn get(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at] - self.gap]
    }
}

/// Headers by message.
#[derive(Clone, Debug)]
pub enum HeaderColumn {
    /// One of this name, for messages with a value.
    Named(CString, BinaryViewArray),
    /// For each message the entries between two offsets, in order; a value may be missing, a name come twice.
    Entries {
        /// Where those of each message begin; one more than there are messages.
        offsets: OffsetBuffer<i32>,
        /// Messages that have entries.
        valid: Option<NullBuffer>,
        /// All names.
        names: BinaryViewArray,
        /// All values.
        values: BinaryViewArray,
    },
}

impl HeaderColumn {
    /// Calls `add` with the name and value of each header of a message.
    pub(super) fn each(&self, at: usize, mut add: impl FnMut(&[u8], Option<&[u8]>)) {
        match self {
            Self::Named(name, values) if values.is_valid(at) => add(name.to_bytes(), Some(values.value(at))),
            Self::Named(..) => {}
            Self::Entries { valid: Some(valid), .. } if valid.is_null(at) => {}
            Self::Entries { offsets, names, values, .. } => {
                for entry in offsets[at] as usize..offsets[at + 1] as usize {
                    add(names.value(entry), values.is_valid(entry).then(|| values.value(entry)));
                }
            }
        }
    }
}

/// Messages to send.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// The values.
    pub values: Payload,
    /// The keys; `None`: no message has one.
    pub keys: Option<BinaryViewArray>,
    /// Times in milliseconds since 1970; `None`: the time of sending. 0 within: likewise.
    pub timestamps: Option<Vec<i64>>,
    /// Headers.
    pub headers: Vec<HeaderColumn>,
}

/// A message that was not delivered.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// Its number in its batch.
    pub at: usize,
    /// Why.
    pub reason: String,
    /// What can be done about it.
    pub cause: Cause,
}

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is refused for good.
    Refused,
    /// The request that it was in is larger than the topic allows; in a smaller one it may pass.
    RequestTooLarge,
    /// No broker took it in time.
    TimedOut,
    /// Anything else; it can be sent again.
    Failed,
}

/// A batch that is settled: every message was delivered or is among `undelivered`.
#[derive(Debug)]
pub struct Delivery {
    /// The mark it was sent with.
    pub mark: u64,
    /// The messages, for sending some again.
    pub outgoing: Outgoing,
    /// What was not delivered.
    pub undelivered: Vec<Undelivered>,
}

impl Cause {
    /// What a code says of a message that was sent by itself.
    pub(super) fn of(code: Code) -> Self {
        match code {
            Code::MessageSizeTooLarge
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::UnknownTopic
            | Code::UnknownTopicOrPartition
            | Code::UnknownPartition
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::InvalidArgument
            | Code::PolicyViolation => Self::Refused,
            Code::MessageTimedOut => Self::TimedOut,
            _ => Self::Failed,
        }
    }
}
