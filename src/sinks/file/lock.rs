//! One writer at a time for an output that is more than one file, or not written in place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::output::io_error;
use super::temporary::hidden_name;
use crate::error::{Error, ErrorKind, Fault, Result};

/// The lock of an output: a hidden file beside it, which is there while somebody writes. A process that was killed leaves the file but not the lock on it.
#[derive(Debug)]
pub(super) struct OutputLock {
    path: PathBuf,
    _file: File,
    /// Not every file system has locks.
    exclusive: bool,
}

impl OutputLock {
    /// Takes the lock of the output `name` in a folder that exists; `output` names it in messages.
    ///
    /// **Errors**: another job holds it.
    pub(super) fn take(folder: &Path, name: &str, output: &str) -> Result<Self> {
        let path = folder.join(hidden_name(&name.replace('/', "%"), ".lock"));
        let fault = |error| io_error(&path, error);
        loop {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(fault)?;
            let exclusive = try_lock(&file, output, &path)?;
            // The last owner may have removed the file between our opening and locking it.
            let own = file.metadata().map_err(fault)?;
            if std::fs::metadata(&path).is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())) {
                return Ok(Self { path, _file: file, exclusive });
            }
        }
    }

    /// Whether nobody else can have taken it.
    pub(super) fn is_exclusive(&self) -> bool {
        self.exclusive
    }
}

impl Drop for OutputLock {
    fn drop(&mut self) {
        // Removed before it is unlocked, so that nobody can hold what is removed. A rest is taken over by the next run.
        let _rest_stays = std::fs::remove_file(&self.path);
    }
}

/// Locks a file of the output that `output` names in messages; false on a file system without locks.
///
/// **Errors**: another job holds it.
pub(super) fn try_lock(file: &File, output: &str, path: &Path) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Sink, Fault::User, format!("{output} is being written by another job")).with_help("give one of them another path"))
        }
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(TryLockError::Error(error)) => Err(io_error(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nothing_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = OutputLock::take(folder.path(), "x.parquet", "x.parquet").expect("free");
        let error = OutputLock::take(folder.path(), "x.parquet", "x.parquet").expect_err("taken");
        assert!(error.message().contains("is being written by another job"), "{error}");
        drop(OutputLock::take(folder.path(), "{date}/y.parquet", "y").expect("another output"));
        drop(first);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        // What a killed process has left is taken over.
        std::fs::write(folder.path().join(".x.parquet.lock"), "").expect("a file");
        drop(OutputLock::take(folder.path(), "x.parquet", "x.parquet").expect("free"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
