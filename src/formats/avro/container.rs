//! The header and the blocks of a file.

use std::fs::File;
use std::io::{BufReader, Read};

use super::compression::Codec;
use super::layout::{counted, items, long};

/// Most bytes of a header.
const MOST_HEADER: usize = 64 << 20;

/// A block as it stands in the file.
pub(super) struct Block {
    /// Records in it.
    pub(super) records: u64,
    /// Its bytes, compressed.
    pub(super) bytes: Vec<u8>,
}

/// An open file, after its header.
#[derive(Debug)]
pub(super) struct Container {
    input: BufReader<File>,
    left: u64,
    sync: [u8; 16],
    /// How its blocks are compressed.
    pub(super) codec: Codec,
    /// The text of its schema.
    pub(super) schema: String,
}

impl Container {
    /// Reads the header of a file of `length` bytes. Errors go on after "the file can't be read: ".
    pub(super) fn open(file: File, length: u64) -> Result<Self, String> {
        if length == 0 {
            return Err("it is empty".to_owned());
        }
        let mut input = BufReader::with_capacity(1 << 16, file);
        let mut bytes = Vec::new();
        let mut wanted = 1 << 12;
        loop {
            let more = (&mut input).take((wanted - bytes.len()) as u64).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
            let whole = more == 0 || bytes.len() < wanted;
            match Header::parse(&bytes) {
                Ok(header) => {
                    let rest = (bytes.len() - header.length) as i64;
                    input.seek_relative(-rest).map_err(|e| e.to_string())?;
                    let codec = Codec::named(header.codec.as_deref())?;
                    return Ok(Self { input, left: length.saturating_sub(header.length as u64), sync: header.sync, codec, schema: header.schema });
                }
                // A header that is not complete yet: once more with twice the bytes.
                Err(_) if !whole && bytes.starts_with(MAGIC) && wanted < MOST_HEADER => wanted *= 2,
                Err(cause) => return Err(cause),
            }
        }
    }

    /// The next block, `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Block>, String> {
        if self.left == 0 {
            return Ok(None);
        }
        let records = self.number()?;
        let size = self.number()?;
        let cut_off = || "it ends inside a block".to_owned();
        if size.checked_add(16).is_none_or(|whole| whole > self.left) {
            return Err(cut_off());
        }
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| cut_off())?];
        let mut sync = [0; 16];
        self.input.read_exact(&mut bytes).and_then(|()| self.input.read_exact(&mut sync)).map_err(|_| cut_off())?;
        self.left -= size + 16;
        if sync != self.sync {
            return Err("a block does not end where it should".to_owned());
        }
        Ok(Some(Block { records, bytes }))
    }

    fn number(&mut self) -> Result<u64, String> {
        let mut digits = Vec::with_capacity(10);
        loop {
            let mut byte = [0];
            self.input.read_exact(&mut byte).map_err(|_| "it ends inside a block".to_owned())?;
            self.left = self.left.saturating_sub(1);
            digits.push(byte[0]);
            if byte[0] < 0x80 || digits.len() == 10 {
                return u64::try_from(long(&mut digits.as_slice())?).map_err(|_| "the size of a block is negative".to_owned());
            }
        }
    }
}

const MAGIC: &[u8] = b"Obj\x01";

struct Header {
    schema: String,
    codec: Option<Vec<u8>>,
    sync: [u8; 16],
    length: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin as an Avro file does")?;
        let mut schema = None;
        let mut codec = None;
        items(&mut rest, |rest| {
            let (key, value) = (counted(rest)?, counted(rest)?);
            match key {
                b"avro.schema" => schema = Some(value),
                b"avro.codec" => codec = Some(value.to_vec()),
                _ => {}
            }
            Ok(())
        })
        .map_err(|cause| format!("its header is damaged: {cause}"))?;
        let (sync, rest) = rest.split_first_chunk::<16>().ok_or("it ends inside its header")?;
        let schema = schema.and_then(|schema| std::str::from_utf8(schema).ok()).ok_or("its header has no schema")?;
        Ok(Self { schema: schema.to_owned(), codec, sync: *sync, length: bytes.len() - rest.len() })
    }
}
