//! `decrypt`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};

use super::arguments::DecryptCommand;
use super::exit::ExitStatus;
use super::report::tell;
use crate::error::io_text;
use crate::sinks::file::{EncryptionKey, decrypt as decrypt_file};

/// Decrypts a file.
pub(super) fn decrypt(command: &DecryptCommand) -> ExitStatus {
    let refuse = |message: String| {
        tell(&format!("Error: {message}"));
        ExitStatus::Refused
    };
    let key = match &command.key_file {
        Some(file) => match std::fs::read_to_string(file) {
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
    let output: Box<dyn Write> = match &command.output {
        None => Box::new(std::io::stdout()),
        Some(path) => match File::create(path) {
            Ok(file) => Box::new(file),
            Err(error) => return refuse(format!("cannot write {}: {}", path.display(), io_text(&error))),
        },
    };
    match decrypt_file(&mut BufReader::new(input), &mut BufWriter::new(output), &key) {
        Ok(_) => ExitStatus::Done,
        Err(error) => {
            tell(&format!("Error: {}: {}", command.input.display(), io_text(&error)));
            ExitStatus::Failed
        }
    }
}
