//! Groups of windows and of sessions over the same rows, in one run: `cargo bench --bench windows`. `VELO_BENCH_ROWS` (10,000,000): rows.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::StreamExt;
use sql_extensions::StreamingSqlParser;
use velostream::clock::EpochClock;
use velostream::error::Script;
use velostream::operators::event_time::Mark;
use velostream::operators::guard::RowFaults;
use velostream::operators::source_slot::SlotInput;
use velostream::planner::{ExecutionMode, JobPlan, PlanRequest, TableInput, plan_job};

/// Ten hours, in which the rows are spread evenly.
const SPAN: i64 = 10 * 3_600_000_000;
const KEYS: i64 = 10_000;

fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![field("k", DataType::Int64), field("v", DataType::Int64), field("ts", instant)]))
}

/// Rows in batches; with `disorder`, a row may come so many microseconds late.
fn rows(count: usize, batch: usize, disorder: i64) -> Vec<RecordBatch> {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64
    };
    let step = SPAN / count as i64;
    let mut made = Vec::new();
    for first in (0..count).step_by(batch) {
        let part = first..(first + batch).min(count);
        let keys: ArrayRef = Arc::new(part.clone().map(|_| Some(random() % KEYS)).collect::<Int64Array>());
        let values: ArrayRef = Arc::new(part.clone().map(|_| Some(random() % 1000)).collect::<Int64Array>());
        let late = |random: &mut dyn FnMut() -> i64| if disorder > 0 { random() % disorder } else { 0 };
        let times: TimestampMicrosecondArray = part.map(|row| Some(row as i64 * step - late(&mut random))).collect();
        made.push(RecordBatch::try_new(schema(), vec![keys, values, Arc::new(times.with_timezone("UTC"))]).unwrap());
    }
    made
}

fn plan(groups: &str) -> JobPlan {
    let text = format!("SELECT count(*) AS n, sum(v) AS total, min(v) AS least FROM t GROUP BY {groups}");
    let script = Arc::new(Script { name: "bench".to_owned(), text });
    let statement = StreamingSqlParser::new().parse(&script.text).unwrap();
    let table = TableInput {
        name: Arc::from("t"),
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
        tables: &[table],
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

struct Ran {
    took: Duration,
    groups: usize,
    most_bytes: u64,
}

/// Epochs of one batch. `behind`: how far the time is behind the latest row.
fn in_epochs(groups: &str, batches: &[RecordBatch], behind: i64) -> Ran {
    let plan = plan(groups);
    let leaf = &plan.leaves[0];
    let wanted: Vec<usize> = leaf.schema.fields().iter().map(|field| schema().index_of(field.name()).unwrap_or(2)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut found, mut most_bytes) = (0, 0);
    let began = Instant::now();
    for batch in batches.iter().map(Some).chain([None]) {
        let rows = batch.map(|batch| RecordBatch::try_new(Arc::clone(&leaf.schema), wanted.iter().map(|at| Arc::clone(batch.column(*at))).collect()).unwrap());
        leaf.slot.fill(SlotInput::Batches(rows.into_iter().collect()));
        let latest = |batch: &RecordBatch| *batch.column(2).as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap().values().iter().max().unwrap();
        let time = batch.map_or(Mark::END, |batch| latest(batch) - behind);
        plan.times.iter().for_each(|(_, source)| {
            source.advance(Mark { time, idle: false });
        });
        found += runtime.block_on(async {
            let mut rows = plan.root.execute(0, Arc::clone(&plan.context)).unwrap();
            let mut count = 0;
            while let Some(batch) = rows.next().await {
                count += batch.unwrap().num_rows();
            }
            count
        });
        most_bytes = most_bytes.max(plan.stateful.iter().map(|figures| figures.state().1).sum());
    }
    assert_eq!(plan.stateful.iter().map(|figures| figures.late()).sum::<u64>(), 0);
    Ran { took: began.elapsed(), groups: found, most_bytes }
}

fn main() {
    let count: usize = std::env::var("VELO_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000_000);
    let compare = |what: &str, batches: &[RecordBatch], behind: i64, pairs: &[(&str, &str)]| {
        for (tumble, session) in pairs {
            let mut base = None;
            for groups in [tumble, session] {
                let ran = (0..2).map(|_| in_epochs(groups, batches, behind)).min_by_key(|ran| ran.took).unwrap();
                let seconds = ran.took.as_secs_f64();
                let ratio = *base.get_or_insert(seconds) / seconds;
                let read: usize = batches.iter().map(RecordBatch::num_rows).sum();
                let (rate, kilobytes) = (read as f64 / seconds / 1e6, ran.most_bytes / 1000);
                println!("{what:20} {groups:44} {rate:7.2} M rows/s  ratio {ratio:.2}  {:8} groups  state {kilobytes:7} kB", ran.groups);
            }
        }
    };
    let pairs = [
        ("k, tumble(ts, INTERVAL '1' MINUTE)", "k, session(ts, INTERVAL '30' SECONDS)"),
        ("k, tumble(ts, INTERVAL '15' MINUTES)", "k, session(ts, INTERVAL '2' MINUTES)"),
        ("tumble(ts, INTERVAL '1' MINUTE)", "session(ts, INTERVAL '1' SECOND)"),
    ];
    compare("epochs of 8192", &rows(count, 8192, 0), 0, &pairs);
    compare("epochs of 65536", &rows(count, 65_536, 0), 0, &pairs[..2]);
    compare("disorder of 5 s", &rows(count, 8192, 5_000_000), 5_000_000, &pairs[..2]);
    compare("epochs of 500", &rows(count / 10, 500, 0), 0, &pairs[..2]);
}
