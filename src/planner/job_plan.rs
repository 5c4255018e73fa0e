//! The result of planning: what the drivers execute.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::CastExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, VisitMut, visit_expressions};
use sql_extensions::StreamStatement;

use super::attempt::{Attempts, Planned};
use super::exact::{Exponents, checked, expression as exactly};
use super::session::{session, task_context};
use super::{carry, epoch_safety};
use crate::catalog::HiddenColumn;
use crate::clock::EpochClock;
use crate::error::{Error, Result, Script};
use crate::operators::event_time::{SourceTime, Timeline};
use crate::operators::guard::{GuardedFilterExec, RowFaults};
use crate::operators::interval_join::IntervalJoinExec;
use crate::operators::limit::{LimitState, StreamLimitExec};
use crate::operators::lookup_join::LookupJoinExec;
use crate::operators::once::OnceExec;
use crate::operators::over::OverExec;
use crate::operators::session_aggregate::SessionAggregateExec;
use crate::operators::source_slot::{Slot, SourceExec};
use crate::operators::update_aggregate::UpdateAggregateExec;
use crate::operators::window_aggregate::WindowAggregateExec;
use crate::operators::{OperatorFigures, Saved};
use crate::stream::MetadataColumn;

/// How a job is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionMode {
    /// In epochs.
    Stream,
    /// As one query over bounded sources.
    Batch,
}

/// A source as the planner sees it.
#[derive(Clone, Debug)]
pub struct TableInput {
    /// Name in `FROM`.
    pub name: Arc<str>,
    /// Visible columns.
    pub schema: SchemaRef,
    /// Whether it may never end.
    pub unbounded: bool,
    /// Estimated size in bytes.
    pub bytes: usize,
    /// Column or expression of the event time, if one is set.
    pub event_time: Option<String>,
    /// Unit of numeric event times.
    pub event_time_unit: TimeUnit,
    /// How often a lookup table is loaded again.
    pub refresh_interval: Option<Duration>,
    /// What the source knows of a record besides its value.
    pub metadata: &'static [MetadataColumn],
    /// It is the stream of another statement.
    pub is_stream: bool,
    /// How far the columns of such a stream have come.
    pub column_times: Vec<Option<Timeline>>,
}

/// What is to be planned.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// The script, for errors.
    pub script: &'a Arc<Script>,
    /// The statement.
    pub statement: &'a StreamStatement,
    /// Its sources, earlier statements of the script among them.
    pub tables: &'a [TableInput],
    /// How it will be executed.
    pub mode: ExecutionMode,
    /// Clock of the job.
    pub clock: &'a Arc<EpochClock>,
    /// The job's failing rows.
    pub faults: &'a Arc<RowFaults>,
    /// A sink asks for the columns of [`crate::stream::Carried`].
    pub carry: bool,
    /// How far the times of rows may differ in joins of endless streams that say nothing about it, by default an hour; and, if it is given, after what time without rows a key of OVER begins anew.
    pub state_ttl: Option<Duration>,
    /// When results come out.
    pub results: Results,
    /// What its operators may take of memory; `None`: all there is.
    pub memory: Option<&'a Arc<dyn MemoryPool>>,
    /// Functions besides those of the engine.
    pub functions: &'a [Arc<ScalarUDF>],
}

/// When the results of a stream come out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Results {
    /// OVER takes rows as they come, and not in the order of their times.
    pub arrival: bool,
    /// The groups of windows are told while they are open, too.
    pub early: bool,
}

/// What bounds joins that say nothing about time.
pub const DEFAULT_TTL: Duration = Duration::from_secs(3600);

/// A column that a leaf yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafColumn {
    /// A column of the source's schema.
    Source(usize),
    /// A column that the driver adds.
    Hidden(HiddenColumn),
}

/// A leaf of a plan.
#[derive(Clone, Debug)]
pub struct LeafPlan {
    /// Name of the source.
    pub source: Arc<str>,
    /// Its columns, in order.
    pub columns: Vec<LeafColumn>,
    /// Their schema.
    pub schema: SchemaRef,
    /// Where its rows are put.
    pub slot: Arc<Slot>,
    /// The condition directly above it, over `schema`.
    pub predicate: Option<Arc<dyn PhysicalExpr>>,
}

/// A lookup join of a plan.
#[derive(Clone, Debug)]
pub struct LookupPlan {
    /// The operator; its handle is shared with the one in the plan.
    pub join: LookupJoinExec,
    /// The leaves of its table.
    pub leaves: Vec<LeafPlan>,
    /// How often it is loaded again.
    pub refresh_interval: Option<Duration>,
}

/// A source's name, and the expression of its event time over its visible columns.
pub type EventTime = (Arc<str>, Arc<dyn PhysicalExpr>);

/// A statement ready to be executed.
#[derive(Debug)]
pub struct JobPlan {
    /// How it is executed.
    pub mode: ExecutionMode,
    /// The plan, without the fan-out at its root.
    pub root: Arc<dyn ExecutionPlan>,
    /// Columns of the result.
    pub schema: SchemaRef,
    /// Every operator works row by row and counts the rows that it drops or adds.
    pub row_wise: bool,
    /// The optimised logical plan, for `explain`.
    pub logical: LogicalPlan,
    /// Leaves whose rows come in epochs (stream mode) or all at once (batch mode).
    pub leaves: Vec<LeafPlan>,
    /// Lookup joins, in the order their tables should be loaded.
    pub lookups: Vec<LookupPlan>,
    /// Limits that end the job.
    pub limits: Vec<Arc<LimitState>>,
    /// Operators that keep rows until their time is over, from the leaves up.
    pub stateful: Vec<Arc<OperatorFigures>>,
    /// Everything that is kept from one epoch to the next, with what it belongs to, from the leaves up: the same order whenever the statement is planned.
    pub saved: Vec<(String, Arc<dyn Saved>)>,
    /// Joins that only `state.ttl` bounds, by the names of their sides.
    pub open_joins: Vec<(String, String)>,
    /// Rows take the place of earlier ones that are the same in these columns; `None`: each row stands for itself.
    pub updates: Option<Vec<String>>,
    /// How far the columns of the result have come.
    pub column_times: Vec<Option<Timeline>>,
    /// The sources whose time they go by.
    pub times: Vec<(Arc<str>, Arc<SourceTime>)>,
    /// Event time expression of each source that has one, over the source's visible columns.
    pub event_times: Vec<EventTime>,
    /// Columns of the inputs, by name, as the leaves count them.
    pub inputs: Vec<(Arc<str>, SchemaRef)>,
    /// The one task context.
    pub context: Arc<TaskContext>,
}

impl JobPlan {
    /// Whether tables are made of a source.
    pub fn loads(&self, source: &str) -> bool {
        self.lookups.iter().flat_map(|lookup| &lookup.leaves).any(|leaf| &*leaf.source == source)
    }
}

/// Plans a statement. Nothing is opened.
pub async fn plan_job(request: PlanRequest<'_>) -> Result<JobPlan, Vec<Error>> {
    let plan = plan_query(PlanRequest { carry: false, ..request }).await?;
    if !request.carry {
        return Ok(plan);
    }
    // Where the rows are not one to one with those of a source there is nothing to carry.
    Ok(plan_query(request).await.unwrap_or(plan))
}

async fn plan_query(request: PlanRequest<'_>) -> Result<JobPlan, Vec<Error>> {
    let state = session(request.clock, request.memory, request.functions).map_err(one)?;
    let (script, statement) = (request.script, request.statement);
    let has_within = !statement.within.is_empty();
    let carries = request.carry && carry::add(&mut statement.query.as_ref().clone(), request.tables);
    let hidden = hidden_columns(request, has_within, carries);
    let mut attempts = Attempts::new(&state, request, &hidden, None).map_err(one)?;
    let mut planned = attempts.plan().await;
    let with_time = hidden_columns(request, true, carries);
    let second_state;
    if planned.is_err() && attempts.has_open_join() {
        // Its tables may have a hidden column more.
        second_state = session(request.clock, request.memory, request.functions).map_err(one)?;
        let again = Attempts::new(&second_state, request, &with_time, Some(request.state_ttl.unwrap_or(DEFAULT_TTL))).map_err(one)?;
        let replanned = again.plan().await;
        if replanned.is_ok() {
            (attempts, planned) = (again, replanned);
        }
    }
    let open_joins = attempts.opened();
    let hidden = if open_joins.is_empty() { &hidden } else { &with_time };
    let Planned { logical, root, times: column_times, updates } = planned?;
    if request.mode == ExecutionMode::Stream {
        epoch_safety::check(&root).map_err(|error| one(error.or_at(script, statement.span)))?;
    }
    let event_times = event_times(&state, request.tables).map_err(one)?;
    let mut plan = JobPlan {
        mode: request.mode,
        schema: output_schema(&root, &logical),
        row_wise: epoch_safety::is_row_wise(&root),
        root: Arc::clone(&root),
        logical,
        leaves: Vec::new(),
        lookups: Vec::new(),
        limits: Vec::new(),
        stateful: Vec::new(),
        saved: Vec::new(),
        open_joins,
        updates: updates.map(|keys| keys.into_iter().map(|at| root.schema().field(at).name().clone()).collect()),
        column_times,
        times: attempts.times(),
        event_times,
        inputs: request.tables.iter().map(|table| (Arc::clone(&table.name), Arc::clone(&table.schema))).collect(),
        context: task_context(&state),
    };
    collect(&root, None, &request, hidden, &mut plan);
    let of_operators = plan.stateful.iter().filter_map(|figures| Some((figures.name().to_owned(), figures.saved()?)));
    plan.saved.extend(of_operators);
    check_refresh(&plan.lookups, &request).map_err(one)?;
    Ok(plan)
}

fn one(error: Error) -> Vec<Error> {
    vec![error]
}

/// A table may be loaded again only if the join remembers nothing of its rows: which of them have matched can't be carried over to rows that may have changed.
fn check_refresh(lookups: &[LookupPlan], request: &PlanRequest<'_>) -> Result<()> {
    for lookup in lookups.iter().filter(|lookup| lookup.join.kind().remembers_matches()) {
        let refreshed = |leaf: &&LeafPlan| request.tables.iter().any(|table| table.name == leaf.source && table.refresh_interval.is_some());
        let Some(name) = lookup.leaves.iter().find(refreshed).map(|leaf| &leaf.source) else { continue };
        let key = format!("{name}.refresh_interval");
        let span = sql_extensions::find_word(&request.script.text, request.statement.span, &key).first().copied().unwrap_or(request.statement.span);
        return Err(Error::config(format!(
            "'{key}' can't be used here: the statement emits rows of the table '{name}' themselves, each once, and which have come out would be forgotten when it is loaded again"
        ))
        .with_help(format!("leave '{key}' out, or let only the stream's rows come out: stream LEFT JOIN {name}, or stream … IN (SELECT … FROM {name})"))
        .at(request.script, span));
    }
    Ok(())
}

/// Hidden columns that the statement names, or needs for WITHIN. Naming is seen by the word alone: a column too many costs nothing, wildcards are expanded by us then.
fn hidden_columns(request: PlanRequest<'_>, has_within: bool, carries: bool) -> Vec<HiddenColumn> {
    let named = |column: &HiddenColumn| !sql_extensions::find_word(&request.script.text, request.statement.span, column.name()).is_empty();
    let carried = |column: &HiddenColumn| matches!(column, HiddenColumn::EventTime | HiddenColumn::Metadata(MetadataColumn::KeyBytes));
    HiddenColumn::of(&MetadataColumn::ALL)
        .filter(|column| (has_within && *column == HiddenColumn::EventTime) || (carries && carried(column)) || named(column))
        .collect()
}

/// Those of them that a table has; a visible column of the same name counts more.
pub(super) fn hidden_of(table: &TableInput, hidden: &[HiddenColumn]) -> Vec<HiddenColumn> {
    let has = |column: &HiddenColumn| HiddenColumn::of(table.metadata).any(|own| own == *column) && table.schema.index_of(column.name()).is_err();
    hidden.iter().copied().filter(has).collect()
}

fn output_schema(root: &Arc<dyn ExecutionPlan>, logical: &LogicalPlan) -> SchemaRef {
    let types = root.schema();
    let names = logical.schema().fields();
    let fields: Vec<_> = types.fields().iter().zip(names).map(|(field, name)| field.as_ref().clone().with_name(name.name())).collect();
    Arc::new(Schema::new(fields))
}

fn event_times(state: &SessionState, tables: &[TableInput]) -> Result<Vec<EventTime>> {
    let mut expressions = Vec::new();
    for table in tables {
        let Some(text) = &table.event_time else { continue };
        let fault = |error: datafusion::error::DataFusionError| {
            Error::setting(&table.name, "event_time", format!(" = '{}': {}", crate::error::excerpt(text), super::plan_error::sentence(&error)))
        };
        let schema = DFSchema::try_from(table.schema.as_ref().clone()).map_err(fault)?;
        let expression = match table.schema.field_with_name(text) {
            // A column whose name is not a plain word needs no quotes here.
            Ok(_) => datafusion::logical_expr::Expr::Column(datafusion::common::Column::new_unqualified(text.clone())),
            Err(_) => planned(state, text, &schema).map_err(fault)?,
        };
        let physical = datafusion::physical_expr::create_physical_expr(&expression, &schema, state.execution_props()).map_err(fault)?;
        let physical = checked(physical, &table.schema).map_err(fault)?;
        let found = physical.data_type(&table.schema).map_err(fault)?;
        expressions.push((Arc::clone(&table.name), as_instant(physical, &found, table)?));
    }
    Ok(expressions)
}

/// Most parts of a name that DataFusion resolves; it has no place for more where the first is no column.
const MOST_PARTS: usize = 4;

/// The first name of many parts that begins with no column.
fn unknown_path(expression: &SqlExpr, schema: &DFSchema) -> Option<String> {
    let found = visit_expressions(expression, |part| match part {
        SqlExpr::CompoundIdentifier(parts) if parts.len() > MOST_PARTS && !schema.fields().iter().any(|field| *field.name() == parts[0].value) => {
            ControlFlow::Break(parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join("."))
        }
        _ => ControlFlow::Continue(()),
    });
    found.break_value()
}

fn planned(state: &SessionState, text: &str, schema: &DFSchema) -> datafusion::error::Result<datafusion::logical_expr::Expr> {
    // Before it is parsed: the tree of a long chain is as deep as the chain is long.
    sql_extensions::check_expression(text).map_err(|error| datafusion::error::DataFusionError::Plan(error.message().to_owned()))?;
    let mut expression = state.sql_to_expr_with_alias(text, &state.config_options().sql_parser.dialect)?;
    if let Some(path) = unknown_path(&expression.expr, schema) {
        return Err(datafusion::error::DataFusionError::Plan(format!("No field named {}", crate::error::excerpt(&path))));
    }
    let _never_breaks = expression.expr.visit(&mut Exponents);
    exactly(state.create_logical_expr_from_sql_expr(expression, schema)?, schema)
}

fn as_instant(expression: Arc<dyn PhysicalExpr>, found: &DataType, table: &TableInput) -> Result<Arc<dyn PhysicalExpr>> {
    let cast = |expression, to| Arc::new(CastExpr::new(expression, to, None)) as Arc<dyn PhysicalExpr>;
    let instant = HiddenColumn::EventTime.field().data_type().clone();
    let expression = match found {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 => expression,
        number if number.is_integer() => cast(cast(expression, DataType::Int64), DataType::Timestamp(table.event_time_unit, None)),
        other => {
            return Err(Error::setting(&table.name, "event_time", format!(" is {other}; expected a timestamp, a date, an ISO text or a whole number")));
        }
    };
    Ok(cast(expression, instant))
}

/// Collects leaves, lookups and limits, from the leaves up.
fn collect(node: &Arc<dyn ExecutionPlan>, parent: Option<&Arc<dyn ExecutionPlan>>, request: &PlanRequest<'_>, hidden: &[HiddenColumn], plan: &mut JobPlan) {
    for child in node.children() {
        collect(child, Some(node), request, hidden, plan);
    }
    if let Some(leaf) = node.as_any().downcast_ref::<SourceExec>() {
        plan.leaves.push(leaf_plan(leaf, parent, request, hidden));
    } else if let Some(join) = node.as_any().downcast_ref::<LookupJoinExec>() {
        let mut leaves = Vec::new();
        table_leaves(join.table(), None, request, hidden, &mut leaves);
        let refresh = |leaf: &LeafPlan| request.tables.iter().find(|table| table.name == leaf.source).and_then(|table| table.refresh_interval);
        let refresh_interval = leaves.iter().filter_map(refresh).min();
        plan.lookups.push(LookupPlan { join: join.clone(), leaves, refresh_interval });
    } else if let Some(limit) = node.as_any().downcast_ref::<StreamLimitExec>() {
        plan.limits.push(Arc::clone(limit.state()));
        plan.saved.push(("LIMIT".to_owned(), Arc::clone(limit.state()) as Arc<dyn Saved>));
    } else if let Some(once) = node.as_any().downcast_ref::<OnceExec>() {
        plan.saved.push(("a branch without a stream".to_owned(), Arc::clone(once.executed()) as Arc<dyn Saved>));
    } else if let Some(join) = node.as_any().downcast_ref::<IntervalJoinExec>() {
        plan.stateful.push(Arc::clone(join.figures()));
    } else if let Some(groups) = node.as_any().downcast_ref::<WindowAggregateExec>() {
        plan.stateful.push(Arc::clone(groups.figures()));
    } else if let Some(groups) = node.as_any().downcast_ref::<UpdateAggregateExec>() {
        plan.stateful.push(Arc::clone(groups.figures()));
    } else if let Some(over) = node.as_any().downcast_ref::<OverExec>()
        && request.mode == ExecutionMode::Stream
    {
        plan.stateful.push(Arc::clone(over.figures()));
    } else if let Some(sessions) = node.as_any().downcast_ref::<SessionAggregateExec>()
        && sessions.is_streamed()
    {
        plan.stateful.push(Arc::clone(sessions.figures()));
    }
}

fn table_leaves(
    node: &Arc<dyn ExecutionPlan>,
    parent: Option<&Arc<dyn ExecutionPlan>>,
    request: &PlanRequest<'_>,
    hidden: &[HiddenColumn],
    leaves: &mut Vec<LeafPlan>,
) {
    for child in node.children() {
        table_leaves(child, Some(node), request, hidden, leaves);
    }
    if let Some(leaf) = node.as_any().downcast_ref::<SourceExec>() {
        leaves.push(leaf_plan(leaf, parent, request, hidden));
    }
}

fn leaf_plan(leaf: &SourceExec, parent: Option<&Arc<dyn ExecutionPlan>>, request: &PlanRequest<'_>, hidden: &[HiddenColumn]) -> LeafPlan {
    let table = request.tables.iter().find(|table| table.name == *leaf.source());
    let visible = table.map_or(0, |table| table.schema.fields().len());
    let hidden = table.map(|table| hidden_of(table, hidden)).unwrap_or_default();
    let column = |index: &usize| match index.checked_sub(visible).and_then(|at| hidden.get(at)) {
        Some(column) => LeafColumn::Hidden(*column),
        None => LeafColumn::Source(*index),
    };
    let predicate = parent.and_then(|parent| parent.as_any().downcast_ref::<GuardedFilterExec>()).map(|filter| Arc::clone(filter.predicate()));
    LeafPlan {
        source: Arc::clone(leaf.source()),
        columns: leaf.columns().iter().map(column).collect(),
        schema: leaf.schema(),
        slot: Arc::clone(leaf.slot()),
        predicate,
    }
}
