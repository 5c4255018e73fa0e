//! A text file's bytes: decompressed, in UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use super::followed::{Extent, extent};
use super::gzip::GzipMembers;
use super::options::Compression;

/// Bytes read from a file at a time where they are decompressed.
const RAW_PIECE: usize = 256 << 10;
/// Bytes of text made at a time. A decoder that finds damage drops what it has made of the piece.
const TEXT_PIECE: usize = 16 << 10;
/// Bytes of one read from a pipe.
const PIPE_PIECE: usize = 64 << 10;

/// An open text file.
pub(super) struct InputStream {
    text: Text,
    raw: Arc<RawState>,
    /// Length and time of change of the file when it was opened.
    opened: Option<Extent>,
}

enum Text {
    /// The bytes of the file.
    Plain(File),
    /// What is made of them, or of a pipe.
    Made(Box<dyn Read + Send>),
}

#[derive(Default)]
struct RawState {
    read: AtomicU64,
    failed: AtomicBool,
}

/// Counts what comes from the device, and tells its failures from those of the decoders after it.
struct Raw<R> {
    input: R,
    state: Arc<RawState>,
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let result = self.input.read(out);
        match &result {
            Ok(count) => _ = self.state.read.fetch_add(*count as u64, Ordering::Relaxed),
            Err(error) => self.state.failed.store(error.kind() != io::ErrorKind::Interrupted, Ordering::Relaxed),
        }
        result
    }
}

impl InputStream {
    /// Opens a file.
    pub(super) fn open(path: &Path, compression: Option<Compression>, encoding: &'static Encoding) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let opened = metadata.is_file().then(|| extent(&metadata));
        let compression = compression.unwrap_or_else(|| Compression::from_path(&path.to_string_lossy()));
        if matches!(compression, Compression::None | Compression::Inside) && encoding == UTF_8 {
            return Ok(Self { text: Text::Plain(file), raw: Arc::default(), opened });
        }
        Ok(Self { opened, ..Self::new(file, compression, encoding)? })
    }

    /// The text of some bytes.
    pub(super) fn new(input: impl Read + Send + 'static, compression: Compression, encoding: &'static Encoding) -> io::Result<Self> {
        let raw = Arc::new(RawState::default());
        let plain = decompressed(Raw { input, state: Arc::clone(&raw) }, compression)?;
        let text: Box<dyn Read + Send> = if encoding == UTF_8 { plain } else { Box::new(Transcoder::new(plain, encoding)) };
        Ok(Self { text: Text::Made(text), raw, opened: None })
    }

    /// Appends up to `wanted` bytes; fewer only at the end. What was read before an error stays.
    pub(super) fn append(&mut self, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<()> {
        match &mut self.text {
            Text::Plain(file) => {
                buffer.reserve(wanted);
                let before = buffer.len();
                let result = file.take(wanted as u64).read_to_end(buffer);
                self.raw.read.fetch_add((buffer.len() - before) as u64, Ordering::Relaxed);
                self.raw.failed.store(result.is_err(), Ordering::Relaxed);
                result.map(|_| ())
            }
            Text::Made(text) => {
                let end = buffer.len() + wanted;
                while buffer.len() < end && append_once(text, buffer, TEXT_PIECE.min(end - buffer.len()))? > 0 {}
                Ok(())
            }
        }
    }

    /// Appends what one read gives, so that nothing waits for bytes that come later; nothing at the end.
    pub(super) fn append_at_once(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.text {
            Text::Plain(file) => append_once(file, buffer, PIPE_PIECE),
            Text::Made(text) => append_once(text, buffer, PIPE_PIECE),
        }
        .map(|_| ())
    }

    /// Bytes of the file when it was opened, if its text is as long.
    pub(super) fn text_length(&self) -> Option<u64> {
        self.opened.filter(|_| matches!(self.text, Text::Plain(_))).map(|(length, ..)| length)
    }

    /// How many bytes the file had when it was opened and how many were read, if it has been changed and ended before those. Files of the kernel say lengths that they don't have.
    pub(super) fn shortage(&self, path: &Path) -> Option<(u64, u64)> {
        let read = self.raw.read.load(Ordering::Relaxed);
        let is_unchanged = |opened: Extent| std::fs::metadata(path).is_ok_and(|now| extent(&now) == opened);
        self.opened.filter(|opened| read < opened.0 && !is_unchanged(*opened)).map(|(length, ..)| (length, read))
    }

    /// Whether the last failure was one of the device, which may pass, and not of what is in the file.
    pub(super) fn device_failed(&self) -> bool {
        self.raw.failed.load(Ordering::Relaxed)
    }
}

/// Appends what one read of at most `most` bytes gives.
fn append_once(input: &mut impl Read, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let start = buffer.len();
    buffer.resize(start + most, 0);
    loop {
        match input.read(&mut buffer[start..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => {
                buffer.truncate(start + *read.as_ref().unwrap_or(&0));
                return read;
            }
        }
    }
}

fn decompressed(raw: impl Read + Send + 'static, compression: Compression) -> io::Result<Box<dyn Read + Send>> {
    let buffered = |raw| io::BufReader::with_capacity(RAW_PIECE, raw);
    Ok(match compression {
        Compression::None | Compression::Inside => Box::new(raw),
        Compression::Gzip => Box::new(GzipMembers::new(buffered(raw))),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(raw))),
    })
}

/// Another encoding to UTF-8. Bytes that mean nothing in it become a byte that means nothing in UTF-8 either, so that their record is rejected: nothing is replaced silently.
struct Transcoder {
    input: Box<dyn Read + Send>,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    raw_at: usize,
    text: Vec<u8>,
    text_at: usize,
    ended: bool,
}

impl Transcoder {
    fn new(input: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        Self { input, decoder: encoding.new_decoder(), raw: Vec::new(), raw_at: 0, text: Vec::new(), text_at: 0, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        const PIECE: usize = 64 << 10;
        const INVALID: u8 = 0xff;
        if self.raw_at == self.raw.len() {
            self.raw.resize(PIECE, 0);
            self.raw_at = 0;
            let read = self.input.read(&mut self.raw).inspect_err(|_| self.raw.clear())?;
            self.raw.truncate(read);
            self.ended = read == 0;
        }
        self.text.resize(4 * PIECE, 0);
        self.text_at = 0;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(&self.raw[self.raw_at..], &mut self.text, self.ended);
        self.raw_at += read;
        self.text.truncate(written);
        if let DecoderResult::Malformed(..) = result {
            self.text.push(INVALID);
        }
        Ok(())
    }
}

impl Read for Transcoder {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.text_at == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = out.len().min(self.text.len() - self.text_at);
        out[..count].copy_from_slice(&self.text[self.text_at..self.text_at + count]);
        self.text_at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nothing_in_the_encoding_stays_invalid() {
        let text = |bytes: &[u8], encoding| {
            let mut text = Vec::new();
            InputStream::new(io::Cursor::new(bytes.to_vec()), Compression::None, encoding).expect("opened").append(&mut text, 100).expect("read");
            text
        };
        assert_eq!(text(b"caf\xe9", encoding_rs::WINDOWS_1252), "café".as_bytes());
        assert_eq!(text(b"a\x81\nb\x82\xa0", encoding_rs::SHIFT_JIS), b"a\xff\nb\xe3\x81\x82");
        assert_eq!(text(b"ok\x81", encoding_rs::SHIFT_JIS), b"ok\xff");
    }
}
