//! The nodes' operators.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::common::{DFSchema, DFSchemaRef, NullEquality};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::CastExpr;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::window::PlainAggregateWindowExpr;
use datafusion::physical_expr_common::sort_expr::PhysicalSortExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateMode, aggregate_expressions};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner, create_aggregate_expr_and_maybe_filter, create_window_expr};

use super::{IntervalJoinNode, LimitNode, LookupJoinNode, OnceNode, OverCall, OverNode, SessionCall, SessionNode, UpdateAggregateNode, WindowAggregateNode};
use crate::error::Error;
use crate::functions::session_gap;
use crate::operators::guard::RowFaults;
use crate::operators::interval_join::{IntervalJoinExec, IntervalJoinSpec, JoinSide, Residual, SideSpec};
use crate::operators::limit::{LimitState, StreamLimitExec};
use crate::operators::lookup_join::{LookupJoinExec, LookupKind, LookupSpec, ResidualFilter, Side};
use crate::operators::once::OnceExec;
use crate::operators::over::{Function, OverExec, OverSpec};
use crate::operators::session_aggregate::{SessionAggregateExec, SessionAggregateSpec, SessionGroup};
use crate::operators::update_aggregate::{Idle, UpdateAggregateExec, UpdateAggregateSpec};
use crate::operators::window_aggregate::{Aggregate, WindowAggregateExec, WindowAggregateSpec};
use crate::planner::exact::checked;

/// Plans the nodes of this folder.
#[derive(Debug)]
pub(in crate::planner) struct StreamNodePlanner {
    /// The job's failing rows.
    pub faults: Arc<RowFaults>,
}

#[async_trait]
impl ExtensionPlanner for StreamNodePlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        state: &SessionState,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let faults = || Arc::clone(&self.faults);
        if let Some(node) = node.as_any().downcast_ref::<LimitNode>()
            && let [input] = inputs
        {
            let limit = Arc::new(LimitState::new(node.skip, node.fetch));
            return Ok(Some(Arc::new(StreamLimitExec::new(Arc::clone(input), limit, faults()))));
        }
        if let Some(node) = node.as_any().downcast_ref::<OnceNode>() {
            let plan = planner.create_physical_plan(&node.plan, state).await?;
            return Ok(Some(Arc::new(OnceExec::new(plan, Arc::clone(&self.faults)))));
        }
        if let Some(node) = node.as_any().downcast_ref::<LookupJoinNode>()
            && let [stream] = inputs
        {
            let table = planner.create_physical_plan(&node.table, state).await?;
            let spec = spec(planner, node, state)?;
            let schema: SchemaRef = Arc::new(node.join.schema.as_arrow().clone());
            return Ok(Some(Arc::new(LookupJoinExec::new(Arc::clone(stream), table, spec, schema, faults()))));
        }
        if let Some(node) = node.as_any().downcast_ref::<IntervalJoinNode>()
            && let [left, right] = inputs
        {
            let spec = interval_spec(planner, node, state)?;
            let schema: SchemaRef = Arc::new(node.join.schema.as_arrow().clone());
            let name = format!("interval join ({})", node.join.join_type.to_string().to_uppercase());
            return Ok(Some(Arc::new(IntervalJoinExec::new(Arc::clone(left), Arc::clone(right), spec, schema, name, faults())?)));
        }
        if let Some(node) = node.as_any().downcast_ref::<WindowAggregateNode>()
            && let [input] = inputs
        {
            let spec = window_spec(planner, node, input, state)?;
            let schema: SchemaRef = Arc::new(node.aggregate.schema.as_arrow().clone());
            return Ok(Some(Arc::new(WindowAggregateExec::new(Arc::clone(input), spec, schema, "GROUP BY".to_owned(), faults())?)));
        }
        if let Some(node) = node.as_any().downcast_ref::<OverNode>()
            && let [input] = inputs
        {
            return Ok(Some(Arc::new(over(planner, node, input, state, faults())?)));
        }
        if let Some(node) = node.as_any().downcast_ref::<UpdateAggregateNode>()
            && let [input] = inputs
        {
            let spec = update_spec(planner, node, input, state)?;
            let schema: SchemaRef = Arc::new(node.aggregate.schema.as_arrow().clone());
            return Ok(Some(Arc::new(UpdateAggregateExec::new(Arc::clone(input), spec, schema, faults()))));
        }
        if let Some(node) = node.as_any().downcast_ref::<SessionNode>()
            && let [input] = inputs
        {
            let spec = session_spec(planner, node, input, state)?;
            let schema: SchemaRef = Arc::new(node.aggregate.schema.as_arrow().clone());
            return Ok(Some(Arc::new(SessionAggregateExec::new(Arc::clone(input), spec, schema, "GROUP BY".to_owned(), faults())?)));
        }
        Ok(None)
    }
}

fn over(planner: &dyn PhysicalPlanner, node: &OverNode, input: &Arc<dyn ExecutionPlan>, state: &SessionState, faults: Arc<RowFaults>) -> Result<OverExec> {
    let schema = node.input.schema();
    let expression = |expr: &Expr, schema: &DFSchema| checked(planner.create_physical_expr(expr, schema, state)?, schema.as_arrow());
    let mut read = std::collections::BTreeSet::new();
    for function in &node.window.window_expr {
        read.extend(function.column_refs().into_iter().filter_map(|column| schema.maybe_index_of_column(column)));
    }
    let read: Vec<usize> = read.into_iter().collect();
    // What is kept of a row are the columns that functions read.
    let kept = read.iter().map(|at| schema.qualified_field(*at)).map(|(table, field)| (table.cloned(), Arc::clone(field)));
    let kept = DFSchema::new_with_metadata(kept.collect(), schema.metadata().clone())?;
    let (mut functions, mut may_fail) = (Vec::new(), Vec::new());
    for (call, (function, expr)) in node.calls.iter().zip(node.functions().zip(&node.window.window_expr)) {
        let arguments = function.params.args.iter().map(|argument| expression(argument, &kept)).collect::<Result<Vec<_>>>()?;
        let all = function.params.args.iter().chain(function.params.filter.as_deref());
        may_fail.extend(
            all.filter(|argument| !matches!(argument, Expr::Column(_) | Expr::Literal(..)))
                .map(|argument| expression(argument, schema))
                .collect::<Result<Vec<_>>>()?,
        );
        let planned = create_window_expr(expr, &kept, state.execution_props())?;
        functions.push(match (call, arguments.first(), planned.as_any().downcast_ref::<PlainAggregateWindowExpr>()) {
            (OverCall::Lag { offset, default }, Some(value), _) => Function::Lag { value: Arc::clone(value), offset: *offset, default: default.clone() },
            (OverCall::RowNumber, ..) => Function::RowNumber,
            (OverCall::Rank, ..) => Function::Rank,
            (OverCall::DenseRank, ..) => Function::DenseRank,
            (OverCall::Running { peers }, _, Some(aggregate)) => Function::Running {
                aggregate: Arc::new(aggregate.get_aggregate_expr().clone()),
                arguments: planned.expressions(),
                filter: function.params.filter.as_deref().map(|filter| condition(expression(filter, &kept)?, kept.as_arrow())).transpose()?,
                peers: *peers,
            },
            _ => Function::framed(planned, function.params.filter.is_some()),
        });
    }
    let first = node.functions().next().map(|function| &function.params);
    let of_rows = first.into_iter().flat_map(|params| params.partition_by.iter().chain(params.order_by.iter().map(|sort| &sort.expr)));
    may_fail
        .extend(of_rows.filter(|expr| !matches!(expr, Expr::Column(_) | Expr::Literal(..))).map(|expr| expression(expr, schema)).collect::<Result<Vec<_>>>()?);
    let keys = first.into_iter().flat_map(|params| &params.partition_by).map(|key| expression(key, schema)).collect::<Result<_>>()?;
    let order = first.into_iter().flat_map(|params| &params.order_by).map(|sort| {
        let options = arrow::compute::SortOptions { descending: !sort.asc, nulls_first: sort.nulls_first };
        Ok(PhysicalSortExpr { expr: expression(&sort.expr, schema)?, options })
    });
    let spec = OverSpec {
        keys,
        order: order.collect::<Result<_>>()?,
        release: node.release.clone(),
        functions,
        read,
        look_back: node.look_back,
        ttl: node.ttl,
        clock: node.clock.clone(),
    };
    OverExec::new(Arc::clone(input), spec, may_fail, Arc::new(node.window.schema.as_arrow().clone()), faults)
}

fn window_spec(planner: &dyn PhysicalPlanner, node: &WindowAggregateNode, input: &Arc<dyn ExecutionPlan>, state: &SessionState) -> Result<WindowAggregateSpec> {
    let schema = node.input.schema();
    let group = |expr: &Expr| checked(planner.create_physical_expr(expr, schema, state)?, schema.as_arrow());
    Ok(WindowAggregateSpec {
        groups: node.aggregate.group_expr.iter().map(group).collect::<Result<_>>()?,
        window: node.window,
        timeline: node.timeline.clone(),
        aggregates: aggregates(&node.aggregate.aggr_expr, schema, input, state)?,
    })
}

fn update_spec(planner: &dyn PhysicalPlanner, node: &UpdateAggregateNode, input: &Arc<dyn ExecutionPlan>, state: &SessionState) -> Result<UpdateAggregateSpec> {
    let schema = node.input.schema();
    let group = |expr: &Expr| checked(planner.create_physical_expr(expr, schema, state)?, schema.as_arrow());
    Ok(UpdateAggregateSpec {
        groups: node.aggregate.group_expr.iter().map(group).collect::<Result<_>>()?,
        aggregates: aggregates(&node.aggregate.aggr_expr, schema, input, state)?,
        window: node.window.clone(),
        idle: node.ttl.zip(node.time.clone()).map(|(ttl, (column, timeline))| Idle { column, timeline, ttl }),
    })
}

fn session_spec(planner: &dyn PhysicalPlanner, node: &SessionNode, input: &Arc<dyn ExecutionPlan>, state: &SessionState) -> Result<SessionAggregateSpec> {
    let schema = node.aggregate.input.schema();
    let physical = |expr: &Expr| checked(planner.create_physical_expr(expr, schema, state)?, schema.as_arrow());
    let group = |expr: &Expr| match SessionCall::of(expr) {
        Some(call) if call.is_end => Ok(SessionGroup::End),
        Some(_) => Ok(SessionGroup::Beginning),
        None => physical(expr).map(SessionGroup::Key),
    };
    let Some(call) = node.calls().next() else { return Err(DataFusionError::Internal("no session".to_owned())) };
    Ok(SessionAggregateSpec {
        instant: physical(call.instant)?,
        gap: session_gap(call.gap)?,
        groups: node.aggregate.group_expr.iter().map(group).collect::<Result<_>>()?,
        time: node.time.clone(),
        aggregates: aggregates(&node.aggregate.aggr_expr, schema, input, state)?,
    })
}

fn aggregates(expressions: &[Expr], schema: &DFSchemaRef, input: &Arc<dyn ExecutionPlan>, state: &SessionState) -> Result<Vec<Aggregate>> {
    let aggregate = |expr: &Expr| {
        let (function, filter, _) = create_aggregate_expr_and_maybe_filter(expr, schema, &input.schema(), state.execution_props())?;
        // string_agg orders its values itself, whatever it says.
        if function.order_sensitivity().hard_requires() && !function.order_bys().is_empty() && function.fun().name() != "string_agg" {
            let error = Error::sql(format!("{} with ORDER BY within its brackets can't be grouped over a stream", function.fun().name()));
            return Err(DataFusionError::External(Box::new(
                error.with_help("use array_agg(x ORDER BY …)[n], or run it over bounded sources with 'execution.mode' = 'batch'"),
            )));
        }
        let arguments = aggregate_expressions(std::slice::from_ref(&function), &AggregateMode::Single, 0)?.into_iter().flatten();
        let arguments = arguments.map(|argument| checked(argument, schema.as_arrow())).collect::<Result<_>>()?;
        let filter = filter.map(|filter| condition(checked(filter, schema.as_arrow())?, schema.as_arrow())).transpose()?;
        Ok(Aggregate { function, arguments, filter })
    };
    expressions.iter().map(aggregate).collect()
}

/// A condition: `NULL` alone has no type.
fn condition(expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let is_untyped = expression.data_type(schema)? == DataType::Null;
    Ok(if is_untyped { Arc::new(CastExpr::new(expression, DataType::Boolean, None)) } else { expression })
}

fn interval_spec(planner: &dyn PhysicalPlanner, node: &IntervalJoinNode, state: &SessionState) -> Result<IntervalJoinSpec> {
    let (left_schema, right_schema) = (node.left.schema(), node.right.schema());
    let key = |expr: &Expr, schema: &DFSchemaRef| checked(planner.create_physical_expr(expr, schema, state)?, schema.as_arrow());
    let keys = |left: bool| {
        let own = node.join.on.iter().map(|(l, r)| if left { key(l, left_schema) } else { key(r, right_schema) });
        own.collect::<Result<Vec<_>>>()
    };
    let residual = match &node.rest {
        Some(filter) => {
            let both = left_schema.join(right_schema)?;
            let expression = checked(planner.create_physical_expr(filter, &both, state)?, both.as_arrow())?;
            let (expression, read, schema) = narrowed(expression, &both)?;
            let left_columns = left_schema.fields().len();
            let place = |index: usize| if index < left_columns { (JoinSide::Left, index) } else { (JoinSide::Right, index - left_columns) };
            Some(Residual { expression, columns: read.into_iter().map(place).collect(), schema })
        }
        None => None,
    };
    let (of_left, of_right) = node.timelines.clone();
    Ok(IntervalJoinSpec {
        join: node.join.join_type,
        bounds: node.bounds,
        left: SideSpec { keys: keys(true)?, time: node.columns.0, timeline: of_left },
        right: SideSpec { keys: keys(false)?, time: node.columns.1, timeline: of_right },
        residual,
    })
}

fn spec(planner: &dyn PhysicalPlanner, node: &LookupJoinNode, state: &SessionState) -> Result<LookupSpec> {
    let join = &node.join;
    let (stream_schema, table_schema) = (node.stream.schema(), node.table.schema());
    let mut stream_keys = Vec::with_capacity(join.on.len());
    let mut table_keys = Vec::with_capacity(join.on.len());
    for (left, right) in &join.on {
        let (stream, table) = if node.stream_is_left { (left, right) } else { (right, left) };
        stream_keys.push(checked(planner.create_physical_expr(stream, stream_schema, state)?, stream_schema.as_arrow())?);
        table_keys.push(checked(planner.create_physical_expr(table, table_schema, state)?, table_schema.as_arrow())?);
    }
    let residual = match &join.filter {
        Some(filter) => {
            let both = stream_schema.join(table_schema)?;
            let expression = checked(planner.create_physical_expr(filter, &both, state)?, both.as_arrow())?;
            Some(residual(expression, &both, stream_schema.fields().len())?)
        }
        None => None,
    };
    if join.null_aware && (residual.is_some() || stream_keys.len() != 1) {
        let error = Error::sql("NOT IN (SELECT …) of a constant, or with a condition on columns of both queries, can't be run over a stream");
        return Err(DataFusionError::External(Box::new(error.with_help("write NOT EXISTS (SELECT … WHERE <inner column> = <outer column>)"))));
    }
    Ok(LookupSpec {
        kind: LookupKind::from_join(join.join_type, node.stream_is_left),
        stream_keys,
        table_keys,
        residual,
        stream_is_left: node.stream_is_left,
        null_equals_null: join.null_equality == NullEquality::NullEqualsNull,
        null_aware: join.null_aware,
    })
}

/// The condition over just the columns it reads.
fn residual(expression: Arc<dyn PhysicalExpr>, both: &DFSchema, stream_columns: usize) -> Result<ResidualFilter> {
    let (expression, read, schema) = narrowed(expression, both)?;
    let place = |index: usize| if index < stream_columns { (Side::Stream, index) } else { (Side::Table, index - stream_columns) };
    Ok(ResidualFilter { expression, columns: read.into_iter().map(place).collect(), schema })
}

/// An expression over just the columns it reads: which these are, and their schema.
fn narrowed(expression: Arc<dyn PhysicalExpr>, both: &DFSchema) -> Result<(Arc<dyn PhysicalExpr>, Vec<usize>, SchemaRef)> {
    let mut read: Vec<usize> = collect_columns(&expression).iter().map(|column| column.index()).collect();
    read.sort_unstable();
    let fields: Vec<_> = read.iter().map(|index| both.field(*index).as_ref().clone()).collect();
    // Columns are reassigned by name, so each gets a name of its own.
    let names: Vec<String> = read.iter().map(|index| format!("c{index}")).collect();
    let schema = Arc::new(Schema::new(fields.iter().zip(&names).map(|(field, name)| field.clone().with_name(name)).collect::<Vec<_>>()));
    let renamed = rename(expression, &read, &names)?;
    Ok((reassign_expr_columns(renamed, &schema)?, read, schema))
}

fn rename(expression: Arc<dyn PhysicalExpr>, read: &[usize], names: &[String]) -> Result<Arc<dyn PhysicalExpr>> {
    use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
    use datafusion::physical_expr::expressions::Column;
    expression
        .transform_up(|node| {
            let Some(column) = node.as_any().downcast_ref::<Column>() else { return Ok(Transformed::no(node)) };
            Ok(match read.iter().position(|index| *index == column.index()) {
                Some(at) => Transformed::yes(Arc::new(Column::new(&names[at], at)) as _),
                None => Transformed::no(node),
            })
        })
        .data()
}
