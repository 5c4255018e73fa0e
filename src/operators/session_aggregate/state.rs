//! One batch, and the end of an epoch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt32Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;

use super::exec::SessionGroup;
use super::fragments::{Fragments, List, Merged};
use super::saving::spans;
use super::sessions::{Session, Sessions};
use crate::operators::changes::Changes;
use crate::operators::event_time::Mark;
use crate::operators::figures::Held;
use crate::operators::guard::RowFaults;
use crate::operators::kept::State;
use crate::operators::keys::Keys;
use crate::operators::window_aggregate::{Evaluated, MOST_ROWS, Plan};

/// Keys up to which those without an open session are not forgotten.
const FEW_KEYS: usize = 8192;

/// What does not change about a grouping.
#[derive(Debug)]
pub(super) struct SessionPlan {
    /// Keys, then the instant as what is the window of other groupings.
    pub plan: Plan,
    /// What the groups of the result are.
    pub groups: Vec<SessionGroup>,
    /// Microseconds.
    pub gap: i64,
}

/// The open sessions.
pub(super) struct SessionState {
    pub(super) plan: Arc<SessionPlan>,
    pub(super) keys: Keys,
    pub(super) sessions: Sessions,
    pub(super) fragments: Fragments,
    /// What rows have come to since it was saved last, if that is noted.
    pub(super) noted: Option<Vec<RecordBatch>>,
    /// Rows of this epoch whose own windows are over: they are late, unless they belong to a session that is open when all others have been added.
    behind: Vec<Evaluated>,
    /// Sessions that end at it or before are over.
    pub(super) time: i64,
    numbers: Vec<usize>,
    added: Vec<usize>,
}

impl std::fmt::Debug for SessionState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sessions", self.sessions.len())
    }
}

impl SessionState {
    pub(super) fn new(plan: &Arc<SessionPlan>) -> Result<Self> {
        Ok(Self {
            plan: Arc::clone(plan),
            keys: Keys::new(&plan.plan.keys)?,
            sessions: Sessions::new(plan.gap),
            fragments: Fragments::default(),
            noted: None,
            behind: Vec::new(),
            time: Mark::BEGINNING,
            numbers: Vec::new(),
            added: Vec::new(),
        })
    }

    /// Takes in rows.
    pub(super) fn take_in(&mut self, plan: &SessionPlan, batch: &RecordBatch, epoch: u64, faults: &RowFaults) -> Result<()> {
        for part in plan.plan.evaluate(batch, faults)? {
            let instants = &part.window;
            let is_behind = |row: usize| instants.is_valid(row) && self.sessions.is_over(instants.value(row), self.time);
            let first = if self.time == Mark::BEGINNING { None } else { (0..part.rows).find(|row| is_behind(*row)) };
            if first.is_none() {
                self.add(plan, &part, epoch)?;
                continue;
            }
            let (behind, others): (Vec<u32>, Vec<u32>) = (0..part.rows as u32).partition(|row| is_behind(*row as usize));
            self.behind.push(part.part(&UInt32Array::from(behind))?);
            self.add(plan, &part.part(&UInt32Array::from(others))?, epoch)?;
        }
        if self.fragments.are_too_many(self.sessions.len()) {
            self.fragments.compact(&plan.plan.aggregates, self.sessions.lists())?;
        }
        Ok(())
    }

    fn add(&mut self, plan: &SessionPlan, rows: &Evaluated, epoch: u64) -> Result<()> {
        if rows.rows == 0 {
            return Ok(());
        }
        self.keys.numbers(&rows.keys, rows.rows, &mut self.numbers)?;
        self.sessions.begin_batch();
        self.added.clear();
        let mut heads = Vec::new();
        self.sessions.add(&self.numbers, &rows.window, epoch, &mut self.fragments, &mut self.added, &mut heads);
        let count = heads.len();
        self.fragments.push(&plan.plan.aggregates, rows, &self.added, heads)?;
        if let Some(noted) = &mut self.noted {
            noted.push(self.fragments.newest(spans(&rows.window, &self.added, count))?);
        }
        Ok(())
    }

    /// Adds the rows that are behind to sessions that are open, from the latest to the earliest, since each may make a session reach back to the next; returns how many are late.
    fn add_behind(&mut self, plan: &SessionPlan, epoch: u64) -> Result<usize> {
        let Some(rows) = Evaluated::concat(&std::mem::take(&mut self.behind))? else { return Ok(0) };
        let mut order: Vec<u32> = (0..rows.rows as u32).collect();
        order.sort_by_key(|row| std::cmp::Reverse(rows.window.value(*row as usize)));
        let mut late = 0;
        for row in order {
            let one = rows.part(&UInt32Array::from(vec![row]))?;
            self.keys.numbers(&one.keys, 1, &mut self.numbers)?;
            match self.numbers.first().is_some_and(|key| self.sessions.has(*key, one.window.value(0))) {
                true => self.add(plan, &one, epoch)?,
                false => late += 1,
            }
        }
        Ok(late)
    }

    /// Ends an epoch, and moves the time; the sessions that are over then come out, the earliest first. Also tells how many rows came too late.
    pub(super) fn advance(&mut self, plan: &SessionPlan, now: Mark, epoch: u64) -> Result<(Vec<RecordBatch>, usize)> {
        let late = self.add_behind(plan, epoch)?;
        self.time = self.time.max(now.time);
        let closed = if self.time == Mark::BEGINNING { Vec::new() } else { self.sessions.close(self.time) };
        let mut out = Vec::new();
        if !closed.is_empty() {
            let lists: Vec<List> = closed.iter().map(|session| session.fragments).collect();
            let rows = rows(plan, &closed, self.fragments.merged(&plan.plan.aggregates, &lists)?)?;
            let count = rows.num_rows();
            out.extend((0..count).step_by(MOST_ROWS).map(|first| rows.slice(first, MOST_ROWS.min(count - first))));
        }
        if self.sessions.len() == 0 || self.fragments.are_too_many(self.sessions.len()) {
            self.fragments.compact(&plan.plan.aggregates, self.sessions.lists())?;
        }
        if self.keys.len() > FEW_KEYS && self.keys.len() > 2 * self.sessions.len() {
            let kept = self.sessions.keys();
            self.keys.retain(&UInt32Array::from(kept.clone()))?;
            self.sessions.renumber(&kept);
        }
        Ok((out, late))
    }

    /// How far the beginnings of sessions that are still to come out have come.
    pub(super) fn beginning(&self) -> i64 {
        self.sessions.beginning(self.time)
    }
}

impl State for SessionState {
    fn held(&self) -> Held {
        let noted = self.noted.iter().flatten().map(RecordBatch::get_array_memory_size).sum::<usize>();
        let own = (self.numbers.capacity() + self.added.capacity()) * size_of::<usize>();
        Held {
            rows: self.sessions.len(),
            bytes: noted + self.keys.memory_size() + self.sessions.memory_size() + self.fragments.memory_size() + own,
            oldest: self.sessions.oldest(),
            watermark: self.time,
        }
    }

    fn track(&mut self) {
        self.noted.get_or_insert_default();
    }

    fn changes(&mut self) -> Result<Changes> {
        self.save()
    }

    fn everything(&mut self) -> Result<Changes> {
        self.save_all()
    }

    fn restore(&mut self, changes: &Changes) -> Result<()> {
        self.take_back(changes)
    }
}

/// The rows of closed sessions.
fn rows(plan: &SessionPlan, closed: &[Session], merged: Merged) -> Result<RecordBatch> {
    let schema = &plan.plan.schema;
    // An instant is the same in every zone: a cast would take it for a local time.
    let instants = |of: &dyn Fn(&Session) -> Option<i64>, data_type: &DataType| {
        let zone = if let DataType::Timestamp(_, zone) = data_type { zone.clone() } else { None };
        Arc::new(closed.iter().map(of).collect::<TimestampMicrosecondArray>().with_timezone_opt(zone)) as ArrayRef
    };
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    let mut keys = merged.keys.into_iter();
    for (group, field) in plan.groups.iter().zip(schema.fields()) {
        let column: ArrayRef = match group {
            SessionGroup::Beginning => instants(&|session| Some(session.span?.0), field.data_type()),
            SessionGroup::End => instants(&|session| Some(session.span?.1.saturating_add(plan.gap)), field.data_type()),
            SessionGroup::Key(_) => match keys.next() {
                Some(key) => key,
                None => continue,
            },
        };
        columns.push(column);
    }
    for mut accumulator in merged.accumulators {
        columns.push(accumulator.evaluate(EmitTo::All)?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(closed.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
