//! The rows of a job as the source of another run's: they go into a bounded queue for each reader, which slows the job down when it is full.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::room::Room;
use super::sink_task::{MOST_BYTES, MOST_ROWS};
use crate::error::{Error, Result};
use crate::operators::slice_bytes::slice_bytes;
use crate::sources::SourceKind;
use crate::stream::{Boundedness, DataReader, DataSource, Position, ReadRequest, SourceBatch};

/// What the readers are to know of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Upstream {
    /// It runs, or will soon.
    Here,
    /// It does not run, and why; it may run again.
    Away(String),
    /// Nothing more will come.
    Ended,
}

/// Where jobs of other runs read the rows of one. It outlives the runs of its job, so that readers go on when that is started again.
#[derive(Debug)]
pub struct Tap {
    schema: SchemaRef,
    /// Its rows take the place of earlier ones.
    updates: bool,
    readers: Mutex<Vec<ReaderEnd>>,
    upstream: watch::Sender<Upstream>,
    /// The job is to come to its end: its last rows don't wait for room.
    draining: watch::Sender<bool>,
}

#[derive(Clone, Debug)]
struct ReaderEnd {
    /// `None` when nothing more comes.
    queue: Option<mpsc::UnboundedSender<Waiting>>,
    room: Room,
    /// Held by every batch that waits.
    waiting: Arc<()>,
}

#[derive(Debug)]
struct Waiting {
    rows: RecordBatch,
    _room: Option<OwnedSemaphorePermit>,
    _waiting: Arc<()>,
}

impl ReaderEnd {
    fn listens(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.is_closed())
    }
}

impl Tap {
    /// Of a job with these columns, whose rows may take the place of earlier ones.
    pub fn new(schema: SchemaRef, updates: bool) -> Self {
        Self { schema, updates, readers: Mutex::default(), upstream: watch::Sender::new(Upstream::Here), draining: watch::Sender::new(false) }
    }

    /// Columns of its rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The job runs (again).
    pub fn here(&self) {
        self.draining.send_replace(false);
        self.upstream.send_replace(Upstream::Here);
    }

    /// The job does not run; readers wait for it.
    pub fn away(&self, reason: &str) {
        self.upstream.send_replace(Upstream::Away(reason.to_owned()));
    }

    /// Nothing more comes: readers end when they have what waits for them.
    pub fn end(&self) {
        self.upstream.send_replace(Upstream::Ended);
        self.readers.lock().iter_mut().for_each(|reader| reader.queue = None);
    }

    /// The job is to end: its last rows, which are no more than it has read ahead, wait for no reader.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Whether no rows wait for a reader.
    pub fn is_read_out(&self) -> bool {
        self.readers.lock().iter().all(|reader| Arc::strong_count(&reader.waiting) == 1)
    }

    /// Hands rows to all readers; waits while a queue is full.
    pub(super) async fn send(&self, batches: &[RecordBatch]) {
        let readers = self.readers.lock().clone();
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            for reader in &readers {
                let Some(queue) = &reader.queue else { continue };
                let mut draining = self.draining.subscribe();
                let room = tokio::select! {
                    biased;
                    room = reader.room.take(reader.room.of(batch.num_rows(), slice_bytes(batch) as u64)) => room,
                    _ = draining.wait_for(|draining| *draining) => None,
                };
                let _reader_has_left = queue.send(Waiting { rows: batch.clone(), _room: room, _waiting: Arc::clone(&reader.waiting) });
            }
        }
    }

    fn attach(self: &Arc<Self>, name: &str) -> TapReader {
        let (queue, rows) = mpsc::unbounded_channel();
        // As much as in front of a sink.
        let room = Room::new(MOST_ROWS, MOST_BYTES);
        if *self.upstream.borrow() != Upstream::Ended {
            self.readers.lock().push(ReaderEnd { queue: Some(queue), room: room.clone(), waiting: Arc::default() });
        }
        TapReader { name: Arc::from(name), tap: Arc::clone(self), request: None, rows, room, upstream: self.upstream.subscribe(), rest: None, read: 0 }
    }
}

/// What statements read of a job by its name.
#[derive(Clone, Debug)]
pub struct TapReaders(pub Arc<Tap>);

impl SourceKind for TapReaders {
    fn create(&self, name: &str, _: &BTreeMap<String, String>) -> Result<Arc<dyn DataSource>> {
        if self.0.updates {
            let error = Error::sql(format!(
                "'{name}' groups without a window of the event time: its rows take the place of earlier ones, which nobody takes back here"
            ));
            return Err(error.with_help("let it group by a window, like tumble(ts, INTERVAL '1' MINUTE)"));
        }
        Ok(Arc::new(TapSource { name: name.to_owned(), tap: Arc::clone(&self.0), first: Mutex::default() }))
    }
}

#[derive(Debug)]
struct TapSource {
    name: String,
    tap: Arc<Tap>,
    first: Mutex<Option<TapReader>>,
}

impl DataSource for TapSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.tap.schema)
    }

    fn boundedness(&self) -> Boundedness {
        Boundedness::Unbounded
    }

    fn estimated_bytes(&self) -> u64 {
        0
    }

    fn describe(&self) -> String {
        format!("rows of job '{}'", self.name)
    }

    fn begin(&self) {
        // Not earlier: a job that is only being deployed would slow down the one that it is to read. Not later: what comes until the first read is not lost.
        *self.first.lock() = Some(self.tap.attach(&self.name));
    }

    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
        let mut reader = self.first.lock().take().unwrap_or_else(|| self.tap.attach(&self.name));
        reader.request = Some(request);
        Ok(Box::new(reader))
    }
}

#[derive(Debug)]
struct TapReader {
    name: Arc<str>,
    tap: Arc<Tap>,
    request: Option<ReadRequest>,
    rows: mpsc::UnboundedReceiver<Waiting>,
    room: Room,
    upstream: watch::Receiver<Upstream>,
    /// What is left of a batch that is larger than was asked for.
    rest: Option<Waiting>,
    read: u64,
}

impl Drop for TapReader {
    fn drop(&mut self) {
        // The job may wait for room.
        self.room.close();
        self.rows.close();
        self.tap.readers.lock().retain(ReaderEnd::listens);
    }
}

impl TapReader {
    fn tell(&mut self) {
        let upstream = self.upstream.borrow_and_update().clone();
        let Some(request) = &self.request else { return };
        match upstream {
            Upstream::Here => {
                request.health.connected();
            }
            Upstream::Away(reason) => {
                if request.health.reconnecting(&reason) {
                    tracing::warn!("source '{}': {reason}; waiting for it", self.name);
                }
            }
            Upstream::Ended => {}
        }
    }

    fn batch(&mut self, waiting: Waiting) -> Result<SourceBatch> {
        let most = self.request.as_ref().map_or(usize::MAX, |request| request.batch_rows.max(1));
        let mut rows = waiting.rows;
        if rows.num_rows() > most {
            self.rest = Some(Waiting { rows: rows.slice(most, rows.num_rows() - most), _room: waiting._room, _waiting: waiting._waiting });
            rows = rows.slice(0, most);
        }
        if let Some(request) = &self.request {
            let project = |error| crate::error::Error::internal(format!("source '{}' lacks columns", self.name)).with_source(error);
            rows = rows.project(&request.columns).map_err(project)?;
        }
        self.read += rows.num_rows() as u64;
        let bytes = crate::operators::slice_bytes::slice_bytes(&rows) as u64;
        Ok(SourceBatch { rows, skipped: 0, rejected: Vec::new(), bytes, position: Position::of(&self.name, self.read) })
    }
}

#[async_trait]
impl DataReader for TapReader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        if let Some(rest) = self.rest.take() {
            return self.batch(rest).map(Some);
        }
        self.tell();
        loop {
            tokio::select! {
                biased;
                waiting = self.rows.recv() => return waiting.map(|waiting| self.batch(waiting)).transpose(),
                Ok(()) = self.upstream.changed() => self.tell(),
            }
        }
    }

    async fn seek(&mut self, _: &Position) -> Result<()> {
        // What was handed out is not kept: a reader goes on with what comes now.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow::array::StringArray;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[tokio::test]
    async fn few_long_rows_wait_for_a_reader_as_many_short_ones_do() {
        let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
        let long = StringArray::from(vec!["x".repeat(MOST_BYTES as usize / 3); 2]);
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(long)]).expect("two rows");
        let tap = Arc::new(Tap::new(schema, false));
        let mut reader = tap.attach("reader");
        let batches = [batch];
        tap.send(&batches).await;
        let second = tap.send(&batches);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut second).await.is_err(), "it waits");
        drop(reader.rows.recv().await);
        second.await;
    }
}
