//! AES-256-GCM in frames, so that files of any size are written and read in little memory and no end can be cut off unnoticed.
//!
//! A file is `VELOENC1`, a random prefix of 7 bytes, and frames of 64 KiB (the last one shorter) with 16 bytes of authentication each. Nonces are prefix, frame number (32 bits,
//! big endian) and a byte that is 1 in the last frame: the STREAM construction of V. T. Hoang, R. Reyhanitabar, P. Rogaway and D. Vizár, "Online Authenticated-Encryption and
//! its Nonce-Reuse Misuse-Resistance", 2015.

use std::io::{self, Read, Write};

use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

const MAGIC: &[u8; 8] = b"VELOENC1";
const PREFIX: usize = 7;
const FRAME: usize = 64 << 10;
const TAG: usize = 16;

/// A key of 32 bytes. `Debug` does not print it.
#[derive(Clone)]
pub struct EncryptionKey([u8; 32]);

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

impl EncryptionKey {
    /// Reads base64; `None` if it is not base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64.decode(text.trim()).ok()?.try_into().ok().map(Self)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&self.0.into())
    }
}

struct Frames {
    cipher: Aes256Gcm,
    prefix: [u8; PREFIX],
    number: u32,
}

impl Frames {
    fn nonce(&mut self, last: bool) -> io::Result<[u8; 12]> {
        let mut nonce = [0; 12];
        nonce[..PREFIX].copy_from_slice(&self.prefix);
        nonce[PREFIX..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(last);
        self.number = self.number.checked_add(1).ok_or_else(|| io::Error::other("an encrypted file holds at most 256 TiB"))?;
        Ok(nonce)
    }
}

/// Encrypts what is written; [`Self::finish`] must be called.
pub(super) struct EncryptWriter<W> {
    output: W,
    frames: Frames,
    plain: Vec<u8>,
}

impl<W: Write> EncryptWriter<W> {
    pub(super) fn new(mut output: W, key: &EncryptionKey) -> io::Result<Self> {
        let prefix: [u8; PREFIX] = rand::random();
        output.write_all(MAGIC)?;
        output.write_all(&prefix)?;
        Ok(Self { output, frames: Frames { cipher: key.cipher(), prefix, number: 0 }, plain: Vec::with_capacity(FRAME + TAG) })
    }

    fn emit(&mut self, last: bool) -> io::Result<()> {
        let nonce = self.frames.nonce(last)?;
        let tag =
            self.frames.cipher.encrypt_in_place_detached(Nonce::from_slice(&nonce), &[], &mut self.plain).map_err(|_| io::Error::other("cannot encrypt"))?;
        self.output.write_all(&self.plain)?;
        self.output.write_all(&tag)?;
        self.plain.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.emit(true)?;
        self.output.flush()?;
        Ok(self.output)
    }
}

impl<W: Write> Write for EncryptWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // A full frame is written only when more follows, so that the last one can be marked.
        if self.plain.len() == FRAME {
            self.emit(false)?;
        }
        let count = bytes.len().min(FRAME - self.plain.len());
        self.plain.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Decrypts a file; returns the number of bytes written.
///
/// **Errors** (`InvalidData`): the input is no such file, the key is wrong, or the file was changed or cut off. What was written before the error is then not to be trusted
/// as complete, but each byte of it is authentic.
pub fn decrypt(input: &mut dyn Read, output: &mut dyn Write, key: &EncryptionKey) -> io::Result<u64> {
    let invalid = |message: &str| io::Error::new(io::ErrorKind::InvalidData, message.to_owned());
    let mut head = [0; MAGIC.len() + PREFIX];
    let read = read_full(input, &mut head)?;
    if read < head.len() || &head[..MAGIC.len()] != MAGIC {
        return Err(invalid("this is not a file that was encrypted with encryption = AES256"));
    }
    let mut prefix = [0; PREFIX];
    prefix.copy_from_slice(&head[MAGIC.len()..]);
    let mut frames = Frames { cipher: key.cipher(), prefix, number: 0 };
    let mut written = 0;
    let mut frame = vec![0; FRAME + TAG];
    let mut next = vec![0; FRAME + TAG];
    let mut length = read_full(input, &mut frame)?;
    loop {
        let next_length = if length == frame.len() { read_full(input, &mut next)? } else { 0 };
        let last = next_length == 0;
        if length < TAG {
            return Err(invalid("the file is cut off"));
        }
        let nonce = frames.nonce(last)?;
        let (text, tag) = frame[..length].split_at_mut(length - TAG);
        let opened = frames.cipher.decrypt_in_place_detached(Nonce::from_slice(&nonce), &[], text, Tag::from_slice(tag));
        opened.map_err(|_| invalid("the key is wrong, or the file was changed or cut off"))?;
        output.write_all(text)?;
        written += text.len() as u64;
        if last {
            output.flush()?;
            return Ok(written);
        }
        std::mem::swap(&mut frame, &mut next);
        length = next_length;
    }
}

fn read_full(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> EncryptionKey {
        EncryptionKey([byte; 32])
    }

    fn encrypt(text: &[u8]) -> Vec<u8> {
        let mut writer = EncryptWriter::new(Vec::new(), &key(1)).expect("a vector takes all");
        writer.write_all(text).expect("a vector takes all");
        writer.finish().expect("a vector takes all")
    }

    #[test]
    fn what_was_encrypted_comes_back() {
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 200_000] {
            let text: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let file = encrypt(&text);
            let mut back = Vec::new();
            assert_eq!(decrypt(&mut file.as_slice(), &mut back, &key(1)).expect("right key"), length as u64);
            assert!(back == text, "{length}");
        }
    }

    #[test]
    fn changes_cuts_and_wrong_keys_are_noticed() {
        let file = encrypt(&vec![7; 2 * FRAME + 10]);
        let refused = |file: &[u8], key: &EncryptionKey| decrypt(&mut &*file, &mut io::sink(), key).expect_err("refused").kind() == io::ErrorKind::InvalidData;
        assert!(refused(&file, &key(2)));
        for cut in [0, 5, 15, 16, 31, 15 + FRAME + TAG, 15 + 2 * (FRAME + TAG), file.len() - 1] {
            assert!(refused(&file[..cut], &key(1)), "cut at {cut}");
        }
        for at in [0, 9, 20, 15 + FRAME, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(refused(&changed, &key(1)), "changed at {at}");
        }
    }
}
