//! Which files a path stands for.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Fault, Result, io_text};

/// What a `path` key means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// Standard input.
    Stdin,
    /// One file.
    File(PathBuf),
    /// The files directly in a folder.
    Folder(PathBuf),
    /// The files that a pattern matches.
    Glob(String),
}

impl Listing {
    /// Reads a `path`. A name with pattern characters that exists as it is written is that file.
    pub(super) fn new(path: &str) -> Result<Self> {
        if path == "-" {
            return Ok(Self::Stdin);
        }
        let plain = Path::new(path);
        if plain.is_dir() {
            return Ok(Self::Folder(plain.to_owned()));
        }
        if !plain.exists() && path.contains(['*', '?', '[']) {
            glob::Pattern::new(path).map_err(|error| Error::config(format!("'{path}' is not a pattern: {}", error.msg)))?;
            return Ok(Self::Glob(path.to_owned()));
        }
        Ok(Self::File(plain.to_owned()))
    }

    /// Whether further files may come to match.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Folder(_) | Self::Glob(_))
    }

    /// The files at present, in the order of their names (compared byte by byte). Hidden files (a dot first) are left out, since writers use such names for unfinished files.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = match self {
            Self::Stdin => return Ok(Vec::new()),
            Self::File(path) => {
                // Opened to know about permission too.
                std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
                return Ok(vec![path.clone()]);
            }
            Self::Folder(folder) => {
                let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
                let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
                paths.map_err(|error| unreadable(folder, &error))?
            }
            Self::Glob(pattern) => {
                let paths = glob::glob(pattern).map_err(|error| Error::config(format!("'{pattern}' is not a pattern: {}", error.msg)))?;
                paths.collect::<std::result::Result<Vec<_>, _>>().map_err(|error| unreadable(error.path(), error.error()))?
            }
        };
        let hidden = |path: &PathBuf| path.file_name().is_none_or(|name| name.as_encoded_bytes().first() == Some(&b'.'));
        files.retain(|path| !hidden(path) && path.is_file());
        files.sort();
        Ok(files)
    }
}

/// The error for a path that can't be read: a wrong name or a missing permission is the user's to mend.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Error {
    let message = format!("{}: {}", path.display(), io_text(error));
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Error::new(ErrorKind::Source, Fault::User, message),
        _ => Error::new(ErrorKind::Source, Fault::External, message).with_retry(true),
    }
}
