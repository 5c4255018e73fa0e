//! OVER beside DataFusion's window functions over the same rows, and an epoch of ten rows of a statement with three joins and LAG, in one run: `cargo bench --bench over`.
//! `VELO_BENCH_ROWS` (10,000,000): rows.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::datasource::MemTable;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use sql_extensions::StreamingSqlParser;
use velostream::clock::EpochClock;
use velostream::error::Script;
use velostream::operators::event_time::Mark;
use velostream::operators::guard::RowFaults;
use velostream::operators::source_slot::SlotInput;
use velostream::planner::{ExecutionMode, JobPlan, PlanRequest, Results, TableInput, plan_job};

/// Ten hours, in which the rows are spread evenly.
const SPAN: i64 = 10 * 3_600_000_000;
const KEYS: i64 = 10_000;

fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![field("k", DataType::Int64), field("v", DataType::Int64), field("ts", instant)]))
}

fn random(state: &mut u64) -> i64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as i64
}

/// Rows in batches, `step` microseconds apart; with `disorder`, a row may come so many microseconds late.
fn rows(count: usize, batch: usize, keys: i64, step: i64, disorder: i64) -> Vec<RecordBatch> {
    let mut state = 1;
    let mut made = Vec::new();
    for first in (0..count).step_by(batch) {
        let part = first..(first + batch).min(count);
        let key: ArrayRef = Arc::new(part.clone().map(|_| Some(random(&mut state) % keys)).collect::<Int64Array>());
        let values: ArrayRef = Arc::new(part.clone().map(|_| Some(random(&mut state) % 1000)).collect::<Int64Array>());
        let late = |state: &mut u64| if disorder > 0 { random(state) % disorder } else { 0 };
        let times: TimestampMicrosecondArray = part.map(|row| Some(row as i64 * step - late(&mut state))).collect();
        made.push(RecordBatch::try_new(schema(), vec![key, values, Arc::new(times.with_timezone("UTC"))]).unwrap());
    }
    made
}

fn plan(sql: &str, tables: &[&str], arrival: bool) -> JobPlan {
    let script = Arc::new(Script { name: "bench".to_owned(), text: sql.to_owned() });
    let statement = StreamingSqlParser::new().parse(sql).unwrap();
    let table = |name: &&str| TableInput {
        name: Arc::from(*name),
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
        tables: &tables.iter().map(table).collect::<Vec<_>>(),
        mode: ExecutionMode::Stream,
        clock: &Arc::new(EpochClock::system()),
        faults: &Arc::new(RowFaults::new(false)),
        carry: false,
        state_ttl: None,
        results: Results { arrival, early: false },
        memory: None,
        functions: &[],
    };
    futures::executor::block_on(plan_job(request)).unwrap()
}

fn latest(batch: &RecordBatch) -> i64 {
    *batch.column(2).as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap().values().iter().max().unwrap()
}

async fn drain(root: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> usize {
    let mut rows = 0;
    let mut stream = root.execute(0, Arc::clone(context)).unwrap();
    while let Some(batch) = stream.next().await {
        rows += batch.unwrap().num_rows();
    }
    rows
}

/// One epoch: the rows of each source, and how far the time has come then.
fn epoch(plan: &JobPlan, rows: &[(&str, &RecordBatch)], time: i64, runtime: &tokio::runtime::Runtime) -> usize {
    for leaf in &plan.leaves {
        let own = rows.iter().filter(|(name, _)| **name == *leaf.source).map(|(_, batch)| {
            let columns = leaf.schema.fields().iter().map(|field| Arc::clone(batch.column(schema().index_of(field.name()).unwrap_or(2))));
            RecordBatch::try_new(Arc::clone(&leaf.schema), columns.collect()).unwrap()
        });
        leaf.slot.fill(SlotInput::Batches(own.collect()));
    }
    plan.times.iter().for_each(|(_, source)| {
        source.advance(Mark { time, idle: false });
    });
    runtime.block_on(drain(&plan.root, &plan.context))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn select(functions: &str) -> String {
    format!("SELECT k, ts, v, {functions} AS f FROM t")
}

/// Epochs of one batch each. `behind`: how far the time is behind the latest row.
fn in_epochs(functions: &str, batches: &[RecordBatch], behind: i64, arrival: bool) -> (Duration, usize) {
    let (plan, runtime) = (plan(&select(functions), &["t"], arrival), runtime());
    let began = Instant::now();
    let mut found: usize = batches.iter().map(|batch| epoch(&plan, &[("t", batch)], latest(batch) - behind, &runtime)).sum();
    found += epoch(&plan, &[], Mark::END, &runtime);
    assert_eq!(plan.stateful.iter().map(|figures| figures.late()).sum::<u64>(), 0);
    (began.elapsed(), found)
}

/// DataFusion's window functions over all rows at once.
fn at_once(functions: &str, batches: &[RecordBatch]) -> (Duration, usize) {
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    session.register_table("t", Arc::new(MemTable::try_new(schema(), vec![batches.to_vec()]).unwrap())).unwrap();
    runtime().block_on(async {
        let plan = session.sql(&select(functions)).await.unwrap().create_physical_plan().await.unwrap();
        let began = Instant::now();
        let rows = drain(&plan, &session.task_ctx()).await;
        (began.elapsed(), rows)
    })
}

/// The best of two.
fn best(mut run: impl FnMut() -> (Duration, usize)) -> (Duration, usize) {
    run().min(run())
}

fn compare(what: &str, functions: &str, count: usize) {
    let step = SPAN / count as i64;
    let ordered = rows(count, 8192, KEYS, step, 0);
    let (base, expected) = best(|| at_once(functions, &ordered));
    let tell = |how: &str, (took, found): (Duration, usize)| {
        assert_eq!(found, expected);
        let seconds = took.as_secs_f64();
        println!("{what:28} {how:20} {:7.2} M rows/s  ratio {:.2}", count as f64 / seconds / 1e6, base.as_secs_f64() / seconds);
    };
    tell("DataFusion, a batch", (base, expected));
    tell("epochs of 8192", best(|| in_epochs(functions, &ordered, 0, false)));
    tell("as they come", best(|| in_epochs(functions, &ordered, 0, true)));
    let late = rows(count, 8192, KEYS, step, 5_000_000);
    tell("disorder of 5 s", best(|| in_epochs(functions, &late, 5_000_000, false)));
}

/// Epochs of ten rows of a statement of four sources, three joins and LAG, taken as they come.
fn small_epochs() {
    const EPOCHS: usize = 8000;
    let sql = "SELECT t.k, t.ts, t.v, h.v AS humidity, p.v AS pressure, b.v AS vibration,
                      CASE WHEN ABS(t.v - LAG(t.v, 1) OVER (PARTITION BY t.k ORDER BY t.ts)) > 900 THEN 'SPIKE' WHEN b.v > 990 THEN 'SHAKEN' ELSE 'NORMAL' END AS what
               FROM t JOIN h ON t.k = h.k AND h.ts BETWEEN t.ts - INTERVAL '2' MINUTE AND t.ts + INTERVAL '2' MINUTE
                      JOIN p ON t.k = p.k AND p.ts BETWEEN t.ts - INTERVAL '2' MINUTE AND t.ts + INTERVAL '2' MINUTE
                      LEFT JOIN b ON t.k = b.k AND b.ts BETWEEN t.ts - INTERVAL '2' MINUTE AND t.ts + INTERVAL '2' MINUTE
               WHERE t.v IS NOT NULL AND h.v IS NOT NULL AND p.v IS NOT NULL";
    let names = ["t", "h", "p", "b"];
    let (plan, runtime) = (plan(sql, &names, true), runtime());
    // Rows of four sources in turn, 50,000 a second, of 5,000 devices: so many that each finds partners.
    let all = rows(EPOCHS * 10, 10, 5_000, 20, 0);
    let mut times: Vec<Duration> = Vec::with_capacity(EPOCHS);
    let mut found = 0;
    for (number, batch) in all.iter().enumerate() {
        let began = Instant::now();
        found += epoch(&plan, &[(names[number % 4], batch)], latest(batch) - 5_000_000, &runtime);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("three joins and LAG, epochs of 10 rows: median {:?}, p95 {:?}, {found} rows out", times[EPOCHS / 2], times[EPOCHS * 95 / 100]);
}

fn main() {
    let count: usize = std::env::var("VELO_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000_000);
    small_epochs();
    compare("LAG", "LAG(v) OVER (PARTITION BY k ORDER BY ts)", count);
    compare("ROW_NUMBER", "ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts)", count);
    compare("SUM so far", "SUM(v) OVER (PARTITION BY k ORDER BY ts)", count);
    compare("AVG of 10 rows", "AVG(v) OVER (PARTITION BY k ORDER BY ts ROWS 10 PRECEDING)", count / 10);
}
