//! `decrypt`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Stdout, Write};
use std::path::Path;

use super::arguments::DecryptCommand;
use super::exit::ExitStatus;
use super::report::tell;
use crate::error::io_text;
use crate::sinks::file::{EncryptionKey, Replacement, decrypt as decrypt_file};

/// Where the plain bytes go.
enum Target {
    Stdout(Stdout),
    /// Appears when it is complete: a wrong key or a cut input leaves what is there.
    File(Replacement),
}

/// A target that remembers whether a fault was its own.
struct Output {
    target: Target,
    failed: bool,
}

impl Output {
    fn noting<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.failed |= result.is_err();
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.target {
            Target::Stdout(stdout) => stdout.write(bytes),
            Target::File(file) => file.write(bytes),
        };
        self.noting(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.target {
            Target::Stdout(stdout) => stdout.flush(),
            Target::File(file) => file.flush(),
        };
        self.noting(flushed)
    }
}

/// Bytes read of a key file: a key and some line ends.
const LONGEST_KEY: u64 = 1024;

/// Decrypts a file.
pub(super) fn decrypt(command: &DecryptCommand) -> ExitStatus {
    let refuse = |message: String| {
        tell(&format!("Error: {message}"));
        ExitStatus::Refused
    };
    let key = match &command.key_file {
        Some(file) => match read_key(file) {
            Ok(key) => key,
            Err(error) => return refuse(format!("cannot read {}: {}", file.display(), io_text(&error))),
        },
        None => match std::env::var("VELO_ENCRYPTION_KEY") {
            Ok(key) => key,
            Err(_) => return refuse("no key; set VELO_ENCRYPTION_KEY, or give --key-file".to_owned()),
        },
    };
    let Some(key) = EncryptionKey::from_base64(&key) else { return refuse("the key is not base64 of 32 bytes".to_owned()) };
    let input = match File::open(&command.input) {
        Ok(input) => input,
        Err(error) => return refuse(format!("cannot read {}: {}", command.input.display(), io_text(&error))),
    };
    let target = match &command.output {
        None => Target::Stdout(io::stdout()),
        Some(path) => match Replacement::create(path) {
            Ok(file) => Target::File(file),
            Err(error) => return refuse(format!("cannot write {}", error.message())),
        },
    };
    let mut output = BufWriter::new(Output { target, failed: false });
    let decrypted = decrypt_file(&mut BufReader::new(input), &mut output, &key);
    // What is still buffered after a fault is not to be written by the way.
    let (output, _) = output.into_parts();
    let completed = match (decrypted, output) {
        (Ok(_), Output { target: Target::File(file), .. }) => file.complete().map_err(|error| (error, true)),
        (Ok(_), _) => Ok(()),
        (Err(error), output) => Err((error, output.failed)),
    };
    match completed {
        Ok(()) => ExitStatus::Done,
        // Nobody reads on: `… | head`.
        Err((error, true)) if error.kind() == io::ErrorKind::BrokenPipe => ExitStatus::Done,
        Err((error, is_output)) => {
            let place = match (&command.output, is_output) {
                (_, false) => command.input.display().to_string(),
                (Some(path), true) => path.display().to_string(),
                (None, true) => "standard output".to_owned(),
            };
            tell(&format!("Error: {place}: {}", io_text(&error)));
            ExitStatus::Failed
        }
    }
}

/// A key has 44 letters; a device would not end.
fn read_key(file: &Path) -> std::io::Result<String> {
    let mut key = String::new();
    File::open(file)?.take(LONGEST_KEY).read_to_string(&mut key)?;
    Ok(key)
}
