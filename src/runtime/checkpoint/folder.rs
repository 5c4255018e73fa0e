//! The files of records: `<number>.record` holds changes, `<number>.base` everything up to that number.

use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Write};
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::error::{Error, ErrorKind, Fault, Result};

const RECORD: &str = "record";
const BASE: &str = "base";

/// A folder of records.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
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
        Self { path }
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

    /// Makes the folder, if it is not there, and looks what is in it.
    ///
    /// **Errors**: it can't be made or read; a record is missing.
    pub(super) fn open(&self) -> Result<Found> {
        fs::create_dir_all(&self.path).map_err(|error| self.fault("make the folder", &self.path, error))?;
        let found = self.list()?;
        let first = found.base.map_or(1, |base| base + 1);
        match found.records.iter().zip(first..).find(|(own, expected)| **own != *expected) {
            Some((_, missing)) => Err(Error::config(format!("{} lacks record {missing}", self.path.display()))
                .with_help("put its files back, or remove the folder: the job begins anew then")),
            None => Ok(found),
        }
    }

    fn list(&self) -> Result<Found> {
        let entries = fs::read_dir(&self.path).map_err(|error| self.fault("read the folder", &self.path, error))?;
        let (mut bases, mut records) = (Vec::new(), Vec::new());
        for entry in entries {
            let name = entry.map_err(|error| self.fault("read the folder", &self.path, error))?.file_name();
            let Some((number, kind)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match kind {
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

    /// Writes a record under a number that nobody has used. Returns its length.
    ///
    /// **Errors**: it can't be written; another run has written one of this number.
    pub(super) fn put(&self, number: u64, bytes: &[u8]) -> Result<()> {
        self.write(number, RECORD, bytes)
    }

    /// Writes a base, and removes what it makes superfluous.
    pub(super) fn put_base(&self, number: u64, bytes: &[u8]) -> Result<()> {
        self.write(number, BASE, bytes)?;
        let entries = fs::read_dir(&self.path).map_err(|error| self.fault("read the folder", &self.path, error))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some((own, kind)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            let Ok(own) = own.parse::<u64>() else { continue };
            if (kind == RECORD && own <= number) || (kind == BASE && own < number) {
                fs::remove_file(entry.path()).map_err(|error| self.fault("remove", &entry.path(), error))?;
            }
        }
        Ok(())
    }

    /// A file has its name only when all of it is on the disk, and never takes the place of another.
    fn write(&self, number: u64, kind: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(number, kind);
        let hidden = self.path.join(format!(".{number:012}.{kind}.{:08x}", rand::random::<u32>()));
        let fault = |error| self.fault("write", &path, error);
        let written = File::create_new(&hidden).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all())).map_err(fault);
        let named = written.and_then(|()| match fs::hard_link(&hidden, &path) {
            Err(error) if error.kind() == IoKind::AlreadyExists => Err(self.taken(number)),
            linked => linked.and_then(|()| File::open(&self.path)?.sync_all()).map_err(fault),
        });
        let removed = fs::remove_file(&hidden);
        // One that is left over is hidden, and in nobody's way.
        drop(removed);
        named
    }

    fn taken(&self, number: u64) -> Error {
        Error::new(ErrorKind::Limit, Fault::User, format!("another run has written record {number} of {}", self.path.display()))
            .with_help("a job runs once at a time: stop the other one, or give it another 'state.dir'")
    }

    /// Removes all records: the job has come to its end.
    pub(super) fn clear(&self) -> Result<()> {
        let found = self.list()?;
        let files = found.records.iter().rev().map(|number| self.file(*number, RECORD));
        for path in files.chain(found.base.map(|base| self.file(base, BASE))) {
            fs::remove_file(&path).map_err(|error| self.fault("remove", &path, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_once_and_bases_take_the_place_of_records() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path().join("a/b"));
        assert_eq!(folder.open().unwrap(), Found::default());
        let bytes = Record::default().encode().unwrap();
        (1..=5).for_each(|number| folder.put(number, &bytes).unwrap());
        assert!(folder.put(5, &bytes).unwrap_err().to_string().starts_with("another run has written record 5"));
        folder.put_base(3, &bytes).unwrap();
        assert_eq!(folder.open().unwrap(), Found { base: Some(3), records: vec![4, 5] });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing else is left");
        fs::remove_file(folder.file(4, RECORD)).unwrap();
        assert!(folder.open().unwrap_err().to_string().contains("lacks record 4"));
        fs::write(folder.file(4, RECORD), &bytes[..bytes.len() - 1]).unwrap();
        assert!(folder.read(4, false).unwrap_err().to_string().contains("000000000004.record: is damaged: "));
        folder.clear().unwrap();
        assert_eq!(folder.open().unwrap(), Found::default());
    }
}
