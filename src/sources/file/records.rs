//! The bytes of one file cut into chunks of whole records.

use std::sync::Arc;

use arrow::buffer::Buffer;

use crate::error::Result;
use crate::formats::{Chunk, ChunkDecoder, RecordSplitter, TextInput};
use crate::stream::{RecordPlace, RejectedRecord};

/// A piece of work for a decoder, or a record that was too long to be handed to one.
#[derive(Debug)]
pub(super) enum Piece {
    /// Whole records.
    Chunk {
        /// The records.
        chunk: Chunk,
        /// Their decoder.
        decoder: Arc<dyn ChunkDecoder>,
        /// Offset in the file after each byte of the chunk is this plus the byte's number.
        offset: u64,
    },
    /// A record that was skipped, and the offset after it.
    TooLong(RejectedRecord, u64),
}

/// Takes the bytes of a file as they come and hands out whole records.
pub(super) struct RecordReader {
    input: Arc<dyn TextInput>,
    partition: Arc<str>,
    splitter: Box<dyn RecordSplitter>,
    decoder: Option<Arc<dyn ChunkDecoder>>,
    /// Bytes read and not handed out; starts at a record (or within one that is skipped).
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    offset: u64,
    /// Number of the buffer's first line.
    line: u64,
    skipping: Option<u64>,
    /// Records before this offset were handed out by an earlier run.
    resume_at: u64,
    max_record_size: usize,
}

impl RecordReader {
    pub(super) fn new(input: Arc<dyn TextInput>, partition: Arc<str>, max_record_size: usize, resume_at: u64) -> Self {
        let splitter = input.splitter();
        Self { input, partition, splitter, decoder: None, buffer: Vec::new(), offset: 0, line: 1, skipping: None, resume_at, max_record_size }
    }

    /// Where further bytes are read into; what is appended is taken by [`Self::advance`].
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Offset after the last byte that was read.
    pub(super) fn read_to(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Cuts what is whole out of the buffer. Call again until it returns `None`, then read on.
    pub(super) fn advance(&mut self, at_end: bool) -> Result<Option<Piece>> {
        let Some(decoder) = self.past_preamble(at_end)? else { return Ok(None) };
        if let Some(line) = self.skipping {
            return Ok(self.skip(line, at_end));
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        if self.offset < self.resume_at {
            // What an earlier run handed out is passed over: offsets are record ends.
            let known = usize::try_from(self.resume_at - self.offset).unwrap_or(usize::MAX);
            self.drop_front(known.min(self.buffer.len()));
            return self.advance(at_end);
        }
        let whole = self.splitter.whole_records(&self.buffer, at_end);
        if whole == 0 {
            if self.buffer.len() > self.max_record_size {
                self.skipping = Some(self.line);
                return Ok(self.skip(self.line, at_end));
            }
            return Ok(None);
        }
        let rest = self.buffer[whole..].to_vec();
        let mut records = std::mem::replace(&mut self.buffer, rest);
        records.truncate(whole);
        let lines = self.splitter.lines(&records);
        let chunk = Chunk { bytes: Buffer::from(records), partition: Arc::clone(&self.partition), first_line: self.line };
        let offset = self.offset;
        self.offset += whole as u64;
        self.line += lines;
        Ok(Some(Piece::Chunk { chunk, decoder, offset }))
    }

    fn past_preamble(&mut self, at_end: bool) -> Result<Option<Arc<dyn ChunkDecoder>>> {
        if let Some(decoder) = &self.decoder {
            return Ok(Some(Arc::clone(decoder)));
        }
        if self.buffer.is_empty() && !at_end {
            return Ok(None);
        }
        let Some(preamble) = self.input.preamble(&self.buffer, at_end, &self.partition)? else { return Ok(None) };
        self.drop_front(preamble.length);
        self.decoder = Some(Arc::clone(&preamble.decoder));
        Ok(Some(preamble.decoder))
    }

    fn drop_front(&mut self, length: usize) {
        self.line += self.splitter.lines(&self.buffer[..length]);
        self.buffer.drain(..length);
        self.offset += length as u64;
    }

    fn skip(&mut self, line: u64, at_end: bool) -> Option<Piece> {
        let end = self.splitter.skip_record(&self.buffer);
        let length = match end {
            Some(end) => end,
            None => self.buffer.len(),
        };
        self.drop_front(length);
        if end.is_none() && !at_end {
            return None;
        }
        self.skipping = None;
        let place = RecordPlace { partition: Arc::clone(&self.partition), unit: "line", number: line };
        let reason = format!("the record is longer than max_record_size ({} bytes)", self.max_record_size);
        Some(Piece::TooLong(RejectedRecord { place: Some(place), reason }, self.offset))
    }
}
