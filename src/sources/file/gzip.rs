//! gzip files: one member after another, perhaps with zeros after the last (tapes and some transfers pad files with them).

use std::io::{BufRead, Error, ErrorKind, Read, Result};

use flate2::bufread::GzDecoder;

/// Reads all members of a file as one text.
pub(super) struct GzipMembers<R> {
    state: State<R>,
}

enum State<R> {
    /// Before the first member.
    Beginning(R),
    Member(Box<GzDecoder<R>>),
    /// After a member.
    Between(R),
    Ended,
}

impl<R: BufRead> GzipMembers<R> {
    pub(super) fn new(input: R) -> Self {
        Self { state: State::Beginning(input) }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Beginning(input) => self.state = State::Member(Box::new(GzDecoder::new(input))),
                State::Member(mut member) => {
                    let read = member.read(out);
                    match read {
                        Ok(0) => self.state = State::Between((*member).into_inner()),
                        Err(error) if error.kind() != ErrorKind::Interrupted => return Err(plain(error)),
                        _ => {
                            self.state = State::Member(member);
                            return read;
                        }
                    }
                }
                State::Between(mut input) => {
                    let bytes = match input.fill_buf() {
                        Ok(bytes) => bytes,
                        Err(error) => {
                            self.state = State::Between(input);
                            return Err(error);
                        }
                    };
                    if bytes.is_empty() {
                        return Ok(0);
                    }
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    self.state = if zeros > 0 {
                        input.consume(zeros);
                        State::Between(input)
                    } else {
                        State::Member(Box::new(GzDecoder::new(input)))
                    };
                }
                State::Ended => return Ok(0),
            }
        }
    }
}

/// The decoder's words for an end within a member say nothing to a user.
fn plain(error: Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::new(ErrorKind::UnexpectedEof, "it ends too early"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn members_are_read_as_one_text_and_zeros_after_them_are_nothing() {
        let member = |text: &str| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(text.as_bytes()).expect("encoded");
            encoder.finish().expect("encoded")
        };
        let read = |bytes: &[u8]| {
            let mut text = String::new();
            GzipMembers::new(bytes).read_to_string(&mut text).map(|_| text).map_err(|error| error.kind())
        };
        let two = [member("one"), member(""), member("two")].concat();
        assert_eq!(read(&two).as_deref(), Ok("onetwo"));
        assert_eq!(read(&[two.as_slice(), &[0; 700]].concat()).as_deref(), Ok("onetwo"));
        assert!(read(&[two.as_slice(), b"garbage that is no member"].concat()).is_err());
        assert_eq!(read(&two[..two.len() - 3]), Err(ErrorKind::UnexpectedEof));
        assert_eq!(read(b""), Err(ErrorKind::UnexpectedEof));
    }
}
