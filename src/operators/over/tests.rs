//! Random rows in random pieces, against nested loops over all of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::{SortOptions, concat_batches};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::window::{PlainAggregateWindowExpr, WindowExpr};
use datafusion::physical_expr_common::sort_expr::PhysicalSortExpr;
use datafusion::physical_plan::windows::create_window_expr;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::function::{Function, LookBack, OverSpec, Release};
use super::state::{OverState, Plan};
use crate::operators::changes;
use crate::operators::changes::Saved;
use crate::operators::event_time::{Mark, SourceTime, Timeline};
use crate::operators::figures::OperatorFigures;
use crate::operators::guard::RowFaults;
use crate::operators::kept::Kept;
use datafusion::execution::TaskContext;

/// Key (or none), seconds, value, number.
type Row = (Option<i64>, i64, i64, i64);

const SPAN: i64 = 5;

fn input() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, None);
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![field("k", DataType::Int64), field("ts", instant), field("v", DataType::Int64), field("n", DataType::Int64)]))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let numbers = |of: fn(&Row) -> i64| Arc::new(rows.iter().map(|row| Some(of(row))).collect::<Int64Array>()) as ArrayRef;
    let times: TimestampMicrosecondArray = rows.iter().map(|row| Some(row.1 * 1_000_000)).collect();
    let keys: Int64Array = rows.iter().map(|row| row.0).collect();
    RecordBatch::try_new(input(), vec![Arc::new(keys), Arc::new(times), numbers(|row| row.2), numbers(|row| row.3)]).expect("four columns")
}

fn sum(frame: WindowFrame, order: &[PhysicalSortExpr]) -> Arc<dyn WindowExpr> {
    let schema = input();
    let function = WindowFunctionDefinition::AggregateUDF(sum_udaf());
    let (value, key) = (col("v", &schema).expect("a column"), col("k", &schema).expect("a column"));
    create_window_expr(&function, "s".to_owned(), &[value], &[key], order, Arc::new(frame), schema, false, false, None).expect("a sum")
}

fn frame(units: WindowFrameUnits, start: ScalarValue) -> WindowFrame {
    WindowFrame::new_bounds(units, WindowFrameBound::Preceding(start), WindowFrameBound::CurrentRow)
}

fn framed(function: Arc<dyn WindowExpr>) -> Function {
    Function::framed(function, false)
}

/// LAG(2, default -1), ROW_NUMBER, RANK, a sum so far, of three rows before, and of five seconds before.
fn plan(timeline: &Timeline, ttl: Option<i64>) -> Plan {
    let schema = input();
    let column = |name: &str| col(name, &schema).expect("a column");
    let order = [PhysicalSortExpr { expr: column("ts"), options: SortOptions { descending: false, nulls_first: false } }];
    let running = sum(frame(WindowFrameUnits::Range, ScalarValue::Null), &order);
    let aggregate = running.as_any().downcast_ref::<PlainAggregateWindowExpr>().expect("so far").get_aggregate_expr().clone();
    let functions = vec![
        Function::Lag { value: column("v"), offset: 2, default: ScalarValue::from(-1_i64) },
        Function::RowNumber,
        Function::Rank,
        Function::Running { aggregate: Arc::new(aggregate), arguments: running.expressions(), filter: None, peers: true },
        framed(sum(frame(WindowFrameUnits::Rows, ScalarValue::UInt64(Some(3))), &order)),
        framed(sum(frame(WindowFrameUnits::Range, ScalarValue::new_interval_mdn(0, 0, SPAN * 1_000_000_000)), &order)),
    ];
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.extend(
        ["lag", "number", "rank", "so_far", "rows", "span"]
            .iter()
            .enumerate()
            .map(|(at, name)| Field::new(*name, if at == 1 || at == 2 { DataType::UInt64 } else { DataType::Int64 }, true)),
    );
    let look_back = LookBack { rows: 3, span: Some(SPAN * 1_000_000), first: 0 };
    let release = Release::InOrder(timeline.clone());
    let spec = OverSpec { keys: vec![column("k")], order: order.to_vec(), release, functions, read: vec![0, 1, 2, 3], look_back, ttl, clock: None };
    Plan::new(spec, Vec::new(), Arc::new(Schema::new(fields)), &schema).expect("a plan")
}

/// What must come out, by nested loops.
fn model(rows: &[Row], ttl: Option<i64>) -> Vec<Vec<i64>> {
    let mut out = Vec::new();
    let mut keys: Vec<Option<i64>> = rows.iter().map(|row| row.0).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let mut own: Vec<Row> = rows.iter().filter(|row| row.0 == key).copied().collect();
        own.sort_unstable_by_key(|row| (row.1, row.2, row.3));
        let mut begin = 0;
        for at in 0..own.len() {
            if at > begin && ttl.is_some_and(|ttl| (own[at].1 - own[at - 1].1) * 1_000_000 > ttl) {
                begin = at;
            }
            let (_, ts, v, n) = own[at];
            let since = &own[begin..];
            let here = at - begin;
            let sum_of =
                |wanted: &dyn Fn(usize, &Row) -> bool| since.iter().enumerate().filter(|(at, row)| wanted(*at, row)).map(|(_, row)| row.2).sum::<i64>();
            // Rows of the same time that come after a break belong to what is new.
            let so_far = sum_of(&|_, row| row.1 <= ts);
            let rank = since.iter().filter(|row| row.1 < ts).count() as i64 + 1;
            let lag = if here < 2 { -1 } else { since[here - 2].2 };
            let of_rows = sum_of(&|at, _| at <= here && at + 3 >= here);
            let of_span = sum_of(&|_, row| row.1 <= ts && row.1 >= ts - SPAN);
            out.push(vec![key.unwrap_or(-99), ts, v, n, lag, here as i64 + 1, rank, so_far, of_rows, of_span]);
        }
    }
    // What comes after a break is not in the sums of what was before it.
    out.sort_unstable();
    out
}

fn values(rows: &[RecordBatch], schema: &SchemaRef) -> Vec<Vec<i64>> {
    let all = concat_batches(schema, rows).expect("one schema");
    let number = |column: &ArrayRef, row: usize| {
        let column = arrow::compute::cast(column, &DataType::Int64).expect("a number");
        if column.is_null(row) { -99 } else { column.as_primitive::<Int64Type>().value(row) }
    };
    let columns = all.columns();
    let mut out: Vec<Vec<i64>> = (0..all.num_rows())
        .map(|row| columns.iter().enumerate().map(|(at, column)| if at == 1 { number(column, row) / 1_000_000 } else { number(column, row) }).collect())
        .collect();
    out.sort_unstable();
    out
}

/// Runs rows in pieces, in the order of their times but for `disorder` seconds.
fn run(rows: &[Row], disorder: i64, ttl: Option<i64>, pieces: usize, random: &mut StdRng) -> Vec<Vec<i64>> {
    let mut arriving: Vec<(i64, Row)> = rows.iter().map(|row| (row.1 * 1000 + random.random_range(0..=disorder * 1000), *row)).collect();
    arriving.sort_by_key(|(at, _)| *at);
    let arriving: Vec<Row> = arriving.into_iter().map(|(_, row)| row).collect();
    let time = Arc::new(SourceTime::default());
    let plan = plan(&Timeline::Source(Arc::clone(&time)), ttl);
    let plan = Arc::new(plan);
    let kept = || {
        let plan = Arc::clone(&plan);
        Kept::new(move || OverState::new(&plan))
    };
    let (figures, context) = (OperatorFigures::new("OVER".to_owned()), TaskContext::default());
    let mut state = kept();
    state.track();
    let mut saved = Vec::new();
    let faults = RowFaults::new(false);
    let (mut out, mut rest, mut latest) = (Vec::new(), arriving.as_slice(), i64::MIN / 2);
    while !rest.is_empty() {
        let (piece, others) = rest.split_at(random.random_range(1..=pieces).min(rest.len()));
        rest = others;
        latest = piece.iter().map(|row| row.1).fold(latest, i64::max);
        let late = state.work(&figures, &context, |state| state.take_in(&plan, &batch(piece), 0, &faults));
        assert_eq!(late.expect("taken in"), 0, "no row is late");
        time.advance(Mark { time: (latest - disorder) * 1_000_000, idle: false });
        out.extend(state.work(&figures, &context, |state| state.advance(&plan)).expect("an epoch"));
        if rows.len() < 1000 && random.random_bool(0.5) {
            let next = kept();
            changes::restart(&state, &mut saved, random.random_bool(0.3), &next);
            state = next;
        }
    }
    time.advance(Mark { time: Mark::END, idle: false });
    out.extend(state.work(&figures, &context, |state| state.advance(&plan)).expect("the end"));
    values(&out, &plan.schema)
}

#[test]
fn any_pieces_in_any_order_give_what_nested_loops_give() {
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    for case in 0..400 {
        let (count, keys, seconds) = (random.random_range(0..80), random.random_range(1..6), random.random_range(1..60));
        let key = |random: &mut StdRng| random.random_bool(0.9).then(|| random.random_range(0..keys));
        let rows: Vec<Row> = (0..count).map(|n| (key(&mut random), random.random_range(0..seconds), random.random_range(0..4), n)).collect();
        let ttl = random.random_bool(0.3).then(|| random.random_range(1..10) * 1_000_000);
        let (disorder, pieces) = (random.random_range(0..8), random.random_range(1..40));
        let found = run(&rows, disorder, ttl, pieces, &mut random);
        assert_eq!(found, model(&rows, ttl), "seed {seed}, case {case}, ttl {ttl:?}: {rows:?}");
    }
}

#[test]
fn many_keys_are_kept_in_few_batches_and_forgotten_in_time() {
    let mut random = StdRng::seed_from_u64(7);
    let mut row = |n: i64| (Some(random.random_range(0..n / 4 + 3)), n / 10, n % 5, n);
    let rows: Vec<Row> = (0..12_000).map(&mut row).collect();
    for ttl in [None, Some(20_000_000)] {
        let mut random = StdRng::seed_from_u64(8);
        assert_eq!(run(&rows, 2, ttl, 60, &mut random), model(&rows, ttl), "ttl {ttl:?}");
    }
}
