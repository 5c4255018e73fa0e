//! A file that is complete only when closed: compressed, encrypted, or columnar. It is made under a hidden name.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::encrypted::EncryptWriter;
use super::options::Codec;
use super::output::{OutputOptions, io_error, link_target};
use super::temporary::Temporary;
use crate::error::{Error, ErrorKind, Fault, Result, io_text};

/// Largest buffer below the layers, which is taken at once: more would make nothing faster.
const LARGEST_BUFFER: usize = 16 << 20;

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

/// The layers, lent to a columnar writer and taken back when it has finished.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Lent>>);

struct Lent {
    layers: Option<Box<dyn Layers>>,
    /// The first fault, which a columnar writer tells in words of its own.
    fault: Option<io::Error>,
}

impl Shared {
    fn new(layers: Box<dyn Layers>) -> Self {
        Self(Arc::new(Mutex::new(Lent { layers: Some(layers), fault: None })))
    }

    fn use_layers<T>(&self, step: impl FnOnce(&mut dyn Layers) -> io::Result<T>) -> io::Result<T> {
        let mut lent = self.0.lock();
        let Some(layers) = lent.layers.as_mut() else { return Err(io::Error::other("the file is closed")) };
        let result = step(layers.as_mut());
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let copy = error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), io_text(error)), io::Error::from_raw_os_error);
            lent.fault.get_or_insert(copy);
        }
        result
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.use_layers(|layers| layers.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.use_layers(|layers| layers.flush())
    }
}

/// A file in the making.
pub(super) struct Closed {
    path: PathBuf,
    temporary: Temporary,
    file: File,
    layers: Shared,
    length: u64,
}

impl Closed {
    pub(super) fn create(path: &Path, options: &OutputOptions, header: &[u8]) -> Result<Self> {
        let path = &link_target(path);
        let fault = |error| io_error(path, error);
        check_replaceable(path)?;
        let (temporary, file) = options.temporaries.create(path).map_err(fault)?;
        let kept = if options.append { copy_existing(path, &file).map_err(fault)? } else { 0 };
        let below = BufWriter::with_capacity(options.buffer_bytes.clamp(4096, LARGEST_BUFFER), file.try_clone().map_err(fault)?);
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
        let mut closed = Self { path: path.clone(), temporary, file, layers: Shared::new(layers), length: 0 };
        if kept == 0 {
            closed.write(header)?;
        }
        Ok(closed)
    }

    /// The output for a columnar writer.
    pub(super) fn layers(&self) -> Shared {
        self.layers.clone()
    }

    /// What a columnar writer could not do, in the words of the operating system if it was that.
    pub(super) fn explain(&self, error: Error) -> Error {
        let fault = self.layers.0.lock().fault.take();
        fault.map_or_else(|| error.context(self.path.display()), |fault| io_error(&self.path, fault)).with_retry(false)
    }

    /// Bytes so far, before compression.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends text. What a compressor has taken cannot be taken back, so trying again is of no use.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.layers.write_all(bytes).map_err(|error| io_error(&self.path, error).with_retry(false))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Completes the file and makes it durable; its name it gets from the caller.
    pub(super) fn close(self) -> Result<Temporary> {
        let layers = self.layers.0.lock().layers.take();
        let finished = layers.map_or(Ok(()), |layers| layers.finish()).and_then(|()| self.file.sync_all());
        finished.map_err(|error| io_error(&self.path, error).with_retry(false))?;
        Ok(self.temporary)
    }
}

/// A pipe or a device would be replaced by a file, and a folder can't be replaced at all.
pub(super) fn check_replaceable(path: &Path) -> Result<()> {
    let what = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => "is a folder",
        Ok(metadata) if !metadata.is_file() => "is a pipe or a device, which takes only text that is neither compressed nor encrypted",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Sink, Fault::User, format!("{} {what}", path.display())).with_help("name a file"))
}

/// Appending to a compressed file is replacing it by a copy with one more member: readers never see the member half written, whenever the process dies. Returns the bytes that
/// are kept.
fn copy_existing(path: &Path, mut file: &File) -> io::Result<u64> {
    match File::open(path) {
        Ok(mut existing) => io::copy(&mut existing, &mut file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}
