//! Small text files that settings name: found in the folders of a script, and read up to a limit.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, io_text};

/// Most bytes read. Nobody writes more settings or columns; a device or a file of data would not end.
const LARGEST: u64 = 10 << 20;

/// The text of a file; `folders` are tried in order for a relative path.
pub(super) fn read(path: &Path, folders: &[PathBuf]) -> Result<String> {
    read_found(&locate(path, folders), path)
}

/// Where a file is; the first place for one that is nowhere.
pub(super) fn locate(path: &Path, folders: &[PathBuf]) -> PathBuf {
    let candidates: Vec<PathBuf> = if path.is_absolute() { vec![path.to_owned()] } else { folders.iter().map(|folder| folder.join(path)).collect() };
    candidates.iter().find(|candidate| candidate.exists()).or(candidates.first()).map_or(path, PathBuf::as_path).to_owned()
}

/// The text of a file that was located; `path` names it in errors.
pub(super) fn read_found(found: &Path, path: &Path) -> Result<String> {
    let name = path.display();
    let fault = |error: std::io::Error| Error::config(format!("cannot read {name}: {}", io_text(&error)));
    let kind = std::fs::metadata(found).map_err(fault)?.file_type();
    if kind.is_dir() {
        return Err(Error::config(format!("{name} is a folder; a file is needed")));
    }
    // Opening a pipe that nobody writes to would wait forever.
    if !kind.is_file() {
        return Err(Error::config(format!("{name} is a pipe or a device; a file is needed")));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(found).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(fault)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::config(format!("{name} is larger than {} MiB, the most that is read of a file of settings or columns", LARGEST >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| Error::config(format!("{name} is not UTF-8 (byte {})", error.utf8_error().valid_up_to())))
}
