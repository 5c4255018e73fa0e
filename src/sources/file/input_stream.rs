//! A text file's bytes: decompressed, in UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use super::options::Compression;

/// Opens a file or, for `-`, standard input.
pub(super) fn open(path: &Path, compression: Option<Compression>, encoding: &'static Encoding) -> io::Result<Box<dyn Read + Send>> {
    let name = path.to_string_lossy();
    let raw: Box<dyn Read + Send> = if name == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let plain = decompressed(raw, compression.unwrap_or_else(|| Compression::from_path(&name)))?;
    Ok(if encoding == UTF_8 { plain } else { Box::new(Transcoder::new(plain, encoding)) })
}

fn decompressed(raw: Box<dyn Read + Send>, compression: Compression) -> io::Result<Box<dyn Read + Send>> {
    const BUFFER: usize = 256 << 10;
    Ok(match compression {
        Compression::None | Compression::Inside => raw,
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(io::BufReader::with_capacity(BUFFER, raw))),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(io::BufReader::with_capacity(BUFFER, raw))),
    })
}

/// Another encoding to UTF-8. Bytes that mean nothing in it are an error: nothing is replaced silently.
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
        if self.raw_at == self.raw.len() {
            self.raw.resize(PIECE, 0);
            let read = self.input.read(&mut self.raw)?;
            self.raw.truncate(read);
            self.raw_at = 0;
            self.ended = read == 0;
        }
        self.text.resize(4 * PIECE, 0);
        self.text_at = 0;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(&self.raw[self.raw_at..], &mut self.text, self.ended);
        self.raw_at += read;
        self.text.truncate(written);
        if let DecoderResult::Malformed(..) = result {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("bytes that are not {}", self.decoder.encoding().name())));
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
