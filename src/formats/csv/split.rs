//! Where records end.

use std::sync::Arc;

use super::decode::CsvDecoder;
use super::scan::{Found, Malformed, Scanner, field};
use crate::formats::contract::{RecordSplitter, Split};

/// Records that must follow each other in what a quote encloses before they are taken for records, in a file whose texts span lines.
const ENOUGH: usize = 3;

const UNCLOSED: &str = "a quote is not closed";
const AFTER_QUOTE: &str = "text after a closing quote (a quote within quotes is written twice)";

/// Records end at line ends outside quotes. A quote that is not closed would take all that follows with it, so once it is known (by text after the quote that seems to close it, the
/// end of the file, or the longest record) reading goes on at the first line after it that is a record of the table.
#[derive(Debug)]
pub(super) struct CsvSplitter {
    scanner: Scanner,
    /// Bytes of the buffer that the scanner has moved over.
    seen: usize,
    /// Tells whether bytes are a record of the table.
    trial: CsvDecoder,
    /// The file has had a good record that spans lines.
    has_long_texts: bool,
    /// A record that is too long is passed over.
    skipping: bool,
    /// Whether the line after its first one is a record was found out.
    tried: bool,
}

impl CsvSplitter {
    pub(super) fn new(decoder: &Arc<CsvDecoder>) -> Self {
        let trial = CsvDecoder { batch_rows: 1, ..decoder.as_ref().clone() };
        Self { scanner: Scanner::default(), seen: 0, trial, has_long_texts: false, skipping: false, tried: false }
    }

    fn find_end(&mut self, buffer: &[u8], at: usize) -> Found {
        let found = self.scanner.find_end(buffer, at, self.trial.delimiter);
        if let Found::End(_) = found {
            self.has_long_texts |= self.scanner.second_line().is_some();
            self.scanner = Scanner::default();
        }
        found
    }

    fn broken(&mut self, length: usize, reason: &'static str) -> Split {
        self.scanner = Scanner::default();
        self.seen = 0;
        Split::Broken(length, reason)
    }

    fn skipped(&mut self, length: usize) -> (usize, bool) {
        self.scanner = Scanner::default();
        self.seen = 0;
        (self.skipping, self.tried) = (false, false);
        (length, true)
    }

    /// The first later line of the present record from which on there are `enough` records.
    fn resume(&self, buffer: &[u8], enough: usize) -> Option<usize> {
        let mut start = self.scanner.second_line()?;
        while start < buffer.len() {
            if self.are_records(buffer, start, enough) {
                return Some(start);
            }
            start += memchr::memchr(b'\n', &buffer[start..])? + 1;
        }
        None
    }

    /// The line on which a quote closed the text that was open may be one of a record that is torn itself: fields of the table, and then this quote.
    fn torn_line(&self, buffer: &[u8], at: usize) -> Option<usize> {
        let start = memchr::memrchr(b'\n', &buffer[..at])? + 1;
        let mut next = start;
        for number in 0..self.trial.targets.len() {
            match field(buffer, next, self.trial.delimiter) {
                Ok(found) if !found.last => next = found.next,
                Err(Malformed::Unclosed) if number > 0 => return Some(start),
                _ => return None,
            }
        }
        None
    }

    fn are_records(&self, buffer: &[u8], mut at: usize, enough: usize) -> bool {
        // Any line is a record of one column.
        if self.trial.targets.len() < 2 {
            return false;
        }
        (0..enough).all(|_| {
            let end = match Scanner::default().find_end(buffer, at, self.trial.delimiter) {
                Found::End(end) => end,
                _ => buffer.len(),
            };
            let fits = at < end && self.trial.fits(&buffer[at..end]);
            at = end;
            fits
        })
    }

    fn enough(&self) -> usize {
        if self.has_long_texts { ENOUGH } else { 1 }
    }
}

impl RecordSplitter for CsvSplitter {
    fn next(&mut self, buffer: &[u8], at_end: bool) -> Split {
        let mut whole = 0;
        let mut at = self.seen;
        let malformed = loop {
            match self.find_end(buffer, at) {
                Found::End(end) => (at, whole) = (end, end),
                Found::Malformed(at) => break Some(at),
                Found::More => break None,
            }
        };
        self.seen = buffer.len() - whole;
        self.scanner.shift(whole);
        match malformed {
            Some(_) if whole > 0 => {
                // Looked at again when it stands at the beginning.
                self.scanner = Scanner::default();
                self.seen = 0;
                Split::Records(whole)
            }
            // What is malformed on its first line ends there.
            Some(at) if self.scanner.second_line() == Some(at) => self.broken(at, AFTER_QUOTE),
            Some(at) => match memchr::memchr(b'\n', &buffer[at..]).map(|end| at + end + 1).or_else(|| at_end.then_some(buffer.len())) {
                Some(end) => {
                    let length = self.resume(&buffer[..end], 1).or_else(|| self.torn_line(&buffer[..end], at)).unwrap_or(end);
                    self.broken(length, AFTER_QUOTE)
                }
                None => {
                    self.scanner = Scanner::default();
                    self.seen = 0;
                    Split::Incomplete
                }
            },
            None if whole > 0 => Split::Records(whole),
            None if !at_end || buffer.is_empty() => Split::Incomplete,
            None if self.scanner.is_quoted() => {
                let length = self.resume(buffer, self.enough()).unwrap_or(buffer.len());
                self.broken(length, UNCLOSED)
            }
            None => {
                self.scanner = Scanner::default();
                Split::Records(buffer.len())
            }
        }
    }

    fn skip_record(&mut self, buffer: &[u8]) -> (usize, bool) {
        if !std::mem::replace(&mut self.skipping, true)
            && let Some(line) = self.resume(buffer, self.enough())
        {
            return self.skipped(line);
        }
        let mut at = std::mem::take(&mut self.seen);
        loop {
            let found = self.find_end(buffer, at);
            match found {
                Found::End(end) => return self.skipped(end),
                Found::Malformed(line) if self.scanner.second_line() == Some(line) => return self.skipped(line),
                _ => {}
            }
            // The quote that the record's first line leaves open may be a wrong one.
            if let Some(line) = self.scanner.second_line().filter(|_| !self.tried) {
                let lines = memchr::memchr_iter(b'\n', &buffer[line..]).take(self.enough()).count();
                if lines < self.enough() && found == Found::More && buffer.len() - line < self.trial.max_record_size {
                    self.scanner.shift(line);
                    self.seen = buffer.len() - line;
                    return (line, false);
                }
                self.tried = true;
                if self.are_records(buffer, line, self.enough()) {
                    return self.skipped(line);
                }
            }
            match found {
                Found::Malformed(here) => at = here,
                _ => return (buffer.len(), false),
            }
        }
    }
}
