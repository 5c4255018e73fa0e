//! Checked blocks for the decoder. The decoder takes blocks as they come: it does not compare their markers, loses rows of a file that ends inside a block, and never
//! comes back from a block with more bytes than records. So blocks are read, decompressed and walked here, and it gets them whole and not compressed.

use std::io::{BufRead, Error, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::container::Container;
use super::layout::Layout;
use super::schema::{SYNC, put_long};

/// A file of the wanted fields of the same records, which the decoder reads without harm.
pub(super) struct Feed {
    container: Container,
    /// The fields of a record, and whether they are wanted.
    fields: Vec<(Arc<Layout>, bool)>,
    /// Rows of the file before the next block.
    row: u64,
    /// Rows at the beginning that are left out.
    start: u64,
    /// Rows handed to the decoder so far, as the reader sees it.
    fed: Arc<AtomicU64>,
    records: Vec<u8>,
    bytes: Vec<u8>,
    at: usize,
    /// Why the first block, which was fetched early, can't be read.
    failed: Option<String>,
}

impl Feed {
    /// `header` is handed out first, then the records of `container` from `start`.
    pub(super) fn new(container: Container, fields: Vec<(Arc<Layout>, bool)>, header: Vec<u8>, start: u64) -> Self {
        Self { container, fields, row: 0, start, fed: Arc::default(), records: Vec::new(), bytes: header, at: 0, failed: None }
    }

    /// The count of rows handed to the decoder.
    pub(super) fn fed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.fed)
    }

    /// Fetches the first block, and tells what one of its records takes; 0 if that is not known. It is read after the header, and so is what is wrong with it.
    pub(super) fn first_record_bytes(&mut self) -> u64 {
        let header = std::mem::take(&mut self.bytes);
        self.failed = self.advance().err();
        if self.failed.is_some() {
            self.bytes.clear();
        }
        self.bytes.splice(0..0, header);
        self.records.len() as u64 / self.fed.load(Ordering::Relaxed).max(1)
    }

    /// Fetches the next block with records; leaves no bytes at the end of the file.
    fn advance(&mut self) -> Result<(), String> {
        self.bytes.clear();
        self.at = 0;
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        while let Some(block) = self.container.next()? {
            let first = self.row;
            self.row = first.checked_add(block.records).ok_or("a block has an impossible number of records")?;
            if self.row <= self.start {
                continue;
            }
            let data = self.container.codec.decompress(block.bytes)?;
            let before = self.start.saturating_sub(first);
            self.walk(&data, first, block.records, before)?;
            let count = block.records - before;
            put_long(&mut self.bytes, usize::try_from(count).map_err(|e| e.to_string())?);
            put_long(&mut self.bytes, self.records.len());
            self.bytes.extend_from_slice(&self.records);
            self.bytes.extend_from_slice(&SYNC);
            self.fed.fetch_add(count, Ordering::Relaxed);
            return Ok(());
        }
        Ok(())
    }

    /// Finds the end of every field of a block, and copies the wanted ones of the records from `before` on.
    fn walk(&mut self, data: &[u8], first: u64, records: u64, before: u64) -> Result<(), String> {
        self.records.clear();
        // Records without bytes are never fed, so a block has at most as many records as bytes.
        if records > data.len() as u64 {
            return Err("a block has fewer bytes than records".to_owned());
        }
        let mut at = 0;
        for record in 0..records {
            // Fields that follow each other are copied at once.
            let mut from = at;
            for (layout, wanted) in &self.fields {
                let start = at;
                at += layout.length(data.get(at..).unwrap_or_default()).map_err(|cause| format!("record {} is damaged: {cause}", first + record + 1))?;
                if !wanted {
                    self.records.extend_from_slice(&data[from..start]);
                    from = at;
                }
            }
            if record >= before {
                self.records.extend_from_slice(&data[from..at]);
            } else {
                self.records.clear();
            }
        }
        if at == data.len() { Ok(()) } else { Err(format!("the block of record {} has bytes that are no record", first + 1)) }
    }
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.at >= self.bytes.len() {
            self.advance().map_err(Error::other)?;
        }
        Ok(self.bytes.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}
