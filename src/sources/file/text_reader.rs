//! Reads text files: a thread reads and splits, tasks decode, order is kept.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use encoding_rs::Encoding;

use super::follow::follow;
use super::input_stream;
use super::listing::{Listing, unreadable};
use super::options::Compression;
use super::records::RecordReader;
use super::work::{Work, WorkReceiver, WorkSender, work_queue};
use crate::error::{Error, Result};
use crate::formats::TextInput;
use crate::stream::{DataReader, Position, SourceBatch};

/// Bytes read before records are handed out, so that a chunk of usual records makes one batch.
pub(super) const CHUNK: usize = 1 << 20;
/// Bytes of one read from a pipe.
const PIPE_PIECE: usize = 64 << 10;

/// What to read and how.
#[derive(Clone, Debug)]
pub(super) struct TextPlan {
    pub listing: Listing,
    pub input: Arc<dyn TextInput>,
    pub schema: SchemaRef,
    /// `None`: by the suffix of each file.
    pub compression: Option<Compression>,
    pub encoding: &'static Encoding,
    pub max_record_size: usize,
    pub parallelism: usize,
    /// Poll for what is appended.
    pub follow: Option<std::time::Duration>,
    /// Start a followed file at its present end.
    pub from_end: bool,
    /// Read no further than each file's length when it is opened.
    pub present_length_only: bool,
}

/// Reader of text files.
pub(super) struct TextReader {
    plan: TextPlan,
    resume: Position,
    work: Option<WorkReceiver>,
}

impl TextReader {
    pub(super) fn new(plan: TextPlan) -> Self {
        Self { plan, resume: Position::default(), work: None }
    }

    fn start(&self) -> Result<WorkReceiver> {
        let (sender, receiver) = work_queue(self.plan.parallelism, Arc::clone(&self.plan.schema));
        let (plan, resume) = (self.plan.clone(), self.resume.clone());
        let run = move || {
            let result = match plan.follow {
                Some(interval) => follow(&plan, &resume, interval, &sender),
                None => read_all(&plan, &resume, &sender),
            };
            if let Err(error) = result {
                sender.send(Work::Done(Err(error)));
            }
        };
        std::thread::Builder::new().name("file-source".to_owned()).spawn(run).map_err(|error| Error::internal("cannot start a thread").with_source(error))?;
        Ok(receiver)
    }
}

#[async_trait]
impl DataReader for TextReader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        if self.work.is_none() {
            self.work = Some(self.start()?);
        }
        match &mut self.work {
            Some(work) => work.next().await,
            None => Ok(None),
        }
    }

    async fn seek(&mut self, position: &Position) -> Result<()> {
        self.resume = position.clone();
        self.work = None;
        Ok(())
    }
}

/// The name of a file in messages and positions.
pub(super) fn partition_name(path: &Path) -> Arc<str> {
    Arc::from(path.to_string_lossy())
}

fn read_all(plan: &TextPlan, resume: &Position, work: &WorkSender) -> Result<()> {
    let files = if plan.listing == Listing::Stdin { vec![PathBuf::from("-")] } else { plan.listing.files()? };
    for path in files {
        if !read_file(plan, &path, resume, work)? {
            break;
        }
    }
    Ok(())
}

/// Reads a file to its end; false if the consumer has gone.
fn read_file(plan: &TextPlan, path: &Path, resume: &Position, work: &WorkSender) -> Result<bool> {
    let partition = partition_name(path);
    let resume_at = resume.offsets.get(&partition).copied().unwrap_or(0);
    let mut stream = input_stream::open(path, plan.compression, plan.encoding).map_err(|error| unreadable(path, &error))?;
    let is_pipe = plan.listing == Listing::Stdin;
    let mut left = if plan.present_length_only && !is_pipe && plain(plan, path) {
        File::open(path).and_then(|file| file.metadata()).map(|metadata| metadata.len()).map_err(|error| unreadable(path, &error))?
    } else {
        u64::MAX
    };
    let mut records = RecordReader::new(Arc::clone(&plan.input), partition, plan.max_record_size, resume_at);
    loop {
        let wanted = if is_pipe { PIPE_PIECE as u64 } else { (CHUNK as u64).min(left) };
        let read = fill(&mut stream, records.buffer(), wanted, is_pipe).map_err(|error| unreadable(path, &error))?;
        left -= read.min(left);
        let at_end = if is_pipe { read == 0 } else { read < wanted || left == 0 };
        while let Some(piece) = records.advance(at_end)? {
            if !work.dispatch(piece) {
                return Ok(false);
            }
        }
        if at_end {
            return Ok(true);
        }
        if work.is_closed() {
            return Ok(false);
        }
    }
}

/// Whether the bytes of the file are the bytes of its text.
fn plain(plan: &TextPlan, path: &Path) -> bool {
    let compression = plan.compression.unwrap_or_else(|| Compression::from_path(&path.to_string_lossy()));
    matches!(compression, Compression::None | Compression::Inside) && plan.encoding == encoding_rs::UTF_8
}

/// Appends up to `wanted` bytes: of a pipe what one read gives, so that nothing waits for bytes that come later.
fn fill(stream: &mut dyn Read, buffer: &mut Vec<u8>, wanted: u64, is_pipe: bool) -> io::Result<u64> {
    if !is_pipe {
        buffer.reserve(usize::try_from(wanted).unwrap_or(CHUNK));
        return stream.take(wanted).read_to_end(buffer).map(|read| read as u64);
    }
    let start = buffer.len();
    buffer.resize(start + PIPE_PIECE, 0);
    loop {
        match stream.read(&mut buffer[start..]) {
            Ok(read) => {
                buffer.truncate(start + read);
                return Ok(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                buffer.truncate(start);
                return Err(error);
            }
        }
    }
}
