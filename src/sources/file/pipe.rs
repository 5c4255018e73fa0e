//! Standard input and named pipes: bytes that can be read once, so what was looked at to infer columns is kept for the reader.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;

use super::listing::STDIN;
use crate::error::{Error, Result};

/// Bytes of one read.
const PIECE: usize = 64 << 10;
/// Pieces read ahead.
const AHEAD: usize = 4;
/// A writer that says nothing for so long, after a whole line, won't be waited for with a sample.
const SILENCE: Duration = Duration::from_millis(250);

/// Standard input has been given to a source of this process.
static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);

/// A pipe.
#[derive(Debug)]
pub(super) struct Pipe {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Unopened,
    /// Read ahead: what came so far, and the rest.
    Opened(Vec<u8>, Pieces),
    Taken,
}

/// What a thread reads from the pipe. A piece without bytes is the end.
#[derive(Debug)]
struct Pieces {
    pieces: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Pipe {
    /// **Errors**: standard input has been given to another source of this process.
    pub(super) fn new(path: &Path) -> Result<Self> {
        if path == Path::new(STDIN) && STDIN_TAKEN.swap(true, Ordering::Relaxed) {
            return Err(Error::config("standard input can be read by one source only").with_help("save it to a file, or read it once and chain the statements"));
        }
        Ok(Self { path: path.to_owned(), state: Mutex::new(State::Unopened) })
    }

    /// Waits for the first bytes: for `most`, for `lines` lines, for the end, or for a pause after a line. Returns them, and whether they are all.
    pub(super) fn sample(&self, most: usize, lines: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut state = self.state.lock();
        if let State::Unopened = *state {
            *state = State::Opened(Vec::new(), Pieces::open(&self.path)?);
        }
        let State::Opened(head, rest) = &mut *state else { return Err(taken()) };
        let mut found = memchr::memchr_iter(b'\n', head).count();
        while head.len() < most && found < lines && !rest.ended {
            let Some(piece) = rest.wait(if found > 0 { Some(SILENCE) } else { None })? else { break };
            found += memchr::memchr_iter(b'\n', &piece).count();
            head.extend_from_slice(&piece);
        }
        Ok((head.clone(), rest.ended))
    }

    /// All bytes, from the first. Once only.
    pub(super) fn take(&self) -> io::Result<Box<dyn Read + Send>> {
        match std::mem::replace(&mut *self.state.lock(), State::Taken) {
            State::Unopened => Ok(Box::new(Pieces::open(&self.path)?)),
            State::Opened(head, rest) => Ok(Box::new(io::Cursor::new(head).chain(rest))),
            State::Taken => Err(taken()),
        }
    }
}

fn taken() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "it can be read only once")
}

impl Pieces {
    fn open(path: &Path) -> io::Result<Self> {
        let is_stdin = path == Path::new(STDIN);
        let path = path.to_owned();
        let (sender, pieces) = sync_channel(AHEAD);
        let read = move || {
            let mut input: Box<dyn Read> = if is_stdin {
                Box::new(io::stdin())
            } else {
                // Opening waits for a writer.
                match std::fs::File::open(path) {
                    Ok(file) => Box::new(file),
                    Err(error) => {
                        let _gone = sender.send(Err(error));
                        return;
                    }
                }
            };
            let mut buffer = vec![0; PIECE];
            loop {
                let read = match input.read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let ended = matches!(read, Ok(0) | Err(_));
                if sender.send(read.map(|count| buffer[..count].to_vec())).is_err() || ended {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("pipe-source".to_owned()).spawn(read)?;
        Ok(Self { pieces, current: Vec::new(), at: 0, ended: false })
    }

    /// The next piece; `None` after a silence of `patience` or at the end.
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<Option<Vec<u8>>> {
        let received = match patience {
            Some(patience) => self.pieces.recv_timeout(patience),
            None => self.pieces.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(Ok(piece)) if !piece.is_empty() => Ok(Some(piece)),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Ok(Ok(_)) | Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                Ok(None)
            }
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            self.at = 0;
            self.current.clear();
            if !self.ended
                && let Some(piece) = self.wait(None)?
            {
                self.current = piece;
            }
        }
        let count = out.len().min(self.current.len() - self.at);
        out[..count].copy_from_slice(&self.current[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
