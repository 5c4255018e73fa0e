//! All open windows, and one epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions, UInt32Array};
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::pane::Pane;
use super::rows::{Evaluated, Plan};
use crate::operators::event_time::Mark;
use crate::operators::figures::Held;
use crate::operators::guard::RowFaults;
use crate::operators::kept::State;

/// Rows of a batch that comes out.
pub(in crate::operators) const MOST_ROWS: usize = 8192;

/// The open windows.
#[derive(Default)]
pub(super) struct WindowState {
    /// By the beginning of the window; rows without one are a window of their own, which ends with the stream.
    panes: BTreeMap<Option<i64>, Pane>,
    /// Windows that begin before it are closed.
    time: Option<i64>,
}

impl std::fmt::Debug for WindowState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} windows", self.panes.len())
    }
}

impl WindowState {
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

    fn add_to(&mut self, plan: &Plan, window: Option<i64>, rows: &Evaluated, epoch: u64) -> Result<()> {
        let pane = match self.panes.entry(window) {
            std::collections::btree_map::Entry::Occupied(pane) => pane.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(Pane::new(&plan.keys, &plan.aggregates, epoch)?),
        };
        pane.add(rows.rows, &rows.keys, &rows.arguments, &rows.filters)
    }

    /// Moves the time; the windows that it closes come out, the earliest first.
    pub(super) fn advance(&mut self, plan: &Plan, now: Mark) -> Result<Vec<RecordBatch>> {
        let time = self.time.map_or(now.time, |time| time.max(now.time));
        self.time = Some(time);
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
}

impl State for WindowState {
    fn held(&self) -> Held {
        Held {
            rows: self.panes.values().map(Pane::len).sum(),
            bytes: self.panes.values().map(Pane::memory_size).sum(),
            oldest: self.panes.values().map(Pane::since).min(),
            watermark: self.time.unwrap_or(Mark::BEGINNING),
        }
    }
}
