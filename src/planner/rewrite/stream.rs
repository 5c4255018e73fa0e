//! One pass from the root along the stream path.
//!
//! A join whose sides both have event times, and that bounds their difference, keeps rows of both. Any other one has a stream and a table. The stream is the side that reads a
//! source without end; if neither does, the left one. The table is planned by DataFusion as it stands, loaded before the first row, and kept.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, NullEquality};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, Extension, FetchType, Join, LogicalPlan, SkipType, TableScan};

use super::bounded::{first_unbounded, read_as_table, reads};
use super::over;
use super::refusal::Refused;
use super::time_bounds::{self, Found};
use super::times::{self, SourceTimes, TimedSource, Times};
use super::updates;
use crate::catalog::SourceTable;
use crate::error::Error;
use crate::operators::event_time::{SourceTime, Timeline};
use crate::operators::session_aggregate::SessionTime;
use crate::planner::job_plan::{Results, TableInput};
use crate::planner::logical::{IntervalJoinNode, LimitNode, LookupJoinNode, OnceNode, SessionCall, SessionNode, WindowAggregateNode};

/// What a rewriting needs to know.
#[derive(Clone, Copy, Debug)]
pub(in crate::planner) struct Rewrite<'a> {
    /// The sources of the statement.
    pub tables: &'a [TableInput],
    /// Their times.
    pub times: &'a SourceTimes,
    /// What the job says about state.
    pub settings: StateSettings,
}

/// What a job says about what is kept, and when it comes out.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::planner) struct StateSettings {
    /// When results come out.
    pub results: Results,
    /// A key without rows for longer begins anew; microseconds.
    pub ttl: Option<i64>,
}

/// A part of a plan, and how far its columns have come.
pub(super) struct Streamed {
    pub plan: LogicalPlan,
    pub times: Times,
}

impl Streamed {
    fn without_time(plan: LogicalPlan) -> Self {
        let times = Times::nothing(plan.schema().fields().len());
        Self { plan, times }
    }
}

/// A statement's plan for execution in epochs.
pub(in crate::planner) struct Rewritten {
    pub plan: LogicalPlan,
    /// How far the columns of its result have come.
    pub times: Vec<Option<Timeline>>,
    /// Rows that come out later take the place of earlier ones that are the same in these columns.
    pub updates: Option<Vec<usize>>,
}

/// Rewrites the optimised plan of a statement for execution in epochs.
pub(in crate::planner) fn rewrite(plan: LogicalPlan, context: Rewrite<'_>) -> Result<Rewritten> {
    if let Some((plan, updates)) = updates::plan(&plan, context)? {
        let times = vec![None; plan.schema().fields().len()];
        return Ok(Rewritten { plan, times, updates: Some(updates) });
    }
    if context.settings.results.early {
        return Err(Refused::Early.error());
    }
    let Streamed { plan, times } = context.part(plan)?;
    let times = (0..plan.schema().fields().len()).map(|column| times.of(column).cloned()).collect();
    Ok(Rewritten { plan, times, updates: None })
}

impl Rewrite<'_> {
    pub(super) fn part(self, plan: LogicalPlan) -> Result<Streamed> {
        if !reads(&plan)?.sources {
            return Ok(Streamed::without_time(extension(OnceNode { plan: Arc::new(plan) })));
        }
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Unnest(_) => {
                if has_subquery(&plan)? {
                    return Err(Refused::Subquery.error());
                }
                self.row_wise(plan)
            }
            LogicalPlan::Union(_) => self.row_wise(plan),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Limit(limit) => {
                let (SkipType::Literal(skip), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?) else {
                    return Err(Refused::Other("LIMIT with an expression").error());
                };
                let input = self.part(Arc::unwrap_or_clone(limit.input))?;
                Ok(Streamed { plan: extension(LimitNode { input: input.plan, skip, fetch: fetch.unwrap_or(usize::MAX) }), times: input.times })
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Distinct(_) => Err(Refused::Distinct.error()),
            LogicalPlan::Window(window) => {
                let input = self.part(window.input.as_ref().clone())?;
                let (node, times) = over::plan(window, input.plan, &input.times, self)?;
                Ok(Streamed { plan: extension(node), times })
            }
            LogicalPlan::Sort(_) => Err(Refused::Sort.error()),
            LogicalPlan::RecursiveQuery(_) => Err(Refused::Recursive.error()),
            LogicalPlan::Repartition(_) => Err(Refused::Other("REPARTITION").error()),
            LogicalPlan::Subquery(_) => Err(Refused::Subquery.error()),
            LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<SessionNode>() {
                Some(node) => self.sessions(node),
                None => Err(Refused::Other("this form").error()),
            },
            _ => Err(Refused::Other("this form").error()),
        }
    }

    fn scan(self, scan: TableScan) -> Result<Streamed> {
        let provider = source_as_provider(&scan.source)?;
        let input = provider.as_any().downcast_ref::<SourceTable>().and_then(|table| self.tables.iter().find(|input| input.name == *table.name()));
        let Some(input) = input else { return Ok(Streamed::without_time(LogicalPlan::TableScan(scan))) };
        let source = TimedSource { name: &input.name, column: input.event_time.as_deref(), columns: &input.schema, times: &input.column_times };
        let times = times::of_scan(&scan, source, self.times);
        Ok(Streamed { plan: LogicalPlan::TableScan(scan), times })
    }

    fn row_wise(self, plan: LogicalPlan) -> Result<Streamed> {
        let mut inputs = Vec::new();
        let plan = plan
            .map_children(|child| {
                let child = self.part(child)?;
                inputs.push(child.times);
                Ok(Transformed::yes(child.plan))
            })
            .data()?;
        let times = times::above(&plan, &inputs);
        Ok(Streamed { plan, times })
    }

    /// Groups that a window of time closes.
    fn aggregate(self, aggregate: Aggregate) -> Result<Streamed> {
        let input = self.part(aggregate.input.as_ref().clone())?;
        let schema = input.plan.schema();
        let window = aggregate.group_expr.iter().enumerate().find_map(|(at, group)| Some((at, input.times.of_expression(group, schema)?.timeline)));
        let Some((window, timeline)) = window else {
            // The optimiser turns DISTINCT into an aggregate without aggregate functions.
            return Err(if aggregate.aggr_expr.is_empty() { Refused::Distinct.error() } else { Refused::Aggregate.error() });
        };
        let times = times::of_groups(aggregate.schema.fields().len(), [(window, timeline.clone())]);
        Ok(Streamed { plan: extension(WindowAggregateNode { input: input.plan, window, timeline, aggregate }), times })
    }

    /// Groups that a gap of time closes.
    fn sessions(self, node: &SessionNode) -> Result<Streamed> {
        let Aggregate { input, group_expr, aggr_expr, schema, .. } = node.aggregate.clone();
        let input = self.part(Arc::unwrap_or_clone(input))?;
        let rows = node.calls().next().and_then(|call| input.times.of_expression(call.instant, input.plan.schema()));
        let rows = rows.ok_or_else(|| Refused::Aggregate.error())?.timeline;
        let beginnings = Arc::new(SourceTime::default());
        let windows = group_expr.iter().enumerate().filter_map(|(at, group)| {
            // A session ends after the time that has been reached, else it would have come out.
            let timeline = if SessionCall::of(group)?.is_end { rows.clone().shifted(1) } else { Timeline::Source(Arc::clone(&beginnings)) };
            Some((at, timeline))
        });
        let times = times::of_groups(schema.fields().len(), windows);
        let aggregate = Aggregate::try_new_with_schema(Arc::new(input.plan), group_expr, aggr_expr, schema)?;
        Ok(Streamed { plan: extension(SessionNode { aggregate, time: Some(SessionTime { rows, beginnings }) }), times })
    }

    fn join(self, join: Join) -> Result<Streamed> {
        // EXCEPT and INTERSECT are joins in which NULL equals NULL over a DISTINCT; DISTINCT itself is refused further down.
        let (left, right) = (reads(&join.left)?, reads(&join.right)?);
        let stream_is_left = match (left.unbounded, right.unbounded) {
            (true, true) => true,
            (false, true) => false,
            (true, false) => true,
            (false, false) => left.sources || !right.sources,
        };
        let (stream, table) = if stream_is_left { (&join.left, &join.right) } else { (&join.right, &join.left) };
        let stream = self.part(stream.as_ref().clone()).map_err(|error| if is_set_operation(&join) { Refused::SetOperation.error() } else { error })?;
        let both_endless = left.unbounded && right.unbounded;
        let in_time = join.null_equality == NullEquality::NullEqualsNothing && !join.null_aware && stream.times.has_any() && self.has_time(table)?;
        let other = match in_time.then(|| self.part(table.as_ref().clone())) {
            Some(Ok(other)) => Some(other),
            // What can't be a stream is a table, unless it has no end.
            Some(Err(error)) if both_endless => return Err(error),
            _ => None,
        };
        let stream = match other {
            Some(other) => {
                let (left, right) = if stream_is_left { (stream, other) } else { (other, stream) };
                match time_bounds::find(&join, &left.times, &right.times, None) {
                    Some(found) => return Ok(interval_join(join, left, right, found)),
                    None if stream_is_left => left,
                    None => right,
                }
            }
            None => stream,
        };
        if both_endless {
            self.times.note_open_join();
            return Err(stream_join(&join)?);
        }
        let bytes = self.tables.iter().map(|table| table.bytes).max().unwrap_or(0);
        let table = Arc::new(read_as_table(table.as_ref().clone(), bytes)?);
        let of_table = Times::nothing(table.schema().fields().len());
        let (left, right) = if stream_is_left { (stream.times, of_table) } else { (of_table, stream.times) };
        let times = output_times(&join, left, right, (0, 0), None);
        Ok(Streamed { plan: extension(LookupJoinNode { stream: stream.plan, table, stream_is_left, join }), times })
    }

    /// Whether a source of a plan has event times, and none is to be loaded again and again, as only tables are.
    fn has_time(self, plan: &LogicalPlan) -> Result<bool> {
        let (mut found, mut refreshed) = (false, false);
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                found |= self.scan(scan.clone())?.times.has_any();
                refreshed |= self.tables.iter().any(|table| *table.name == *scan.table_name.table() && table.refresh_interval.is_some());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(found && !refreshed)
    }
}

fn interval_join(join: Join, left: Streamed, right: Streamed, found: Found) -> Streamed {
    let (Some(of_left), Some(of_right)) = (left.times.of(found.columns.0).cloned(), right.times.of(found.columns.1).cloned()) else {
        return Streamed::without_time(LogicalPlan::Join(join));
    };
    // A row that is still to come out has a row that is still to come in it: the partner of the left row is not later than `upper` after it, the one of the right row not earlier
    // than `lower` after that.
    let bounds = found.bounds;
    let left_times = left.times.held_back(found.columns.0, &of_right, bounds.upper);
    let right_times = right.times.held_back(found.columns.1, &of_left, bounds.lower.saturating_neg());
    let times = output_times(&join, left_times, right_times, found.columns, Some((bounds.lower, bounds.upper)));
    let node = IntervalJoinNode { left: left.plan, right: right.plan, columns: found.columns, timelines: (of_left, of_right), bounds, rest: found.rest, join };
    Streamed { plan: extension(node), times }
}

/// The times of a join's columns from those of its sides.
fn output_times(join: &Join, left: Times, right: Times, columns: (usize, usize), gap: Option<(i64, i64)>) -> Times {
    let times = match join.join_type {
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => left.beside(right, columns, gap),
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left,
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right,
    };
    times.resized(join.schema.fields().len())
}

fn has_subquery(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    for expression in plan.expressions() {
        found |= expression.exists(|e| Ok(matches!(e, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_))))?;
    }
    Ok(found)
}

fn is_set_operation(join: &Join) -> bool {
    join.null_equality == NullEquality::NullEqualsNull && matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
}

fn stream_join(join: &Join) -> Result<datafusion::error::DataFusionError> {
    let names = [first_unbounded(&join.left)?, first_unbounded(&join.right)?];
    let names: Vec<String> = names.into_iter().flatten().map(|name| format!("'{name}'")).collect();
    let datafusion::error::DataFusionError::External(inner) = Refused::StreamJoin.error() else { return Ok(Refused::StreamJoin.error()) };
    Ok(match inner.downcast::<Error>() {
        Ok(error) => datafusion::error::DataFusionError::External(Box::new(error.context(format!("join of {}", names.join(" and "))))),
        Err(other) => datafusion::error::DataFusionError::External(other),
    })
}

pub(super) fn extension<N: datafusion::logical_expr::UserDefinedLogicalNodeCore>(node: N) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(node) })
}
