//! One output file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::encrypted::{EncryptWriter, EncryptionKey};
use super::options::Codec;
use crate::error::{Error, ErrorKind, Fault, Result};

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
}

impl OutputOptions {
    /// Whether readers can use the file before it is closed.
    fn in_place(&self) -> bool {
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
            Self::Closed(file) => file.length,
        }
    }

    /// Completes the file; it is durable afterwards.
    pub(super) fn close(self) -> Result<()> {
        match self {
            Self::InPlace(mut file) => file.sync(),
            Self::Closed(file) => file.close(),
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
        }
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
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Sink, Fault::User, format!("{} is being written by another job", path.display()))
                .with_help("give one of them another path"))
        }
        // Not every file system has locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(io_error(path, error)),
    }
}

/// The layers between text and file.
trait Layers: Write + Send {
    /// Writes what each layer holds back.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

enum Below {
    Plain(BufWriter<File>),
    Encrypted(Box<EncryptWriter<BufWriter<File>>>),
}

impl Write for Below {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Encrypted(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Encrypted(file) => file.flush(),
        }
    }
}

impl Layers for Below {
    fn finish(self: Box<Self>) -> io::Result<()> {
        match *self {
            Self::Plain(mut file) => file.flush(),
            Self::Encrypted(file) => file.finish().map(|_| ()),
        }
    }
}

impl Layers for flate2::write::GzEncoder<Below> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        Box::new(flate2::write::GzEncoder::finish(*self)?).finish()
    }
}

impl Layers for zstd::Encoder<'static, Below> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        Box::new(zstd::Encoder::finish(*self)?).finish()
    }
}

/// A file that is complete only when closed.
pub(super) struct Closed {
    path: PathBuf,
    /// `None`: members are appended to the file itself.
    temporary: Option<PathBuf>,
    file: File,
    layers: Shared,
    length: u64,
}

/// The layers, lent to a columnar writer and taken back when it has finished.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Option<Box<dyn Layers>>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.lock().as_mut() {
            Some(layers) => layers.write(bytes),
            None => Err(io::Error::other("the file is closed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().as_mut().map_or(Ok(()), |layers| layers.flush())
    }
}

impl Closed {
    fn create(path: &Path, options: &OutputOptions, header: &[u8]) -> Result<Self> {
        let fault = |error| io_error(path, error);
        let (file, temporary, is_new) = if options.append {
            let mut file = open_locked(path)?;
            let length = file.seek(SeekFrom::End(0)).map_err(fault)?;
            (file, None, length == 0)
        } else {
            let temporary = temporary_name(path);
            remove_dead_temporaries(path);
            (File::create_new(&temporary).map_err(|error| io_error(&temporary, error))?, Some(temporary), true)
        };
        let below = BufWriter::with_capacity(options.buffer_bytes.max(4096), file.try_clone().map_err(fault)?);
        let below = match &options.encryption {
            Some(key) => Below::Encrypted(Box::new(EncryptWriter::new(below, key).map_err(fault)?)),
            None => Below::Plain(below),
        };
        let layers: Box<dyn Layers> = match options.compression {
            _ if options.columnar => Box::new(below),
            Codec::Gzip => Box::new(flate2::write::GzEncoder::new(below, flate2::Compression::default())),
            Codec::Zstd => Box::new(zstd::Encoder::new(below, 0).map_err(fault)?),
            _ => Box::new(below),
        };
        let mut closed = Self { path: path.to_owned(), temporary, file, layers: Shared(Arc::new(Mutex::new(Some(layers)))), length: 0 };
        if is_new {
            closed.write(header)?;
        }
        Ok(closed)
    }

    /// The output for a columnar writer.
    pub(super) fn layers(&self) -> Shared {
        self.layers.clone()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        // What a compressor has taken cannot be taken back, so trying again is of no use.
        self.layers.write_all(bytes).map_err(|error| io_error(&self.path, error).with_retry(false))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn close(mut self) -> Result<()> {
        let fault = |path: &Path, error| io_error(path, error).with_retry(false);
        let layers = self.layers.0.lock().take();
        if let Some(layers) = layers {
            layers.finish().map_err(|error| fault(&self.path, error))?;
        }
        self.file.sync_all().map_err(|error| fault(&self.path, error))?;
        if let Some(temporary) = self.temporary.take() {
            let renamed = std::fs::rename(&temporary, &self.path);
            if renamed.is_err() {
                self.temporary = Some(temporary);
            }
            renamed.map_err(|error| fault(&self.path, error))?;
            sync_folder(&self.path);
        }
        Ok(())
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Not completed, so nobody can use it; a rest that stays is removed by the next run.
            drop(self.layers.0.lock().take());
            let _rest_stays = std::fs::remove_file(temporary);
        }
    }
}

/// A rename is durable when its folder is; where folders can't be synced the file system does it by itself.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::debug!("cannot sync {}: {error}", folder.display());
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = format!(".{}.{}.{:08x}.tmp", path.file_name().unwrap_or_default().to_string_lossy(), std::process::id(), rand::random::<u32>());
    path.with_file_name(name)
}

/// A name with its numbers left out: the files of one sink differ in numbers and dates only.
fn without_digits(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Removes what killed processes have left of this file, and of those that differ from it in numbers only.
pub(super) fn remove_dead_temporaries(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = without_digits(&path.file_name().unwrap_or_default().to_string_lossy());
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp")) else { continue };
        let mut parts = rest.rsplitn(3, '.');
        let (Some(random), Some(process), Some(file)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let dead = process.parse::<u32>().is_ok_and(|id| id != std::process::id() && !Path::new("/proc").join(process).exists());
        if dead && random.len() == 8 && without_digits(file) == own && Path::new("/proc/self").exists() {
            let _next_run_tries_again = std::fs::remove_file(entry.path());
        }
    }
}
