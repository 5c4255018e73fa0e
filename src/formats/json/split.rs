//! Where records end.

use super::nesting::{Nesting, Step};
use crate::formats::contract::{RecordSplitter, Split};

/// One record a line.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    /// Bytes of the unfinished record that hold no line end.
    seen: usize,
}

impl RecordSplitter for LineSplitter {
    fn next(&mut self, buffer: &[u8], at_end: bool) -> Split {
        if buffer.is_empty() {
            return Split::Incomplete;
        }
        if at_end {
            return Split::Records(buffer.len());
        }
        match memchr::memrchr(b'\n', buffer.get(self.seen..).unwrap_or_default()) {
            Some(end) => {
                let whole = self.seen + end + 1;
                self.seen = buffer.len() - whole;
                Split::Records(whole)
            }
            None => {
                self.seen = buffer.len();
                Split::Incomplete
            }
        }
    }

    fn skip_record(&mut self, buffer: &[u8]) -> (usize, bool) {
        self.seen = 0;
        memchr::memchr(b'\n', buffer).map_or((buffer.len(), false), |end| (end + 1, true))
    }
}

/// Objects that may span lines, in an array or one after another. One that is torn ends before the line on which the next one begins, so that it takes no other with it.
#[derive(Debug, Default)]
pub(super) struct DocumentSplitter {
    state: Nesting,
    /// Bytes of the buffer that `state` has moved over.
    seen: usize,
    /// The next record is torn after so many bytes.
    torn: Option<usize>,
    /// The file has objects on lines of their own, so a line of a torn record on which an object could begin is more likely a record than a part of one.
    has_lines: bool,
    /// The file ends within a record, which was told.
    cut_off: bool,
}

impl DocumentSplitter {
    /// Moves on from `at` until the present record ends, begins, or is known to be torn before a line.
    fn step(&mut self, buffer: &[u8], mut at: usize) -> Step {
        loop {
            match self.state.step(buffer, at) {
                Step::Torn { line, at: here } => match self.state.later().filter(|_| self.has_lines).or(line) {
                    Some(line) => return Step::Torn { line: Some(line), at: here },
                    None => at = here,
                },
                Step::EndOfLine(end) => {
                    self.has_lines = true;
                    return Step::End(end);
                }
                other => return other,
            }
        }
    }

    fn broken(&mut self, length: usize) -> Split {
        let reason = self.state.reason();
        self.state.restart();
        self.seen = 0;
        Split::Broken(length, reason)
    }
}

impl RecordSplitter for DocumentSplitter {
    fn next(&mut self, buffer: &[u8], at_end: bool) -> Split {
        if let Some(length) = self.torn.take() {
            return self.broken(length);
        }
        let mut whole = 0;
        let mut at = self.seen;
        let torn = loop {
            match self.step(buffer, at) {
                // What stands between records goes with those before it.
                Step::Between(end) | Step::End(end) => (at, whole) = (end, end),
                Step::Torn { line, .. } => break line,
                _ => break None,
            }
        };
        self.seen = buffer.len() - whole;
        self.state.shift(whole);
        match torn {
            Some(line) if whole > 0 => {
                self.torn = Some(line.saturating_sub(whole));
                Split::Records(whole)
            }
            Some(line) => self.broken(line),
            None if whole > 0 => Split::Records(whole),
            None if !at_end || buffer.is_empty() => Split::Incomplete,
            None if self.state.is_bare() => {
                self.state.restart();
                Split::Records(buffer.len())
            }
            None => {
                let line = self.state.later().filter(|_| self.has_lines);
                self.cut_off = line.is_none();
                self.broken(line.unwrap_or(buffer.len()))
            }
        }
    }

    fn skip_record(&mut self, buffer: &[u8]) -> (usize, bool) {
        let at = std::mem::take(&mut self.seen);
        let line = self.state.later().filter(|_| self.has_lines);
        let end = match line.map_or_else(|| self.step(buffer, at), |line| Step::Torn { line: Some(line), at }) {
            Step::Between(end) | Step::End(end) => Some(end),
            Step::Torn { line, .. } => {
                self.state.restart();
                line
            }
            _ => None,
        };
        if end.is_none() {
            // The state goes on: only within it can the end be told.
            self.state.forget();
        }
        self.cut_off = end.is_none();
        (end.unwrap_or(buffer.len()), end.is_some())
    }

    fn pass_over(&mut self, records: &[u8]) {
        let mut at = 0;
        while let Step::Between(end) | Step::End(end) = self.step(records, at) {
            at = end;
        }
    }

    fn fault_at_end(&self) -> Option<&'static str> {
        (self.state.is_in_list() && !self.cut_off).then_some("not valid JSON: the array is not closed")
    }
}
