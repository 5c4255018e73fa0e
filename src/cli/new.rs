//! `new`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::arguments::NewCommand;
use super::exit::ExitStatus;
use super::report::{refused, tell};
use crate::config::{StarterFile, starter};
use crate::error::{Error, Result, io_text};

/// Writes a script and its files of settings to begin with.
pub(super) fn new(command: &NewCommand) -> ExitStatus {
    let files = match kinds(command).and_then(|(source, sink)| starter(source, sink)) {
        Ok(files) => files,
        Err(error) => return refused(&[error]),
    };
    // Before the first is written, so that there are all of them or none.
    let there: Vec<Error> = files
        .iter()
        .map(|file| command.folder.join(&file.path))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| Error::config(format!("{} is there already; nothing was written", path.display())).with_help("name another folder with --folder"))
        .collect();
    if !there.is_empty() {
        return refused(&there);
    }
    for file in &files {
        let path = command.folder.join(&file.path);
        if let Err(error) = write(&path, file) {
            tell(&format!("Error: cannot write {}: {}", path.display(), io_text(&error)));
            return ExitStatus::Failed;
        }
        tell(&format!("wrote {}", path.display()));
    }
    let script = files.first().map(|file| file.path.clone()).unwrap_or_default();
    // Files of settings are looked for in ./configs first, which may be another one here.
    let enter = if command.folder == Path::new(".") { String::new() } else { format!("cd {} && ", command.folder.display()) };
    tell(&format!("Next: {enter}velo-sql validate {}", script.display()));
    ExitStatus::Done
}

/// The kinds of source and sink that are asked for.
fn kinds(command: &NewCommand) -> Result<(&str, &str)> {
    let help = "write SOURCE-SINK, such as kafka-file, or --source kafka --sink file";
    match (&command.template, &command.source, &command.sink) {
        (Some(template), None, None) => {
            template.split_once('-').ok_or_else(|| Error::config(format!("'{template}' does not name a kind of source and a kind of sink")).with_help(help))
        }
        (None, Some(source), Some(sink)) => Ok((source, sink)),
        (Some(_), ..) => Err(Error::config("the kinds are named twice").with_help(help)),
        (None, ..) => Err(Error::config("a kind of source and a kind of sink are needed").with_help(help)),
    }
}

fn write(path: &Path, file: &StarterFile) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(file.text.as_bytes())
}
