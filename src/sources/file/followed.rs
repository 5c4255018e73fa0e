//! One growing file: appended pieces, torn lines, truncation. It is known by device and inode, whatever its name, and need not be open between two looks.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::listing::lost;
use super::records::RecordReader;
use super::text_reader::partition_name;
use super::work::WorkSender;
use crate::error::Result;

/// Bytes before the place of reading that are compared before reading goes on there.
const FINGERPRINT: usize = 256;

/// Which file it is. Numbers of inodes are used again; the time of creation tells such files apart where the file system keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    created: Option<SystemTime>,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), created: metadata.created().ok() }
    }
}

/// Length, and time of the last change: nothing was written if they are the same.
pub(super) type Extent = (u64, i64, i64);

pub(super) fn extent(metadata: &Metadata) -> Extent {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

/// What became of one look at a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    Read,
    /// The file is gone and was read to its end.
    Finished,
    /// It was written anew: it is to be read from its beginning.
    Rewritten,
    /// The consumer has gone.
    Stop,
}

/// A file that is followed.
pub(super) struct Followed {
    pub path: PathBuf,
    pub identity: Identity,
    pub records: RecordReader,
    /// Open if it was read lately.
    pub file: Option<File>,
    /// When it was read last, on a clock of the follower's.
    pub used: u64,
    /// The last bytes read.
    last: Vec<u8>,
    /// As of the last look.
    extent: Option<Extent>,
}

impl Followed {
    pub(super) fn new(path: &Path, identity: Identity, records: RecordReader) -> Self {
        Self { path: path.to_owned(), identity, records, file: None, used: 0, last: Vec::new(), extent: None }
    }

    /// It has another name now.
    pub(super) fn rename(&mut self, path: &Path) {
        self.path = path.to_owned();
        self.records.rename(partition_name(path));
    }

    /// What its name stands for, if that is still it.
    fn named(&self) -> Option<Metadata> {
        std::fs::metadata(&self.path).ok().filter(|metadata| Identity::of(metadata) == self.identity)
    }

    /// Whether reading it needs a file that is not open.
    pub(super) fn wants_opening(&self) -> bool {
        self.file.is_none() && self.named().is_some_and(|metadata| self.extent != Some(extent(&metadata)))
    }

    /// Opens it where reading stopped.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        if Identity::of(&file.metadata()?) == self.identity {
            file.seek(SeekFrom::Start(self.records.read_to()))?;
            self.file = Some(file);
        }
        Ok(())
    }

    /// Looks whether something was appended, and reads it, at most one chunk.
    pub(super) fn look(&mut self, work: &WorkSender) -> Result<Look> {
        let Some(named) = self.named() else { return self.look_unnamed(work) };
        let found = extent(&named);
        if self.extent == Some(found) || self.file.is_none() {
            return Ok(Look::Nothing);
        }
        if named.len() < self.records.read_to() || !self.continues() {
            return Ok(Look::Rewritten);
        }
        let look = self.read_appended(work)?;
        // Only after the end was seen can the next look be spared. What is written meanwhile changes the time again.
        self.extent = (look == Look::Nothing).then_some(found);
        Ok(look)
    }

    /// Taken away, or replaced by another file: what it still holds is read, and what a writer that has it open appends.
    fn look_unnamed(&mut self, work: &WorkSender) -> Result<Look> {
        let look = self.read_appended(work)?;
        let linked = self.file.as_ref().and_then(|file| file.metadata().ok()).is_some_and(|metadata| metadata.nlink() > 0);
        // Nobody goes on with a file that was deleted, or whose name another one has.
        if look != Look::Nothing || (linked && !self.path.exists()) {
            return Ok(look);
        }
        self.finish(work)
    }

    /// Takes the last line, without its end, as whole.
    fn finish(&mut self, work: &WorkSender) -> Result<Look> {
        while let Some(piece) = self.records.advance(true)? {
            if !work.dispatch(piece) {
                return Ok(Look::Stop);
            }
        }
        Ok(Look::Finished)
    }

    /// Whether what stands before the place of reading is still what was read.
    fn continues(&self) -> bool {
        let Some(file) = &self.file else { return true };
        let mut found = vec![0; self.last.len()];
        let start = self.records.read_to().saturating_sub(self.last.len() as u64);
        file.read_exact_at(&mut found, start).is_ok() && found == self.last
    }

    /// Reads up to a chunk from where reading stopped.
    fn read_appended(&mut self, work: &WorkSender) -> Result<Look> {
        let Some(file) = &mut self.file else { return Ok(Look::Nothing) };
        let chunk = self.records.chunk();
        let buffer = self.records.buffer();
        let before = buffer.len();
        let result = file.take(chunk as u64).read_to_end(buffer);
        let new = &buffer[before..];
        let read = new.len();
        self.last.extend_from_slice(&new[read.saturating_sub(FINGERPRINT)..]);
        self.last.drain(..self.last.len().saturating_sub(FINGERPRINT));
        result.map_err(|error| lost(&self.path, &error))?;
        if read == 0 {
            return Ok(Look::Nothing);
        }
        while let Some(piece) = self.records.advance(false)? {
            if !work.dispatch(piece) {
                return Ok(Look::Stop);
            }
        }
        Ok(Look::Read)
    }
}
