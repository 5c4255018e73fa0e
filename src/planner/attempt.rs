//! A statement's query to its plans. When that fails, what is told: the names that mean nothing, all of them, else the error at the smallest expression that makes it.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, TableReference};
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::sql::sqlparser::ast::Query;
use parking_lot::Mutex;
use sql_extensions::Span;

use super::job_plan::{ExecutionMode, PlanRequest, TableInput, hidden_of};
use super::logical::StreamNodePlanner;
use super::names::{self, Fault, FunctionKind, Known, Names};
use super::narrow::narrow;
use super::plain_text::{NO_OUTER_COLUMN, misplaced_outer_column};
use super::plan_error::{plan_error, sentence};
use super::rewrite::{Rewrite, Rewritten, SourceTimes, StateSettings};
use super::total_order::total_order;
use super::within::Timed;
use super::{carry, guard, merged, rewrite, shadowed, sql, wildcard, windows, within};
use crate::catalog::{HiddenColumn, ReadAs, SourceTable};
use crate::error::{Error, Result};
use crate::operators::event_time::{SourceTime, Timeline};
use crate::resident::forget_program;
use crate::stream::MetadataColumn;
use crate::unwind::guarded_future;

/// Most errors that one statement is told.
const MOST_ERRORS: usize = 20;

/// The column with the event times of a table, if it has them.
fn time_column(table: &TableInput) -> Option<String> {
    let mut own = table.schema.fields().iter().zip(&table.column_times).filter(|(_, time)| time.is_some()).map(|(field, _)| field.name());
    match (own.next(), own.next()) {
        // Of a stream that has several it is not known which is meant.
        (Some(only), None) => Some(only.clone()),
        (Some(_), Some(_)) => None,
        (None, _) if table.is_stream => None,
        (None, _) => {
            let has_time = table.unbounded || table.event_time.is_some() || table.metadata.contains(&MetadataColumn::Timestamp);
            has_time.then(|| HiddenColumn::EventTime.name().to_owned())
        }
    }
}

/// What a query becomes.
pub(super) struct Planned {
    /// Optimised.
    pub logical: LogicalPlan,
    /// What is executed.
    pub root: Arc<dyn ExecutionPlan>,
    /// How far the columns of the result have come.
    pub times: Vec<Option<Timeline>>,
    /// Rows take the place of earlier ones that are the same in these columns.
    pub updates: Option<Vec<usize>>,
}

/// Plans queries over the tables of one statement.
pub(super) struct Attempts<'a> {
    state: &'a SessionState,
    request: PlanRequest<'a>,
    hidden: &'a [HiddenColumn],
    times: SourceTimes,
    /// Bounds joins of endless streams that say nothing about time.
    open_joins: Option<Duration>,
    /// The streams of those joins.
    opened: Mutex<Vec<(String, String)>>,
}

impl<'a> Attempts<'a> {
    /// `hidden`: the hidden columns that tables have.
    pub(super) fn new(state: &'a SessionState, request: PlanRequest<'a>, hidden: &'a [HiddenColumn], open_joins: Option<Duration>) -> Result<Self> {
        let attempts = Self { state, request, hidden, times: SourceTimes::default(), open_joins, opened: Mutex::default() };
        for table in request.tables {
            attempts.register(&table.name, table).map_err(|error| plan_error(error, None, request.script, request.statement))?;
        }
        Ok(attempts)
    }

    /// Whether a join of two endless streams was refused that says nothing about time.
    pub(super) fn has_open_join(&self) -> bool {
        self.times.has_open_join()
    }

    /// The streams of joins that only `state.ttl` bounds.
    pub(super) fn opened(&self) -> Vec<(String, String)> {
        self.opened.lock().clone()
    }

    /// The times of the sources that plans have asked for.
    pub(super) fn times(&self) -> Vec<(Arc<str>, Arc<SourceTime>)> {
        self.times.all()
    }

    /// Plans the statement.
    pub(super) async fn plan(&self) -> Result<Planned, Vec<Error>> {
        let written = self.request.statement.query.as_ref();
        let mut error = match self.attempt(written).await {
            // DataFusion does not look at the names of REPLACE.
            Ok(planned) if wildcard::replaces(written) => {
                let faults = self.names(&mut written.clone()).faults;
                return if faults.is_empty() { self.with_distinct_names(planned, written) } else { Err(self.faults(faults)) };
            }
            Ok(planned) => return self.with_distinct_names(planned, written),
            // Without them there is a plan, or it has been said why there is none.
            Err(error) if self.request.carry => return Err(vec![plan_error(error, None, self.request.script, self.request.statement)]),
            Err(error) => error,
        };
        let mut spelled = written.clone();
        let names = self.names(&mut spelled);
        if names.respelled && names.faults.is_empty() {
            error = match self.attempt(&spelled).await {
                Ok(planned) => return self.with_distinct_names(planned, &spelled),
                Err(error) => error,
            };
        }
        Err(self.explain(error, names, &spelled).await)
    }

    async fn explain(&self, error: DataFusionError, names: Names, query: &Query) -> Vec<Error> {
        if !names.faults.is_empty() {
            return self.faults(names.faults);
        }
        let text = sentence(&error);
        let about_names = ["unique expression names", "duplicate"].iter().any(|word| text.to_lowercase().contains(word));
        if about_names && let Some(column) = names.repeated.first() {
            return vec![self.repeated(&column.name, column.place)];
        }
        let place = narrow(query, async |query: &Query| self.attempt(query).await.err().map(|error| sentence(&error))).await;
        vec![plan_error(error, place, self.request.script, self.request.statement)]
    }

    fn faults(&self, faults: Vec<Fault>) -> Vec<Error> {
        let more = faults.len().saturating_sub(MOST_ERRORS);
        let mut errors: Vec<Error> = faults.into_iter().take(MOST_ERRORS).map(|fault| self.fault(fault)).collect();
        if more > 0 {
            errors.push(Error::sql(format!("{more} more names of this statement are wrong")).at(self.request.script, self.request.statement.span));
        }
        errors
    }

    fn fault(&self, fault: Fault) -> Error {
        let error = Error::sql(fault.message);
        let error = match fault.help {
            Some(help) => error.with_help(help),
            None => error,
        };
        error.at(self.request.script, fault.place.unwrap_or(self.request.statement.span))
    }

    fn names(&self, query: &mut Query) -> Names {
        windows::lower(query);
        let columns = |name: &str| {
            let table = self.request.tables.iter().find(|table| &*table.name == name)?;
            let own = table.schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone(), true));
            let hidden = hidden_of(table, self.hidden).into_iter().map(|column| (column.name().to_owned(), column.field().data_type().clone(), false));
            Some(own.chain(hidden).collect())
        };
        let windows = self.state.window_functions().keys().map(|name| (name.clone(), FunctionKind::Window));
        let plain = self.state.scalar_functions().keys().chain(self.state.aggregate_functions().keys()).map(|name| (name.clone(), FunctionKind::Plain));
        names::resolve(query, Known { columns: &columns, functions: &windows.chain(plain).collect() })
    }

    /// JSON objects and tables can't hold two columns of one name.
    fn with_distinct_names(&self, planned: Planned, query: &Query) -> Result<Planned, Vec<Error>> {
        let mut seen = std::collections::HashSet::new();
        let Some(field) = planned.logical.schema().fields().iter().find(|field| !seen.insert(field.name().as_str())) else { return Ok(planned) };
        let place = self.names(&mut query.clone()).repeated.iter().rev().find(|column| column.name == *field.name()).and_then(|column| column.place);
        Err(vec![self.repeated(field.name(), place)])
    }

    fn repeated(&self, name: &str, place: Option<Span>) -> Error {
        Error::sql(format!("two output columns are called '{name}'"))
            .with_help("name the columns instead of *, or give one of them another name with AS")
            .at(self.request.script, place.unwrap_or(self.request.statement.span))
    }

    /// Constants are computed while the plan is made, and some functions panic at extreme ones.
    async fn attempt(&self, query: &Query) -> datafusion::error::Result<Planned> {
        let planned = guarded_future(self.attempt_unguarded(query)).await;
        planned.unwrap_or_else(|panic| Err(DataFusionError::Plan(format!("a constant of this statement can't be computed ({panic})"))))
    }

    async fn attempt_unguarded(&self, query: &Query) -> datafusion::error::Result<Planned> {
        let mut query = query.clone();
        let table = |name: &str| self.request.tables.iter().find(|table| &*table.name == name);
        shadowed::rename(&mut query, &|name| table(name).is_some());
        windows::lower(&mut query);
        if self.request.carry {
            carry::add(&mut query, self.request.tables);
        }
        let columns = |table: &TableInput| table.schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
        merged::replace(&mut query, self.request.script, &|name| table(name).map(columns)).map_err(|error| DataFusionError::External(Box::new(error)))?;
        if !self.hidden.is_empty() {
            let hidden = |table: &TableInput| hidden_of(table, self.hidden).into_iter().map(HiddenColumn::name).collect();
            wildcard::hide(&mut query, &|name| table(name).map(|table| wildcard::Columns { visible: columns(table), hidden: hidden(table) }));
        }
        let timed = |name: &str| {
            let table = table(name)?;
            Some(Timed { time: time_column(table)?, columns: columns(table), endless: table.unbounded })
        };
        let mut bounds = match self.request.statement.within.as_slice() {
            [] => Vec::new(),
            within => {
                within::lower(&mut query, within, &timed).map_err(|error| DataFusionError::External(Box::new(Error::from_sql(&error, self.request.script))))?
            }
        };
        if let Some(ttl) = self.open_joins {
            *self.opened.lock() = within::lower_open(&mut query, ttl, &timed, &mut bounds);
        }
        for bound in &bounds {
            table(&bound.table).map_or(Ok(()), |table| self.register(&bound.name, table))?;
        }
        let logical = sql::logical_plan(self.state, query, &bounds).await?;
        forget_program();
        let (root, times, updates) = self.physical_plan(&logical).await?;
        Ok(Planned { logical, root, times, updates })
    }

    fn state_settings(&self) -> StateSettings {
        StateSettings { results: self.request.results, ttl: self.request.state_ttl.map(|ttl| i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)) }
    }

    /// Makes a source known by a name.
    fn register(&self, name: &str, table: &TableInput) -> datafusion::error::Result<()> {
        let schema = self.state.schema_for_ref(TableReference::bare(name))?;
        if schema.table_exist(name) {
            // By an attempt before.
            return Ok(());
        }
        let mut fields: Vec<_> = table.schema.fields().iter().cloned().collect();
        fields.extend(hidden_of(table, self.hidden).into_iter().map(HiddenColumn::field));
        let read_as = match self.request.mode {
            ExecutionMode::Stream => ReadAs::Stream,
            ExecutionMode::Batch => ReadAs::Table { bytes: table.bytes },
        };
        let provider: Arc<dyn TableProvider> = Arc::new(SourceTable::new(Arc::clone(&table.name), Arc::new(Schema::new(fields)), read_as, table.unbounded));
        schema.register_table(name.to_owned(), provider)?;
        Ok(())
    }

    async fn physical_plan(&self, logical: &LogicalPlan) -> datafusion::error::Result<(Arc<dyn ExecutionPlan>, Vec<Option<Timeline>>, Option<Vec<usize>>)> {
        refuse_lateral(logical)?;
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(StreamNodePlanner { faults: Arc::clone(self.request.faults) })]);
        let (plan, times, updates) = match self.request.mode {
            ExecutionMode::Batch => (total_order(planner.create_physical_plan(logical, self.state).await?, logical, self.request.faults)?, Vec::new(), None),
            ExecutionMode::Stream => {
                let Rewritten { plan, times, updates } =
                    rewrite::rewrite(logical.clone(), Rewrite { tables: self.request.tables, times: &self.times, settings: self.state_settings() })?;
                (planner.create_physical_plan(&plan, self.state).await?, times, updates)
            }
        };
        let limited = self.request.memory.is_some_and(|pool| matches!(pool.memory_limit(), MemoryLimit::Finite(_)));
        Ok((guard::guard(plan, self.request.faults, limited)?, times, updates))
    }
}

/// Refuses a LATERAL subquery that the optimiser has not turned into a join; DataFusion's physical planner panics at it.
fn refuse_lateral(logical: &LogicalPlan) -> datafusion::error::Result<()> {
    let mut left = None;
    logical.apply(|node| {
        let LogicalPlan::Subquery(subquery) = node else { return Ok(TreeNodeRecursion::Continue) };
        left = Some(match subquery.outer_ref_columns.first() {
            Some(Expr::OuterReferenceColumn(_, column)) => Error::sql(misplaced_outer_column(&column.flat_name())).with_help(NO_OUTER_COLUMN),
            _ => Error::sql("this LATERAL can't be carried out").with_help("write a join"),
        });
        Ok(TreeNodeRecursion::Stop)
    })?;
    left.map_or(Ok(()), |error| Err(DataFusionError::External(Box::new(error))))
}
