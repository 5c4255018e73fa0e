//! Statements run in this process over rows in memory, where a source may be declared endless and end all the same.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use parking_lot::Mutex;
use sql_extensions::StreamingSqlParser;
use velostream::clock::EpochClock;
use velostream::error::{Error, Result, Script};
use velostream::ids::Epoch;
use velostream::operators::guard::RowFaults;
use velostream::planner::{ExecutionMode, PlanRequest, TableInput, plan_job};
use velostream::runtime::{JobSpec, JobSummary, Shutdown, SinkSpec, SourceSpec, start};
use velostream::stream::{
    BatchSettings, BatchStrategy, Boundedness, DataReader, DataSink, DataSource, DataWriter, FailurePolicy, FailureStrategy, Position, ReadRequest,
    SinkContext, SourceBatch, WatermarkSettings, WriteReport,
};

/// A source.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: &'static str,
    pub rows: RecordBatch,
    /// Declared to have no end.
    pub endless: bool,
}

impl DataSource for Table {
    fn name(&self) -> &str {
        self.name
    }

    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn boundedness(&self) -> Boundedness {
        if self.endless { Boundedness::Unbounded } else { Boundedness::Bounded }
    }

    fn estimated_bytes(&self) -> u64 {
        self.rows.get_array_memory_size() as u64
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
        let rows = self.rows.project(&request.columns).unwrap();
        Ok(Box::new(Reader { rows, at: 0, partition: Arc::from(self.name) }))
    }
}

struct Reader {
    rows: RecordBatch,
    at: usize,
    partition: Arc<str>,
}

#[async_trait]
impl DataReader for Reader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        // A few rows at a time, of different numbers, as they come from a file that grows.
        let count = (self.rows.num_rows() - self.at).min(1 + self.at % 3);
        if count == 0 {
            return Ok(None);
        }
        let rows = self.rows.slice(self.at, count);
        self.at += count;
        Ok(Some(SourceBatch { rows, skipped: 0, rejected: Vec::new(), bytes: count as u64, position: Position::of(&self.partition, self.at as u64) }))
    }

    async fn seek(&mut self, _: &Position) -> Result<()> {
        Ok(())
    }
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl DataSink for Lines {
    fn name(&self) -> &str {
        "lines"
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn check_schema(&self, _: &SchemaRef) -> Result<()> {
        Ok(())
    }

    fn open(&self, _: SchemaRef, _: SinkContext) -> Result<Box<dyn DataWriter>> {
        Ok(Box::new(Writer { lines: self.clone(), epoch: 0 }))
    }
}

struct Writer {
    lines: Lines,
    epoch: Epoch,
}

#[async_trait]
impl DataWriter for Writer {
    async fn write(&mut self, _: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        let options = FormatOptions::default().with_null("null");
        let columns: Vec<_> = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        let line = |row: usize| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(",");
        self.lines.0.lock().extend((0..batch.num_rows()).map(line));
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

/// Runs a query: as one batch, or as a stream whose epochs take at most `epoch_rows` of a source. The rows come sorted, as values with commas between.
pub async fn run(query: &str, tables: &[Table], epoch_rows: Option<usize>) -> Result<(Vec<String>, JobSummary)> {
    let script = Arc::new(Script { name: "test".to_owned(), text: query.to_owned() });
    let statement = StreamingSqlParser::new().parse(query).map_err(|error| Error::from_sql(&error, &script))?;
    let input = |table: &Table| TableInput {
        name: Arc::from(table.name),
        schema: table.rows.schema(),
        unbounded: table.endless,
        bytes: 1000,
        event_time: None,
        event_time_unit: arrow::datatypes::TimeUnit::Millisecond,
        refresh_interval: None,
        metadata: &[],
        is_stream: false,
        column_times: Vec::new(),
    };
    let inputs: Vec<TableInput> = tables.iter().map(input).collect();
    let mode = if epoch_rows.is_some() { ExecutionMode::Stream } else { ExecutionMode::Batch };
    let (clock, faults) = (Arc::new(EpochClock::system()), Arc::new(RowFaults::new(false)));
    let request = PlanRequest {
        script: &script,
        statement: &statement,
        tables: &inputs,
        mode,
        clock: &clock,
        faults: &faults,
        carry: false,
        state_ttl: None,
        results: Default::default(),
        memory: None,
        functions: &[],
    };
    let plan = plan_job(request).await.map_err(|errors| errors.into_iter().next().expect("at least one error"))?;
    let failure = FailurePolicy { strategy: FailureStrategy::FailBatch, max_retries: 0, retry_backoff: Duration::ZERO };
    let batch = BatchSettings {
        strategy: BatchStrategy::FixedSize,
        max_rows: epoch_rows.unwrap_or(1000),
        min_rows: 1,
        max_bytes: 1 << 20,
        target_latency: Duration::from_millis(1),
        timeout: Duration::from_millis(1),
        eager: false,
    };
    let lines = Lines::default();
    let spec = JobSpec {
        name: "test".to_owned(),
        plan,
        sources: tables.iter().map(|table| SourceSpec { source: Arc::new(table.clone()), batch, failure, watermark: WatermarkSettings::default() }).collect(),
        chained: Vec::new(),
        sinks: vec![SinkSpec { sink: Arc::new(lines.clone()), failure }],
        failure,
        faults,
        clock,
        one_batch_per_epoch: false,
        buffer_rows: 1000,
        shutdown_timeout: Duration::from_secs(5),
        row_limit: None,
        checkpoint: None,
        tap: None,
    };
    let last_resort: Arc<dyn DataSink> = Arc::new(Lines::default());
    let outcome = start(vec![spec], &last_resort, &Shutdown::new()).finished().await.swap_remove(0);
    match outcome.error {
        Some(error) => Err(error),
        None => {
            let mut rows = std::mem::take(&mut *lines.0.lock());
            rows.sort();
            Ok((rows, outcome.summary))
        }
    }
}
