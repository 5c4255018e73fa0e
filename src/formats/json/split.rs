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
    /// Open braces within the record; brackets need not be counted, since an object can't end within a list of its own.
    depth: usize,
    in_text: bool,
    /// A backslash came last.
    escaped: bool,
    /// A record has begun that is not an object: it ends at the next comma, bracket or line end.
    in_bare: bool,
}

/// Bytes that mean something within a text, and within an object outside texts.
const IN_TEXT: u8 = 1;
const IN_OBJECT: u8 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    classes[b'"' as usize] = IN_TEXT | IN_OBJECT;
    classes[b'\\' as usize] = IN_TEXT;
    classes[b'{' as usize] = IN_OBJECT;
    classes[b'}' as usize] = IN_OBJECT;
    classes
};

/// Bytes up to the next one of a class.
fn until(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|byte| CLASSES[*byte as usize] & class != 0).unwrap_or(bytes.len())
}

impl Nesting {
    /// Moves from `at` to the end of the record that is begun (or of the first one), and returns the position after it; `None` if it is not in `bytes`.
    fn find_end(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            if self.escaped && at < bytes.len() {
                self.escaped = false;
                at += 1;
            }
            if self.in_text {
                at += until(bytes.get(at..)?, IN_TEXT);
                match bytes.get(at)? {
                    b'"' => self.in_text = false,
                    _ => self.escaped = true,
                }
                at += 1;
                continue;
            }
            if self.depth > 0 {
                at += until(bytes.get(at..)?, IN_OBJECT);
                match bytes.get(at)? {
                    b'"' => self.in_text = true,
                    b'{' => self.depth += 1,
                    _ => self.depth -= 1,
                }
                at += 1;
                if self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match bytes.get(at)? {
                b'"' => {
                    self.in_text = true;
                    self.in_bare = true;
                }
                b'{' => self.depth = 1,
                b',' | b'[' | b']' | b'\n' => {
                    if std::mem::take(&mut self.in_bare) {
                        return Some(at + 1);
                    }
                }
                byte => self.in_bare |= !byte.is_ascii_whitespace(),
            }
            at += 1;
        }
    }
}

/// The end of the record that starts at `start`: after its closing brace, or, where it is no object, after the comma, bracket or line end that follows it.
pub(super) fn record_end(bytes: &[u8], start: usize) -> usize {
    Nesting::default().find_end(bytes, start).unwrap_or(bytes.len())
}

impl RecordSplitter for DocumentSplitter {
    fn whole_records(&mut self, buffer: &[u8], at_end: bool) -> usize {
        if at_end {
            return buffer.len();
        }
        let mut whole = 0;
        let mut at = self.seen;
        while let Some(end) = self.state.find_end(buffer, at) {
            (at, whole) = (end, end);
        }
        self.seen = buffer.len() - whole;
        whole
    }

    fn skip_record(&mut self, buffer: &[u8]) -> Option<usize> {
        // The state goes on: only within it can the end be told.
        self.state.find_end(buffer, std::mem::take(&mut self.seen))
    }
}
