//! Event time as a property of relations: which columns of a plan hold instants of which it is known how far they have come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, TableScan};
use parking_lot::Mutex;

use super::instants::{Window, constant_of, shift_of, window_of};
use crate::catalog::HiddenColumn;
use crate::operators::event_time::{SourceTime, Timeline};

/// What is known about the times of a plan's columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    /// For each column how far it has come.
    columns: Vec<Option<Timeline>>,
    /// For two columns with times, by how much the second is later in one row: at least, at most. Every pair that follows from others is there too.
    gaps: BTreeMap<(usize, usize), (i64, i64)>,
}

impl Times {
    /// `count` columns of which nothing is known.
    pub(super) fn nothing(count: usize) -> Self {
        Self { columns: vec![None; count], gaps: BTreeMap::new() }
    }

    /// How far a column has come.
    pub(super) fn of(&self, column: usize) -> Option<&Timeline> {
        self.columns.get(column)?.as_ref()
    }

    /// Whether the time of any column is known.
    pub(super) fn has_any(&self) -> bool {
        self.columns.iter().any(Option::is_some)
    }

    fn gap(&self, from: usize, to: usize) -> Option<(i64, i64)> {
        if from == to { Some((0, 0)) } else { self.gaps.get(&(from, to)).copied() }
    }

    /// The times of rows that are held back until `other` has come so far that the time of `column` lies `by` before it. Of other columns it must be known how far they are from
    /// that one; else nothing is known of them any more.
    pub(super) fn held_back(&self, column: usize, other: &Timeline, by: i64) -> Self {
        let held = |at: usize| {
            let (least, _) = self.gap(column, at)?;
            Some(self.of(at)?.clone().least(other.clone().shifted(least.saturating_sub(by))))
        };
        Self { columns: (0..self.columns.len()).map(held).collect(), gaps: self.gaps.clone() }
    }

    /// The columns of both, of which `gap` says by how much the right one's `columns.1` is later than the left one's `columns.0`.
    pub(super) fn beside(self, right: Self, columns: (usize, usize), gap: Option<(i64, i64)>) -> Self {
        let count = self.columns.len();
        let mut gaps = self.gaps.clone();
        gaps.extend(right.gaps.iter().map(|((from, to), gap)| ((from + count, to + count), *gap)));
        if let Some((least, most)) = gap {
            let ends: Vec<(usize, usize)> = (0..count).flat_map(|left| (0..right.columns.len()).map(move |right| (left, right))).collect();
            for (from, to) in ends {
                let (Some(before), Some(after)) = (self.gap(from, columns.0), right.gap(columns.1, to)) else { continue };
                let sum = |a: i64, b: i64, c: i64| a.saturating_add(b).saturating_add(c);
                let (least, most) = (sum(before.0, least, after.0), sum(before.1, most, after.1));
                gaps.insert((from, to + count), (least, most));
                gaps.insert((to + count, from), (most.saturating_neg(), least.saturating_neg()));
            }
        }
        Self { columns: [self.columns, right.columns].concat(), gaps }
    }

    /// The first columns, or those of them and some more of which nothing is known.
    pub(super) fn resized(mut self, count: usize) -> Self {
        self.columns.resize(count, None);
        self.gaps.retain(|(from, to), _| *from < count && *to < count);
        self
    }

    /// Columns made of others.
    fn picked(&self, picks: &[Option<Pick>]) -> Self {
        let columns = picks.iter().map(|pick| pick.as_ref().map(|pick| pick.timeline.clone())).collect();
        let timed: Vec<(usize, &Pick)> = picks.iter().enumerate().filter_map(|(own, pick)| Some((own, pick.as_ref()?))).collect();
        let mut gaps = BTreeMap::new();
        for (from, of) in &timed {
            for (to, other) in timed.iter().filter(|(to, _)| to != from) {
                if let Some((least, most)) = self.gap(of.column, other.column) {
                    let least = least.saturating_add(other.later.0).saturating_sub(of.later.1);
                    gaps.insert((*from, *to), (least, most.saturating_add(other.later.1).saturating_sub(of.later.0)));
                }
            }
        }
        Self { columns, gaps }
    }

    /// What is known of an expression over the columns.
    pub(super) fn of_expression(&self, expr: &Expr, input: &DFSchema) -> Option<Pick> {
        if let Some((column, shift)) = shift_of(expr) {
            let column = input.maybe_index_of_column(column)?;
            return Some(Pick { column, later: (shift, shift), timeline: self.of(column)?.clone().shifted(shift) });
        }
        match expr {
            Expr::Alias(alias) => self.of_expression(&alias.expr, input),
            Expr::Cast(cast) if matches!(cast.data_type, DataType::Timestamp(TimeUnit::Microsecond, _)) => self.of_expression(&cast.expr, input),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let shift = match op {
                    Operator::Plus => constant_of(right)?,
                    Operator::Minus => constant_of(right)?.checked_neg()?,
                    _ => return None,
                };
                Some(self.of_expression(left, input)?.shifted(shift))
            }
            Expr::ScalarFunction(call) => {
                let (instant, window) = window_of(call)?;
                Some(self.of_expression(instant, input)?.in_window(window))
            }
            _ => None,
        }
    }
}

/// A column that is made of another one.
#[derive(Clone, Debug)]
pub(super) struct Pick {
    /// The other one.
    column: usize,
    /// By how much it is later: at least, at most.
    later: (i64, i64),
    /// How far it has come.
    pub timeline: Timeline,
}

impl Pick {
    /// The other column.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// By how much it may be later than that.
    pub(super) fn at_most(&self) -> i64 {
        self.later.1
    }

    fn shifted(self, by: i64) -> Self {
        let later = (self.later.0.saturating_add(by), self.later.1.saturating_add(by));
        Self { later, timeline: self.timeline.shifted(by), ..self }
    }

    fn in_window(self, window: Window) -> Self {
        let Window { bins, size } = window;
        let later = (self.later.0.saturating_sub(size - 1), self.later.1);
        // The first window that a row to come may belong to: it ends after the row.
        let timeline = match size == bins.size {
            true => self.timeline.binned(bins),
            false => self.timeline.shifted(size.saturating_neg()).binned(bins).shifted(bins.size),
        };
        Self { later, timeline, ..self }
    }
}

/// The times of a statement's sources, made as plans ask for them.
#[derive(Debug, Default)]
pub(in crate::planner) struct SourceTimes {
    times: Mutex<BTreeMap<Arc<str>, Arc<SourceTime>>>,
    open_join: AtomicBool,
}

impl SourceTimes {
    /// The time of a source.
    pub(super) fn of(&self, source: &Arc<str>) -> Arc<SourceTime> {
        Arc::clone(self.times.lock().entry(Arc::clone(source)).or_default())
    }

    /// A join of two endless streams says nothing about time.
    pub(super) fn note_open_join(&self) {
        self.open_join.store(true, Ordering::Relaxed);
    }

    /// Whether one does.
    pub(in crate::planner) fn has_open_join(&self) -> bool {
        self.open_join.load(Ordering::Relaxed)
    }

    /// Those that plans have asked for.
    pub(in crate::planner) fn all(&self) -> Vec<(Arc<str>, Arc<SourceTime>)> {
        self.times.lock().iter().map(|(name, time)| (Arc::clone(name), Arc::clone(time))).collect()
    }
}

/// Where the event time of a source is found: its name, and the column that its setting names.
#[derive(Clone, Copy, Debug)]
pub(in crate::planner) struct TimedSource<'a> {
    /// Name of the source.
    pub name: &'a Arc<str>,
    /// The visible column that holds its event time.
    pub column: Option<&'a str>,
    /// Its visible columns.
    pub columns: &'a SchemaRef,
    /// How far these have come, if the source is a stream of another statement.
    pub times: &'a [Option<Timeline>],
}

/// The times of groups of which some tell of a window: nothing is known of the others.
pub(super) fn of_groups(columns: usize, windows: impl IntoIterator<Item = (usize, Timeline)>) -> Times {
    let mut times = Times::nothing(columns);
    for (window, timeline) in windows {
        times.columns[window] = Some(timeline);
    }
    times
}

/// The times of a scan.
pub(super) fn of_scan(scan: &TableScan, source: TimedSource<'_>, times: &SourceTimes) -> Times {
    let is_time = |name: &str, data_type: &DataType| {
        name == HiddenColumn::EventTime.name() || (source.column == Some(name) && matches!(data_type, DataType::Timestamp(..)))
    };
    let fields = scan.projected_schema.fields();
    if !source.times.is_empty() {
        let of_stream = |name: &str| source.times.get(source.columns.index_of(name).ok()?)?.clone();
        return Times { columns: fields.iter().map(|field| of_stream(field.name())).collect(), gaps: BTreeMap::new() };
    }
    let columns: Vec<_> = fields.iter().map(|field| is_time(field.name(), field.data_type()).then(|| Timeline::Source(times.of(source.name)))).collect();
    let timed: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].is_some()).collect();
    // The hidden column and the one that it is made of are the same.
    let gaps = timed.iter().flat_map(|from| timed.iter().map(|to| ((*from, *to), (0, 0)))).collect();
    Times { columns, gaps }
}

/// The times of a plan that works row by row, from those of its inputs.
pub(super) fn above(plan: &LogicalPlan, inputs: &[Times]) -> Times {
    match (plan, inputs) {
        (LogicalPlan::Projection(projection), [input]) => {
            let schema = projection.input.schema();
            input.picked(&projection.expr.iter().map(|expr| input.of_expression(expr, schema)).collect::<Vec<_>>())
        }
        (LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Limit(_), [input]) => input.clone(),
        (LogicalPlan::Union(union), [first, rest @ ..]) => {
            let least = |column: usize| rest.iter().try_fold(first.of(column)?.clone(), |least, other| Some(least.least(other.of(column)?.clone())));
            Times { columns: (0..union.schema.fields().len()).map(least).collect(), gaps: BTreeMap::new() }
        }
        (LogicalPlan::Unnest(unnest), [input]) => {
            // The only lists with times are those of windows.
            let pick = |column: usize| {
                let at = *unnest.dependency_indices.get(column)?;
                Some(Pick { column: at, later: (0, 0), timeline: input.of(at)?.clone() })
            };
            input.picked(&(0..unnest.schema.fields().len()).map(pick).collect::<Vec<_>>())
        }
        _ => Times::nothing(plan.schema().fields().len()),
    }
}
