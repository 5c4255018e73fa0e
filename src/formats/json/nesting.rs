//! Where the objects of a document end, and where one that is torn stops being one. A torn object (a writer died within it, a quote or a brace is missing) would go on to the end of
//! the file if only quotes and braces were counted. So at every line that begins no deeper than the object's own line it is asked whether a value may stand there.

/// Levels that are told apart; the decoder refuses far fewer.
const DEEPEST: usize = 256;

/// Where a scan stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nesting {
    /// Open objects and lists within the record.
    depth: usize,
    /// Which of them are lists.
    lists: [u64; DEEPEST / 64],
    in_text: bool,
    /// A backslash came last.
    escaped: bool,
    /// A record has begun that is not an object: it ends at the next comma, bracket or line end.
    in_bare: bool,
    /// The record is torn, for this reason; its end is the next line on which one may begin.
    torn: Option<&'static str>,
    /// The last byte outside texts that is no blank.
    last: u8,
    line: Line,
    /// Depth of the line on which the record began.
    limit: usize,
    /// The record spans lines.
    spans_lines: bool,
    /// The first later line of the record on which another could begin.
    later: Option<usize>,
    /// Lists that are open around the records.
    around: usize,
}

/// The present line.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Blanks (and, between records, brackets and commas) at its beginning.
    depth: usize,
    /// Nothing else has come yet.
    is_blank: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self { depth: 0, is_blank: true }
    }
}

/// What a scan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record begins here; before it were bytes that belong to none.
    Between(usize),
    /// The record ends before this byte. It is an object on one line.
    EndOfLine(usize),
    /// Likewise; it is something else.
    End(usize),
    /// The record is torn: this line can't belong to it. `None`: such a line is still to be found, from `at` on.
    Torn { line: Option<usize>, at: usize },
    /// The bytes end before that.
    More,
}

/// Bytes that mean something within a text, and within an object outside texts.
const IN_TEXT: u8 = 1;
const IN_OBJECT: u8 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    classes[b'"' as usize] = IN_TEXT | IN_OBJECT;
    classes[b'\n' as usize] = IN_TEXT | IN_OBJECT;
    classes[b'\\' as usize] = IN_TEXT;
    classes[b'{' as usize] = IN_OBJECT;
    classes[b'}' as usize] = IN_OBJECT;
    classes[b'[' as usize] = IN_OBJECT;
    classes[b']' as usize] = IN_OBJECT;
    classes
};

/// Bytes up to the next one of a class.
#[inline]
fn until(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|byte| CLASSES[*byte as usize] & class != 0).unwrap_or(bytes.len())
}

impl Nesting {
    /// Moves on from `at`.
    pub(super) fn step(&mut self, bytes: &[u8], mut at: usize) -> Step {
        let from = at;
        loop {
            if self.torn.is_some() {
                return self.find_line(bytes, at);
            }
            let Some(mut byte) = bytes.get(at).copied() else {
                return if self.is_between() && at > from { Step::Between(at) } else { Step::More };
            };
            if self.escaped {
                self.escaped = false;
                // A line end can't be escaped.
                at += usize::from(byte != b'\n');
                continue;
            }
            if self.in_text {
                at += until(&bytes[at..], IN_TEXT);
                match bytes.get(at) {
                    None => return Step::More,
                    Some(b'"') => (self.in_text, self.last) = (false, b'"'),
                    Some(b'\\') => self.escaped = true,
                    Some(_) if self.depth > 0 => return self.tear(at, "not valid JSON: a text that does not end on its line"),
                    Some(_) => {
                        self.in_text = false;
                        continue;
                    }
                }
                at += 1;
                continue;
            }
            if self.depth == 0 {
                if !self.in_bare && at > from && !matches!(byte, b',' | b'[' | b']') && !byte.is_ascii_whitespace() {
                    return Step::Between(at);
                }
                at += 1;
                if self.outside(byte) {
                    return Step::End(at);
                }
                continue;
            }
            if self.line.is_blank {
                match self.line_start(byte, at) {
                    Some(step) => return step,
                    None if self.line.is_blank => {
                        at += 1;
                        continue;
                    }
                    None => {}
                }
            }
            let run = at;
            at += until(&bytes[at..], IN_OBJECT);
            byte = bytes.get(at).copied().unwrap_or(b'\n');
            if byte == b'\n' {
                let last = bytes[run..at].iter().rfind(|byte| !byte.is_ascii_whitespace());
                self.last = last.copied().unwrap_or(self.last);
            }
            if at == bytes.len() {
                return Step::More;
            }
            if !self.inside(byte) {
                return self.tear(at, "nested more than 128 levels deep");
            }
            at += 1;
            if self.depth == 0 {
                return if self.spans_lines { Step::End(at) } else { Step::EndOfLine(at) };
            }
        }
    }

    /// A byte that is outside of objects; whether it ends a record.
    fn outside(&mut self, byte: u8) -> bool {
        match byte {
            b',' | b'[' | b']' | b'\n' => {
                match byte {
                    b'\n' => self.line = Line::default(),
                    b']' => (self.around, self.line.is_blank) = (self.around.saturating_sub(1), false),
                    _ => {
                        self.around += usize::from(byte == b'[');
                        self.line.depth += usize::from(self.line.is_blank);
                    }
                }
                return std::mem::take(&mut self.in_bare);
            }
            _ if byte.is_ascii_whitespace() => {
                self.line.depth += usize::from(self.line.is_blank);
                return false;
            }
            b'{' => {
                self.in_bare = false;
                self.lists = [0; DEEPEST / 64];
                self.depth = 1;
                self.last = b'{';
            }
            _ => {
                self.in_text = byte == b'"';
                self.in_bare = true;
            }
        }
        self.line.is_blank = false;
        self.limit = self.line.depth;
        self.spans_lines = false;
        self.later = None;
        false
    }

    /// A byte that means something within an object; false if it is nested too deeply.
    #[inline]
    fn inside(&mut self, byte: u8) -> bool {
        match byte {
            b'"' => self.in_text = true,
            b'\n' => {
                self.line = Line::default();
                self.spans_lines = true;
            }
            b'{' | b'[' => {
                if self.depth == DEEPEST {
                    return false;
                }
                let bit = 1 << (self.depth % 64);
                let word = &mut self.lists[self.depth / 64];
                *word = if byte == b'[' { *word | bit } else { *word & !bit };
                self.depth += 1;
                self.last = byte;
            }
            b'}' => {
                // Lists in it that were not closed are closed with it.
                while self.in_list() {
                    self.depth -= 1;
                }
                self.depth -= 1;
                self.last = byte;
            }
            _ => {
                self.depth -= usize::from(self.in_list());
                self.last = byte;
            }
        }
        true
    }

    fn in_list(&self) -> bool {
        let level = self.depth - 1;
        self.lists[level / 64] & (1 << (level % 64)) != 0
    }

    /// The next byte at the beginning of a line within a record.
    fn line_start(&mut self, byte: u8, at: usize) -> Option<Step> {
        if byte == b'\n' {
            self.line.depth = 0;
            return None;
        }
        if byte.is_ascii_whitespace() {
            self.line.depth += 1;
            return None;
        }
        self.line.is_blank = false;
        if self.line.depth <= self.limit && begins_value(byte) {
            let start = at.saturating_sub(self.line.depth);
            let possible = match self.last {
                b':' | b'[' => true,
                b',' => self.in_list() || byte == b'"',
                b'{' => byte == b'"',
                _ => false,
            };
            if !possible {
                self.torn = Some(EARLY);
                return Some(Step::Torn { line: Some(start), at });
            }
            self.later.get_or_insert(start);
        }
        None
    }

    fn tear(&mut self, at: usize, reason: &'static str) -> Step {
        self.torn = Some(reason);
        Step::Torn { line: None, at }
    }

    /// The next line on which a record may begin, for one that is torn.
    fn find_line(&mut self, bytes: &[u8], mut at: usize) -> Step {
        while let Some(byte) = bytes.get(at) {
            if !self.line.is_blank {
                let Some(end) = memchr::memchr(b'\n', &bytes[at..]) else { break };
                at += end + 1;
                self.line = Line::default();
                continue;
            }
            match byte {
                b'\n' => self.line.depth = 0,
                byte if byte.is_ascii_whitespace() => self.line.depth += 1,
                byte if self.line.depth <= self.limit && begins_value(*byte) => {
                    return Step::Torn { line: Some(at.saturating_sub(self.line.depth)), at };
                }
                _ => self.line.is_blank = false,
            }
            at += 1;
        }
        Step::More
    }

    /// Between two records.
    fn is_between(&self) -> bool {
        self.depth == 0 && !self.in_bare && self.torn.is_none()
    }

    /// Within a record that is no object.
    pub(super) fn is_bare(&self) -> bool {
        self.in_bare && self.depth == 0
    }

    /// Within a list around the records.
    pub(super) fn is_in_list(&self) -> bool {
        self.around > 0
    }

    /// The first later line of the present record on which another could begin.
    pub(super) fn later(&self) -> Option<usize> {
        self.later
    }

    /// Why the present record is torn.
    pub(super) fn reason(&self) -> &'static str {
        self.torn.unwrap_or(EARLY)
    }

    /// So many bytes were taken away before the present record.
    pub(super) fn shift(&mut self, count: usize) {
        self.later = self.later.map(|at| at.saturating_sub(count));
    }

    /// Bytes of the present record were taken away.
    pub(super) fn forget(&mut self) {
        self.later = None;
    }

    /// Goes on at the beginning of a line, outside of records.
    pub(super) fn restart(&mut self) {
        *self = Self { around: self.around, ..Self::default() };
    }
}

const EARLY: &str = "not valid JSON: it ends too early";

/// Whether a line that begins with this byte may begin a record (and not only end one).
fn begins_value(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'"' | b'-') || byte.is_ascii_alphanumeric()
}

/// The end of the record that starts at `start`: after its closing brace, or, where it is no object, after the comma, bracket or line end that follows it.
pub(super) fn record_end(bytes: &[u8], start: usize) -> usize {
    match Nesting::default().step(bytes, start) {
        Step::End(end) | Step::EndOfLine(end) | Step::Torn { line: Some(end), .. } if end > start => end,
        _ => bytes.len(),
    }
}
