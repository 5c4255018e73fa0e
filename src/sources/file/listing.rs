//! Which files a path stands for.

use std::fmt;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::path_columns;
use crate::error::{Error, ErrorKind, Fault, Result, io_text};

/// The path that means standard input.
pub(super) const STDIN: &str = "-";

/// What a `path` key means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// Standard input (`-`) or a named pipe: it can be read once.
    Pipe(PathBuf),
    /// One file.
    File(PathBuf),
    /// The files in a folder and in its partition folders (`column=value`).
    Folder(PathBuf),
    /// The files that a pattern matches.
    Glob(String),
}

impl Listing {
    /// Reads a `path`. A name with pattern characters that exists as it is written is that file.
    pub(super) fn new(path: &str) -> Result<Self> {
        let plain = Path::new(path);
        if path == STDIN || std::fs::metadata(plain).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            return Ok(Self::Pipe(plain.to_owned()));
        }
        if plain.is_dir() {
            return Ok(Self::Folder(plain.to_owned()));
        }
        if !plain.exists() && path.contains(['*', '?', '[']) {
            glob::Pattern::new(path).map_err(|error| not_a_pattern(path, error.msg))?;
            return Ok(Self::Glob(path.to_owned()));
        }
        Ok(Self::File(plain.to_owned()))
    }

    /// Whether it can be read only once.
    pub(super) fn is_pipe(&self) -> bool {
        matches!(self, Self::Pipe(_))
    }

    /// The columns that the folders on the way to a file give: names, and values (`None` is NULL).
    pub(super) fn path_columns(&self, file: &Path) -> Vec<(String, Option<String>)> {
        match self {
            Self::Folder(root) => path_columns::of(root, file),
            _ => Vec::new(),
        }
    }

    /// Whether what it names is not there, folder or file.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Folder(path) | Self::File(path) => !path.exists(),
            Self::Pipe(_) | Self::Glob(_) => false,
        }
    }

    /// Whether further files may come to match.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Folder(_) | Self::Glob(_))
    }

    /// The files at present, in the order of their names (compared byte by byte). Hidden files (a dot first) are left out, since writers use such names for unfinished files.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = match self {
            Self::Pipe(_) => return Ok(Vec::new()),
            Self::File(path) => {
                // Opened to know about permission too.
                std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
                return Ok(vec![path.clone()]);
            }
            Self::Folder(root) => {
                let mut found = Vec::new();
                let mut folders = vec![root.clone()];
                while let Some(folder) = folders.pop() {
                    let entries = match std::fs::read_dir(&folder) {
                        // It was there when the folder above it was listed.
                        Err(error) if error.kind() == io::ErrorKind::NotFound && folder != *root => continue,
                        entries => entries.map_err(|error| unreadable(&folder, &error))?,
                    };
                    for entry in entries {
                        let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
                        if path_columns::names_column(&path) && path.is_dir() {
                            folders.push(path);
                        } else {
                            found.push(path);
                        }
                    }
                }
                found
            }
            Self::Glob(pattern) => {
                let paths = glob::glob(pattern).map_err(|error| not_a_pattern(pattern, error.msg))?;
                paths.collect::<std::result::Result<Vec<_>, _>>().map_err(|error| unreadable(error.path(), error.error()))?
            }
        };
        let hidden = |path: &PathBuf| path.file_name().is_none_or(|name| name.as_encoded_bytes().first() == Some(&b'.'));
        files.retain(|path| !hidden(path) && path.is_file());
        files.sort();
        Ok(files)
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipe(path) | Self::File(path) | Self::Folder(path) => path.display().fmt(f),
            Self::Glob(pattern) => f.write_str(pattern),
        }
    }
}

/// The error for a path that can't be read when the source is created: a wrong name or a missing permission is the user's to mend.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Error {
    let message = format!("{}: {}", path.display(), io_text(error));
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Error::new(ErrorKind::Source, Fault::User, message),
        _ => Error::new(ErrorKind::Source, Fault::External, message).with_retry(true),
    }
}

/// The error for a path that can't be read any more: it was there when the source was created, so it may come back.
pub(super) fn lost(path: &Path, error: &io::Error) -> Error {
    Error::io(ErrorKind::Source, path.display(), io::Error::new(error.kind(), error.to_string()))
}

fn not_a_pattern(path: &str, why: &str) -> Error {
    Error::config(format!("'{path}' is not a pattern: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_tried_again_and_a_wrong_name_is_not() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let wrong = unreadable(Path::new("x"), &missing);
        let gone = lost(Path::new("x"), &missing);
        assert_eq!((wrong.fault(), wrong.retry()), (Fault::User, false));
        assert_eq!((gone.fault(), gone.retry(), gone.message()), (Fault::External, true, "x: entity not found"));
    }

    #[test]
    fn a_folder_is_its_files_and_those_of_partition_folders() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["b.csv", "a=2/x.csv", "a=1/c=3/z.csv", "a=1/y.csv", "a=1/.hidden", "other/o.csv", ".a=1/h.csv"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("created");
            std::fs::write(path, "").expect("written");
        }
        let listing = Listing::new(folder.path().to_str().expect("text")).expect("listing");
        let files = listing.files().expect("files");
        let names: Vec<_> = files.iter().map(|path| path.strip_prefix(folder.path()).expect("below").to_string_lossy()).collect();
        assert_eq!(names, ["a=1/c=3/z.csv", "a=1/y.csv", "a=2/x.csv", "b.csv"]);
        assert_eq!(listing.path_columns(&files[0]), [("a", "1"), ("c", "3")].map(|(name, value)| (name.to_owned(), Some(value.to_owned()))));
    }
}
