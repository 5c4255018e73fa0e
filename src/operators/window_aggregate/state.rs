//! All open windows, and one epoch.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array};
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::exec::Aggregate;
use super::pane::Pane;
use super::rows::{Evaluated, Plan};
use crate::operators::changes::{Changes, foreign, numbers, table};
use crate::operators::event_time::Mark;
use crate::operators::figures::Held;
use crate::operators::guard::RowFaults;
use crate::operators::kept::State;

/// Rows of a batch that comes out.
pub(in crate::operators) const MOST_ROWS: usize = 8192;

/// Names of saved tables: what groups have come to, and the time.
const GROUPS: &str = "groups";
const TIME: &str = "time";

/// The open windows.
pub(super) struct WindowState {
    plan: Arc<Plan>,
    /// By the beginning of the window; rows without one are a window of their own, which ends with the stream.
    panes: BTreeMap<Option<i64>, Pane>,
    /// If changes are noted: what the rows since the last time have come to, which is added to the others then.
    fresh: Option<BTreeMap<Option<i64>, Pane>>,
    /// Windows that begin before it are closed.
    time: Option<i64>,
}

impl std::fmt::Debug for WindowState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} windows", self.all().count())
    }
}

impl WindowState {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        Self { plan: Arc::clone(plan), panes: BTreeMap::new(), fresh: None, time: None }
    }

    /// Takes in rows; returns how many of them came too late.
    pub(super) fn take_in(&mut self, plan: &Plan, batch: &RecordBatch, epoch: u64, faults: &RowFaults) -> Result<usize> {
        let mut late = 0;
        for part in plan.evaluate(batch, faults)? {
            late += self.add(plan, &part, epoch)?;
        }
        Ok(late)
    }

    fn add(&mut self, plan: &Plan, rows: &Evaluated, epoch: u64) -> Result<usize> {
        let time = self.time.unwrap_or(Mark::BEGINNING);
        let window = |row: usize| rows.window.is_valid(row).then(|| rows.window.value(row));
        let is_late = |window: Option<i64>| window.is_some_and(|begin| begin < time);
        if rows.rows > 0 && (1..rows.rows).all(|row| window(row) == window(0)) {
            if is_late(window(0)) {
                return Ok(rows.rows);
            }
            self.add_to(plan, window(0), rows, epoch)?;
            return Ok(0);
        }
        let mut parts: BTreeMap<Option<i64>, Vec<u32>> = BTreeMap::new();
        let mut late = 0;
        // Rows of a window mostly come together.
        let mut last: Option<(Option<i64>, Vec<u32>)> = None;
        for row in 0..rows.rows {
            let own = window(row);
            if is_late(own) {
                late += 1;
                continue;
            }
            match &mut last {
                Some((window, numbers)) if *window == own => numbers.push(row as u32),
                _ => {
                    if let Some((window, numbers)) = last.take() {
                        parts.insert(window, numbers);
                    }
                    let mut numbers = parts.remove(&own).unwrap_or_default();
                    numbers.push(row as u32);
                    last = Some((own, numbers));
                }
            }
        }
        parts.extend(last);
        for (window, numbers) in parts {
            self.add_to(plan, window, &rows.part(&UInt32Array::from(numbers))?, epoch)?;
        }
        Ok(late)
    }

    /// Adds what some rows have come to to the others of their window; returns it as a table.
    fn merge(&mut self, window: Option<i64>, pane: Pane) -> Result<RecordBatch> {
        let (groups, since) = (pane.len(), pane.since());
        let (keys, states) = pane.states()?;
        pane_of(&mut self.panes, &self.plan, window, since)?.merge(groups, &keys, &states)?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![window; groups]))];
        columns.extend(keys);
        columns.extend(states.into_iter().flatten());
        table(columns, groups)
    }

    fn add_to(&mut self, plan: &Plan, window: Option<i64>, rows: &Evaluated, epoch: u64) -> Result<()> {
        let panes = self.fresh.as_mut().unwrap_or(&mut self.panes);
        pane_of(panes, plan, window, epoch)?.add(rows.rows, &rows.keys, &rows.arguments, &rows.filters)
    }

    /// Moves the time; the windows that it closes come out, the earliest first.
    pub(super) fn advance(&mut self, plan: &Plan, now: Mark) -> Result<Vec<RecordBatch>> {
        let time = self.time.map_or(now.time, |time| time.max(now.time));
        self.time = Some(time);
        if let Some(fresh) = self.fresh.take() {
            // What closes is whole then.
            let (closing, open): (BTreeMap<_, _>, BTreeMap<_, _>) =
                fresh.into_iter().partition(|(window, _)| time == Mark::END || window.is_some_and(|begin| begin < time));
            for (window, pane) in closing {
                self.merge(window, pane)?;
            }
            self.fresh = Some(open);
        }
        // Rows without a window wait for the end; they stand before all others.
        let open = if time == Mark::END { BTreeMap::new() } else { self.panes.split_off(&Some(time)) };
        let mut closed = std::mem::replace(&mut self.panes, open);
        if time != Mark::END
            && let Some(alone) = closed.remove(&None)
        {
            self.panes.insert(None, alone);
        }
        let mut out = Vec::new();
        for (window, pane) in closed {
            let groups = pane.len();
            let (mut columns, values) = pane.finish()?;
            let data_type = plan.schema.field(plan.window).data_type().clone();
            let begin = ScalarValue::TimestampMicrosecond(window, None).cast_to(&data_type)?;
            columns.insert(plan.window, begin.to_array_of_size(groups)?);
            columns.extend(values);
            let options = RecordBatchOptions::new().with_row_count(Some(groups));
            let rows = RecordBatch::try_new_with_options(Arc::clone(&plan.schema), columns, &options)?;
            out.extend((0..groups).step_by(MOST_ROWS).map(|first| rows.slice(first, MOST_ROWS.min(groups - first))));
        }
        Ok(out)
    }

    fn all(&self) -> impl Iterator<Item = &Pane> {
        self.panes.values().chain(self.fresh.iter().flat_map(BTreeMap::values))
    }
}

/// A window's own, which is made if it is its first row.
fn pane_of<'a>(panes: &'a mut BTreeMap<Option<i64>, Pane>, plan: &Plan, window: Option<i64>, since: u64) -> Result<&'a mut Pane> {
    Ok(match panes.entry(window) {
        Entry::Occupied(pane) => pane.into_mut(),
        Entry::Vacant(place) => place.insert(Pane::new(&plan.keys, &plan.aggregates, since)?),
    })
}

/// The columns of each aggregate's state.
pub(in crate::operators) fn states_of(aggregates: &[Aggregate], columns: &[ArrayRef]) -> Result<Vec<Vec<ArrayRef>>> {
    let mut columns = columns.iter().cloned();
    let counts = aggregates.iter().map(|aggregate| Ok(aggregate.function.state_fields()?.len())).collect::<Result<Vec<usize>>>()?;
    let states: Vec<Vec<ArrayRef>> = counts.iter().map(|count| columns.by_ref().take(*count).collect()).collect();
    if states.iter().zip(&counts).all(|(state, count)| state.len() == *count) { Ok(states) } else { Err(foreign("columns are missing")) }
}

impl State for WindowState {
    fn held(&self) -> Held {
        Held {
            rows: self.all().map(Pane::len).sum(),
            bytes: self.all().map(Pane::memory_size).sum(),
            oldest: self.all().map(Pane::since).min(),
            watermark: self.time.unwrap_or(Mark::BEGINNING),
        }
    }

    fn track(&mut self) {
        self.fresh.get_or_insert_default();
    }

    fn changes(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        if let Some(fresh) = self.fresh.replace(BTreeMap::new()) {
            for (window, pane) in fresh {
                changes.add(GROUPS, self.merge(window, pane)?);
            }
        }
        if let Some(time) = self.time {
            changes.add_numbers(TIME, &[time])?;
        }
        Ok(changes)
    }

    fn restore(&mut self, changes: &Changes) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        for rows in changes.of(GROUPS) {
            let windows = numbers(rows, 0)?;
            let mut begin = 0;
            while begin < rows.num_rows() {
                let window = |row: usize| windows.is_valid(row).then(|| windows.value(row));
                let own = window(begin);
                let end = (begin..rows.num_rows()).find(|row| window(*row) != own).unwrap_or(rows.num_rows());
                let columns = rows.slice(begin, end - begin).columns().to_vec();
                let keys = &columns[1..1 + plan.keys.fields().len()];
                let states = states_of(&plan.aggregates, &columns[1 + keys.len()..])?;
                let panes = self.fresh.as_mut().unwrap_or(&mut self.panes);
                pane_of(panes, &plan, own, 0)?.merge(end - begin, keys, &states)?;
                begin = end;
            }
        }
        if let Some([time]) = changes.numbers(TIME).as_deref() {
            self.time = Some(self.time.map_or(*time, |own| own.max(*time)));
            // What was closed then has come out.
            let gone = |window: &Option<i64>| window.is_none_or(|begin| begin >= *time);
            self.panes.retain(|window, _| gone(window));
            if let Some(fresh) = &mut self.fresh {
                fresh.retain(|window, _| gone(window));
            }
        }
        Ok(())
    }
}
