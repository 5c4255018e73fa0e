//! Decoding off the reading thread, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::records::Piece;
use crate::error::{Error, Result};
use crate::formats::{Chunk, ChunkDecoder};
use crate::stream::{Position, RejectedRecord, SourceBatch};

/// Smaller chunks are decoded where they are read: handing them over would take longer.
pub(in crate::sources) const WORTH_A_TASK: usize = 32 << 10;

/// One step of a file's reading, in file order.
#[derive(Debug)]
pub(in crate::sources) enum Work {
    /// Batches.
    Done(Result<Vec<SourceBatch>>),
    /// A chunk that is being decoded.
    Decoding(JoinHandle<Result<Vec<SourceBatch>>>),
}

/// The reading thread's end.
pub(in crate::sources) struct WorkSender {
    sender: mpsc::Sender<Work>,
    runtime: Handle,
    schema: SchemaRef,
}

/// The consumer's end.
pub(in crate::sources) struct WorkReceiver {
    receiver: mpsc::Receiver<Work>,
    current: Option<JoinHandle<Result<Vec<SourceBatch>>>>,
    ready: VecDeque<SourceBatch>,
}

/// At most `parallelism` chunks are decoded at the same time. `schema` is that of the batches.
pub(in crate::sources) fn work_queue(parallelism: usize, schema: SchemaRef) -> (WorkSender, WorkReceiver) {
    let (sender, receiver) = mpsc::channel(parallelism.max(1));
    (WorkSender { sender, runtime: Handle::current(), schema }, WorkReceiver { receiver, current: None, ready: VecDeque::new() })
}

impl WorkSender {
    /// Whether the consumer has gone.
    pub(in crate::sources) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a step; false if the consumer has gone.
    pub(in crate::sources) fn send(&self, work: Work) -> bool {
        self.sender.blocking_send(work).is_ok()
    }

    /// Waits for a free place, at most so long.
    pub(in crate::sources) fn reserve(&self, wait: Duration) -> Submitted<'_> {
        match self.runtime.block_on(async { tokio::time::timeout(wait, self.sender.reserve()).await }) {
            Ok(Ok(permit)) => Submitted::Permit(permit),
            Ok(Err(_)) => Submitted::Closed,
            Err(_) => Submitted::Full,
        }
    }

    /// Runs a job on a task of its own; its batches take the place in the queue.
    pub(in crate::sources) fn spawn(&self, permit: mpsc::Permit<'_, Work>, job: impl FnOnce() -> Result<Vec<SourceBatch>> + Send + 'static) {
        permit.send(Work::Decoding(self.runtime.spawn_blocking(job)));
    }

    /// Sends batches to a place in the queue.
    pub(in crate::sources) fn put(&self, permit: mpsc::Permit<'_, Work>, batches: Result<Vec<SourceBatch>>) {
        permit.send(Work::Done(batches));
    }

    /// Tells of records that are no rows, and of a position; false if the consumer has gone.
    pub(super) fn send_no_rows(&self, rejected: Vec<RejectedRecord>, position: Position) -> bool {
        let rows = RecordBatch::new_empty(Arc::clone(&self.schema));
        self.send(Work::Done(Ok(vec![SourceBatch { rows, skipped: 0, rejected, bytes: 0, position }])))
    }

    /// Has a piece decoded; false if the consumer has gone.
    pub(super) fn dispatch(&self, piece: Piece) -> bool {
        match piece {
            Piece::Rejected(record, offset) => {
                let position = record.place.as_ref().map(|place| Position::of(&place.partition, offset)).unwrap_or_default();
                self.send_no_rows(vec![record], position)
            }
            Piece::Chunk { chunk, decoder, offset } if chunk.bytes.len() < WORTH_A_TASK => self.send(Work::Done(decode(&chunk, decoder.as_ref(), offset))),
            Piece::Chunk { chunk, decoder, offset } => {
                let Ok(permit) = futures::executor::block_on(self.sender.reserve()) else { return false };
                permit.send(Work::Decoding(self.runtime.spawn_blocking(move || decode(&chunk, decoder.as_ref(), offset))));
                true
            }
        }
    }
}

fn decode(chunk: &Chunk, decoder: &dyn ChunkDecoder, offset: u64) -> Result<Vec<SourceBatch>> {
    let mut start = 0;
    let batches = decoder.decode(chunk)?.batches.into_iter().map(|batch| {
        let bytes = (batch.end - start) as u64;
        start = batch.end;
        SourceBatch { rows: batch.rows, skipped: 0, rejected: batch.rejected, bytes, position: Position::of(&chunk.partition, offset + batch.end as u64) }
    });
    Ok(batches.collect())
}

/// What became of a wish for a place in the queue.
pub(in crate::sources) enum Submitted<'a> {
    /// There is one.
    Permit(mpsc::Permit<'a, Work>),
    /// Not in time.
    Full,
    /// The consumer has gone.
    Closed,
}

impl WorkReceiver {
    /// Takes nothing more: the sender learns that nobody wants rows.
    pub(in crate::sources) fn close(&mut self) {
        self.receiver.close();
    }

    /// The next batch in order; `None` when the reading thread has ended. Dropping the future loses nothing.
    pub(in crate::sources) async fn next(&mut self) -> Result<Option<SourceBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if let Some(task) = &mut self.current {
                let decoded = task.await;
                self.current = None;
                self.ready.extend(decoded.map_err(|error| Error::internal("a decoder failed").with_source(error))??);
                continue;
            }
            match self.receiver.recv().await {
                None => return Ok(None),
                Some(Work::Done(batches)) => self.ready.extend(batches?),
                Some(Work::Decoding(task)) => self.current = Some(task),
            }
        }
    }
}
