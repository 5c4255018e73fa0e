//! The files of records: `<number>.record` holds changes, `<number>.base` everything up to that number.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::Record;
use crate::error::{Error, ErrorKind, Fault, Result};

const RECORD: &str = "record";
const BASE: &str = "base";
/// Comes before the kind of a file that is not complete.
const HIDDEN: &str = "part-";

/// The file that a run locks.
const LOCK: &str = "lock";

/// A folder of records.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked as long as there is a clone of this.
    lock: Option<Arc<File>>,
}

/// Which files there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The newest base.
    pub base: Option<u64>,
    /// The records after it, in order.
    pub records: Vec<u64>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, lock: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, number: u64, kind: &str) -> PathBuf {
        self.path.join(format!("{number:012}.{kind}"))
    }

    fn fault(&self, what: &str, path: &Path, error: std::io::Error) -> Error {
        Error::io(ErrorKind::Limit, format!("cannot {what} {}", path.display()), error).with_help("'state.dir' names the folder")
    }

    /// Makes the folder, if it is not there, locks it, and looks what is in it. What a run that died has left behind goes.
    ///
    /// **Errors**: it can't be made or read, or another run has it; a record is missing.
    pub(super) fn open(&mut self) -> Result<Found> {
        fs::create_dir_all(&self.path).map_err(|error| self.fault("make the folder", &self.path, error))?;
        let path = self.path.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| self.fault("open", &path, error))?;
        // One of this very run gives way.
        self.lock = None;
        match file.try_lock() {
            Ok(()) => self.lock = Some(Arc::new(file)),
            Err(TryLockError::WouldBlock) => return Err(self.taken()),
            Err(TryLockError::Error(error)) => return Err(self.fault("lock", &path, error)),
        }
        let found = self.list()?;
        self.remove(|number, kind| match kind {
            BASE => found.base.is_some_and(|base| number < base),
            RECORD => found.base.is_some_and(|base| number <= base),
            // Files that have not got their names.
            _ => kind.starts_with(HIDDEN),
        })?;
        let first = found.base.map_or(1, |base| base + 1);
        match found.records.iter().zip(first..).find(|(own, expected)| **own != *expected) {
            Some((_, missing)) => Err(Error::config(format!("{} lacks record {missing}", self.path.display()))
                .with_help("put its files back, or remove the folder: the job begins anew then")),
            None => Ok(found),
        }
    }

    /// The files that have a number, with their kinds and paths.
    fn files(&self) -> Result<Vec<(u64, String, PathBuf)>> {
        let fault = |error| self.fault("read the folder", &self.path, error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = entry.file_name();
            let Some((number, kind)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            if let Ok(number) = number.parse() {
                files.push((number, kind.to_owned(), entry.path()));
            }
        }
        Ok(files)
    }

    fn list(&self) -> Result<Found> {
        let (mut bases, mut records) = (Vec::new(), Vec::new());
        for (number, kind, _) in self.files()? {
            match kind.as_str() {
                BASE => bases.push(number),
                RECORD => records.push(number),
                _ => {}
            }
        }
        let base = bases.into_iter().max();
        records.retain(|number| base.is_none_or(|base| *number > base));
        records.sort_unstable();
        Ok(Found { base, records })
    }

    /// Reads a record, or the base of that number. Also tells how long it is.
    ///
    /// **Errors**: it can't be read, or is damaged.
    pub(super) fn read(&self, number: u64, is_base: bool) -> Result<(Record, u64)> {
        let path = self.file(number, if is_base { BASE } else { RECORD });
        let bytes = fs::read(&path).map_err(|error| self.fault("read", &path, error))?;
        let record = Record::decode(&bytes)
            .map_err(|error| error.context(path.display()).with_help("put the file back as it was, or remove the folder: the job begins anew then"))?;
        Ok((record, bytes.len() as u64))
    }

    /// Writes a record under a number that nobody has used.
    ///
    /// **Errors**: it can't be written; another run has written one of this number.
    pub(super) fn put(&self, number: u64, bytes: &[u8]) -> Result<()> {
        self.write(number, RECORD, bytes)
    }

    /// Writes a base, and removes what it makes superfluous.
    pub(super) fn put_base(&self, number: u64, bytes: &[u8]) -> Result<()> {
        self.write(number, BASE, bytes)?;
        self.remove(|own, kind| (kind == RECORD && own <= number) || (kind == BASE && own < number))
    }

    /// Removes files by number and kind.
    fn remove(&self, is_old: impl Fn(u64, &str) -> bool) -> Result<()> {
        let old = self.files()?.into_iter().filter(|(number, kind, _)| is_old(*number, kind));
        old.map(|(_, _, path)| path).try_for_each(|path| fs::remove_file(&path).map_err(|error| self.fault("remove", &path, error)))
    }

    /// A file has its name only when all of it is on the disk, and never takes the place of another.
    fn write(&self, number: u64, kind: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(number, kind);
        let hidden = self.path.join(format!("{number:012}.{HIDDEN}{kind}"));
        let fault = |error| self.fault("write", &path, error);
        let written = File::create(&hidden).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all())).map_err(fault);
        // The folder is locked, so nobody else can write one of this name meanwhile.
        written.and_then(|()| if path.exists() { Err(self.used(number)) } else { Ok(()) })?;
        fs::rename(&hidden, &path).and_then(|()| File::open(&self.path)?.sync_all()).map_err(|error| {
            // What may not be durable is written again.
            let _was_not_there = fs::remove_file(&path);
            fault(error)
        })
    }

    fn taken(&self) -> Error {
        Error::config(format!("{} belongs to a job that runs", self.path.display()))
            .with_help("a job runs once at a time: stop the other one, or give this one another 'state.dir'")
    }

    fn used(&self, number: u64) -> Error {
        Error::new(ErrorKind::Limit, Fault::External, format!("record {number} of {} is there already", self.path.display()))
            .with_help("somebody has put files there; stop the job, and put the folder back as it was")
    }

    /// Removes all records: the job has come to its end.
    pub(super) fn clear(&self) -> Result<()> {
        self.remove(|_, kind| matches!(kind, BASE | RECORD))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_once_and_bases_take_the_place_of_records() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(place.path().join("a/b"));
        assert_eq!(folder.open().unwrap(), Found::default());
        let bytes = Record::default().encode().unwrap();
        (1..=5).for_each(|number| folder.put(number, &bytes).unwrap());
        assert!(folder.put(5, &bytes).unwrap_err().to_string().starts_with("record 5 of "));
        assert!(Folder::new(folder.path().to_owned()).open().unwrap_err().to_string().contains("belongs to a job that runs"));
        folder.put_base(3, &bytes).unwrap();
        assert_eq!(folder.open().unwrap(), Found { base: Some(3), records: vec![4, 5] });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "but for the lock, nothing else is left");
        // As a run leaves it that dies in the midst.
        for left in ["000000000002.record", "000000000001.base", "000000000007.part-record"] {
            fs::write(folder.path().join(left), "").unwrap();
        }
        fs::remove_file(folder.file(4, RECORD)).unwrap();
        assert!(folder.open().unwrap_err().to_string().contains("lacks record 4"));
        fs::write(folder.file(4, RECORD), &bytes[..bytes.len() - 1]).unwrap();
        assert!(folder.read(4, false).unwrap_err().to_string().contains("000000000004.record: is damaged: "));
        folder.clear().unwrap();
        assert_eq!(folder.open().unwrap(), Found::default());
    }
}
