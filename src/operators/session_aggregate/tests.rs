//! Against a model: the rows of each key in order of time, cut wherever two are the gap apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use datafusion::execution::TaskContext;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use proptest::prelude::*;

use super::*;
use crate::operators::changes;
use crate::operators::event_time::{Mark, SourceTime, Timeline};
use crate::operators::guard::RowFaults;
use crate::operators::source_slot::{SlotInput, SourceExec};
use crate::operators::window_aggregate::Aggregate;

#[derive(Clone, Debug)]
struct Row {
    id: i64,
    key: Option<String>,
    time: Option<i64>,
}

/// What comes out: the key, first and last instant, how many rows, the sum of their ids, and the ids.
type Out = (Option<String>, Option<(i64, i64)>, i64, i64, Vec<i64>);

const DISORDER: i64 = 8;

/// Rows in the order in which they come: a time lies at most `DISORDER` after that of a row that comes later.
fn rows(count: usize) -> impl Strategy<Value = Vec<Row>> {
    let row = (0i64..5, 0..=DISORDER, prop::option::weighted(0.9, 0i64..4), prop::bool::weighted(0.95));
    prop::collection::vec(row, 0..count).prop_map(|rows| {
        let mut base = 0;
        let row = |(id, (step, jitter, key, timed)): (usize, (i64, i64, Option<i64>, bool))| {
            base += step;
            // Long enough to stand in buffers of their own.
            Row { id: id as i64, key: key.map(|key| format!("key number {key} of several")), time: timed.then_some(base + jitter) }
        };
        rows.into_iter().enumerate().map(row).collect()
    })
}

fn model(rows: &[Row], gap: i64, keyed: bool) -> Vec<Out> {
    type TimesAndIds = Vec<(i64, i64)>;
    let mut of_key: BTreeMap<(Option<String>, bool), TimesAndIds> = BTreeMap::new();
    for row in rows {
        let key = if keyed { row.key.clone() } else { None };
        of_key.entry((key, row.time.is_some())).or_default().push((row.time.unwrap_or_default(), row.id));
    }
    let mut out = Vec::new();
    for ((key, timed), mut all) in of_key {
        all.sort_unstable();
        for session in all.chunk_by(|one, next| next.0 - one.0 < gap) {
            let mut ids: Vec<i64> = session.iter().map(|(_, id)| *id).collect();
            ids.sort_unstable();
            let span = timed.then(|| (session[0].0, session[session.len() - 1].0));
            out.push((key.clone(), span, session.len() as i64, ids.iter().sum(), ids));
        }
    }
    out.sort();
    out
}

struct Harness {
    sessions: SessionAggregateExec,
    leaf: Arc<SourceExec>,
    time: Arc<SourceTime>,
    beginnings: Arc<SourceTime>,
    context: Arc<TaskContext>,
    gap: i64,
    keyed: bool,
}

fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![field("id", DataType::Int64), field("key", DataType::Utf8View), field("time", instant)]))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>());
    let keys: ArrayRef = Arc::new(rows.iter().map(|row| row.key.clone()).collect::<StringViewArray>());
    let times = rows.iter().map(|row| row.time).collect::<TimestampMicrosecondArray>().with_timezone("UTC");
    RecordBatch::try_new(schema(), vec![ids, keys, Arc::new(times)]).unwrap()
}

impl Harness {
    fn new(gap: i64, keyed: bool, streamed: bool) -> Self {
        let leaf = Arc::new(SourceExec::new(Arc::from("rows"), vec![0, 1, 2], schema(), None));
        let (time, beginnings) = (Arc::new(SourceTime::default()), Arc::new(SourceTime::default()));
        let id = || Arc::new(Column::new("id", 0)) as Arc<dyn PhysicalExpr>;
        let aggregate = |udaf, name: &str| Aggregate {
            function: Arc::new(AggregateExprBuilder::new(udaf, vec![id()]).schema(schema()).alias(name).build().unwrap()),
            arguments: vec![id()],
            filter: None,
        };
        // States of fixed width, and lists.
        let aggregates = vec![aggregate(count_udaf(), "n"), aggregate(sum_udaf(), "total"), aggregate(array_agg_udaf(), "ids")];
        let mut groups = vec![SessionGroup::End, SessionGroup::Beginning];
        if keyed {
            groups.insert(1, SessionGroup::Key(Arc::new(Column::new("key", 1))));
        }
        let instant = || schema().field(2).data_type().clone();
        let mut fields = vec![Field::new("end", instant(), true), Field::new("beginning", instant(), true)];
        if keyed {
            fields.insert(1, Field::new("key", DataType::Utf8View, true));
        }
        fields.extend(aggregates.iter().map(|aggregate| aggregate.function.field().as_ref().clone()));
        let rows = Timeline::Source(Arc::clone(&time));
        let time_of = SessionTime { rows, beginnings: Arc::clone(&beginnings) };
        let spec = SessionAggregateSpec { instant: Arc::new(Column::new("time", 2)), gap, groups, time: streamed.then_some(time_of), aggregates };
        let faults = Arc::new(RowFaults::new(false));
        let sessions = SessionAggregateExec::new(Arc::clone(&leaf) as _, spec, Arc::new(Schema::new(fields)), "GROUP BY".to_owned(), faults).unwrap();
        Self { sessions, leaf, time, beginnings, context: Arc::new(TaskContext::default()), gap, keyed }
    }

    fn epoch(&self, epoch: u64, batches: Vec<RecordBatch>, mark: Option<i64>) -> Vec<Out> {
        self.sessions.figures().begin(epoch);
        self.leaf.slot().fill(SlotInput::Batches(batches));
        if let Some(time) = mark {
            self.time.advance(Mark { time, idle: false });
        }
        let rows: Vec<RecordBatch> = futures::executor::block_on(self.sessions.execute(0, Arc::clone(&self.context)).unwrap().try_collect()).unwrap();
        rows.iter().flat_map(|rows| self.read(rows)).collect()
    }

    fn read(&self, rows: &RecordBatch) -> Vec<Out> {
        let instants = |at: usize| rows.column(at).as_primitive::<TimestampMicrosecondType>().clone();
        let shift = usize::from(self.keyed);
        let (ends, beginnings) = (instants(0), instants(1 + shift));
        let number = |at: usize, row: usize| rows.column(at).as_primitive::<Int64Type>().value(row);
        let ids = rows.column(4 + shift).as_any().downcast_ref::<ListArray>().unwrap();
        let out = |row: usize| {
            let key = (self.keyed && rows.column(1).is_valid(row)).then(|| rows.column(1).as_string_view().value(row).to_owned());
            assert_eq!(ends.is_valid(row), beginnings.is_valid(row));
            let span = ends.is_valid(row).then(|| (beginnings.value(row), ends.value(row) - self.gap));
            let mut own: Vec<i64> = ids.value(row).as_primitive::<Int64Type>().values().to_vec();
            own.sort_unstable();
            (key, span, number(2 + shift, row), number(3 + shift, row), own)
        };
        (0..rows.num_rows()).map(out).collect()
    }
}

/// The watermark after some rows.
fn mark(seen: &[Row]) -> Option<i64> {
    Some(seen.iter().filter_map(|row| row.time).max()? - DISORDER)
}

const END: Option<i64> = Some(Mark::END);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_cut_gives_what_the_model_does(
        rows in rows(120),
        gap in 1i64..20,
        keyed in prop::bool::weighted(0.7),
        cuts in prop::collection::vec((0usize..30, 1usize..12, prop::bool::ANY, prop::bool::weighted(0.3)), 0..12),
    ) {
        let mut harness = Harness::new(gap, keyed, true);
        harness.sessions.figures().saved().unwrap().track();
        let mut saved = Vec::new();
        let (mut came_in, mut came_out) = (0, 0);
        let (mut out, mut at, mut epoch) = (Vec::new(), 0, 0);
        for (cut, piece, save, fold) in cuts {
            let next = (at + cut).min(rows.len());
            let promised = harness.beginnings.mark().time;
            let came = harness.epoch(epoch, rows[at..next].chunks(piece).map(batch).collect(), mark(&rows[..next]));
            for (_, span, ..) in &came {
                prop_assert!(span.is_some_and(|(first, _)| first >= promised), "{span:?} comes out after {promised} was promised");
            }
            let open: Vec<Out> = model(&rows[..next], gap, keyed);
            prop_assert_eq!(harness.sessions.figures().state().0 as usize, open.len() - out.len() - came.len(), "all that is not over is kept");
            out.extend(came);
            at = next;
            epoch += 1;
            if save {
                let next = Harness::new(gap, keyed, true);
                next.time.advance(harness.time.mark());
                next.beginnings.advance(harness.beginnings.mark());
                let rows = harness.sessions.figures().rows();
                (came_in, came_out) = (came_in + rows.0, came_out + rows.1);
                changes::restart(harness.sessions.figures().saved().unwrap().as_ref(), &mut saved, fold, next.sessions.figures().saved().unwrap().as_ref());
                harness = next;
            }
        }
        out.extend(harness.epoch(epoch, vec![batch(&rows[at..])], mark(&rows)));
        out.extend(harness.epoch(epoch + 1, Vec::new(), END));
        out.sort();
        prop_assert_eq!(&out, &model(&rows, gap, keyed));
        let figures = harness.sessions.figures();
        prop_assert_eq!((figures.late(), figures.state().0, figures.oldest()), (0, 0, None));
        prop_assert_eq!((figures.rows().0 + came_in, figures.rows().1 + came_out), (rows.len() as u64, out.len() as u64));
        prop_assert_eq!(harness.beginnings.mark().time, Mark::END);
    }

    #[test]
    fn a_batch_gives_what_the_model_does_whatever_the_order(rows in rows(120).prop_shuffle(), gap in 1i64..20, keyed in prop::bool::weighted(0.7), piece in 1usize..50) {
        let harness = Harness::new(gap, keyed, false);
        for _ in 0..2 {
            let mut out = harness.epoch(0, rows.chunks(piece).map(batch).collect(), None);
            out.sort();
            prop_assert_eq!(&out, &model(&rows, gap, keyed), "again, for it keeps nothing");
        }
    }
}

fn row(id: i64, time: i64) -> Row {
    Row { id, key: None, time: Some(time) }
}

fn out(span: (i64, i64), ids: &[i64]) -> Out {
    (None, Some(span), ids.len() as i64, ids.iter().sum(), ids.to_vec())
}

#[test]
fn a_session_comes_out_when_no_row_can_join_it_any_more() {
    let harness = Harness::new(10, true, true);
    assert_eq!(harness.epoch(1, vec![batch(&[row(1, 100), row(2, 109)])], Some(118)), [], "a row of 118 would belong to it");
    assert_eq!(harness.sessions.figures().oldest(), Some(1));
    assert_eq!(harness.epoch(2, vec![batch(&[row(3, 119)])], Some(119)), [out((100, 109), &[1, 2])], "119 is its end");
    assert_eq!(harness.sessions.figures().oldest(), Some(2));
    assert_eq!(harness.epoch(3, Vec::new(), Some(129)), [out((119, 119), &[3])]);
    assert_eq!(harness.sessions.figures().oldest(), None);
}

#[test]
fn a_row_is_late_only_if_its_window_is_over_and_no_open_session_is_near() {
    let harness = Harness::new(10, true, true);
    assert_eq!(harness.epoch(1, vec![batch(&[row(1, 100)])], Some(103)), []);
    // Over: 93 to 103. But 100 is near; and 84 is near to 93, whichever comes first; 74 is not.
    assert_eq!(harness.epoch(2, vec![batch(&[row(2, 84), row(3, 93), row(4, 74)])], Some(103)), []);
    assert_eq!(harness.sessions.figures().late(), 1);
    // Not over, though behind the watermark.
    assert_eq!(harness.epoch(3, vec![batch(&[row(5, 94)])], Some(109)), []);
    assert_eq!(harness.epoch(4, Vec::new(), Some(110)), [out((84, 100), &[1, 2, 3, 5])]);
    assert_eq!(harness.epoch(5, vec![batch(&[row(6, 100), row(7, 101)])], Some(110)), [], "100 is over, but 101 is not");
    assert_eq!(harness.epoch(6, Vec::new(), Some(111)), [out((100, 101), &[6, 7])]);
    assert_eq!(harness.sessions.figures().late(), 1);
}

#[test]
fn what_is_over_is_not_kept() {
    let harness = Harness::new(10, true, true);
    let mut most = (0, 0);
    for at in 0..30_000 {
        let key = Some(format!("key number {at}"));
        let came = harness.epoch(at as u64, vec![batch(&[Row { id: at, key, time: Some(at) }])], Some(at));
        assert_eq!(came.len(), usize::from(at >= 10));
        let (rows, bytes) = harness.sessions.figures().state();
        most = (most.0.max(rows), most.1.max(bytes));
    }
    assert!(most.0 <= 11 && most.1 < 6_000_000, "{most:?} are kept of 10 open sessions");
}

#[test]
fn many_open_sessions_of_one_key_and_long_ones_are_found_at_once() {
    // A batch that is read backwards opens all sessions of a key; one session of all rows has a fragment of each batch, unless they are merged.
    let rows: Vec<Row> = (0..100_000).rev().map(|id| row(id, id * 10)).collect();
    for (gap, sessions) in [(10, 100_000), (11, 1)] {
        let harness = Harness::new(gap, false, false);
        let began = std::time::Instant::now();
        let out = harness.epoch(0, rows.chunks(50).map(batch).collect(), None);
        assert_eq!((out.len(), out.iter().map(|session| session.2).sum::<i64>()), (sessions, 100_000));
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}
