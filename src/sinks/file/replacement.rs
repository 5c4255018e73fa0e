//! One file that is written whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::lock::OutputLock;
use super::output::{io_error, link_target};
use super::temporary::{Temporary, TemporaryNames};
use crate::error::Result;

/// A file that takes the place of another one when it is complete; what is there already (a pipe, a device) but no file is written to as it is.
pub struct Replacement {
    file: File,
    /// The lock is released last.
    hidden: Option<(Temporary, OutputLock)>,
}

impl Replacement {
    /// Begins the file; what `path` holds stays until [`Self::complete`].
    pub fn create(path: &Path) -> Result<Self> {
        let path = &link_target(path);
        let fault = |error| io_error(path, error);
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Ok(Self { file: File::options().write(true).open(path).map_err(fault)?, hidden: None });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let lock = OutputLock::take(folder, &name, &path.display().to_string())?;
        let names = TemporaryNames::new(&name);
        if lock.is_exclusive() {
            names.remove_dead(folder);
        }
        let (temporary, file) = names.create(path).map_err(fault)?;
        Ok(Self { file, hidden: Some((temporary, lock)) })
    }

    /// Gives the file its name.
    pub fn complete(self) -> io::Result<()> {
        match self.hidden {
            None => Ok(()),
            Some((temporary, _lock)) => {
                self.file.sync_all()?;
                temporary.take_name()
            }
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
