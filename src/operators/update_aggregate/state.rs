//! All groups, and one epoch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{filter, interleave, take};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::PhysicalExpr;

use super::exec::UpdateAggregateSpec;
use crate::operators::changes::{Changes, Touched, foreign, in_order, numbers, state_columns, table};
use crate::operators::event_time::{Mark, micros};
use crate::operators::figures::Held;
use crate::operators::guard::{RowFaults, evaluate_guarded};
use crate::operators::kept::State;
use crate::operators::keys::Keys;
use crate::operators::over::{Part, by_key};
use crate::operators::window_aggregate::states_of;

/// Rows of a batch that comes out.
const MOST_ROWS: usize = 8192;
/// Groups below which none are looked for that could be forgotten.
const FEW_GROUPS: usize = 1024;

/// What was computed of rows, before any of it is added.
struct Evaluated {
    rows: usize,
    keys: Vec<ArrayRef>,
    arguments: Vec<Vec<ArrayRef>>,
    filters: Vec<Option<BooleanArray>>,
    times: Option<TimestampMicrosecondArray>,
}

fn evaluate(spec: &UpdateAggregateSpec, rows: &RecordBatch) -> Result<Evaluated> {
    let count = rows.num_rows();
    let array = |expression: &Arc<dyn PhysicalExpr>| expression.evaluate(rows)?.into_array(count);
    let condition = |filter: Option<&Arc<dyn PhysicalExpr>>| filter.map(|filter| Ok(as_boolean_array(&array(filter)?)?.clone())).transpose();
    Ok(Evaluated {
        rows: count,
        keys: spec.groups.iter().map(array).collect::<Result<_>>()?,
        arguments: spec.aggregates.iter().map(|aggregate| aggregate.arguments.iter().map(array).collect()).collect::<Result<_>>()?,
        filters: spec.aggregates.iter().map(|aggregate| condition(aggregate.filter.as_ref())).collect::<Result<_>>()?,
        times: spec.idle.as_ref().and_then(|idle| idle.column).map(|column| micros(rows.column(column))).transpose()?,
    })
}

/// The time of a row; none is earlier than all.
fn time_of(times: &TimestampMicrosecondArray, row: u32) -> i64 {
    if times.is_valid(row as usize) { times.value(row as usize) } else { i64::MIN }
}

/// Puts the rows of each part in the order of their times, and cuts it where more than `ttl` lies between two.
fn cut(order: &mut [u32], parts: &[Part], times: &TimestampMicrosecondArray, ttl: i64) -> Vec<Part> {
    let mut cut = Vec::with_capacity(parts.len());
    for part in parts {
        order[part.begin..part.end].sort_by_key(|row| time_of(times, *row));
        let mut begin = part.begin;
        for at in part.begin + 1..part.end {
            let (before, time) = (time_of(times, order[at - 1]), time_of(times, order[at]));
            if before != i64::MIN && time.saturating_sub(before) > ttl {
                cut.push(Part { begin, end: at, ..*part });
                begin = at;
            }
        }
        cut.push(Part { begin, ..*part });
    }
    cut
}

/// What a group has come to.
struct Group {
    accumulators: Vec<Box<dyn Accumulator>>,
    bytes: usize,
    /// The time of its latest row.
    last: i64,
    /// Where its window begins, if it has one.
    window: Option<i64>,
}

/// Names of saved tables: what groups have come to (their times, keys and states), and the time.
const GROUPS: &str = "groups";
const TIME: &str = "time";

/// All groups.
pub(super) struct UpdateState {
    spec: Arc<UpdateAggregateSpec>,
    keys: Keys,
    /// Groups that have changed, if that is noted.
    changed: Option<Touched>,
    groups: Vec<Group>,
    bytes: usize,
    /// How many groups there were when the last of them were forgotten.
    kept_groups: usize,
    /// No open window begins before it.
    earliest: i64,
    time: i64,
}

impl std::fmt::Debug for UpdateState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} groups", self.groups.len())
    }
}

impl UpdateState {
    pub(super) fn new(spec: &Arc<UpdateAggregateSpec>, input: &SchemaRef) -> Result<Self> {
        let field = |(at, group): (usize, &Arc<dyn PhysicalExpr>)| Ok(Field::new(format!("{at}"), group.data_type(input)?, true));
        let keys = spec.groups.iter().enumerate().map(field).collect::<Result<Vec<_>>>()?;
        let keys = Keys::new(&Arc::new(Schema::new(keys)))?;
        let (groups, earliest, time) = (Vec::new(), i64::MAX, Mark::BEGINNING);
        Ok(Self { spec: Arc::clone(spec), keys, changed: None, groups, bytes: 0, kept_groups: 0, earliest, time })
    }

    /// Adds the rows of an epoch; what the groups that it has touched have come to comes out; also returns how many rows came too late.
    pub(super) fn run(
        &mut self,
        spec: &UpdateAggregateSpec,
        schema: &SchemaRef,
        batches: &[RecordBatch],
        faults: &RowFaults,
    ) -> Result<(Vec<RecordBatch>, usize)> {
        let mut parts = Vec::with_capacity(batches.len());
        for batch in batches {
            evaluate_guarded(batch, &|rows| evaluate(spec, rows), &|error| faults.reject("GROUP BY", error), &mut parts)?;
        }
        // The groups that were touched, each with a row that has its key.
        let mut touched: Vec<(usize, (usize, usize))> = Vec::new();
        let mut is_touched = vec![false; self.groups.len()];
        let (mut numbers, mut late) = (Vec::new(), 0);
        // At the end of time nobody has been silent for longer than before.
        let now = spec.idle.as_ref().map(|idle| idle.timeline.mark().time).filter(|now| *now != Mark::END).unwrap_or(Mark::BEGINNING);
        for (number, rows) in parts.iter().enumerate() {
            self.keys.numbers(&rows.keys, rows.rows, &mut numbers)?;
            is_touched.resize(self.keys.len(), false);
            let (mut order, mut parts) = by_key(&numbers, self.keys.len());
            if let (Some(idle), Some(times)) = (&spec.idle, &rows.times) {
                parts = cut(&mut order, &parts, times, idle.ttl);
            }
            let order = UInt32Array::from(order);
            let take_all = |columns: &Vec<ArrayRef>| columns.iter().map(|column| Ok(take(column, &order, None)?)).collect::<Result<Vec<_>>>();
            let arguments = rows.arguments.iter().map(take_all).collect::<Result<Vec<_>>>()?;
            let counts = |filter: &Option<BooleanArray>| {
                filter.as_ref().map(|filter| Ok::<_, datafusion::error::DataFusionError>(take(filter, &order, None)?.as_boolean().clone())).transpose()
            };
            let filters = rows.filters.iter().map(counts).collect::<Result<Vec<_>>>()?;
            let windows = spec.window.as_ref().map(|(at, _)| micros(&rows.keys[*at])).transpose()?;
            for part in parts {
                let own = &order.values()[part.begin..part.end];
                let window = windows.as_ref().filter(|windows| windows.is_valid(own[0] as usize)).map(|windows| windows.value(own[0] as usize));
                if window.is_some_and(|window| window < self.time) {
                    late += own.len();
                    continue;
                }
                self.earliest = self.earliest.min(window.unwrap_or(i64::MAX));
                if !std::mem::replace(&mut is_touched[part.key], true) {
                    touched.push((part.key, (number, own[0] as usize)));
                }
                let time = |row: u32| rows.times.as_ref().map_or(now, |times| time_of(times, row));
                let group = self.group(spec, part.key, (time(own[0]), time(own[own.len() - 1])))?;
                group.window = window;
                for ((accumulator, arguments), filter_by) in group.accumulators.iter_mut().zip(&arguments).zip(&filters) {
                    let slice = |column: &ArrayRef| column.slice(part.begin, part.end - part.begin);
                    let rows: Vec<ArrayRef> = match filter_by {
                        None => arguments.iter().map(slice).collect(),
                        Some(counts) => {
                            let counts = counts.slice(part.begin, part.end - part.begin);
                            arguments.iter().map(|column| Ok(filter(&slice(column), &counts)?)).collect::<Result<_>>()?
                        }
                    };
                    accumulator.update_batch(&rows)?;
                }
            }
        }
        if spec.groups.is_empty() && self.groups.is_empty() {
            // All rows are one group, even if there are none.
            self.group(spec, 0, (i64::MIN, i64::MIN))?;
            touched.push((0, (0, 0)));
        }
        let keys: Vec<&[ArrayRef]> = parts.iter().map(|rows| rows.keys.as_slice()).collect();
        if let Some(changed) = &mut self.changed {
            for (number, keys) in keys.iter().enumerate() {
                let own = touched.iter().filter(|(_, (part, _))| *part == number);
                changed.add(keys, own.map(|(group, (_, row))| (*group, *row as u32)))?;
            }
            if keys.is_empty() {
                changed.add(&[], touched.iter().map(|(group, _)| (*group, 0)))?;
            }
        }
        let out = self.values(&touched, &keys, schema, spec)?;
        self.forget(spec)?;
        Ok((out, late))
    }

    /// A group, which begins anew if it was silent for too long.
    fn group(&mut self, spec: &UpdateAggregateSpec, number: usize, (first, last): (i64, i64)) -> Result<&mut Group> {
        let new = || -> Result<Group> {
            let accumulators = spec.aggregates.iter().map(|aggregate| aggregate.function.create_accumulator()).collect::<Result<_>>()?;
            Ok(Group { accumulators, bytes: 0, last: i64::MIN, window: None })
        };
        while self.groups.len() <= number {
            self.groups.push(new()?);
        }
        let group = &mut self.groups[number];
        if let Some(idle) = &spec.idle
            && group.last != i64::MIN
            && first.saturating_sub(group.last) > idle.ttl
        {
            self.bytes -= group.bytes;
            *group = new()?;
        }
        group.last = group.last.max(last);
        Ok(group)
    }

    fn values(
        &mut self,
        touched: &[(usize, (usize, usize))],
        keys: &[&[ArrayRef]],
        schema: &SchemaRef,
        spec: &UpdateAggregateSpec,
    ) -> Result<Vec<RecordBatch>> {
        let mut out = Vec::new();
        for touched in touched.chunks(MOST_ROWS) {
            let places: Vec<(usize, usize)> = touched.iter().map(|(_, place)| *place).collect();
            let key = |at: usize| {
                let columns: Vec<&dyn Array> = keys.iter().map(|keys| keys[at].as_ref()).collect();
                Ok(interleave(&columns, &places)?)
            };
            let mut columns = (0..spec.groups.len()).map(key).collect::<Result<Vec<ArrayRef>>>()?;
            for at in 0..spec.aggregates.len() {
                let values = touched.iter().map(|(group, _)| self.groups[*group].accumulators[at].evaluate()).collect::<Result<Vec<ScalarValue>>>()?;
                columns.push(ScalarValue::iter_to_array(values)?);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(touched.len()));
            out.push(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?);
        }
        for (group, _) in touched {
            let group = &mut self.groups[*group];
            let bytes = size_of::<Group>() + group.accumulators.iter().map(|accumulator| accumulator.size()).sum::<usize>();
            self.bytes = self.bytes + bytes - group.bytes;
            group.bytes = bytes;
        }
        Ok(out)
    }

    /// Forgets groups whose window is over, and, when there are many more than there were the last time, those that have been silent for too long.
    fn forget(&mut self, spec: &UpdateAggregateSpec) -> Result<()> {
        let Some(timeline) = spec.window.as_ref().map(|(_, timeline)| timeline).or(spec.idle.as_ref().map(|idle| &idle.timeline)) else { return Ok(()) };
        self.time = self.time.max(timeline.mark().time);
        self.drop_old(spec, false)
    }

    fn drop_old(&mut self, spec: &UpdateAggregateSpec, all: bool) -> Result<()> {
        if spec.window.is_none() && spec.idle.is_none() {
            return Ok(());
        }
        let time = self.time;
        let due = match &spec.idle {
            None => time > self.earliest,
            Some(_) => all || self.groups.len() > (2 * self.kept_groups).max(FEW_GROUPS),
        };
        if time == Mark::END || !due {
            return Ok(());
        }
        let is_open = |group: &Group| match &spec.idle {
            None => group.window.is_none_or(|window| window >= time) && group.bytes > 0,
            Some(idle) => time.saturating_sub(group.last) <= idle.ttl,
        };
        // Keys of late rows have a number, and may have no group.
        let kept: Vec<u32> = (0..self.groups.len() as u32).filter(|group| is_open(&self.groups[*group as usize])).collect();
        self.keys.retain(&UInt32Array::from(kept.clone()))?;
        if let Some(changed) = &mut self.changed {
            changed.renumber(&kept)?;
        }
        let mut groups: Vec<Option<Group>> = std::mem::take(&mut self.groups).into_iter().map(Some).collect();
        self.groups = kept.iter().filter_map(|group| groups[*group as usize].take()).collect();
        self.bytes = self.groups.iter().map(|group| group.bytes).sum();
        self.kept_groups = kept.len();
        self.earliest = self.groups.iter().filter_map(|group| group.window).min().unwrap_or(i64::MAX);
        Ok(())
    }
}

impl State for UpdateState {
    fn held(&self) -> Held {
        // What came in has come out.
        let changed = self.changed.as_ref().map_or(0, Touched::memory_size);
        Held { rows: self.groups.len(), bytes: self.bytes + self.keys.memory_size() + changed, oldest: None, watermark: self.time }
    }

    fn track(&mut self) {
        self.changed.get_or_insert_default();
    }

    fn changes(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        let Some(changed) = &mut self.changed else { return Ok(changes) };
        let (numbers, keys) = changed.take()?;
        let mut groups = in_order(&mut self.groups, &numbers);
        let count = groups.len();
        let times = Int64Array::from_iter_values(groups.iter().map(|group| group.last));
        let windows: Int64Array = groups.iter().map(|group| group.window).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(times), Arc::new(windows)];
        columns.extend(keys);
        for (at, aggregate) in self.spec.aggregates.iter().enumerate() {
            columns.extend(state_columns(&aggregate.function, groups.iter_mut().map(|group| &mut group.accumulators[at]))?);
        }
        changes.add(GROUPS, table(columns, count)?);
        changes.add_numbers(TIME, &[self.time])?;
        Ok(changes)
    }

    fn restore(&mut self, changes: &Changes) -> Result<()> {
        let spec = Arc::clone(&self.spec);
        for rows in changes.of(GROUPS) {
            let (times, windows) = (numbers(rows, 0)?, numbers(rows, 1)?);
            let columns = rows.columns();
            let keys = columns.get(2..2 + spec.groups.len()).ok_or_else(|| foreign("columns are missing"))?;
            let mut own = Vec::new();
            self.keys.numbers(keys, rows.num_rows(), &mut own)?;
            let states = states_of(&spec.aggregates, &columns[2 + keys.len()..])?;
            for (row, number) in own.iter().enumerate() {
                let mut accumulators = spec.aggregates.iter().map(|aggregate| aggregate.function.create_accumulator()).collect::<Result<Vec<_>>>()?;
                for (accumulator, state) in accumulators.iter_mut().zip(&states) {
                    accumulator.merge_batch(&state.iter().map(|column| column.slice(row, 1)).collect::<Vec<_>>())?;
                }
                let window = windows.is_valid(row).then(|| windows.value(row));
                self.earliest = self.earliest.min(window.unwrap_or(i64::MAX));
                let bytes = size_of::<Group>() + accumulators.iter().map(|accumulator| accumulator.size()).sum::<usize>();
                let group = Group { accumulators, bytes, last: times.value(row), window };
                while self.groups.len() <= *number {
                    self.groups.push(Group { accumulators: Vec::new(), bytes: 0, last: i64::MIN, window: None });
                }
                self.bytes = self.bytes + bytes - std::mem::replace(&mut self.groups[*number], group).bytes;
            }
            if let Some(changed) = &mut self.changed {
                changed.add(keys, own.iter().enumerate().map(|(row, number)| (*number, row as u32)))?;
            }
        }
        if let Some([time]) = changes.numbers(TIME).as_deref() {
            self.time = self.time.max(*time);
        }
        self.drop_old(&spec, true)
    }
}
