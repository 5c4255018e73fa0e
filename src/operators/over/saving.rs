//! What is kept as tables, and back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{take, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::error::Result;

use super::compute::{Counts, Reached};
use super::function::{Function, Release};
use super::history::Kept;
use super::state::OverState;
use super::waiting::Waiting;
use crate::operators::changes::{Changes, Touched, foreign, numbers, state_columns, table};
use crate::operators::event_time::Mark;

/// Names of saved tables: rows that wait (their time, then their columns), keys with what functions have come to, the rows that are looked back at, and the time.
const WAITING: &str = "waiting";
const KEYS: &str = "keys";
const HISTORY: &str = "history";
const TIME: &str = "time";

/// What has changed since it was saved last.
#[derive(Default)]
pub(super) struct Noted {
    pub keys: Touched,
    /// Rows that have come, with their times.
    came: Vec<(RecordBatch, TimestampMicrosecondArray)>,
}

impl Noted {
    /// Rows have come.
    pub(super) fn came(&mut self, rows: &RecordBatch, times: &TimestampMicrosecondArray) {
        self.came.push((rows.clone(), times.clone()));
    }

    /// Rows before a time have come out: batches of nothing else are forgotten.
    pub(super) fn forget_before(&mut self, time: i64) {
        self.came.retain(|(_, times)| times.null_count() > 0 || times.values().iter().any(|own| *own >= time));
    }

    pub(super) fn memory_size(&self) -> usize {
        let came = self.came.iter().map(|(rows, times)| rows.get_array_memory_size() + times.get_array_memory_size());
        came.sum::<usize>() + self.keys.memory_size()
    }
}

impl OverState {
    /// What has changed.
    pub(super) fn save(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        let Some(noted) = &mut self.noted else { return Ok(changes) };
        for (rows, times) in std::mem::take(&mut noted.came) {
            if matches!(self.plan.spec.release, Release::AsTheyCome) {
                continue;
            }
            let still: Vec<u32> = (0..rows.num_rows()).filter(|row| Waiting::waits(&times, *row, self.time)).map(|row| row as u32).collect();
            let still = UInt32Array::from(still);
            let mut columns: Vec<ArrayRef> = vec![take(&times, &still, None)?];
            columns.extend(take_record_batch(&rows, &still)?.columns().iter().cloned());
            changes.add(WAITING, table(columns, still.len())?);
        }
        let (keys, columns) = noted.keys.take()?;
        self.save_keys(&keys, columns, &mut changes)?;
        changes.add_numbers(TIME, &[self.time])?;
        Ok(changes)
    }

    fn save_keys(&mut self, keys: &[u32], mut columns: Vec<ArrayRef>, changes: &mut Changes) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let last = keys.iter().map(|key| self.last.get(*key as usize).copied().unwrap_or(i64::MIN));
        columns.push(Arc::new(Int64Array::from_iter_values(last)));
        for (function, reached) in self.plan.spec.functions.iter().zip(&mut self.reached) {
            match (function, reached) {
                (_, Reached::Counts(all)) => {
                    let own = |key: &u32| all.get(*key as usize).copied().unwrap_or_default();
                    columns.push(Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| own(key).rows as i64))));
                    columns.push(Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| own(key).ranks as i64))));
                }
                (Function::Running { aggregate, .. }, Reached::Accumulators(all)) => {
                    let most = keys.iter().max().map_or(0, |most| *most as usize + 1);
                    if all.len() < most {
                        all.resize_with(most, || None);
                    }
                    for key in keys {
                        let place = &mut all[*key as usize];
                        if place.is_none() {
                            *place = Some(aggregate.create_accumulator()?);
                        }
                    }
                    let own = crate::operators::changes::in_order(all, keys).into_iter().flatten();
                    columns.extend(state_columns(aggregate, own)?);
                }
                _ => {}
            }
        }
        changes.add(KEYS, table(columns, keys.len())?);
        let schema = Arc::new(self.plan.input.project(&self.plan.spec.read)?);
        let Kept { columns, keys, first, last, times } = self.history.of(keys, &schema)?;
        let count = keys.len();
        let mut all: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(keys)), Arc::new(BooleanArray::from(first)), Arc::new(BooleanArray::from(last)), Arc::new(Int64Array::from(times))];
        all.extend(columns);
        changes.add(HISTORY, table(all, count)?);
        Ok(())
    }

    /// Takes in what has changed.
    pub(super) fn take_back(&mut self, changes: &Changes) -> Result<()> {
        for rows in changes.of(WAITING) {
            let times = rows.column(0).as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| foreign("a column is of another type"))?.clone();
            let own = RecordBatch::try_new(Arc::clone(&self.plan.input), rows.columns()[1..].to_vec())?;
            if let Some(noted) = &mut self.noted {
                noted.came(&own, &times);
            }
            self.waiting.push(own, &times, 0)?;
        }
        let mut histories = changes.of(HISTORY);
        for rows in changes.of(KEYS) {
            self.take_back_keys(rows, histories.next())?;
        }
        if let Some([time]) = changes.numbers(TIME).as_deref() {
            self.time = self.time.max(*time);
            if self.time != Mark::BEGINNING && !matches!(self.plan.spec.release, Release::AsTheyCome) {
                // They have come out.
                drop(self.waiting.take_before(self.time)?);
            }
        }
        let plan = Arc::clone(&self.plan);
        self.forget(&plan.spec)
    }

    fn take_back_keys(&mut self, rows: &RecordBatch, history: Option<&RecordBatch>) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        let mut at = plan.keys.fields().len();
        let columns = rows.columns().get(..at).ok_or_else(|| foreign("columns are missing"))?;
        let mut keys = Vec::new();
        self.keys.numbers(columns, rows.num_rows(), &mut keys)?;
        if let Some(noted) = &mut self.noted {
            noted.keys.add(columns, keys.iter().enumerate().map(|(row, key)| (*key, row as u32)))?;
        }
        let last = numbers(rows, at)?;
        at += 1;
        let most = self.keys.len();
        if plan.spec.ttl.is_some() {
            self.last.resize(most, i64::MIN);
            keys.iter().zip(last.values()).for_each(|(key, last)| self.last[*key] = *last);
        }
        for (function, reached) in plan.spec.functions.iter().zip(&mut self.reached) {
            match (function, reached) {
                (_, Reached::Counts(all)) => {
                    all.resize(most, Counts::default());
                    let (counts, ranks) = (numbers(rows, at)?, numbers(rows, at + 1)?);
                    keys.iter().enumerate().for_each(|(row, key)| all[*key] = Counts { rows: counts.value(row) as u64, ranks: ranks.value(row) as u64 });
                    at += 2;
                }
                (Function::Running { aggregate, .. }, Reached::Accumulators(all)) => {
                    all.resize_with(most, || None);
                    let count = aggregate.state_fields()?.len();
                    let states = rows.columns().get(at..at + count).ok_or_else(|| foreign("columns are missing"))?;
                    for (row, key) in keys.iter().enumerate() {
                        let accumulator = all[*key].insert(aggregate.create_accumulator()?);
                        accumulator.merge_batch(&states.iter().map(|column| column.slice(row, 1)).collect::<Vec<_>>())?;
                    }
                    at += count;
                }
                _ => {}
            }
        }
        let all: Vec<u32> = keys.iter().map(|key| *key as u32).collect();
        let Some(history) = history else { return Ok(()) };
        let flags = |at: usize| -> Result<Vec<bool>> {
            let flags = history.columns().get(at).and_then(|column| column.as_boolean_opt()).ok_or_else(|| foreign("a column is of another type"))?;
            Ok(flags.values().iter().collect())
        };
        let kept = Kept { first: flags(1)?, last: flags(2)?, times: numbers(history, 3)?.values().to_vec(), ..Kept::default() };
        let of_rows: Option<Vec<u32>> = numbers(history, 0)?.values().iter().map(|row| all.get(*row as usize).copied()).collect();
        let schema = Arc::new(plan.input.project(&plan.spec.read)?);
        let options = RecordBatchOptions::new().with_row_count(Some(history.num_rows()));
        let own = RecordBatch::try_new_with_options(schema, history.columns()[4..].to_vec(), &options)?;
        self.history.put(&all, own, of_rows.ok_or_else(|| foreign("a key is missing"))?, &kept)
    }
}
