//! Against a model: every row of the left side with every row of the right side.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use datafusion::common::JoinType;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use proptest::prelude::*;

use super::{IntervalJoinExec, IntervalJoinSpec, JoinSide, Residual, SideSpec, TimeBounds};
use crate::operators::changes;
use crate::operators::event_time::{Mark, SourceTime, Timeline};
use crate::operators::guard::RowFaults;
use crate::operators::source_slot::{SlotInput, SourceExec};

/// Microseconds of the model's unit of time: buckets are a second wide at least.
const UNIT: i64 = 400_000;

#[derive(Clone, Copy, Debug)]
struct Row {
    id: i64,
    key: Option<i64>,
    time: Option<i64>,
}

/// Rows in the order in which they come: a time lies at most `DISORDER` after that of a row that comes later.
const DISORDER: i64 = 6;

fn side(rows: usize) -> impl Strategy<Value = Vec<Row>> {
    let row = (0i64..4, 0..=DISORDER, prop::option::weighted(0.9, 0i64..3), prop::bool::weighted(0.95));
    prop::collection::vec(row, 0..rows).prop_map(|rows| {
        let mut base = 0;
        let row = |(id, (step, jitter, key, timed)): (usize, (i64, i64, Option<i64>, bool))| {
            base += step;
            Row { id: id as i64, key, time: timed.then_some((base + jitter) * UNIT) }
        };
        rows.into_iter().enumerate().map(row).collect()
    })
}

fn schema(prefix: &str) -> SchemaRef {
    let field = |name: &str, data_type| Field::new(format!("{prefix}_{name}"), data_type, true);
    Arc::new(Schema::new(vec![field("id", DataType::Int64), field("key", DataType::Int64), field("time", DataType::Timestamp(TimeUnit::Microsecond, None))]))
}

fn batch(prefix: &str, rows: &[Row]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>());
    let keys: ArrayRef = Arc::new(rows.iter().map(|row| row.key).collect::<Int64Array>());
    let times: ArrayRef = Arc::new(rows.iter().map(|row| row.time).collect::<TimestampMicrosecondArray>());
    RecordBatch::try_new(schema(prefix), vec![ids, keys, times]).unwrap()
}

/// Ids of both sides, and the mark.
type Out = (Option<i64>, Option<i64>, Option<bool>);

fn model(left: &[Row], right: &[Row], join: JoinType, bounds: TimeBounds, residual: bool) -> Vec<Out> {
    let is_pair = |l: &Row, r: &Row| {
        let in_time = l.time.zip(r.time).is_some_and(|(l, r)| (bounds.lower..=bounds.upper).contains(&(r - l)));
        l.key.is_some() && l.key == r.key && in_time && (!residual || l.id < r.id)
    };
    let mut out = Vec::new();
    let pairs = matches!(join, JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full);
    for l in left {
        out.extend(right.iter().filter(|r| pairs && is_pair(l, r)).map(|r| (Some(l.id), Some(r.id), None)));
    }
    let mut alone = |rows: &[Row], has: &dyn Fn(&Row) -> bool, row: &dyn Fn(i64, Option<bool>) -> Out, matched: bool, unmatched: bool, mark: bool| {
        for one in rows {
            let has = has(one);
            if (has && matched) || (!has && unmatched) {
                out.push(row(one.id, mark.then_some(has)));
            }
        }
    };
    let left_has = |l: &Row| right.iter().any(|r| is_pair(l, r));
    let right_has = |r: &Row| left.iter().any(|l| is_pair(l, r));
    let (of_left, of_right) = (|id, mark| (Some(id), None, mark), |id, mark| (None, Some(id), mark));
    match join {
        JoinType::Left | JoinType::LeftAnti => alone(left, &left_has, &of_left, false, true, false),
        JoinType::Right | JoinType::RightAnti => alone(right, &right_has, &of_right, false, true, false),
        JoinType::Full => {
            alone(left, &left_has, &of_left, false, true, false);
            alone(right, &right_has, &of_right, false, true, false);
        }
        JoinType::LeftSemi => alone(left, &left_has, &of_left, true, false, false),
        JoinType::RightSemi => alone(right, &right_has, &of_right, true, false, false),
        JoinType::LeftMark => alone(left, &left_has, &of_left, true, true, true),
        JoinType::RightMark => alone(right, &right_has, &of_right, true, true, true),
        JoinType::Inner => {}
    }
    out.sort_unstable();
    out
}

struct Harness {
    join: IntervalJoinExec,
    leaves: [Arc<SourceExec>; 2],
    times: [Arc<SourceTime>; 2],
    context: Arc<TaskContext>,
}

fn output_schema(join: JoinType) -> SchemaRef {
    let (left, right) = (schema("l"), schema("r"));
    let mark = || vec![Arc::new(Field::new("mark", DataType::Boolean, false))];
    let fields = match join {
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => [left.fields().to_vec(), right.fields().to_vec()].concat(),
        JoinType::LeftSemi | JoinType::LeftAnti => left.fields().to_vec(),
        JoinType::RightSemi | JoinType::RightAnti => right.fields().to_vec(),
        JoinType::LeftMark => [left.fields().to_vec(), mark()].concat(),
        JoinType::RightMark => [right.fields().to_vec(), mark()].concat(),
    };
    Arc::new(Schema::new(fields))
}

impl Harness {
    fn new(join: JoinType, bounds: TimeBounds, residual: bool) -> Self {
        let leaf = |prefix: &str| Arc::new(SourceExec::new(Arc::from(prefix), vec![0, 1, 2], schema(prefix), None));
        let leaves = [leaf("l"), leaf("r")];
        let times = [Arc::new(SourceTime::default()), Arc::new(SourceTime::default())];
        let side = |prefix: &str, time: &Arc<SourceTime>| SideSpec {
            keys: vec![Arc::new(Column::new(&format!("{prefix}_key"), 1)) as Arc<dyn PhysicalExpr>],
            time: 2,
            timeline: Timeline::Source(Arc::clone(time)),
        };
        let condition = || Residual {
            expression: Arc::new(BinaryExpr::new(Arc::new(Column::new("a", 0)), Operator::Lt, Arc::new(Column::new("b", 1)))),
            columns: vec![(JoinSide::Left, 0), (JoinSide::Right, 0)],
            schema: Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Int64, true)])),
        };
        let spec = IntervalJoinSpec { join, bounds, left: side("l", &times[0]), right: side("r", &times[1]), residual: residual.then(condition) };
        let (left, right): (Arc<dyn ExecutionPlan>, Arc<dyn ExecutionPlan>) = (Arc::clone(&leaves[0]) as _, Arc::clone(&leaves[1]) as _);
        let join = IntervalJoinExec::new(left, right, spec, output_schema(join), "join".to_owned(), Arc::new(RowFaults::new(false))).unwrap();
        Self { join, leaves, times, context: Arc::new(TaskContext::default()) }
    }

    fn epoch(&self, rows: [&[Row]; 2], marks: [Option<Mark>; 2]) -> Vec<RecordBatch> {
        for (at, prefix) in ["l", "r"].into_iter().enumerate() {
            let batches = if rows[at].is_empty() { Vec::new() } else { vec![batch(prefix, rows[at])] };
            self.leaves[at].slot().fill(SlotInput::Batches(batches));
            marks[at].map(|mark| self.times[at].advance(mark));
        }
        futures::executor::block_on(self.join.execute(0, Arc::clone(&self.context)).unwrap().try_collect()).unwrap()
    }
}

fn ids(join: JoinType, batches: &[RecordBatch]) -> Vec<Out> {
    let mut out = Vec::new();
    for batch in batches {
        let column = |at: usize, row: usize| {
            let ids = batch.column(at).as_primitive::<Int64Type>();
            ids.is_valid(row).then(|| ids.value(row))
        };
        for row in 0..batch.num_rows() {
            let mark = || Some(batch.column(3).as_boolean().value(row));
            out.push(match join {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => (column(0, row), column(3, row), None),
                JoinType::LeftSemi | JoinType::LeftAnti => (column(0, row), None, None),
                JoinType::RightSemi | JoinType::RightAnti => (None, column(0, row), None),
                JoinType::LeftMark => (column(0, row), None, mark()),
                JoinType::RightMark => (None, column(0, row), mark()),
            });
        }
    }
    out.sort_unstable();
    out
}

/// The watermark after some rows.
fn mark(seen: &[Row]) -> Option<Mark> {
    let latest = seen.iter().filter_map(|row| row.time).max()?;
    Some(Mark { time: latest - DISORDER * UNIT, idle: false })
}

const END: Option<Mark> = Some(Mark { time: Mark::END, idle: false });

/// Runs two sides, cut into epochs of so many rows of each; after some of them (`saves`, with whether what was saved is put together) everything is saved, and restored elsewhere.
fn run(
    left: &[Row],
    right: &[Row],
    join: JoinType,
    bounds: TimeBounds,
    residual: bool,
    cuts: &[(usize, usize)],
    saves: &[(bool, bool)],
) -> (Vec<Out>, Harness) {
    let mut harness = Harness::new(join, bounds, residual);
    harness.join.figures().saved().unwrap().track();
    let mut saved = Vec::new();
    let mut saves = saves.iter();
    let (mut late, mut restart) = (0, |harness: &mut Harness| {
        let Some((true, fold)) = saves.next() else { return };
        let next = Harness::new(join, bounds, residual);
        for (next, old) in next.times.iter().zip(&harness.times) {
            next.advance(old.mark());
        }
        changes::restart(harness.join.figures().saved().unwrap().as_ref(), &mut saved, *fold, next.join.figures().saved().unwrap().as_ref());
        *harness = next;
    });
    let mut out = Vec::new();
    let mut at = (0, 0);
    for cut in cuts {
        let next = ((at.0 + cut.0).min(left.len()), (at.1 + cut.1).min(right.len()));
        let marks = [mark(&left[..next.0]), mark(&right[..next.1])];
        out.extend(harness.epoch([&left[at.0..next.0], &right[at.1..next.1]], marks));
        at = next;
        late += harness.join.figures().late();
        restart(&mut harness);
    }
    out.extend(harness.epoch([&left[at.0..], &right[at.1..]], [mark(left), mark(right)]));
    restart(&mut harness);
    // One side ends before the other.
    out.extend(harness.epoch([&[], &[]], [None, END]));
    restart(&mut harness);
    out.extend(harness.epoch([&[], &[]], [END, END]));
    assert_eq!(late, 0);
    (ids(join, &out), harness)
}

const KINDS: [JoinType; 10] = [
    JoinType::Inner,
    JoinType::Left,
    JoinType::Right,
    JoinType::Full,
    JoinType::LeftSemi,
    JoinType::RightSemi,
    JoinType::LeftAnti,
    JoinType::RightAnti,
    JoinType::LeftMark,
    JoinType::RightMark,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_cut_gives_what_a_nested_loop_does(
        left in side(60),
        right in side(60),
        kind in 0..KINDS.len(),
        lower in -12i64..12,
        width in -1i64..20,
        residual in prop::bool::weighted(0.3),
        cuts in prop::collection::vec((0usize..20, 0usize..20), 0..12),
        saves in prop::collection::vec((prop::bool::weighted(0.6), prop::bool::weighted(0.3)), 0..14),
    ) {
        let (join, bounds) = (KINDS[kind], TimeBounds { lower: lower * UNIT, upper: (lower + width) * UNIT });
        let (out, harness) = run(&left, &right, join, bounds, residual, &cuts, &saves);
        prop_assert_eq!(out, model(&left, &right, join, bounds, residual));
        prop_assert_eq!(harness.join.figures().late(), 0);
        prop_assert_eq!(harness.join.figures().state().0, 0, "nothing is kept when both sides have ended");
    }
}

fn row(id: i64, time: i64) -> Row {
    Row { id, key: Some(1), time: Some(time * UNIT) }
}

fn at(time: i64) -> Option<Mark> {
    Some(Mark { time: time * UNIT, idle: false })
}

const WITHIN_5: TimeBounds = TimeBounds { lower: -5 * UNIT, upper: 5 * UNIT };

#[test]
fn an_unmatched_row_comes_out_as_soon_as_it_is_closed_and_not_before() {
    let harness = Harness::new(JoinType::Left, WITHIN_5, false);
    let out = |rows: [&[Row]; 2], marks| ids(JoinType::Left, &harness.epoch(rows, marks));
    assert_eq!(out([&[row(1, 10), row(2, 12)], &[]], [at(12), at(15)]), [], "a partner at 15 may still come");
    assert_eq!(out([&[], &[row(7, 17)]], [at(12), at(16)]), [(Some(1), None, None), (Some(2), Some(7), None)]);
    assert_eq!(out([&[], &[]], [END, END]), [], "never null and match");
}

#[test]
fn a_row_is_late_only_if_a_partner_it_might_have_had_is_gone() {
    let harness = Harness::new(JoinType::Inner, WITHIN_5, false);
    let out = |rows: [&[Row]; 2], marks| ids(JoinType::Inner, &harness.epoch(rows, marks));
    out([&[row(1, 100)], &[row(2, 20)]], [at(100), at(20)]);
    // Far behind the watermark of its own side; but the right one is not past it.
    assert_eq!(out([&[row(3, 22)], &[]], [at(100), at(20)]), [(Some(3), Some(2), None)]);
    assert_eq!(harness.join.figures().late(), 0);
    assert_eq!(out([&[row(4, 19)], &[]], [at(100), at(20)]), []);
    assert_eq!(harness.join.figures().late(), 1);
    // Of an outer join's side that has been told that row 2 has no partner.
    let harness = Harness::new(JoinType::Right, WITHIN_5, false);
    let out = |rows: [&[Row]; 2], marks| ids(JoinType::Right, &harness.epoch(rows, marks));
    assert_eq!(out([&[row(1, 100)], &[row(2, 20)]], [at(100), at(20)]), [(None, Some(2), None)]);
    assert_eq!(out([&[row(3, 22)], &[]], [at(100), at(20)]), []);
    assert_eq!(harness.join.figures().late(), 1);
}

#[test]
fn nobody_waits_for_a_silent_side() {
    let harness = Harness::new(JoinType::Left, WITHIN_5, false);
    let idle = Some(Mark { time: Mark::BEGINNING, idle: true });
    let out = ids(JoinType::Left, &harness.epoch([&[row(1, 10), row(2, 30)], &[]], [at(30), idle]));
    assert_eq!(out, [(Some(1), None, None)]);
}

#[test]
fn what_nothing_can_reach_is_not_kept() {
    let harness = Harness::new(JoinType::Full, WITHIN_5, false);
    let mut most = 0;
    for at in 0..2_000 {
        let rows = [row(at, at), row(at, at)];
        harness.epoch([&rows[..1], &rows[1..]], [self::at(at), self::at(at)]);
        most = most.max(harness.join.figures().state().0);
    }
    assert!(most < 40, "{most} rows are kept of 2 sides within 5");
}
