//! Everything that is kept, and one epoch.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;

use super::compute::{Input, Reached};
use super::function::{Function, OverSpec, Release};
use super::history::History;
use super::ordered::Ordered;
use super::saving::Noted;
use super::waiting::Waiting;
use crate::operators::changes::Changes;
use crate::operators::event_time::{Mark, micros};
use crate::operators::figures::Held;
use crate::operators::guard::{RowFaults, evaluate_guarded};
use crate::operators::kept::State;
use crate::operators::keys::Keys;

/// Rows of a batch that comes out.
const MOST_ROWS: usize = 8192;
/// Keys below which none are looked for that could be forgotten.
const FEW_KEYS: usize = 1024;

/// What does not change about the functions.
#[derive(Debug)]
pub(super) struct Plan {
    /// Columns of the input.
    pub input: SchemaRef,
    pub spec: OverSpec,
    /// Columns of the result: the input's, then the functions'.
    pub schema: SchemaRef,
    /// The columns of the keys.
    pub(super) keys: SchemaRef,
    /// What can fail for a row.
    checked: Vec<Arc<dyn PhysicalExpr>>,
}

impl Plan {
    pub(super) fn new(spec: OverSpec, checked: Vec<Arc<dyn PhysicalExpr>>, schema: SchemaRef, input: &SchemaRef) -> Result<Self> {
        let fields = spec.keys.iter().enumerate().map(|(at, key)| Ok(Field::new(format!("{at}"), key.data_type(input)?, true)));
        let keys = Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?));
        Ok(Self { input: SchemaRef::clone(input), spec, schema, keys, checked })
    }

    /// The expression whose time must have come.
    pub(super) fn time(&self) -> Option<&Arc<dyn PhysicalExpr>> {
        match &self.spec.release {
            Release::InOrder(_) => self.spec.order.first().map(|sort| &sort.expr),
            Release::WholePartitions(key, _) => self.spec.keys.get(*key),
            Release::AsTheyCome => None,
        }
    }
}

/// What is kept between epochs.
pub(super) struct OverState {
    pub(super) plan: Arc<Plan>,
    pub(super) waiting: Waiting,
    pub(super) keys: Keys,
    pub(super) history: History,
    pub(super) reached: Vec<Reached>,
    /// The time of each key's last row.
    pub(super) last: Vec<i64>,
    /// What has changed, if that is noted.
    pub(super) noted: Option<Noted>,
    /// How many keys there were when the last of them were forgotten.
    kept_keys: usize,
    /// Rows before it have come out.
    pub(super) time: i64,
}

impl std::fmt::Debug for OverState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.keys.len())
    }
}

impl OverState {
    pub(super) fn new(plan: &Arc<Plan>) -> Result<Self> {
        Ok(Self {
            plan: Arc::clone(plan),
            waiting: Waiting::default(),
            keys: Keys::new(&plan.keys)?,
            history: History::new(plan.spec.look_back),
            reached: plan.spec.functions.iter().map(Reached::new).collect(),
            last: Vec::new(),
            noted: None,
            kept_keys: 0,
            time: Mark::BEGINNING,
        })
    }

    /// Takes in rows; returns how many of them came too late.
    pub(super) fn take_in(&mut self, plan: &Plan, batch: &RecordBatch, epoch: u64, faults: &RowFaults) -> Result<usize> {
        let array = |expression: &Arc<dyn PhysicalExpr>, rows: &RecordBatch| expression.evaluate(rows)?.into_array(rows.num_rows());
        let evaluate = |rows: &RecordBatch| -> Result<(RecordBatch, TimestampMicrosecondArray)> {
            plan.checked.iter().try_for_each(|expression| array(expression, rows).map(drop))?;
            let times = match plan.time() {
                Some(time) => micros(&array(time, rows)?)?,
                None => vec![0; rows.num_rows()].into(),
            };
            Ok((rows.clone(), times))
        };
        let mut parts = Vec::with_capacity(1);
        evaluate_guarded(batch, &evaluate, &|error| faults.reject("OVER", error), &mut parts)?;
        let mut late = 0;
        for (rows, times) in parts {
            let (rows, times, dropped) = self.in_time(plan, rows, times)?;
            late += dropped;
            if let Some(noted) = &mut self.noted {
                noted.came(&rows, &times);
            }
            self.waiting.push(rows, &times, epoch)?;
        }
        Ok(late)
    }

    /// Leaves out rows whose time is over.
    fn in_time(&self, plan: &Plan, rows: RecordBatch, times: TimestampMicrosecondArray) -> Result<(RecordBatch, TimestampMicrosecondArray, usize)> {
        use arrow::array::{Array, AsArray};
        use arrow::datatypes::TimestampMicrosecondType;
        if plan.time().is_none() || times.values().iter().all(|time| *time >= self.time) {
            return Ok((rows, times, 0));
        }
        let numbers: Vec<u32> = (0..times.len()).filter(|row| times.is_null(*row) || times.value(*row) >= self.time).map(|row| row as u32).collect();
        let late = times.len() - numbers.len();
        let numbers = UInt32Array::from(numbers);
        let own = arrow::compute::take(&times, &numbers, None)?.as_primitive::<TimestampMicrosecondType>().clone();
        Ok((take_record_batch(&rows, &numbers)?, own, late))
    }

    /// Moves the time; the rows that it reaches come out.
    pub(super) fn advance(&mut self, plan: &Plan) -> Result<Vec<RecordBatch>> {
        let released = match &plan.spec.release {
            Release::AsTheyCome => {
                let now = plan.spec.clock.as_ref().map(|clock| clock.mark().time).filter(|now| *now != Mark::END);
                self.time = self.time.max(now.unwrap_or(self.time));
                self.waiting.take_all()?
            }
            Release::InOrder(timeline) | Release::WholePartitions(_, timeline) => {
                self.time = self.time.max(timeline.mark().time);
                if self.time == Mark::END { self.waiting.take_all()? } else { self.waiting.take_before(self.time)? }
            }
        };
        let Some(rows) = released else { return Ok(Vec::new()) };
        if let Some(noted) = self.noted.as_mut().filter(|_| !matches!(plan.spec.release, Release::AsTheyCome)) {
            noted.forget_before(self.time);
        }
        let rows = self.compute(plan, &rows)?;
        Ok((0..rows.num_rows()).step_by(MOST_ROWS).map(|first| rows.slice(first, MOST_ROWS.min(rows.num_rows() - first))).collect())
    }

    fn compute(&mut self, plan: &Plan, rows: &RecordBatch) -> Result<RecordBatch> {
        let spec = &plan.spec;
        let count = rows.num_rows();
        let array = |expression: &Arc<dyn PhysicalExpr>| expression.evaluate(rows)?.into_array(count);
        let keys = spec.keys.iter().map(array).collect::<Result<Vec<ArrayRef>>>()?;
        let mut numbers = Vec::new();
        let whole = matches!(spec.release, Release::WholePartitions(..));
        if whole {
            // What is over is never asked for again.
            let anew = Self::new(&self.plan)?;
            *self = Self { time: self.time, waiting: std::mem::take(&mut self.waiting), noted: self.noted.take(), ..anew };
        }
        self.keys.numbers(&keys, count, &mut numbers)?;
        if let Some(noted) = self.noted.as_mut().filter(|_| !whole) {
            noted.keys.add(&keys, numbers.iter().enumerate().map(|(row, number)| (*number, row as u32)))?;
        }
        let mut ordered = Ordered::new(rows, &numbers, self.keys.len(), &spec.order)?;
        let times = match (&spec.release, plan.time()) {
            (Release::InOrder(_), Some(time)) if spec.ttl.is_some() || spec.look_back.span.is_some() => Some(micros(&array(time)?)?.values().to_vec()),
            (Release::AsTheyCome, _) if spec.ttl.is_some() => Some(vec![self.time; count]),
            _ => None,
        };
        let times = times.as_deref();
        if let (Some(ttl), Some(times)) = (spec.ttl, times) {
            ordered.cut(times, ttl, |key| self.last.get(key).copied().filter(|last| *last != i64::MIN));
            self.last.resize(self.keys.len(), i64::MIN);
            rows_of(&ordered).for_each(|(key, row)| self.last[key] = times[row]);
        }
        let read = rows.project(&spec.read)?;
        let by_key = spec.functions.iter().any(|function| matches!(function, Function::Lag { .. } | Function::Framed { .. }));
        let with_history = if by_key { Some(self.history.before(&read, &ordered.rows, &ordered.parts)?) } else { None };
        let places = UInt32Array::from(ordered.places());
        let input = Input { rows: &read, ordered: &ordered, places: &places, with_history: with_history.as_ref() };
        let mut columns = rows.columns().to_vec();
        for (at, (function, reached)) in spec.functions.iter().zip(&mut self.reached).enumerate() {
            columns.push(input.compute(function, plan.schema.field(rows.num_columns() + at).data_type(), reached)?);
        }
        if !whole && !spec.look_back.is_nothing() {
            self.history.keep(&read, &ordered.rows, &ordered.parts, times, self.time)?;
        }
        self.forget(spec)?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&plan.schema), columns, &options)?)
    }

    /// Forgets keys that have been without rows for too long, when there are many more than there were the last time.
    pub(super) fn forget(&mut self, spec: &OverSpec) -> Result<()> {
        let Some(ttl) = spec.ttl.filter(|_| self.time != Mark::END && self.keys.len() > (2 * self.kept_keys).max(FEW_KEYS)) else { return Ok(()) };
        let kept: Vec<u32> = (0..self.last.len() as u32).filter(|key| self.time.saturating_sub(self.last[*key as usize]) <= ttl).collect();
        self.keys.retain(&UInt32Array::from(kept.clone()))?;
        self.history.renumber(&kept)?;
        self.reached.iter_mut().for_each(|reached| reached.renumber(&kept));
        self.last = kept.iter().map(|old| self.last[*old as usize]).collect();
        if let Some(noted) = &mut self.noted {
            noted.keys.renumber(&kept)?;
        }
        self.kept_keys = kept.len();
        Ok(())
    }
}

impl State for OverState {
    fn held(&self) -> Held {
        let reached: usize = self.reached.iter().map(Reached::memory_size).sum();
        let noted = self.noted.as_ref().map_or(0, Noted::memory_size);
        Held {
            rows: self.waiting.rows() + self.history.rows(),
            bytes: self.waiting.memory_size() + self.keys.memory_size() + self.history.memory_size() + reached + self.last.capacity() * 8 + noted,
            // What is looked back at has come out itself.
            oldest: self.waiting.since(),
            watermark: self.time,
        }
    }

    fn track(&mut self) {
        self.noted.get_or_insert_default();
    }

    fn changes(&mut self) -> Result<Changes> {
        self.save()
    }

    fn restore(&mut self, changes: &Changes) -> Result<()> {
        self.take_back(changes)
    }
}

/// The rows with their keys, in order.
fn rows_of(ordered: &Ordered) -> impl Iterator<Item = (usize, usize)> {
    ordered.parts.iter().flat_map(|part| ordered.rows[part.begin..part.end].iter().map(|row| (part.key, *row as usize)))
}
