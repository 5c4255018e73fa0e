//! Open sessions as tables, and back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use datafusion::error::Result;

use super::state::SessionState;
use crate::operators::changes::{Changes, foreign, numbers};
use crate::operators::event_time::Mark;
use crate::operators::window_aggregate::states_of;

/// Names of saved tables: what rows of a session have come to (the instants of the first and of the last of them, the key, the states of the aggregates), and the time.
const FRAGMENTS: &str = "fragments";
const TIME: &str = "time";

/// The instants of the first and of the last row of each fragment; `numbers` has the fragment of each row.
pub(super) fn spans(instants: &TimestampMicrosecondArray, numbers: &[usize], count: usize) -> [ArrayRef; 2] {
    let mut spans: Vec<Option<(i64, i64)>> = vec![None; count];
    for (row, number) in numbers.iter().enumerate().filter(|(row, _)| instants.is_valid(*row)) {
        let instant = instants.value(row);
        let span = &mut spans[*number];
        *span = Some(span.map_or((instant, instant), |(first, last)| (first.min(instant), last.max(instant))));
    }
    columns(&spans)
}

fn columns(spans: &[Option<(i64, i64)>]) -> [ArrayRef; 2] {
    let column = |end: fn((i64, i64)) -> i64| Arc::new(spans.iter().map(|span| span.map(end)).collect::<Int64Array>()) as ArrayRef;
    [column(|span| span.0), column(|span| span.1)]
}

impl SessionState {
    /// What has changed.
    pub(super) fn save(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        let noted = self.noted.replace(Vec::new()).unwrap_or_default();
        if let Some(first) = noted.first() {
            changes.add(FRAGMENTS, concat_batches(&first.schema(), &noted)?);
        }
        self.save_time(changes)
    }

    /// All open sessions, each as one row.
    pub(super) fn save_all(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        self.noted = Some(Vec::new());
        if self.sessions.len() > 0 {
            let plan = Arc::clone(&self.plan);
            self.fragments.compact(&plan.plan.aggregates, self.sessions.lists())?;
            changes.add(FRAGMENTS, self.fragments.newest(columns(&self.sessions.spans()))?);
        }
        self.save_time(changes)
    }

    fn save_time(&self, mut changes: Changes) -> Result<Changes> {
        changes.add_numbers(TIME, &[self.time])?;
        Ok(changes)
    }

    /// Takes in what has changed.
    pub(super) fn take_back(&mut self, changes: &Changes) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        for rows in changes.of(FRAGMENTS) {
            self.take_back_fragments(rows)?;
        }
        if let Some([time]) = changes.numbers(TIME).as_deref() {
            self.time = self.time.max(*time);
            if self.time != Mark::BEGINNING {
                // They have come out.
                drop(self.sessions.close(self.time));
            }
        }
        if self.fragments.are_too_many(self.sessions.len()) {
            self.fragments.compact(&plan.plan.aggregates, self.sessions.lists())?;
        }
        Ok(())
    }

    fn take_back_fragments(&mut self, rows: &RecordBatch) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        let (firsts, lasts) = (numbers(rows, 0)?, numbers(rows, 1)?);
        let keys = rows.columns().get(2..2 + plan.plan.keys.fields().len()).ok_or_else(|| foreign("columns are missing"))?;
        let states = states_of(&plan.plan.aggregates, &rows.columns()[2 + keys.len()..])?;
        let mut own = Vec::new();
        self.keys.numbers(keys, rows.num_rows(), &mut own)?;
        self.sessions.begin_batch();
        for (row, key) in own.iter().enumerate() {
            let span = (firsts.is_valid(row) && lasts.is_valid(row)).then(|| (firsts.value(row), lasts.value(row)));
            self.sessions.add_fragment(*key, span, row as u32, &mut self.fragments);
        }
        self.fragments.put(keys, states);
        if let Some(noted) = &mut self.noted {
            noted.push(rows.clone());
        }
        Ok(())
    }
}
