//! One field.

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// First byte of its text (after the quote, if there is one).
    pub start: usize,
    /// After its text.
    pub end: usize,
    /// It stood in quotes.
    pub quoted: bool,
    /// It holds doubled quotes.
    pub doubled: bool,
    /// The record ends after it.
    pub last: bool,
    /// Where the next field, or the next record, begins.
    pub next: usize,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// A quote that is not closed.
    Unclosed,
    /// Text after a closing quote.
    AfterQuote,
}

/// The field at `at`.
#[inline]
pub(super) fn field(bytes: &[u8], at: usize, delimiter: u8) -> Result<Field, Malformed> {
    if bytes.get(at) == Some(&b'"') {
        return quoted(bytes, at + 1, delimiter);
    }
    let end = memchr::memchr2(delimiter, b'\n', &bytes[at..]).map_or(bytes.len(), |offset| at + offset);
    let last = bytes.get(end).is_none_or(|byte| *byte == b'\n');
    let text_end = if last && end > at && bytes[end - 1] == b'\r' { end - 1 } else { end };
    Ok(Field { start: at, end: text_end, quoted: false, doubled: false, last, next: (end + 1).min(bytes.len()) })
}

fn quoted(bytes: &[u8], start: usize, delimiter: u8) -> Result<Field, Malformed> {
    let mut doubled = false;
    let mut at = start;
    loop {
        let end = at + memchr::memchr(b'"', bytes.get(at..).unwrap_or_default()).ok_or(Malformed::Unclosed)?;
        let (last, next) = match &bytes[end + 1..] {
            [b'"', ..] => {
                doubled = true;
                at = end + 2;
                continue;
            }
            [] | [b'\r'] => (true, bytes.len()),
            [b'\n', ..] => (true, end + 2),
            [b'\r', b'\n', ..] => (true, end + 3),
            [byte, ..] if *byte == delimiter => (false, end + 2),
            _ => return Err(Malformed::AfterQuote),
        };
        return Ok(Field { start, end, quoted: true, doubled, last, next });
    }
}

/// Appends the text of a field with doubled quotes.
pub(super) fn undouble(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"\"\"") {
        out.extend_from_slice(&rest[..=at]);
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
}

/// The end of the record at `start`: after the line end that stands outside quotes. A quote opens a text only at the beginning of a field.
pub(super) fn record_end(bytes: &[u8], start: usize, delimiter: u8) -> usize {
    match Scanner::default().find_end(bytes, start, delimiter) {
        Found::End(end) => end,
        _ => bytes.len(),
    }
}

/// What a scan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The record ends before this byte.
    End(usize),
    /// The record spans lines and is none: text stands after a closing quote before this byte.
    Malformed(usize),
    /// The bytes end before that.
    More,
}

/// Finds line ends outside quotes; can be continued over pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scanner {
    state: State,
    /// Where the second line of the record begins.
    second_line: Option<usize>,
    /// Text stands after a closing quote.
    malformed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Bare,
    Quoted,
    /// After a quote within quotes: the end, or the first of two.
    QuoteSeen,
    /// After the carriage return that follows a closing quote.
    ReturnSeen,
}

impl Scanner {
    /// Moves over `bytes` from `at` up to the first end of a record.
    pub(super) fn find_end(&mut self, bytes: &[u8], mut at: usize, delimiter: u8) -> Found {
        while let Some(byte) = bytes.get(at) {
            match (self.state, byte) {
                (State::Quoted, _) => {
                    // The first line end is wanted too: if the quote is not closed, the record should have ended there.
                    let rest = &bytes[at..];
                    let found = if self.second_line.is_none() { memchr::memchr2(b'"', b'\n', rest) } else { memchr::memchr(b'"', rest) };
                    let Some(offset) = found else { return Found::More };
                    at += offset + 1;
                    if bytes[at - 1] == b'"' {
                        self.state = State::QuoteSeen;
                        continue;
                    }
                    self.second_line = Some(at);
                    if self.malformed {
                        return Found::Malformed(at);
                    }
                }
                (State::FieldStart, b'"') | (State::QuoteSeen, b'"') => {
                    self.state = State::Quoted;
                    at += 1;
                }
                (State::QuoteSeen, b'\r') => {
                    self.state = State::ReturnSeen;
                    at += 1;
                }
                (State::QuoteSeen | State::ReturnSeen, byte) if *byte != b'\n' && (self.state == State::ReturnSeen || *byte != delimiter) => {
                    self.malformed = true;
                    self.state = State::Bare;
                    if self.second_line.is_some() {
                        return Found::Malformed(at);
                    }
                }
                _ => match memchr::memchr2(delimiter, b'\n', &bytes[at..]) {
                    Some(offset) => {
                        at += offset + 1;
                        self.state = State::FieldStart;
                        if bytes[at - 1] == b'\n' {
                            return Found::End(at);
                        }
                    }
                    None => {
                        self.state = State::Bare;
                        return Found::More;
                    }
                },
            }
        }
        Found::More
    }

    /// Where the second line of the present record begins, if its first one ended within quotes.
    pub(super) fn second_line(&self) -> Option<usize> {
        self.second_line
    }

    /// Within quotes.
    pub(super) fn is_quoted(&self) -> bool {
        self.state == State::Quoted
    }

    /// So many bytes were taken away before the present record.
    pub(super) fn shift(&mut self, count: usize) {
        self.second_line = self.second_line.map(|at| at.saturating_sub(count));
    }
}
