//! Where records end.

use super::scan::Scanner;
use crate::formats::contract::RecordSplitter;

/// Records end at line ends outside quotes.
#[derive(Debug)]
pub(super) struct CsvSplitter {
    delimiter: u8,
    scanner: Scanner,
    /// Bytes of the buffer that the scanner has moved over.
    seen: usize,
}

impl CsvSplitter {
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, scanner: Scanner::default(), seen: 0 }
    }
}

impl RecordSplitter for CsvSplitter {
    fn whole_records(&mut self, buffer: &[u8], at_end: bool) -> usize {
        if at_end {
            return buffer.len();
        }
        let mut whole = 0;
        let mut at = self.seen;
        while let Some(end) = self.scanner.find_end(buffer.get(at..).unwrap_or_default(), self.delimiter) {
            at += end;
            whole = at;
        }
        self.seen = buffer.len() - whole;
        whole
    }

    fn skip_record(&mut self, buffer: &[u8]) -> Option<usize> {
        let seen = std::mem::take(&mut self.seen);
        let end = self.scanner.find_end(buffer.get(seen..).unwrap_or_default(), self.delimiter)?;
        Some(seen + end)
    }
}
