//! One output file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::closed::Closed;
use super::encrypted::EncryptionKey;
use super::lock::try_lock;
use super::options::Codec;
use super::temporary::{Temporary, TemporaryNames};
use crate::error::{Error, ErrorKind, Fault, Result, excerpt};
use crate::stream::resolved;

/// How files are written.
#[derive(Clone, Debug)]
pub(super) struct OutputOptions {
    pub append: bool,
    /// Of the whole file.
    pub compression: Codec,
    pub encryption: Option<EncryptionKey>,
    pub buffer_bytes: usize,
    /// The format itself is complete only when closed.
    pub columnar: bool,
    pub temporaries: Arc<TemporaryNames>,
}

impl OutputOptions {
    /// Whether readers can use the file before it is closed.
    pub(super) fn in_place(&self) -> bool {
        self.compression == Codec::None && self.encryption.is_none() && !self.columnar
    }
}

/// A file in the making. Text that is neither compressed nor encrypted is written in place; everything else under a temporary name, which takes the final one when complete.
pub(super) enum Output {
    InPlace(InPlace),
    Closed(Closed),
}

pub(super) fn io_error(path: &Path, error: io::Error) -> Error {
    Error::io(ErrorKind::Sink, path.display(), error)
}

/// The file that a link leads to, which is replaced instead of the link.
pub(super) fn link_target(path: &Path) -> PathBuf {
    if path.is_symlink() { resolved(path) } else { path.to_owned() }
}

/// Makes the folders above a file.
pub(super) fn make_folders(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder).map_err(|error| io_error(folder, error)),
        _ => Ok(()),
    }
}

impl Output {
    /// Begins a file; the folders above it are made. `header` comes first, unless the file has content already.
    pub(super) fn create(path: &Path, options: &OutputOptions, header: &[u8]) -> Result<Self> {
        make_folders(path)?;
        if options.in_place() { InPlace::create(path, options, header).map(Self::InPlace) } else { Closed::create(path, options, header).map(Self::Closed) }
    }

    /// Appends text. After an error nothing of it is kept; a file that is written in place can then be written to again.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::InPlace(file) => file.write(bytes),
            Self::Closed(file) => file.write(bytes),
        }
    }

    /// Bytes so far, before compression.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::InPlace(file) => file.length(),
            Self::Closed(file) => file.length(),
        }
    }

    /// Completes the file. One in place is complete when it was synced; another one still has to get its name.
    pub(super) fn close(self) -> Result<Option<Temporary>> {
        match self {
            Self::InPlace(_) => Ok(None),
            Self::Closed(file) => file.close().map(Some),
        }
    }
}

/// A text file that readers can follow while it is written.
pub(super) struct InPlace {
    path: PathBuf,
    file: File,
    /// What the file held is to be replaced; done with the first bytes, or when it is synced.
    replaces: bool,
    /// Bytes in the file.
    flushed: u64,
    buffer: Vec<u8>,
    buffer_bytes: usize,
}

/// Refuses to append rows to a file whose header names other columns.
fn check_header(path: &Path, file: &mut File, header: &[u8]) -> Result<()> {
    let mut begin = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(header.len() as u64).read_to_end(&mut begin));
    read.map_err(|error| io_error(path, error))?;
    let line = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if begin.is_empty() || line(&begin) == line(header) || begin.starts_with(header.trim_ascii_end()) {
        return Ok(());
    }
    let message = format!("{} begins with another header than '{}'", path.display(), excerpt(&line(header)));
    Err(Error::new(ErrorKind::Sink, Fault::User, message).with_help("append to a file of the same columns, or leave 'append' out to replace it"))
}

impl InPlace {
    fn create(path: &Path, options: &OutputOptions, header: &[u8]) -> Result<Self> {
        let fault = |error| io_error(path, error);
        let file = open_locked(path)?;
        let mut file = Self { path: path.to_owned(), file, replaces: false, flushed: 0, buffer: Vec::new(), buffer_bytes: options.buffer_bytes };
        let is_regular = file.file.metadata().map_err(fault)?.is_file();
        if !is_regular {
            // A device or a pipe has no content to keep or to replace.
            file.buffer.extend_from_slice(header);
            return Ok(file);
        }
        if options.append {
            check_header(path, &mut file.file, header)?;
            file.flushed = file.file.seek(SeekFrom::End(0)).map_err(fault)?;
        } else {
            // The start may still be refused, because of another sink.
            file.replaces = true;
        }
        if file.flushed == 0 {
            file.buffer.extend_from_slice(header);
        } else if !ends_with_line_end(&mut file.file).map_err(fault)? {
            // The last writer died within a line: ours is not to be glued to it.
            file.buffer.push(b'\n');
        }
        Ok(file)
    }

    fn length(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let before = self.length();
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < self.buffer_bytes {
            return Ok(());
        }
        self.flush().inspect_err(|_| self.cut(before))
    }

    /// Takes back what came after `length` bytes.
    pub(super) fn cut(&mut self, length: u64) {
        match length.checked_sub(self.flushed) {
            Some(kept) => self.buffer.truncate(usize::try_from(kept).unwrap_or(usize::MAX)),
            None => {
                self.buffer.clear();
                // If even this fails the disk is gone, and the next write says so.
                let cut = self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::Start(length)));
                if cut.is_ok() {
                    self.flushed = length;
                }
            }
        }
    }

    /// Hands the buffer to the operating system, wholly or not at all.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.replaces {
            self.file.set_len(0).map_err(|error| io_error(&self.path, error))?;
            self.replaces = false;
        }
        let mut written = 0;
        while written < self.buffer.len() {
            let error = match self.file.write(&self.buffer[written..]) {
                Ok(0) => io::Error::from(io::ErrorKind::WriteZero),
                Ok(count) => {
                    written += count;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let restored = written == 0 || self.file.set_len(self.flushed).and_then(|()| self.file.seek(SeekFrom::Start(self.flushed))).is_ok();
            let error = io_error(&self.path, error);
            return Err(if restored { error } else { error.with_retry(false) });
        }
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.flush()?;
        match self.file.sync_data() {
            // Devices and pipes have nothing to sync.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result.map_err(|error| io_error(&self.path, error)),
        }?;
        self.check_name()
    }

    /// What is written to a file that was removed or moved away is seen by nobody.
    fn check_name(&self) -> Result<()> {
        let own = self.file.metadata().map_err(|error| io_error(&self.path, error))?;
        let is_own = |named: std::fs::Metadata| (named.dev(), named.ino()) == (own.dev(), own.ino());
        if !own.is_file() || std::fs::metadata(&self.path).is_ok_and(is_own) {
            return Ok(());
        }
        let message = format!("{} was removed, or another file put in its place, while it was written", self.path.display());
        Err(Error::new(ErrorKind::Sink, Fault::External, message))
    }
}

fn ends_with_line_end(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0] == b'\n')
}

/// Opens a file for one writer at a time; two of them would mix their lines.
fn open_locked(path: &Path) -> Result<File> {
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = match open {
        // A device or a pipe that can only be written.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => OpenOptions::new().write(true).open(path).map_err(|_| error),
        result => result,
    }
    .map_err(|error| io_error(path, error))?;
    if !file.metadata().map_err(|error| io_error(path, error))?.is_file() {
        // Devices and pipes have no content that two writers could mix up.
        return Ok(file);
    }
    // Where there are no locks it is written all the same.
    try_lock(&file, &path.display().to_string(), path)?;
    Ok(file)
}
