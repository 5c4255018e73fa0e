//! `decrypt`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::arguments::DecryptCommand;
use super::exit::ExitStatus;
use super::report::tell;
use crate::error::io_text;
use crate::sinks::file::{EncryptionKey, decrypt as decrypt_file};

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
    let (output, name): (Box<dyn Write>, String) = match &command.output {
        None => (Box::new(std::io::stdout()), "standard output".to_owned()),
        Some(path) => match File::create(path) {
            Ok(file) => (Box::new(file), path.display().to_string()),
            Err(error) => return refuse(format!("cannot write {}: {}", path.display(), io_text(&error))),
        },
    };
    let mut output = Output { output, failed: false };
    let decrypted = decrypt_file(&mut BufReader::new(input), &mut BufWriter::new(&mut output), &key);
    match decrypted {
        Ok(_) => ExitStatus::Done,
        // Whoever read it has what they wanted.
        Err(error) if command.output.is_none() && error.kind() == std::io::ErrorKind::BrokenPipe => ExitStatus::Done,
        Err(error) => {
            let name = if output.failed { name } else { command.input.display().to_string() };
            tell(&format!("Error: {name}: {}", io_text(&error)));
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

/// An output that remembers whether the error was its own.
struct Output {
    output: Box<dyn Write>,
    failed: bool,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.output.write(bytes).inspect_err(|_| self.failed = true)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush().inspect_err(|_| self.failed = true)
    }
}
