//! Both sides, and one epoch.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::common::JoinType;
use datafusion::error::Result;

use super::arrival::{Arrival, Layout};
use super::bounds::TimeBounds;
use super::exec::Residual;
use super::kind::{Emits, JoinSide, emits, emits_mark, emits_pairs};
use super::pairs::{Matcher, joined, single};
use super::side::{Place, Side};
use crate::operators::changes::Changes;
use crate::operators::event_time::Mark;
use crate::operators::figures::Held;
use crate::operators::guard::{RowFaults, evaluate_guarded};
use crate::operators::kept::State;

/// What does not change about a join.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub join: JoinType,
    pub bounds: TimeBounds,
    pub left: Layout,
    pub right: Layout,
    pub residual: Option<Residual>,
    /// Columns of the result.
    pub schema: SchemaRef,
}

impl Plan {
    fn layout(&self, side: JoinSide) -> &Layout {
        match side {
            JoinSide::Left => &self.left,
            JoinSide::Right => &self.right,
        }
    }

    fn emits(&self, side: JoinSide) -> Emits {
        emits(self.join, side)
    }
}

/// What an epoch has made.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub epoch: u64,
    pub rows: Vec<RecordBatch>,
    pub late: usize,
}

impl Made {
    fn add(&mut self, rows: RecordBatch) {
        if rows.num_rows() > 0 {
            self.rows.push(rows);
        }
    }
}

/// Names of saved tables: rows, those that have got a partner, and the times.
const LEFT: [&str; 2] = ["left", "left matched"];
const RIGHT: [&str; 2] = ["right", "right matched"];
const TIMES: &str = "times";

/// The rows of both sides, and how far their times have come.
#[derive(Debug)]
pub(super) struct JoinState {
    plan: Arc<Plan>,
    left: Side,
    right: Side,
    /// Times of the left and of the right side after the last epoch.
    times: (i64, i64),
}

impl JoinState {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        let side = |side| Side::new(Arc::clone(plan.layout(side).schema()), plan.bounds, side, plan.emits(side));
        Self { plan: Arc::clone(plan), left: side(JoinSide::Left), right: side(JoinSide::Right), times: (Mark::BEGINNING, Mark::BEGINNING) }
    }

    fn sides(&mut self, side: JoinSide) -> (&mut Side, &mut Side) {
        match side {
            JoinSide::Left => (&mut self.left, &mut self.right),
            JoinSide::Right => (&mut self.right, &mut self.left),
        }
    }

    /// The time before which what a row of `side` could have met is gone: that of its own side if rows of the other one have been told by it to have no partner; else the other
    /// side's rows are kept until both sides are past them.
    fn closed(&self, plan: &Plan, side: JoinSide) -> i64 {
        let (own, other) = match side {
            JoinSide::Left => self.times,
            JoinSide::Right => (self.times.1, self.times.0),
        };
        if plan.emits(side.other()).when_unmatched || own == Mark::END { own } else { own.min(other) }
    }

    /// Takes in rows of one side.
    pub(super) fn take_in(&mut self, plan: &Plan, side: JoinSide, batch: &RecordBatch, faults: &RowFaults, made: &mut Made) -> Result<()> {
        let late_below = self.closed(plan, side);
        let mut arrivals = Vec::with_capacity(1);
        let arrive = |rows: &RecordBatch| plan.layout(side).arrive(rows, late_below);
        let reject = |error| faults.reject("join condition", error);
        evaluate_guarded(batch, &arrive, &reject, &mut arrivals)?;
        for arrival in arrivals {
            made.late += arrival.late;
            self.match_and_keep(plan, side, &arrival, faults, made)?;
            if let Some(alone) = &arrival.alone
                && plan.emits(side).when_unmatched
            {
                let mark = emits_mark(plan.join).then_some(false);
                made.add(single(&plan.schema, side, alone.columns().to_vec(), alone.num_rows(), mark)?);
            }
        }
        Ok(())
    }

    fn match_and_keep(&mut self, plan: &Plan, side: JoinSide, arrival: &Arrival, faults: &RowFaults, made: &mut Made) -> Result<()> {
        let (own_emits, other_emits) = (plan.emits(side), plan.emits(side.other()));
        let (own, other) = self.sides(side);
        let matcher = Matcher { side, came: plan.layout(side), kept: plan.layout(side.other()), residual: plan.residual.as_ref(), faults };
        let mut matched = if own_emits.remembers() { vec![false; arrival.len()] } else { Vec::new() };
        let mark = emits_mark(plan.join).then_some(true);
        matcher.each_piece(arrival, other, plan.bounds.partners_of(side), &mut |pairs, other| {
            if emits_pairs(plan.join) {
                made.add(joined(&plan.schema, &matcher, arrival, other, pairs)?);
            }
            if own_emits.remembers() {
                let first: Vec<u32> = pairs.came.iter().copied().filter(|row| !std::mem::replace(&mut matched[*row as usize], true)).collect();
                if own_emits.at_first_match && !first.is_empty() {
                    let rows = take_record_batch(&arrival.rows, &UInt32Array::from(first))?;
                    made.add(single(&plan.schema, side, rows.columns()[..matcher.came.columns()].to_vec(), rows.num_rows(), mark)?);
                }
            }
            if other_emits.remembers() {
                let first: Vec<Place> = pairs.kept.iter().copied().filter(|place| other.mark(*place)).collect();
                if other_emits.at_first_match && !first.is_empty() {
                    let columns = other.take(&first, 0..matcher.kept.columns())?;
                    made.add(single(&plan.schema, side.other(), columns, first.len(), mark)?);
                }
            }
            Ok(())
        })?;
        own.insert(arrival, &matched, made.epoch)
    }

    /// Moves the time to where the sides are now: rows that are closed come out, rows that nothing can reach go.
    pub(super) fn advance(&mut self, plan: &Plan, left: Mark, right: Mark, made: &mut Made) -> Result<()> {
        // Nobody waits for a silent side.
        let of = |own: Mark, other: Mark| if own.idle && !other.idle { own.time.max(other.time) } else { own.time };
        self.settle(plan, (of(left, right), of(right, left)), Some(made))
    }

    /// Moves the times; rows that are closed go to `made`, if anybody wants them.
    fn settle(&mut self, plan: &Plan, times: (i64, i64), mut made: Option<&mut Made>) -> Result<()> {
        self.times = (self.times.0.max(times.0), self.times.1.max(times.1));
        for (side, now) in [(JoinSide::Left, self.times.1), (JoinSide::Right, self.times.0)] {
            let mark = emits_mark(plan.join).then_some(false);
            let (own, _) = self.sides(side);
            let unmatched = own.close(now);
            let Some(made) = made.as_deref_mut() else { continue };
            for places in unmatched.chunks(8192) {
                let columns = own.take(places, 0..plan.layout(side).columns())?;
                made.add(single(&plan.schema, side, columns, places.len(), mark)?);
            }
        }
        for side in [JoinSide::Left, JoinSide::Right] {
            let gone = self.closed(plan, side.other());
            self.sides(side).0.evict(gone);
        }
        Ok(())
    }
}

impl State for JoinState {
    fn held(&self) -> Held {
        Held {
            rows: self.left.rows() + self.right.rows(),
            bytes: self.left.memory_size() + self.right.memory_size(),
            oldest: self.left.oldest().into_iter().chain(self.right.oldest()).min(),
            watermark: self.times.0.min(self.times.1),
        }
    }

    fn track(&mut self) {
        self.left.track();
        self.right.track();
    }

    fn changes(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        self.left.save(LEFT, &mut changes)?;
        self.right.save(RIGHT, &mut changes)?;
        changes.add_numbers(TIMES, &[self.times.0, self.times.1])?;
        Ok(changes)
    }

    fn restore(&mut self, changes: &Changes) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        self.left.restore(&plan.left, LEFT, changes)?;
        self.right.restore(&plan.right, RIGHT, changes)?;
        match changes.numbers(TIMES).as_deref() {
            // What was closed then has come out.
            Some([left, right]) => self.settle(&plan, (*left, *right), None),
            _ => Ok(()),
        }
    }
}
