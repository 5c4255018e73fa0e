//! A source, a sink and a function from outside, which tests steer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use velostream::arrow::array::{AsArray, Int64Array, RecordBatch};
use velostream::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use velostream::async_trait::async_trait;
use velostream::error::{Error, ErrorKind, Fault, Result};
use velostream::ids::Epoch;
use velostream::server::{JobState, JobStatus, ServerBuilder, StreamJobServer};
use velostream::sinks::SinkKind;
use velostream::sources::SourceKind;
use velostream::stream::{Boundedness, DataReader, DataSink, DataSource, DataWriter, Position, ReadRequest, SinkContext, SourceBatch, WriteReport};

/// A number that makes a source panic.
pub const PANIC: i64 = -1;
/// A number that makes a sink panic.
pub const SINK_PANIC: i64 = -2;
/// A number that a sink does not get done with until its time is over.
pub const HANG: i64 = -3;

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

/// Feeds by the value of `feed`: what a test sends is read.
#[derive(Clone, Debug, Default)]
pub struct Feeds(Arc<Mutex<BTreeMap<String, Feed>>>);

#[derive(Clone, Debug)]
struct Feed {
    send: Arc<Mutex<Option<mpsc::UnboundedSender<i64>>>>,
    receive: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<i64>>>,
}

impl Feeds {
    fn feed(&self, name: &str) -> Feed {
        let new = || {
            let (send, receive) = mpsc::unbounded_channel();
            Feed { send: Arc::new(Mutex::new(Some(send))), receive: Arc::new(tokio::sync::Mutex::new(receive)) }
        };
        self.0.lock().entry(name.to_owned()).or_insert_with(new).clone()
    }

    pub fn send(&self, name: &str, numbers: impl IntoIterator<Item = i64>) {
        let feed = self.feed(name);
        let send = feed.send.lock();
        numbers.into_iter().for_each(|number| send.as_ref().expect("not ended").send(number).unwrap());
    }

    pub fn end(&self, name: &str) {
        self.feed(name).send.lock().take();
    }
}

impl SourceKind for Feeds {
    fn keys(&self) -> &[&str] {
        &["feed", "bounded", "panics", "password", "slow"]
    }

    fn create(&self, name: &str, keys: &BTreeMap<String, String>) -> Result<Arc<dyn DataSource>> {
        let feed = keys.get("feed").ok_or_else(|| Error::config(format!("'{name}.feed' is missing")))?;
        if let Some(ms) = keys.get("slow") {
            std::thread::sleep(Duration::from_millis(ms.parse().unwrap()));
        }
        let (panics, password) = (keys.get("panics").cloned(), keys.get("password").cloned());
        if let Some(password) = password.as_ref().filter(|_| feed == "refused") {
            return Err(Error::config(format!("login with {password} refused")));
        }
        Ok(Arc::new(FeedSource { name: name.to_owned(), feed: self.feed(feed), bounded: keys.contains_key("bounded"), panics, password }))
    }
}

#[derive(Debug)]
struct FeedSource {
    name: String,
    feed: Feed,
    bounded: bool,
    /// The method that panics.
    panics: Option<String>,
    /// Told when it is not accepted, which it is not in the midst of the reading.
    password: Option<String>,
}

impl DataSource for FeedSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        columns()
    }

    fn boundedness(&self) -> Boundedness {
        if self.bounded { Boundedness::Bounded } else { Boundedness::Unbounded }
    }

    fn estimated_bytes(&self) -> u64 {
        0
    }

    fn describe(&self) -> String {
        "a test's numbers".to_owned()
    }

    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
        let (panics, password) = (self.panics.clone(), self.password.clone());
        Ok(Box::new(FeedReader { feed: self.feed.clone(), columns: request.columns, read: 0, panics, password }))
    }
}

struct FeedReader {
    feed: Feed,
    columns: Vec<usize>,
    read: u64,
    panics: Option<String>,
    password: Option<String>,
}

#[async_trait]
impl DataReader for FeedReader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        let mut receive = self.feed.receive.lock().await;
        let Some(first) = receive.recv().await else { return Ok(None) };
        let mut numbers = vec![first];
        while let Ok(number) = receive.try_recv() {
            numbers.push(number);
        }
        assert!(!numbers.contains(&PANIC), "the source was told to panic");
        if let Some(password) = &self.password {
            return Err(Error::new(ErrorKind::Source, Fault::External, format!("login with {password} refused")));
        }
        self.read += numbers.len() as u64;
        let rows = RecordBatch::try_new(columns(), vec![Arc::new(Int64Array::from(numbers))]).unwrap().project(&self.columns).unwrap();
        let bytes = rows.num_rows() as u64 * 8;
        Ok(Some(SourceBatch { rows, skipped: 0, rejected: Vec::new(), bytes, position: Position::of(&Arc::from("feed"), self.read) }))
    }

    async fn seek(&mut self, _: &Position) -> Result<()> {
        Ok(())
    }

    fn durable(&mut self, _: &Position) {
        assert_ne!(self.panics.as_deref(), Some("durable"), "it was told to panic");
    }

    async fn close(&mut self) {
        assert_ne!(self.panics.as_deref(), Some("close"), "it was told to panic");
    }
}

/// What was written, by the value of `heap`.
#[derive(Clone, Debug, Default)]
pub struct Heaps(Arc<Mutex<BTreeMap<String, Vec<i64>>>>);

impl Heaps {
    pub fn of(&self, heap: &str) -> Vec<i64> {
        self.0.lock().get(heap).cloned().unwrap_or_default()
    }

    /// Waits until so many numbers were written, and returns them.
    pub async fn wait(&self, heap: &str, count: usize) -> Vec<i64> {
        let end = Instant::now() + Duration::from_secs(20);
        while self.of(heap).len() < count {
            assert!(Instant::now() < end, "{heap} has {:?}", self.of(heap));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.of(heap)
    }
}

impl SinkKind for Heaps {
    fn keys(&self) -> &[&str] {
        &["heap", "fault"]
    }

    fn create(&self, name: &str, keys: &BTreeMap<String, String>) -> Result<Arc<dyn DataSink>> {
        Ok(Arc::new(HeapSink {
            name: name.to_owned(),
            heap: keys.get("heap").cloned().unwrap_or_else(|| name.to_owned()),
            heaps: self.clone(),
            fault: keys.get("fault").cloned(),
        }))
    }
}

#[derive(Debug)]
struct HeapSink {
    name: String,
    heap: String,
    heaps: Heaps,
    /// Whose fault it is that it can't be opened; `slow:<ms>` if it takes that long, `panic` if it panics.
    fault: Option<String>,
}

impl DataSink for HeapSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> String {
        "a test's heap".to_owned()
    }

    fn check_schema(&self, _: &SchemaRef) -> Result<()> {
        Ok(())
    }

    fn open(&self, _: SchemaRef, context: SinkContext) -> Result<Box<dyn DataWriter>> {
        if let Some(whose) = &self.fault {
            assert_ne!(whose, "panic", "opening was told to panic");
            if let Some(ms) = whose.strip_prefix("slow:").and_then(|rest| rest.split(':').next()) {
                std::thread::sleep(Duration::from_millis(ms.parse().unwrap()));
            }
            let fault = if whose.ends_with("user") { Fault::User } else { Fault::External };
            return Err(Error::new(ErrorKind::Sink, fault, "Permission denied"));
        }
        Ok(Box::new(HeapWriter { stop: context.stop, heap: self.heap.clone(), heaps: self.heaps.clone(), epoch: 0 }))
    }
}

struct HeapWriter {
    stop: CancellationToken,
    heap: String,
    heaps: Heaps,
    epoch: Epoch,
}

#[async_trait]
impl DataWriter for HeapWriter {
    async fn write(&mut self, _: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        let numbers: Vec<i64> = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert!(!numbers.contains(&SINK_PANIC), "the sink was told to panic");
        if numbers.contains(&HANG) {
            self.stop.cancelled().await;
            return Err(Error::new(ErrorKind::Sink, Fault::External, "the heap did not answer"));
        }
        self.heaps.0.lock().entry(self.heap.clone()).or_default().extend(numbers);
        Ok(WriteReport::default())
    }

    async fn end_epoch(&mut self, epoch: Epoch) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    async fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn acked(&self) -> Epoch {
        self.epoch
    }

    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A server with these kinds, and what steers them.
pub struct Bench {
    pub server: StreamJobServer,
    pub feeds: Feeds,
    pub heaps: Heaps,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(build: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let (feeds, heaps) = (Feeds::default(), Heaps::default());
        let builder = StreamJobServer::builder().register_source("feed", feeds.clone()).register_sink("heap", heaps.clone()).output(std::io::sink());
        Self { server: build(builder).build().unwrap(), feeds, heaps }
    }

    /// Waits until a job is in a state.
    pub async fn state(&self, job: &str, wanted: JobState) -> JobStatus {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let status = self.server.status(job).unwrap();
            if status.status == wanted {
                return status;
            }
            assert!(Instant::now() < end, "{status:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A statement that copies the feed of its name into the heap of its name.
pub fn copy(name: &str) -> String {
    format!("CREATE STREAM {name} AS SELECT n FROM source_{name} INTO out_{name} WITH ({})", settings(name))
}

/// The settings of `source_<name>` and `out_<name>`.
pub fn settings(name: &str) -> String {
    format!("'source_{name}.type'='feed','source_{name}.feed'='{name}','out_{name}.type'='heap_sink','out_{name}.heap'='{name}'")
}

/// A statement that reads `upstream` and writes its numbers times ten into the heap of its name.
pub fn reader(name: &str, upstream: &str) -> String {
    format!("CREATE STREAM {name} AS SELECT n * 10 AS n FROM {upstream} INTO out_{name} WITH ('out_{name}.type'='heap','out_{name}.heap'='{name}')")
}
