//! The parts by themselves: `cargo bench --bench kernels`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use sql_extensions::StreamingSqlParser;
use velostream::clock::EpochClock;
use velostream::error::Script;
use velostream::formats::avro::{AvroCompression, AvroInput, AvroMessageDecoder, AvroMessageEncoder, AvroOutput, Writers};
use velostream::formats::csv::{CsvEncoder, CsvInput, CsvReadOptions, CsvWriteOptions};
use velostream::formats::json::{JsonEncoder, JsonInput, JsonReadOptions};
use velostream::formats::parquet::{ParquetCompression, ParquetInput, ParquetOutput};
use velostream::formats::{BatchEncoder, Chunk, ColumnarFormat, ColumnarInput, ColumnarRequest, MessageDecoder, Messages, TextInput, schema_text};
use velostream::operators::guard::RowFaults;
use velostream::operators::source_slot::SlotInput;
use velostream::planner::{ExecutionMode, JobPlan, PlanRequest, TableInput, plan_job};

const COLUMNS: &str = "order_id BIGINT, customer_id BIGINT, quantity INT, amount DOUBLE, status VARCHAR, ts VARCHAR";
const FILTER: &str = "SELECT order_id, amount * 1.1 AS gross, CASE WHEN amount > 500 THEN 'high' ELSE 'low' END AS band FROM t WHERE quantity > 2";
const LOOKUP: &str = "SELECT t.order_id, c.status AS name FROM t JOIN c ON t.customer_id = c.customer_id";

fn json(rows: usize) -> Vec<u8> {
    let line = |id: usize| {
        let (customer, quantity, amount) = (id * 7 % 1000, id % 10, id as f64 * 0.25);
        format!(
            "{{\"order_id\":{id},\"customer_id\":{customer},\"quantity\":{quantity},\"amount\":{amount},\"status\":\"shipped\",\"ts\":\"2024-01-05T10:00:00.123456Z\"}}\n"
        )
    };
    (0..rows).map(line).collect::<String>().into_bytes()
}

fn decode(text: &[u8]) -> RecordBatch {
    let schema = Arc::new(schema_text::parse(COLUMNS).unwrap());
    let input =
        JsonInput::new(JsonReadOptions { schema, batch_rows: 8192, document: false, max_record_size: 1 << 20, inferred: false, encoding: "UTF-8" }).unwrap();
    let decoder = input.preamble(text, true, "b").unwrap().unwrap().decoder;
    let chunk = Chunk { bytes: Buffer::from(text.to_vec()), partition: Arc::from("b"), first_line: 1 };
    decoder.decode(&chunk).unwrap().batches.swap_remove(0).rows
}

fn plan(sql: &str) -> JobPlan {
    let script = Arc::new(Script { name: "bench".to_owned(), text: sql.to_owned() });
    let statement = StreamingSqlParser::new().parse(sql).unwrap();
    let table = |name: &str, unbounded| TableInput {
        name: Arc::from(name),
        schema: Arc::new(schema_text::parse(COLUMNS).unwrap()),
        unbounded,
        bytes: 1 << 20,
        event_time: None,
        event_time_unit: arrow::datatypes::TimeUnit::Millisecond,
        refresh_interval: None,
        metadata: &[],
        is_stream: false,
        column_times: Vec::new(),
    };
    let tables = [table("t", true), table("c", false)];
    let (clock, faults) = (Arc::new(EpochClock::system()), Arc::new(RowFaults::new(false)));
    let request = PlanRequest {
        script: &script,
        statement: &statement,
        tables: &tables,
        mode: ExecutionMode::Stream,
        clock: &clock,
        faults: &faults,
        carry: false,
        state_ttl: None,
        results: Default::default(),
        memory: None,
        functions: &[],
    };
    futures::executor::block_on(plan_job(request)).unwrap()
}

async fn drain(root: &Arc<dyn ExecutionPlan>, plan: &JobPlan) -> usize {
    let mut rows = 0;
    let mut stream = root.execute(0, Arc::clone(&plan.context)).unwrap();
    while let Some(batch) = stream.next().await {
        rows += batch.unwrap().num_rows();
    }
    rows
}

fn language(criterion: &mut Criterion) {
    let sql = format!("{LOOKUP} INTO o WITH ('t.type'='file','o.type'='file')");
    criterion.bench_function("parse", |b| b.iter(|| StreamingSqlParser::new().parse(black_box(&sql)).unwrap()));
    criterion.bench_function("plan", |b| b.iter(|| plan(black_box(LOOKUP))));
}

fn formats(criterion: &mut Criterion) {
    const ROWS: usize = 8192;
    let text = json(ROWS);
    let batch = decode(&text);
    let schema = batch.schema();
    let mut group = criterion.benchmark_group("formats");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("decode json", |b| b.iter(|| decode(black_box(&text))));
    let encoder = JsonEncoder::new(&schema).unwrap();
    group.bench_function("encode json", |b| b.iter(|| encoder.encode(black_box(&batch)).unwrap()));
    let csv = CsvEncoder::new(&schema, CsvWriteOptions { delimiter: b',', has_headers: false }).unwrap();
    group.bench_function("encode csv", |b| b.iter(|| csv.encode(black_box(&batch)).unwrap()));
    let lines = csv.encode(&batch).unwrap().bytes;
    let all = (0..schema.fields().len()).collect();
    let options = CsvReadOptions {
        table: Arc::clone(&schema),
        columns: all,
        batch_rows: ROWS,
        delimiter: b',',
        has_headers: false,
        max_record_size: 1 << 20,
        inferred: false,
        encoding: "UTF-8",
    };
    let decoder = CsvInput::new(options).unwrap().preamble(&lines, true, "b").unwrap().unwrap().decoder;
    let chunk = Chunk { bytes: Buffer::from(lines), partition: Arc::from("b"), first_line: 1 };
    group.bench_function("decode csv", |b| b.iter(|| decoder.decode(black_box(&chunk)).unwrap()));
    for (name, schema) in [("nullable", Arc::clone(&schema)), ("not null", not_null(&schema))] {
        let rows = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec()).unwrap();
        let encoder = AvroMessageEncoder::new(&schema, None, "bench").unwrap();
        group.bench_function(format!("encode avro messages, {name}"), |b| b.iter(|| encoder.encode(black_box(&rows), Some(1)).unwrap()));
        let encoded = encoder.encode(&rows, None).unwrap();
        let messages = Messages { bytes: Buffer::from(encoded.bytes), ends: encoded.ends };
        let decoder = AvroMessageDecoder::new(schema, None, Writers::One(Arc::new(encoder.schema().clone())), 1 << 20).unwrap();
        group.bench_function(format!("decode avro messages, {name}"), |b| b.iter(|| decoder.decode(black_box(&messages)).unwrap()));
    }
    group.finish();
}

fn not_null(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(false)).collect::<Vec<_>>()))
}

fn epochs(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let table = decode(&json(1000));
    for (name, sql) in [("filter, project, CASE", FILTER), ("lookup join", LOOKUP)] {
        let plan = plan(sql);
        let columns: BTreeMap<&str, Vec<usize>> =
            plan.leaves.iter().map(|leaf| (&*leaf.source, leaf.schema.fields().iter().map(|f| table.schema().index_of(f.name()).unwrap()).collect())).collect();
        for lookup in &plan.lookups {
            for leaf in &lookup.leaves {
                let wanted: Vec<usize> = leaf.schema.fields().iter().map(|f| table.schema().index_of(f.name()).unwrap()).collect();
                leaf.slot.fill(SlotInput::Batches(vec![table.project(&wanted).unwrap()]));
            }
            let table = runtime.block_on(lookup.join.read_table(Arc::clone(&plan.context))).unwrap();
            lookup.join.handle().load(table);
        }
        let mut group = criterion.benchmark_group(format!("epoch: {name}"));
        for rows in [1, 10, 1000, 8192] {
            let batch = decode(&json(rows)).project(&columns["t"]).unwrap();
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_with_input(BenchmarkId::from_parameter(rows), &batch, |b, batch| {
                b.iter(|| {
                    plan.leaves[0].slot.fill(SlotInput::Batches(vec![batch.clone()]));
                    runtime.block_on(drain(&plan.root, &plan))
                });
            });
        }
        group.finish();
    }
}

fn fan_out(criterion: &mut Criterion) {
    use velostream::operators::fan_out::{FanOutExec, Outputs};

    #[derive(Debug)]
    struct Queues(Vec<tokio::sync::mpsc::Sender<RecordBatch>>);

    #[async_trait::async_trait]
    impl Outputs for Queues {
        async fn put(&self, batch: RecordBatch) -> datafusion::error::Result<()> {
            for queue in &self.0 {
                queue.send(batch.clone()).await.unwrap();
            }
            Ok(())
        }

        fn names(&self) -> Vec<String> {
            Vec::new()
        }
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let batch = decode(&json(8192));
    let mut group = criterion.benchmark_group("fan-out, encode json at each sink");
    group.throughput(Throughput::Elements(8192));
    for sinks in [1, 3] {
        let plan = plan(FILTER);
        let wanted: Vec<usize> = plan.leaves[0].schema.fields().iter().map(|f| batch.schema().index_of(f.name()).unwrap()).collect();
        let batch = batch.project(&wanted).unwrap();
        group.bench_function(BenchmarkId::from_parameter(sinks), |b| {
            b.iter_custom(|times| {
                runtime.block_on(async {
                    let mut queues = Vec::new();
                    let mut tasks = Vec::new();
                    for _ in 0..sinks {
                        let (sender, mut receiver) = tokio::sync::mpsc::channel::<RecordBatch>(4);
                        queues.push(sender);
                        let encoder = JsonEncoder::new(&plan.schema).unwrap();
                        tasks.push(tokio::task::spawn_blocking(move || {
                            while let Some(batch) = receiver.blocking_recv() {
                                black_box(encoder.encode(&batch).unwrap());
                            }
                        }));
                    }
                    let root: Arc<dyn ExecutionPlan> = Arc::new(FanOutExec::new(Arc::clone(&plan.root), Arc::new(Queues(queues))));
                    let began = std::time::Instant::now();
                    for _ in 0..times {
                        plan.leaves[0].slot.fill(SlotInput::Batches(vec![batch.clone()]));
                        drain(&root, &plan).await;
                    }
                    drop(root);
                    for task in tasks {
                        task.await.unwrap();
                    }
                    began.elapsed()
                })
            });
        });
    }
    group.finish();
}

fn columnar(criterion: &mut Criterion) {
    const ROWS: usize = 8192;
    let batch = decode(&json(ROWS));
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("columnar");
    group.throughput(Throughput::Elements(ROWS as u64));
    let parquet = ParquetOutput { compression: ParquetCompression::Snappy };
    let avro = AvroOutput { compression: AvroCompression::None };
    let formats: [(&str, &dyn ColumnarFormat, &dyn ColumnarInput); 2] = [("parquet", &parquet, &ParquetInput), ("avro", &avro, &AvroInput)];
    for (name, output, input) in formats {
        let schema = batch.schema();
        let write = |into: Box<dyn std::io::Write + Send>| {
            let mut writer = output.writer(&schema, into).unwrap();
            writer.write(black_box(&batch)).unwrap();
            writer.finish().map(drop).unwrap();
        };
        group.bench_function(format!("encode {name}"), |b| b.iter(|| write(Box::new(std::io::sink()))));
        let path = folder.path().join(name);
        write(Box::new(std::fs::File::create(&path).unwrap()));
        let request = ColumnarRequest {
            schema: Arc::clone(&schema),
            columns: (0..schema.fields().len()).collect(),
            batch_rows: ROWS,
            pruning: None,
            start_row: 0,
            partition: Arc::from(name),
        };
        group.bench_function(format!("decode {name}"), |b| {
            b.iter(|| {
                let mut reader = input.open(&path, &request).unwrap();
                let mut rows = 0;
                while let Some(batch) = reader.next().unwrap() {
                    rows += batch.rows.num_rows();
                }
                assert_eq!(rows, ROWS);
            });
        });
    }
    group.finish();
}

criterion_group!(kernels, language, formats, columnar, epochs, fan_out);
criterion_main!(kernels);
