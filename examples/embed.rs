//! Runs Velostream inside of an application: a table, a function, a source and a sink of its own, two jobs, and what is known of them.
//!
//! `cargo run --example embed`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use velostream::arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use velostream::arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use velostream::arrow::util::pretty::pretty_format_batches;
use velostream::async_trait::async_trait;
use velostream::datafusion::datasource::MemTable;
use velostream::datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use velostream::error::{Error, Result};
use velostream::ids::Epoch;
use velostream::server::{JobReport, JobStatus, StreamJobServer};
use velostream::sinks::SinkKind;
use velostream::sources::SourceKind;
use velostream::stream::{Boundedness, DataReader, DataSink, DataSource, DataWriter, Position, ReadRequest, SinkContext, SourceBatch, WriteReport};

/// A kind of source: measurements of a device, made up, a few every 100 ms.
#[derive(Debug)]
struct Device;

impl SourceKind for Device {
    fn keys(&self) -> &[&str] {
        &["readings"]
    }

    fn create(&self, name: &str, keys: &BTreeMap<String, String>) -> Result<Arc<dyn DataSource>> {
        let text = keys.get("readings").map_or("10", String::as_str);
        let readings = text.parse().map_err(|_| Error::config(format!("'{name}.readings' = '{text}' is no number")))?;
        Ok(Arc::new(DeviceSource { name: name.to_owned(), readings }))
    }
}

#[derive(Debug)]
struct DeviceSource {
    name: String,
    readings: u64,
}

fn measurements() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("sensor", DataType::Int64, false), Field::new("celsius", DataType::Float64, false)]))
}

impl DataSource for DeviceSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        measurements()
    }

    fn boundedness(&self) -> Boundedness {
        Boundedness::Unbounded
    }

    fn estimated_bytes(&self) -> u64 {
        0
    }

    fn describe(&self) -> String {
        format!("{} readings of a device", self.readings)
    }

    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
        Ok(Box::new(DeviceReader { left: self.readings, read: 0, columns: request.columns }))
    }
}

struct DeviceReader {
    left: u64,
    read: u64,
    columns: Vec<usize>,
}

#[async_trait]
impl DataReader for DeviceReader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        // Waiting comes first: if this future is dropped nothing is lost.
        tokio::time::sleep(Duration::from_millis(100)).await;
        if self.left == 0 {
            return Ok(None);
        }
        let celsius = 20.0 + self.read as f64;
        self.left -= 1;
        self.read += 1;
        let columns: Vec<Arc<dyn Array>> = vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(Float64Array::from(vec![celsius, -celsius]))];
        let fault = |error| Error::internal("these are the columns").with_source(error);
        let rows = RecordBatch::try_new(measurements(), columns).and_then(|rows| rows.project(&self.columns)).map_err(fault)?;
        Ok(Some(SourceBatch { rows, skipped: 0, rejected: Vec::new(), bytes: 32, position: Position::of(&Arc::from("device"), self.read) }))
    }

    async fn seek(&mut self, _: &Position) -> Result<()> {
        Ok(())
    }
}

/// A kind of sink: prints tables.
#[derive(Debug)]
struct Print;

impl SinkKind for Print {
    fn create(&self, name: &str, _: &BTreeMap<String, String>) -> Result<Arc<dyn DataSink>> {
        Ok(Arc::new(PrintSink(name.to_owned())))
    }
}

#[derive(Debug)]
struct PrintSink(String);

impl DataSink for PrintSink {
    fn name(&self) -> &str {
        &self.0
    }

    fn describe(&self) -> String {
        "printed tables".to_owned()
    }

    fn check_schema(&self, _: &SchemaRef) -> Result<()> {
        Ok(())
    }

    fn open(&self, _: SchemaRef, _: SinkContext) -> Result<Box<dyn DataWriter>> {
        Ok(Box::new(PrintWriter { name: self.0.clone(), epoch: 0 }))
    }
}

struct PrintWriter {
    name: String,
    epoch: Epoch,
}

#[async_trait]
impl DataWriter for PrintWriter {
    async fn write(&mut self, epoch: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        let table = pretty_format_batches(std::slice::from_ref(batch)).map_err(|error| Error::internal("rows can't be shown").with_source(error))?;
        println!("{}, epoch {epoch}\n{table}", self.name);
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
        // What was printed is where it belongs.
        self.epoch
    }

    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (frost, readings, figures) = run().await?;
    println!("{}\n{}\n{figures}", serde_json::to_string_pretty(&frost)?, serde_json::to_string_pretty(&readings)?);
    Ok(())
}

/// Runs two jobs to their end; returns what is known of them then.
pub(crate) async fn run() -> Result<(JobStatus, JobReport, String), Box<dyn std::error::Error>> {
    // A table of DataFusion: what it reads, a statement reads.
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("room", DataType::Utf8, false)]));
    let columns: Vec<Arc<dyn Array>> = vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(StringArray::from(vec!["kitchen", "cellar"]))];
    let rooms = MemTable::try_new(Arc::clone(&schema), vec![vec![RecordBatch::try_new(schema, columns)?]])?;

    let fahrenheit = create_udf(
        "fahrenheit",
        vec![DataType::Float64],
        DataType::Float64,
        Volatility::Immutable,
        Arc::new(|values: &[ColumnarValue]| {
            let values = ColumnarValue::values_to_arrays(values)?;
            let converted: Float64Array = values[0].as_primitive::<Float64Type>().unary(|celsius| celsius * 9.0 / 5.0 + 32.0);
            Ok(ColumnarValue::Array(Arc::new(converted)))
        }),
    );

    let server = StreamJobServer::builder()
        .register_table("rooms", Arc::new(rooms))
        .register_udf(fahrenheit)
        .register_source("device", Device)
        .register_sink("print", Print)
        .build()?;

    server
        .deploy(
            "CREATE STREAM readings AS
             SELECT room, celsius, fahrenheit(celsius) AS fahrenheit FROM device JOIN rooms ON sensor = id
             INTO screen
             WITH ('device.type' = 'device', 'device.readings' = '10', 'screen.type' = 'print')",
        )
        .await?;
    // A second deployment reads the first by its name.
    server.deploy("CREATE STREAM frost AS SELECT room, celsius FROM readings WHERE celsius < 0 INTO alarm WITH ('alarm.type' = 'print')").await?;

    let ended = (server.wait("frost").await?, server.metrics("readings")?, server.metrics_text()?);
    server.shutdown().await?;
    Ok(ended)
}
