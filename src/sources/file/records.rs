//! The bytes of one file cut into chunks of whole records.

use std::sync::Arc;

use arrow::buffer::Buffer;

use super::text_reader::CHUNK;
use crate::error::Result;
use crate::formats::{Chunk, ChunkDecoder, RecordSplitter, Split, TextInput};
use crate::stream::{RecordPlace, RejectedRecord};

/// A piece of work for a decoder, or a record that is handed to none.
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
    /// A record that is too long or has no proper end, and the offset after it.
    Rejected(RejectedRecord, u64),
}

/// What reads the records, known after the beginning of the file.
struct Format {
    decoder: Arc<dyn ChunkDecoder>,
    splitter: Box<dyn RecordSplitter>,
}

/// Takes the bytes of a file as they come and hands out whole records.
pub(super) struct RecordReader {
    input: Arc<dyn TextInput>,
    partition: Arc<str>,
    format: Option<Format>,
    /// Bytes read; those before `start` were handed out.
    buffer: Vec<u8>,
    /// A record starts here (or one that is skipped goes on).
    start: usize,
    /// Offset of that byte in the file.
    offset: u64,
    /// Number of its line.
    line: u64,
    /// A record that is too long is passed over; it began on this line.
    skipping: Option<u64>,
    /// Records before this offset were handed out by an earlier run.
    resume_at: u64,
    max_record_size: usize,
    /// What is wrong with the end of the file was told.
    ended: bool,
    /// Records that may be read at once.
    most_records: usize,
}

impl RecordReader {
    pub(super) fn new(input: Arc<dyn TextInput>, partition: Arc<str>, max_record_size: usize, most_records: usize, resume_at: u64) -> Self {
        Self {
            input,
            partition,
            format: None,
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            line: 1,
            skipping: None,
            resume_at,
            max_record_size,
            ended: false,
            most_records,
        }
    }

    /// Where further bytes are read into; what is appended is taken by [`Self::advance`].
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..std::mem::take(&mut self.start));
        &mut self.buffer
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Offset after the last byte that was read.
    pub(super) fn read_to(&self) -> u64 {
        self.offset + self.rest().len() as u64
    }

    /// How many bytes to read, so that there are not too many records in them if they are as long as those so far.
    pub(super) fn chunk(&self) -> usize {
        /// The length of a record before one is known.
        const SHORT: u64 = 16;
        let length = self.offset.checked_div(self.line - 1).unwrap_or(SHORT).max(1);
        usize::try_from(length.saturating_mul(self.most_records as u64)).unwrap_or(usize::MAX).clamp(4096, CHUNK)
    }

    /// Offset after the last record that was handed out.
    pub(super) fn handed_out_to(&self) -> u64 {
        self.offset.max(self.resume_at)
    }

    /// The file has another name now.
    pub(super) fn rename(&mut self, partition: Arc<str>) {
        self.partition = partition;
    }

    /// Cuts what is whole out of the buffer. Call again until it returns `None`, then read on.
    pub(super) fn advance(&mut self, at_end: bool) -> Result<Option<Piece>> {
        if self.format.is_none() && !self.past_preamble(at_end)? {
            return Ok(None);
        }
        if let Some(line) = self.skipping {
            return Ok(self.skip(line, at_end));
        }
        let Some(format) = &mut self.format else { return Ok(None) };
        let bytes = &self.buffer[self.start..];
        if self.offset < self.resume_at && !bytes.is_empty() {
            // What an earlier run handed out is passed over: offsets are record ends.
            let known = usize::try_from(self.resume_at - self.offset).unwrap_or(usize::MAX).min(bytes.len());
            format.splitter.pass_over(&bytes[..known]);
            self.drop_front(known);
            return self.advance(at_end);
        }
        match format.splitter.next(bytes, at_end) {
            Split::Records(length) => {
                let decoder = Arc::clone(&format.decoder);
                let (first_line, offset) = (self.line, self.offset);
                let bytes = self.take(length);
                self.line += lines(&bytes);
                self.offset += length as u64;
                Ok(Some(Piece::Chunk { chunk: Chunk { bytes, partition: Arc::clone(&self.partition), first_line }, decoder, offset }))
            }
            Split::Broken(length, reason) => {
                let line = self.line;
                self.drop_front(length);
                Ok(Some(self.rejected(line, reason.to_owned())))
            }
            Split::Incomplete if bytes.len() > self.max_record_size => {
                self.skipping = Some(self.line);
                Ok(self.skip(self.line, at_end))
            }
            Split::Incomplete if at_end && !std::mem::replace(&mut self.ended, true) => {
                let fault = format.splitter.fault_at_end();
                Ok(fault.map(|reason| self.rejected(self.line, reason.to_owned())))
            }
            Split::Incomplete => Ok(None),
        }
    }

    /// The rest of the file can't be read: the record that is begun, with the reason. Nothing more comes of the file.
    pub(super) fn damaged(&mut self, reason: &str) -> Piece {
        let line = self.skipping.take().unwrap_or(self.line);
        self.drop_front(self.rest().len());
        self.rejected(line, format!("{reason}; the rest of the file is left out"))
    }

    fn rejected(&self, line: u64, reason: String) -> Piece {
        let place = RecordPlace { partition: Arc::clone(&self.partition), unit: "line", number: line };
        Piece::Rejected(RejectedRecord { place: Some(place), reason }, self.offset)
    }

    fn past_preamble(&mut self, at_end: bool) -> Result<bool> {
        if self.rest().is_empty() && !at_end {
            return Ok(false);
        }
        let Some(preamble) = self.input.preamble(self.rest(), at_end, &self.partition)? else { return Ok(false) };
        self.drop_front(preamble.length);
        self.format = Some(Format { decoder: preamble.decoder, splitter: preamble.splitter });
        Ok(true)
    }

    fn drop_front(&mut self, length: usize) {
        self.line += lines(&self.rest()[..length]);
        self.start += length;
        self.offset += length as u64;
    }

    /// Takes bytes out of the buffer. Whichever part is smaller is copied, so that many small pieces don't copy the buffer many times.
    fn take(&mut self, length: usize) -> Buffer {
        let end = self.start + length;
        if length < self.buffer.len() - end {
            let bytes = Buffer::from(&self.buffer[self.start..end]);
            self.start = end;
            return bytes;
        }
        let rest = self.buffer[end..].to_vec();
        let bytes = Buffer::from(std::mem::replace(&mut self.buffer, rest));
        bytes.slice_with_length(std::mem::take(&mut self.start), length)
    }

    fn skip(&mut self, line: u64, at_end: bool) -> Option<Piece> {
        let (length, ended) = self.format.as_mut()?.splitter.skip_record(&self.buffer[self.start..]);
        self.drop_front(if at_end && !ended { self.rest().len() } else { length });
        if !ended && !at_end {
            return None;
        }
        self.skipping = None;
        Some(self.rejected(line, format!("the record is longer than max_record_size ({} bytes)", self.max_record_size)))
    }
}

fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
