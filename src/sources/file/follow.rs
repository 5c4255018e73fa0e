//! Growing files: appended pieces, torn lines, truncation, replacement under the same name, and files that come to match.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::listing::unreadable;
use super::records::RecordReader;
use super::text_reader::{CHUNK, TextPlan, partition_name};
use super::work::WorkSender;
use crate::error::Result;
use crate::stream::Position;

/// A file that is followed.
struct Followed {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
    records: RecordReader,
}

/// What became of one look at a file.
enum Look {
    Nothing,
    Read,
    /// The consumer has gone.
    Stop,
}

impl Followed {
    fn open(plan: &TextPlan, path: &Path, resume_at: u64) -> Result<Self> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        let records = RecordReader::new(Arc::clone(&plan.input), partition_name(path), plan.max_record_size, resume_at);
        Ok(Self { path: path.to_owned(), file, identity: (metadata.dev(), metadata.ino()), records })
    }

    /// Reads what was appended since the last look, at most one chunk.
    fn read_appended(&mut self, work: &WorkSender, at_end: bool) -> Result<Look> {
        let read = self.file.by_ref().take(CHUNK as u64).read_to_end(self.records.buffer()).map_err(|error| unreadable(&self.path, &error))?;
        if read == 0 && !at_end {
            return Ok(Look::Nothing);
        }
        while let Some(piece) = self.records.advance(at_end && read == 0)? {
            if !work.dispatch(piece) {
                return Ok(Look::Stop);
            }
        }
        Ok(if read == 0 { Look::Nothing } else { Look::Read })
    }

    fn look(&mut self, plan: &TextPlan, work: &WorkSender) -> Result<Look> {
        let Ok(named) = std::fs::metadata(&self.path) else {
            // Taken away, or about to be replaced: what it still holds is read.
            return self.read_appended(work, false);
        };
        if (named.dev(), named.ino()) != self.identity {
            // Nothing is appended to a replaced file, so its last line is whole.
            loop {
                match self.read_appended(work, true)? {
                    Look::Read => {}
                    Look::Stop => return Ok(Look::Stop),
                    Look::Nothing => break,
                }
            }
            tracing::info!("{} was replaced; reading the new file from its beginning", self.path.display());
            *self = Self::open(plan, &self.path, 0)?;
        } else if named.len() < self.records.read_to() {
            tracing::warn!("{} was truncated; reading it from its beginning", self.path.display());
            *self = Self::open(plan, &self.path, 0)?;
        }
        self.read_appended(work, false)
    }
}

/// Follows the files until the consumer has gone.
pub(super) fn follow(plan: &TextPlan, resume: &Position, interval: Duration, work: &WorkSender) -> Result<()> {
    let mut files: Vec<Followed> = Vec::new();
    let mut first = true;
    loop {
        if first || plan.listing.is_open() {
            for path in plan.listing.files()? {
                if !files.iter().any(|known| known.path == path) {
                    let known = resume.offsets.get(&partition_name(&path)).copied();
                    let resume_at = match known {
                        Some(offset) => offset,
                        None if first && plan.from_end => last_line_end(&path)?,
                        None => 0,
                    };
                    files.push(Followed::open(plan, &path, resume_at)?);
                }
            }
            first = false;
        }
        let mut idle = true;
        for file in &mut files {
            match file.look(plan, work)? {
                Look::Nothing => {}
                Look::Read => idle = false,
                Look::Stop => return Ok(()),
            }
        }
        if work.is_closed() {
            return Ok(());
        }
        if idle {
            std::thread::sleep(interval);
        }
    }
}

/// Offset after the last line end of a file, so that a line that is being written is read as a whole.
fn last_line_end(path: &Path) -> Result<u64> {
    const BLOCK: u64 = 64 << 10;
    let fault = |error: std::io::Error| unreadable(path, &error);
    let mut file = File::open(path).map_err(fault)?;
    let mut end = file.metadata().map_err(fault)?.len();
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start)).map_err(fault)?;
        block.clear();
        file.by_ref().take(end - start).read_to_end(&mut block).map_err(fault)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
