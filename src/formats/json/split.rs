//! Where records end.

use crate::formats::contract::RecordSplitter;

/// One record a line.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    /// Bytes of the unfinished record that hold no line end.
    seen: usize,
}

impl RecordSplitter for LineSplitter {
    fn whole_records(&mut self, buffer: &[u8], at_end: bool) -> usize {
        if at_end {
            return buffer.len();
        }
        match memchr::memrchr(b'\n', buffer.get(self.seen..).unwrap_or_default()) {
            Some(end) => {
                let whole = self.seen + end + 1;
                self.seen = buffer.len() - whole;
                whole
            }
            None => {
                self.seen = buffer.len();
                0
            }
        }
    }

    fn skip_record(&mut self, buffer: &[u8]) -> Option<usize> {
        self.seen = 0;
        memchr::memchr(b'\n', buffer).map(|end| end + 1)
    }
}

/// Objects that may span lines, in an array or one after another.
#[derive(Debug, Default)]
pub(super) struct DocumentSplitter {
    state: Nesting,
    seen: usize,
}

/// Where a scan stands within a document.
#[derive(Clone, Copy, Debug, Default)]
struct Nesting {
    /// Open braces and brackets within the record.
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// A record has begun that is not an object: it ends at the next comma, bracket or line end.
    in_bare: bool,
}

impl Nesting {
    /// Moves over `byte`; true if it ends a record (the byte belongs to it).
    fn step(&mut self, byte: u8) -> bool {
        if self.in_text {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_text = false;
            }
            return false;
        }
        match byte {
            b'"' => {
                self.in_text = true;
                self.in_bare |= self.depth == 0;
            }
            b'{' => self.depth += 1,
            b'[' if self.depth > 0 => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return self.depth == 0;
            }
            b',' | b'[' | b']' | b'\n' if self.depth == 0 => return std::mem::take(&mut self.in_bare),
            _ if self.depth == 0 && !byte.is_ascii_whitespace() => self.in_bare = true,
            _ => {}
        }
        false
    }
}

/// The end of the record that starts at `start`: after its closing brace, or, where it is no object, before the comma, bracket or line end that follows it.
pub(super) fn record_end(bytes: &[u8], start: usize) -> usize {
    let mut state = Nesting::default();
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        if state.step(*byte) {
            return at + 1;
        }
    }
    bytes.len()
}

impl RecordSplitter for DocumentSplitter {
    fn whole_records(&mut self, buffer: &[u8], at_end: bool) -> usize {
        if at_end {
            return buffer.len();
        }
        let mut whole = 0;
        for (at, byte) in buffer.iter().enumerate().skip(self.seen) {
            if self.state.step(*byte) {
                whole = at + 1;
            }
        }
        self.seen = buffer.len() - whole;
        whole
    }

    fn skip_record(&mut self, buffer: &[u8]) -> Option<usize> {
        // The state goes on: only within it can the end be told.
        for (at, byte) in buffer.iter().enumerate().skip(std::mem::take(&mut self.seen)) {
            if self.state.step(*byte) {
                return Some(at + 1);
            }
        }
        None
    }
}
