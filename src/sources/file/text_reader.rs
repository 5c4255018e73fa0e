//! Reads text files: a thread reads and splits, tasks decode, order is kept.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use encoding_rs::Encoding;

use super::follow::follow;
use super::input_stream::InputStream;
use super::listing::{Listing, lost};
use super::options::Compression;
use super::pipe::Pipe;
use super::records::RecordReader;
use super::text_table::TextTable;
use super::work::{Work, WorkReceiver, WorkSender, work_queue};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::stream::{DataReader, Position, RecordPlace, RejectedRecord, SourceBatch};
use crate::unwind::guarded_reading;

/// Bytes read before records are handed out, so that a chunk of usual records makes one batch.
pub(super) const CHUNK: usize = 1 << 20;

/// What to read and how.
#[derive(Clone, Debug)]
pub(super) struct TextPlan {
    pub listing: Listing,
    /// Of a listing that can be read only once.
    pub pipe: Option<Arc<Pipe>>,
    pub table: TextTable,
    /// Of the batches.
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
    /// Most records that are decoded in one go.
    pub most_records: usize,
}

impl TextPlan {
    /// The compression of a file.
    pub(super) fn compression_of(&self, path: &Path) -> Compression {
        self.compression.unwrap_or_else(|| Compression::from_path(&path.to_string_lossy()))
    }

    /// A reader of the records of a file. `Err`: none of it can be used.
    pub(super) fn records(&self, path: &Path, resume_at: u64) -> Result<Result<RecordReader, RejectedRecord>> {
        let partition = partition_name(path);
        Ok(match self.table.input(&self.listing.path_columns(path))? {
            Ok(input) => Ok(RecordReader::new(input, partition, self.max_record_size, self.most_records, resume_at)),
            Err(reason) => {
                let place = RecordPlace { partition, unit: "line", number: 1 };
                Err(RejectedRecord { place: Some(place), reason: format!("{reason}; the file is left out") })
            }
        })
    }
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
            let ran = guarded_reading(|| match plan.follow {
                Some(interval) => follow(&plan, &resume, interval, &sender),
                None => read_all(&plan, &resume, &sender),
            });
            if let Err(error) = ran {
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
    if let (Listing::Pipe(path), Some(pipe)) = (&plan.listing, &plan.pipe) {
        // What an earlier reader has had is gone, and can't be had again.
        let once = |error: io::Error| Error::new(ErrorKind::Source, Fault::External, format!("{}: {error}", path.display()));
        let stream = pipe.take().and_then(|bytes| InputStream::new(bytes, plan.compression_of(path), plan.encoding)).map_err(once)?;
        return read_stream(plan, path, 0, stream, work).map(|_| ());
    }
    for path in plan.listing.files().map_err(|error| error.with_fault(Fault::External).with_retry(true))? {
        if !read_file(plan, &path, resume, work)? {
            break;
        }
    }
    Ok(())
}

/// Reads a file to its end; false if the consumer has gone.
pub(super) fn read_file(plan: &TextPlan, path: &Path, resume: &Position, work: &WorkSender) -> Result<bool> {
    let resume_at = resume.offsets.get(&partition_name(path)).copied().unwrap_or(0);
    let stream = InputStream::open(path, plan.compression, plan.encoding).map_err(|error| lost(path, &error))?;
    read_stream(plan, path, resume_at, stream, work)
}

/// Reads a text to its end. What is damaged in it is a record that is rejected; what stands before the damage is read.
fn read_stream(plan: &TextPlan, path: &Path, resume_at: u64, mut stream: InputStream, work: &WorkSender) -> Result<bool> {
    let mut records = match plan.records(path, resume_at)? {
        Ok(records) => records,
        Err(rejected) => return Ok(work.send_no_rows(vec![rejected], Position::default())),
    };
    let is_pipe = plan.listing.is_pipe();
    let mut left = stream.text_length().filter(|_| plan.present_length_only).unwrap_or(u64::MAX);
    loop {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(records.chunk());
        let before = records.read_to();
        let result = if is_pipe { stream.append_at_once(records.buffer()) } else { stream.append(records.buffer(), wanted) };
        let read = records.read_to() - before;
        let damage = match result {
            Err(error) if stream.device_failed() => return Err(lost(path, &error)),
            Err(error) => Some(format!("the file is damaged ({error})")),
            Ok(()) => None,
        };
        left -= read.min(left);
        let at_end = damage.is_none() && (left == 0 || if is_pipe { read == 0 } else { read < wanted as u64 });
        let shortage = if at_end && left > 0 { stream.shortage(path) } else { None };
        let damage = damage
            .or_else(|| shortage.map(|(length, read)| format!("the file was {length} bytes long and became shorter while it was read, after {read} bytes")));
        while let Some(piece) = records.advance(at_end && damage.is_none())? {
            if !work.dispatch(piece) {
                return Ok(false);
            }
        }
        if let Some(damage) = damage {
            return Ok(work.dispatch(records.damaged(&damage)));
        }
        if at_end {
            return Ok(true);
        }
        if work.is_closed() {
            return Ok(false);
        }
    }
}
