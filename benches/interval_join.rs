//! The interval join beside DataFusion's joins over the same rows, in one run: `cargo bench --bench interval_join`. `VELO_BENCH_ROWS` (1,000,000): rows of each side.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::MemTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionConfig, SessionContext, col};
use futures::StreamExt;
use sql_extensions::StreamingSqlParser;
use velostream::clock::EpochClock;
use velostream::error::Script;
use velostream::operators::event_time::Mark;
use velostream::operators::guard::RowFaults;
use velostream::operators::source_slot::SlotInput;
use velostream::planner::{ExecutionMode, JobPlan, PlanRequest, TableInput, plan_job};

/// Ten hours, in which the rows of a side are spread evenly.
const SPAN: i64 = 10 * 3_600_000_000;
const KEYS: i64 = 10_000;

fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![field("id", DataType::Int64), field("k", DataType::Int64), field("v", DataType::Int64), field("ts", instant)]))
}

/// Rows of a side in batches; with `disorder`, a row may come so many microseconds late.
fn side(seed: u64, rows: usize, batch: usize, disorder: i64) -> Vec<RecordBatch> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64
    };
    let step = SPAN / rows as i64;
    type Row = (i64, i64, i64, i64);
    let row = |id: usize| (id as i64, random() % KEYS, random() % 1000, id as i64 * step - if disorder > 0 { random() % disorder } else { 0 });
    let all: Vec<Row> = (0..rows).map(row).collect();
    let schema = schema();
    let column = |part: &[Row], pick: &dyn Fn(&Row) -> i64| Arc::new(part.iter().map(|row| Some(pick(row))).collect::<Int64Array>()) as ArrayRef;
    all.chunks(batch)
        .map(|part| {
            let times: TimestampMicrosecondArray = part.iter().map(|row| Some(row.3)).collect();
            let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
            RecordBatch::try_new(Arc::clone(&schema), vec![column(part, &|row| row.0), column(part, &|row| row.1), column(part, &|row| row.2), times]).unwrap()
        })
        .collect()
}

fn plan(sql: &str) -> JobPlan {
    let script = Arc::new(Script { name: "bench".to_owned(), text: sql.to_owned() });
    let statement = StreamingSqlParser::new().parse(sql).unwrap();
    let table = |name: &str| TableInput {
        name: Arc::from(name),
        schema: schema(),
        unbounded: true,
        bytes: 1 << 20,
        event_time: Some("ts".to_owned()),
        event_time_unit: TimeUnit::Millisecond,
        refresh_interval: None,
        metadata: &[],
        is_stream: false,
        column_times: Vec::new(),
    };
    let request = PlanRequest {
        script: &script,
        statement: &statement,
        tables: &[table("l"), table("r")],
        mode: ExecutionMode::Stream,
        clock: &Arc::new(EpochClock::system()),
        faults: &Arc::new(RowFaults::new(false)),
        carry: false,
        state_ttl: None,
        results: Default::default(),
        memory: None,
        functions: &[],
    };
    futures::executor::block_on(plan_job(request)).unwrap()
}

fn select(join: &str) -> String {
    format!(
        "SELECT l.id AS a, r.id AS b, l.v AS x, r.v AS y FROM l {join} JOIN r ON l.k = r.k AND r.ts BETWEEN l.ts - INTERVAL '5' MINUTE AND l.ts + INTERVAL '5' MINUTE"
    )
}

struct Ran {
    took: Duration,
    rows: usize,
    most_bytes: u64,
}

/// Epochs of one batch of each side. `behind`: how far a source's time is behind its latest row.
fn in_epochs(join: &str, left: &[RecordBatch], right: &[RecordBatch], behind: i64) -> Ran {
    saved_every(None, join, left, right, behind)
}

/// Likewise; so often what has changed in the state is taken, as for a record of it.
fn saved_every(interval: Option<Duration>, join: &str, left: &[RecordBatch], right: &[RecordBatch], behind: i64) -> Ran {
    let plan = plan(&select(join));
    let saved: Vec<_> = plan.saved.iter().map(|(_, saved)| saved).filter(|_| interval.is_some()).collect();
    saved.iter().for_each(|saved| saved.track());
    let mut last = Instant::now();
    let wanted: Vec<Vec<usize>> =
        plan.leaves.iter().map(|leaf| leaf.schema.fields().iter().map(|field| schema().index_of(field.name()).unwrap_or(3)).collect()).collect();
    let latest = |batch: &RecordBatch| batch.column(3).as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap().values().iter().copied().max().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let began = Instant::now();
    let (mut rows, mut most_bytes) = (0, 0);
    for (l, r) in left.iter().zip(right) {
        for (leaf, wanted) in plan.leaves.iter().zip(&wanted) {
            let batch = if &*leaf.source == "l" { l } else { r };
            leaf.slot.fill(SlotInput::Batches(vec![
                RecordBatch::try_new(Arc::clone(&leaf.schema), wanted.iter().map(|at| Arc::clone(batch.column(*at))).collect()).unwrap(),
            ]));
        }
        for (name, time) in &plan.times {
            time.advance(Mark { time: latest(if &**name == "l" { l } else { r }) - behind, idle: false });
        }
        rows += runtime.block_on(drain(&plan.root, &plan.context));
        most_bytes = most_bytes.max(plan.stateful.iter().map(|figures| figures.state().1).sum());
        if interval.is_some_and(|interval| last.elapsed() >= interval) {
            saved.iter().for_each(|saved| drop(saved.changes().unwrap()));
            last = Instant::now();
        }
    }
    plan.times.iter().for_each(|(_, time)| {
        time.advance(Mark { time: Mark::END, idle: false });
    });
    rows += runtime.block_on(drain(&plan.root, &plan.context));
    Ran { took: began.elapsed(), rows, most_bytes }
}

async fn drain(root: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> usize {
    let mut rows = 0;
    let mut stream = root.execute(0, Arc::clone(context)).unwrap();
    while let Some(batch) = stream.next().await {
        rows += batch.unwrap().num_rows();
    }
    rows
}

fn session() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1))
}

/// DataFusion's hash join over all rows at once.
fn hash_join(left: &[RecordBatch], right: &[RecordBatch]) -> Ran {
    let session = session();
    for (name, rows) in [("l", left), ("r", right)] {
        session.register_table(name, Arc::new(MemTable::try_new(schema(), vec![rows.to_vec()]).unwrap())).unwrap();
    }
    measured(&session, "HashJoinExec")
}

#[derive(Debug)]
struct Stream(Vec<RecordBatch>, SchemaRef);

impl PartitionStream for Stream {
    fn schema(&self) -> &SchemaRef {
        &self.1
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.1), futures::stream::iter(self.0.clone().into_iter().map(Ok))))
    }
}

/// The rows with times in nanoseconds: its pruning knows intervals of no other unit.
fn in_nanos(rows: &[RecordBatch]) -> (SchemaRef, Vec<RecordBatch>) {
    let mut fields = schema().fields().to_vec();
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
    fields[3] = Arc::new(Field::new("ts", nanos.clone(), true));
    let schema = Arc::new(Schema::new(fields));
    let with_nanos = |batch: &RecordBatch| {
        let mut columns = batch.columns().to_vec();
        columns[3] = arrow::compute::cast(&columns[3], &nanos).unwrap();
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    (Arc::clone(&schema), rows.iter().map(with_nanos).collect())
}

/// DataFusion's symmetric hash join, which prunes by the order of its inputs.
fn symmetric_join(left: &[RecordBatch], right: &[RecordBatch]) -> Ran {
    let session = session();
    for (name, rows) in [("l", left), ("r", right)] {
        let (schema, rows) = in_nanos(rows);
        let stream: Arc<dyn PartitionStream> = Arc::new(Stream(rows, Arc::clone(&schema)));
        let order = vec![col("ts").sort(true, SortOptions::default().nulls_first)];
        let table = StreamingTable::try_new(schema, vec![stream]).unwrap().with_infinite_table(true).with_sort_order(order);
        session.register_table(name, Arc::new(table)).unwrap();
    }
    measured(&session, "SymmetricHashJoinExec")
}

fn measured(session: &SessionContext, operator: &str) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let plan = session.sql(&select("")).await.unwrap().create_physical_plan().await.unwrap();
        let shown = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
        assert!(shown.contains(operator), "{shown}");
        let began = Instant::now();
        let rows = drain(&plan, &session.task_ctx()).await;
        Ran { took: began.elapsed(), rows, most_bytes: 0 }
    })
}

/// The fastest of some runs.
fn best(times: usize, run: impl Fn() -> Ran) -> Ran {
    (0..times).map(|_| run()).min_by_key(|ran| ran.took).unwrap()
}

fn main() {
    let rows: usize = std::env::var("VELO_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let wide = |seed| side(seed, rows, 8192, 0);
    let (left, right) = (wide(1), wide(2));
    let rate = |ran: &Ran| 2.0 * rows as f64 / ran.took.as_secs_f64() / 1e6;
    let own = best(3, || in_epochs("", &left, &right, 0));
    println!("{:48} {:8.2} M rows/s  {} pairs", "interval join, epochs of 8192", rate(&own), own.rows);
    let symmetric = best(3, || symmetric_join(&left, &right));
    assert_eq!(symmetric.rows, own.rows);
    println!(
        "{:48} {:8.2} M rows/s  ratio {:.2}",
        "DataFusion's symmetric join, in order",
        rate(&symmetric),
        symmetric.took.as_secs_f64() / own.took.as_secs_f64()
    );
    let batch = hash_join(&left, &right);
    assert_eq!(batch.rows, own.rows);
    println!("{:48} {:8.2} M rows/s  ratio {:.2}", "DataFusion's hash join, all at once", rate(&batch), batch.took.as_secs_f64() / own.took.as_secs_f64());
    let of_interval = 2 * 2 * rows as i64 * 300_000_000 / SPAN;
    let bytes = of_interval as f64 * 32.0;
    println!(
        "{:48} {:8.0} kB         ratio {:.2}",
        "state at most, of rows within the interval",
        own.most_bytes as f64 / 1e3,
        own.most_bytes as f64 / (bytes / 2.0)
    );
    let small = |seed| side(seed, rows, 500, 0);
    let (narrow_left, narrow_right) = (small(1), small(2));
    for (name, ran) in [
        ("epochs of 500", best(3, || in_epochs("", &narrow_left, &narrow_right, 0))),
        // The run takes less than a second.
        ("changes of the state taken every 50 ms", best(3, || saved_every(Some(Duration::from_millis(50)), "", &left, &right, 0))),
        ("LEFT", best(3, || in_epochs("LEFT", &left, &right, 0))),
        ("FULL", best(3, || in_epochs("FULL", &left, &right, 0))),
        ("disorder of 5 s", {
            let disordered = |seed| side(seed, rows, 8192, 5_000_000);
            let (left, right) = (disordered(1), disordered(2));
            best(3, || in_epochs("", &left, &right, 5_000_000))
        }),
    ] {
        println!("{:48} {:8.2} M rows/s  ratio {:.2}", name, rate(&ran), own.took.as_secs_f64() / ran.took.as_secs_f64());
    }
}
