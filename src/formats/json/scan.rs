//! The grammar of JSON over bytes: strings, literals, numbers, and values that are skipped.

/// Deepest nesting read; deeper values are a fault of their record.
pub(super) const DEEPEST: usize = 128;

/// Why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It ends too early.
    End,
    /// Something else was expected at this place.
    Expected(&'static str, usize),
    /// A control character in a string.
    Control(usize),
    /// A wrong escape.
    Escape(usize),
    /// Half of a surrogate pair.
    Surrogate(usize),
    /// Nested more than [`DEEPEST`].
    Deep,
}

/// A string between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Str {
    /// First byte after the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
    /// Whether it holds escapes.
    pub escaped: bool,
}

/// A position in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips blanks and returns the byte after them.
    #[inline]
    pub(super) fn next_token(&mut self) -> Result<u8, Malformed> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(Malformed::End),
            }
        }
    }

    #[inline]
    pub(super) fn expect(&mut self, wanted: u8, name: &'static str) -> Result<(), Malformed> {
        if self.next_token()? != wanted {
            return Err(Malformed::Expected(name, self.at));
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn literal(&mut self, word: &'static [u8], name: &'static str) -> Result<(), Malformed> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Malformed::Expected(name, self.at))
        }
    }

    /// A string; the cursor stands at its opening quote. Checks control characters and the form of escapes, not what they stand for.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Str, Malformed> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            // Eight bytes at a time while none of them is a quote, a backslash or a control character (S. E. Anderson, "Bit Twiddling Hacks": zero byte in a word).
            while let Some(word) = self.bytes.get(at..at + 8) {
                let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
                let special = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES) | below_blank(word);
                if special != 0 {
                    at += (special.trailing_zeros() / 8) as usize;
                    break;
                }
                at += 8;
            }
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Str { start, end: at, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                    if at > self.bytes.len() {
                        return Err(Malformed::End);
                    }
                }
                Some(byte) if *byte < 0x20 => return Err(Malformed::Control(at)),
                Some(_) => at += 1,
                None => return Err(Malformed::End),
            }
        }
    }

    /// The bytes of a number; the cursor stands at its first.
    #[inline]
    pub(super) fn number(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') = self.peek() {
            self.at += 1;
        }
        let text = &self.bytes[start..self.at];
        if is_number(text) { Ok(text) } else { Err(Malformed::Expected("a number", start)) }
    }

    /// Skips a value of any kind, checking its structure.
    pub(super) fn skip_value(&mut self, depth: usize) -> Result<(), Malformed> {
        if depth > DEEPEST {
            return Err(Malformed::Deep);
        }
        match self.next_token()? {
            b'"' => {
                let string = self.string()?;
                if string.escaped {
                    let mut text = Vec::new();
                    unescape(self.bytes, string, &mut text)?;
                }
                Ok(())
            }
            b'{' => {
                self.at += 1;
                if self.next_token()? == b'}' {
                    self.at += 1;
                    return Ok(());
                }
                loop {
                    if self.next_token()? != b'"' {
                        return Err(Malformed::Expected("a field name", self.at));
                    }
                    self.string()?;
                    self.expect(b':', "':'")?;
                    self.skip_value(depth + 1)?;
                    match self.next_token()? {
                        b',' => self.at += 1,
                        b'}' => {
                            self.at += 1;
                            return Ok(());
                        }
                        _ => return Err(Malformed::Expected("',' or '}'", self.at)),
                    }
                }
            }
            b'[' => {
                self.at += 1;
                if self.next_token()? == b']' {
                    self.at += 1;
                    return Ok(());
                }
                loop {
                    self.skip_value(depth + 1)?;
                    match self.next_token()? {
                        b',' => self.at += 1,
                        b']' => {
                            self.at += 1;
                            return Ok(());
                        }
                        _ => return Err(Malformed::Expected("',' or ']'", self.at)),
                    }
                }
            }
            b't' => self.literal(b"true", "a value"),
            b'f' => self.literal(b"false", "a value"),
            b'n' => self.literal(b"null", "a value"),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            _ => Err(Malformed::Expected("a value", self.at)),
        }
    }
}

const fn repeat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}
const QUOTES: u64 = repeat(b'"');
const BACKSLASHES: u64 = repeat(b'\\');

/// High bits at the zero bytes of a word; bytes above the first zero may be marked wrongly, so only the lowest mark counts.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(repeat(1)) & !word & repeat(0x80)
}

/// High bits at the bytes below 0x20, with the same caveat.
#[inline]
fn below_blank(word: u64) -> u64 {
    word.wrapping_sub(repeat(0x20)) & !word & repeat(0x80)
}

/// Position of the first byte that JSON text must escape: a quote, a backslash or a control character.
#[inline]
pub(super) fn first_special(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
        let special = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES) | below_blank(word);
        if special != 0 {
            return Some(at + (special.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20).map(|offset| at + offset)
}

/// JSON's number grammar: no leading zeros, no leading plus.
#[inline]
fn is_number(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(after) = rest.strip_prefix(b".") {
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        rest = &after[digits..];
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let after = after.strip_prefix(b"-").or_else(|| after.strip_prefix(b"+")).unwrap_or(after);
        return !after.is_empty() && after.iter().all(u8::is_ascii_digit);
    }
    rest.is_empty()
}

/// Appends what a string with escapes stands for.
pub(super) fn unescape(bytes: &[u8], string: Str, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut at = string.start;
    while at < string.end {
        let rest = &bytes[at..string.end];
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        at += plain;
        if at >= string.end {
            break;
        }
        let escape = bytes.get(at + 1).copied().filter(|_| at + 1 < string.end).ok_or(Malformed::Escape(at))?;
        at += 2;
        let byte = match escape {
            b'"' | b'\\' | b'/' => escape,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, next) = unicode(bytes, at, string.end)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at = next;
                continue;
            }
            _ => return Err(Malformed::Escape(at - 2)),
        };
        out.push(byte);
    }
    Ok(())
}

/// The character of `\uXXXX` (or a pair of them) whose digits start at `at`, and the position after it.
fn unicode(bytes: &[u8], at: usize, end: usize) -> Result<(char, usize), Malformed> {
    let unit = |at: usize| -> Result<u32, Malformed> {
        let digits = bytes.get(at..at + 4).filter(|_| at + 4 <= end).ok_or(Malformed::Escape(at))?;
        digits.iter().try_fold(0u32, |sum, b| (*b as char).to_digit(16).map(|d| sum * 16 + d)).ok_or(Malformed::Escape(at))
    };
    let high = unit(at)?;
    if !(0xd800..0xe000).contains(&high) {
        return char::from_u32(high).map(|c| (c, at + 4)).ok_or(Malformed::Surrogate(at));
    }
    let paired = high < 0xdc00 && at + 6 <= end && bytes[at + 4] == b'\\' && bytes[at + 5] == b'u';
    if !paired {
        return Err(Malformed::Surrogate(at));
    }
    let low = unit(at + 6)?;
    if !(0xdc00..0xe000).contains(&low) {
        return Err(Malformed::Surrogate(at));
    }
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|c| (c, at + 10)).ok_or(Malformed::Surrogate(at))
}
