//! `OVER (…)`: when its rows can come out, and what must be kept for them.

use datafusion::common::{Column, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::NullTreatment;
use datafusion::logical_expr::expr::{Sort, WindowFunction};
use datafusion::logical_expr::{Expr, LogicalPlan, Window, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition};

use super::instants::constant_of;
use super::stream::Rewrite;
use super::times::{Pick, Times};
use super::updates::{column_of, of_sources};
use crate::error::Error;
use crate::operators::over::{LookBack, Release};
use crate::planner::logical::{OverCall, OverNode, function_of};
use crate::planner::total_order::impossible;

/// Functions over `input`, of which the times are known; and the times of their result.
pub(super) fn plan(window: Window, input: LogicalPlan, times: &Times, context: Rewrite<'_>) -> Result<(OverNode, Times)> {
    let functions: Vec<&WindowFunction> = window.window_expr.iter().filter_map(function_of).collect();
    let Some(first) = functions.first() else { return Err(refused("this form of OVER can't be run over a stream", BATCH.to_owned())) };
    let (partition, order) = (&first.params.partition_by, &first.params.order_by);
    let schema = input.schema();
    let whole = partition.iter().enumerate().find_map(|(at, key)| Some((at, times.of_expression(key, schema)?)));
    let in_time = order.first().filter(|sort| sort.asc && !sort.nulls_first).and_then(|sort| times.of_expression(&sort.expr, schema));
    // Rows that wait come out not earlier than in the order of the time that they wait for.
    let held_back = |pick: &Pick| times.held_back(pick.column(), &pick.timeline, pick.at_most()).resized(window.schema.fields().len());
    if let Some((at, pick)) = whole {
        // All rows of the partition come out at once, when its time is over.
        let (times, calls) = (held_back(&pick), vec![OverCall::Framed; functions.len()]);
        return Ok((
            OverNode { release: Release::WholePartitions(at, pick.timeline), calls, look_back: LookBack::default(), ttl: None, clock: None, input, window },
            times,
        ));
    }
    let (release, times) = match in_time {
        Some(pick) if !context.settings.results.arrival => {
            let times = held_back(&pick);
            (Release::InOrder(pick.timeline), times)
        }
        _ if context.settings.results.arrival => (Release::AsTheyCome, times.clone().resized(window.schema.fields().len())),
        _ => {
            return Err(unordered(order, &input, |source, column| {
                context.tables.iter().any(|table| *table.name == *source && table.event_time.as_deref() == Some(column))
            }));
        }
    };
    let mut look_back = LookBack::default();
    let mut calls = Vec::with_capacity(functions.len());
    for function in &functions {
        let (call, own) = classify(function, &release)?;
        look_back = look_back.and(own);
        calls.push(call);
    }
    let ttl = context.settings.ttl;
    let clock = if ttl.is_some() && release == Release::AsTheyCome { of_sources(&window.input, context)? } else { None };
    Ok((OverNode { release, calls, look_back, ttl, clock, input, window }, times))
}

const BATCH: &str = "run it over bounded sources with 'execution.mode' = 'batch'";

fn refused(what: impl Into<String>, instead: String) -> DataFusionError {
    DataFusionError::External(Box::new(Error::sql(what).with_help(instead)))
}

/// Rows are ordered by something of which it is not known how far it has come.
fn unordered(order: &[Sort], input: &LogicalPlan, is_event_time: impl Fn(&str, &str) -> bool) -> DataFusionError {
    const EVENT_TIME: &str = "order by the column that '<source>.event_time' names";
    const WHAT: &str = "OVER (…) over a stream needs rows in the order of their event times";
    let Some(sort) = order.first() else {
        return refused(
            "OVER (…) without ORDER BY would wait for the end of the stream",
            format!("add ORDER BY the event time, partition by a window of it, or {BATCH}"),
        );
    };
    if let Expr::Column(column) = &sort.expr
        && (!sort.asc || sort.nulls_first)
        && source_of(column, input).is_some()
    {
        let what = if sort.asc {
            "OVER (… ORDER BY … NULLS FIRST) over a stream would wait for rows without a time"
        } else {
            "OVER (… ORDER BY … DESC) over a stream would need the rows that are still to come"
        };
        let instead = if sort.asc { "write NULLS LAST" } else { "order ascending" };
        return refused(what, format!("{instead}, partition by a window of the event time, or {BATCH}"));
    }
    let instead = match &sort.expr {
        Expr::Column(column) => match source_of(column, input) {
            // As a number it is an event time, and no instant.
            Some(source) if is_event_time(&source, &column.name) => "order by _event_time".to_owned(),
            Some(source) => format!("add '{source}.event_time' = '{}'", column.name),
            None => EVENT_TIME.to_owned(),
        },
        _ => EVENT_TIME.to_owned(),
    };
    refused(WHAT, format!("{instead}, or 'over.order' = 'arrival' to take rows as they come, or {BATCH}"))
}

/// The source that a column of a plan comes from unchanged.
fn source_of(column: &Column, plan: &LogicalPlan) -> Option<String> {
    match plan {
        LogicalPlan::TableScan(scan) => scan.projected_schema.maybe_index_of_column(column).map(|_| scan.table_name.table().to_owned()),
        LogicalPlan::Projection(projection) => {
            let at = projection.schema.maybe_index_of_column(column)?;
            source_of(column_of(projection.expr.get(at)?)?, &projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let at = alias.schema.maybe_index_of_column(column)?;
            source_of(&Column::from(alias.input.schema().qualified_field(at)), &alias.input)
        }
        other => other.inputs().into_iter().filter(|input| input.schema().has_column(column)).find_map(|input| source_of(column, input)),
    }
}

/// How a function is computed row by row, and what of the rows before it must be kept.
fn classify(function: &WindowFunction, release: &Release) -> Result<(OverCall, LookBack)> {
    let (name, params) = (function.fun.name().to_lowercase(), &function.params);
    let nothing = LookBack::default();
    let ignores_nulls = params.null_treatment == Some(NullTreatment::IgnoreNulls);
    if let WindowFunctionDefinition::WindowUDF(_) = &function.fun {
        match name.as_str() {
            "row_number" => return Ok((OverCall::RowNumber, nothing)),
            "rank" => return Ok((OverCall::Rank, nothing)),
            "dense_rank" => return Ok((OverCall::DenseRank, nothing)),
            "lag" | "lead" if ignores_nulls => {
                return Err(refused(format!("{name} with IGNORE NULLS can't be run over a stream"), format!("filter the NULLs in a subquery, or {BATCH}")));
            }
            "lag" | "lead" => return lag(&name, &params.args),
            "first_value" | "last_value" | "nth_value" => {}
            _ => return Err(ahead(&name)),
        }
    }
    let frame = &params.window_frame;
    let own_span = span(&frame.start_bound);
    let rows = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(value) => value.cast_to(&arrow::datatypes::DataType::UInt64).ok().and_then(|value| match value {
            ScalarValue::UInt64(count) => count.and_then(|count| usize::try_from(count).ok()),
            _ => None,
        }),
        WindowFrameBound::CurrentRow => Some(0),
        WindowFrameBound::Following(_) => None,
    };
    if matches!(frame.end_bound, WindowFrameBound::Following(_)) {
        return Err(ahead(&name));
    }
    if let Some((what, instead)) = impossible(function) {
        return Err(refused(what, instead.to_owned()));
    }
    if !frame.start_bound.is_unbounded() {
        let look_back = match frame.units {
            WindowFrameUnits::Rows => rows(&frame.start_bound).map(|rows| LookBack { rows, ..nothing }),
            WindowFrameUnits::Range if matches!(frame.start_bound, WindowFrameBound::CurrentRow) => Some(nothing),
            WindowFrameUnits::Range if matches!(release, Release::InOrder(_)) => own_span.map(|span| LookBack { span: Some(span), ..nothing }),
            _ => None,
        };
        return match look_back {
            Some(look_back) => Ok((OverCall::Framed, look_back)),
            None if frame.units == WindowFrameUnits::Range && matches!(release, Release::AsTheyCome) => Err(refused(
                format!("a RANGE frame of {name} needs rows in the order of their times"),
                format!("add 'over.order' = 'event_time', write ROWS n PRECEDING, or {BATCH}"),
            )),
            None => Err(refused(
                format!("the frame of {name} can't be run over a stream"),
                format!("write ROWS n PRECEDING, or RANGE with an interval of days or less over the event time, or {BATCH}"),
            )),
        };
    }
    let whole_so_far = frame.end_bound == WindowFrameBound::CurrentRow;
    match (&function.fun, name.as_str()) {
        (WindowFunctionDefinition::AggregateUDF(_), _) if whole_so_far => Ok((OverCall::Running { peers: frame.units != WindowFrameUnits::Rows }, nothing)),
        (_, "first_value" | "nth_value" | "last_value") if whole_so_far && !ignores_nulls => {
            let first = match name.as_str() {
                "last_value" => 0,
                "first_value" => 1,
                _ => params.args.get(1).and_then(offset_of).and_then(|offset| usize::try_from(offset).ok()).ok_or_else(|| ahead(&name))?,
            };
            Ok((OverCall::Framed, LookBack { first, ..nothing }))
        }
        _ => Err(refused(
            format!("the frame of {name} would keep all rows of the stream"),
            format!("write ROWS n PRECEDING or RANGE with an interval, or {BATCH}"),
        )),
    }
}

/// What would need rows that are still to come.
fn ahead(name: &str) -> DataFusionError {
    refused(format!("{name} over this frame needs rows that are still to come"), format!("look back, partition by a window of the event time, or {BATCH}"))
}

fn offset_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(value, _) => match value.cast_to(&arrow::datatypes::DataType::Int64).ok()? {
            ScalarValue::Int64(offset) => offset,
            _ => None,
        },
        Expr::Negative(inner) => offset_of(inner)?.checked_neg(),
        Expr::Alias(alias) => offset_of(&alias.expr),
        Expr::Cast(cast) => offset_of(&cast.expr),
        _ => None,
    }
}

fn lag(name: &str, arguments: &[Expr]) -> Result<(OverCall, LookBack)> {
    let constant = || refused(format!("the offset of {name} must be a constant"), "write a whole number".to_owned());
    let offset = arguments.get(1).map_or(Ok(1), |offset| offset_of(offset).ok_or_else(constant))?;
    let back = if name == "lag" { offset } else { offset.saturating_neg() };
    let Ok(offset) = usize::try_from(back) else { return Err(ahead(name)) };
    let default = match arguments.get(2) {
        None => ScalarValue::Null,
        Some(Expr::Literal(value, _)) => value.clone(),
        Some(_) => return Err(refused(format!("the third argument of {name} must be a constant"), "use COALESCE around it".to_owned())),
    };
    Ok((OverCall::Lag { offset, default }, LookBack { rows: offset, ..LookBack::default() }))
}

/// The time that a RANGE frame reaches back.
fn span(bound: &WindowFrameBound) -> Option<i64> {
    let WindowFrameBound::Preceding(value) = bound else { return None };
    // Below a microsecond is rounded up.
    constant_of(&Expr::Literal(value.clone(), None)).filter(|span| *span >= 0)
}
