//! Sources, plans and sinks of a script. Nothing is created on disk; all faults are reported at once.

use std::sync::Arc;

use super::checkpoint::checkpoints;
use super::create::{self, Created, View};
use super::mode::mode;
use crate::clock::EpochClock;
use crate::config::{Binding, BoundStatement, Environment, SourceInput};
use crate::error::Error;
use crate::operators::event_time::Timeline;
use crate::operators::guard::RowFaults;
use crate::options::{EffectiveSetting, locate};
use crate::planner::{DEFAULT_TTL, ExecutionMode, JobPlan, PlanRequest, Results, TableInput, plan_job};
use crate::resident::forget_program;
use crate::runtime::{ChainedInput, CheckpointSpec, EngineMemory, JobMemory, JobSpec, MemoryLimits, SinkSpec, pipelines};
use crate::stream::{Boundedness, DataSink, FailureStrategy, visible};
use arrow::datatypes::SchemaRef;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::ScalarUDF;

/// How closely a script is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is to be run.
    Run,
    /// All of it is looked at, but nothing will be run.
    Connect,
    /// Sources whose columns are declared are not looked at.
    Declared,
    /// The same, and columns that can't be known are no fault.
    Offline,
}

/// How a script is prepared.
pub struct PrepareRequest<'a> {
    /// Its statements.
    pub bindings: Vec<Binding>,
    /// Variables (the key of encrypted files).
    pub environment: &'a dyn Environment,
    /// Where statements without `INTO` write.
    pub stdout: Arc<dyn DataSink>,
    /// Ends each job after this many rows.
    pub row_limit: Option<usize>,
    /// How closely it is looked at.
    pub look: Look,
    /// Begins the names of consumer groups.
    pub group_base: &'a str,
    /// Functions besides those of the engine.
    pub functions: &'a [Arc<ScalarUDF>],
    /// Whether the run is refused anyway, for faults of its settings or of other scripts; then there is nothing to tell of what is right.
    pub refused: bool,
    /// What all jobs of the process may take of memory.
    pub memory: &'a Arc<EngineMemory>,
}

/// A script, prepared.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Jobs that can be started.
    pub jobs: Vec<PreparedJob>,
    /// Statements without a plan, since columns can't be known offline.
    pub unplanned: Vec<UnplannedJob>,
}

/// Something to be told about a source that was not looked at.
#[derive(Clone, Debug)]
pub struct Note {
    /// The source.
    pub source: String,
    /// Columns of it that the statement names and that could not be checked; `None` if it takes all there are.
    pub unchecked: Option<usize>,
}

/// A statement that is right as far as it could be checked.
#[derive(Debug)]
pub struct UnplannedJob {
    /// Its name.
    pub name: String,
    /// Its sources whose columns are not known.
    pub notes: Vec<Note>,
    /// The number of its sources that are no streams of the script.
    pub sources: usize,
    /// The number of its sinks.
    pub sinks: usize,
    /// Every setting in force.
    pub settings: Vec<EffectiveSetting>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
}

/// A job that can be started.
#[derive(Debug)]
pub struct PreparedJob {
    /// What is run.
    pub spec: JobSpec,
    /// Names of its sources, streams of the script among them, in the order in which the statement names them.
    pub sources: Vec<String>,
    /// Every setting in force.
    pub settings: Vec<EffectiveSetting>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
}

/// What became of a statement.
#[derive(Debug)]
enum Outcome {
    /// Its faults were told, or those of a statement that it reads.
    Faulty,
    Unplanned(UnplannedJob),
    Ready(Box<PreparedJob>),
}

/// Prepares a script. Each statement is looked at as far as its faults allow; an error that only follows from another one is not told.
pub async fn prepare(request: PrepareRequest<'_>) -> Result<Prepared, Vec<Error>> {
    let mut faults: Vec<Vec<Error>> = Vec::new();
    let mut statements: Vec<Option<BoundStatement>> = Vec::new();
    let (environment, stdout, row_limit, look) = (request.environment, request.stdout, request.row_limit, request.look);
    for binding in request.bindings {
        faults.push(binding.faults);
        statements.push(binding.statement);
    }
    let key = environment.get("VELO_ENCRYPTION_KEY");
    let view = View { look, refused: request.refused, group_base: request.group_base, key: key.as_deref() };
    let created: Vec<Option<Created>> = faults.iter_mut().enumerate().map(|(at, faults)| create::create(&statements, at, view, faults)).collect();
    forget_program();
    let modes = modes(&statements, &created, &mut faults);
    let checkpoints = checkpoints(&statements, &created, &modes, chained(&statements), &mut faults);
    let read_by_others: Vec<usize> = chained(&statements).map(|(_, upstream)| upstream).collect();
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut schemas: Vec<Option<StreamColumns>> = Vec::new();
    for (at, (((statement, created), mode), checkpoint)) in statements.iter().zip(created).zip(modes).zip(checkpoints).enumerate() {
        let (Some(statement), Some(created)) = (statement, created) else {
            outcomes.push(Outcome::Faulty);
            schemas.push(None);
            continue;
        };
        let stdout = Some(&stdout).filter(|_| statement.statement.into.is_empty() && !read_by_others.contains(&at));
        let job = Job { statement, created, mode, checkpoint, stdout, row_limit, memory: request.memory, functions: request.functions };
        let (outcome, schema) = job.plan(&outcomes, &schemas, &mut faults[at]).await;
        outcomes.push(outcome);
        schemas.push(schema);
    }
    let mut prepared = Prepared::default();
    for outcome in outcomes {
        match outcome {
            Outcome::Ready(job) => prepared.jobs.push(*job),
            Outcome::Unplanned(job) => prepared.unplanned.push(job),
            Outcome::Faulty => {}
        }
    }
    let errors: Vec<Error> = faults.into_iter().flatten().collect();
    if errors.is_empty() { Ok(prepared) } else { Err(errors) }
}

/// Every statement that reads another one, with the other's number.
fn chained(statements: &[Option<BoundStatement>]) -> impl Iterator<Item = (usize, usize)> {
    statements.iter().enumerate().flat_map(|(at, statement)| {
        statement.iter().flat_map(|statement| &statement.sources).filter_map(move |source| match source.input {
            SourceInput::Chained(upstream) => Some((at, upstream)),
            SourceInput::Connector(_) | SourceInput::Unknown => None,
        })
    })
}

/// The mode of each statement, and whether its pipeline may never end; `None` if that is contradictory, which is told once.
fn modes(statements: &[Option<BoundStatement>], created: &[Option<Created>], faults: &mut [Vec<Error>]) -> Vec<Option<(ExecutionMode, bool)>> {
    let pipeline = pipelines(statements.len(), chained(statements));
    let mut modes = Vec::new();
    let mut reported = Vec::new();
    for (at, number) in pipeline.iter().enumerate() {
        let of_pipeline = |member: &usize| pipeline[*member] == *number;
        let members: Vec<&BoundStatement> = (0..statements.len()).filter(of_pipeline).filter_map(|member| statements[member].as_ref()).collect();
        let sources = (0..created.len()).filter(of_pipeline).filter_map(|member| created[member].as_ref()).flat_map(|created| &created.sources);
        let endless = sources.map(|source| &source.source).find(|source| source.boundedness() == Boundedness::Unbounded).map(|source| source.name());
        modes.push(match mode(&members, endless) {
            Ok(mode) => Some((mode, endless.is_some())),
            Err(error) => {
                if !reported.contains(number) {
                    reported.push(*number);
                    faults[at].push(error);
                }
                None
            }
        });
    }
    modes
}

/// A statement whose sources and sinks are there.
struct Job<'a> {
    statement: &'a BoundStatement,
    created: Created,
    mode: Option<(ExecutionMode, bool)>,
    /// Where it is recorded.
    checkpoint: Option<CheckpointSpec>,
    /// Where it prints, if it does.
    stdout: Option<&'a Arc<dyn DataSink>>,
    row_limit: Option<usize>,
    memory: &'a Arc<EngineMemory>,
    functions: &'a [Arc<ScalarUDF>],
}

impl Job<'_> {
    /// Plans the statement and checks that its sinks take the rows; also returns the columns that statements which read it get.
    async fn plan(mut self, earlier: &[Outcome], schemas: &[Option<StreamColumns>], faults: &mut Vec<Error>) -> (Outcome, Option<StreamColumns>) {
        let statement = self.statement;
        let Some((mode, endless)) = self.mode else { return (Outcome::Faulty, None) };
        let mut inputs = std::mem::take(&mut self.created.inputs);
        let mut chained = Vec::new();
        let mut known = self.created.columns_known;
        let mut offline = !self.created.notes.is_empty();
        let mut sound = faults.is_empty();
        for (name, upstream) in &self.created.chained {
            offline |= matches!(earlier[*upstream], Outcome::Unplanned(_));
            sound &= !matches!(earlier[*upstream], Outcome::Faulty);
            // If the upstream statement is wrong it has been said; nothing more is known then.
            let Some(schema) = &schemas[*upstream] else {
                known = false;
                continue;
            };
            if let Outcome::Ready(job) = &earlier[*upstream]
                && job.spec.plan.updates.is_some()
            {
                faults.push(rows_change(name).at(&statement.script, statement.statement.span));
            }
            inputs.push(stream_input(name, schema, endless || mode == ExecutionMode::Stream));
            let job = earlier[..*upstream].iter().filter(|outcome| matches!(outcome, Outcome::Ready(_))).count();
            chained.push(ChainedInput { name: Arc::clone(name), job });
        }
        if !known {
            return (if sound && offline { Outcome::Unplanned(self.unplanned()) } else { Outcome::Faulty }, None);
        }
        let clock = Arc::new(EpochClock::system());
        let row_faults = Arc::new(RowFaults::new(statement.failure.strategy == FailureStrategy::LogAndContinue));
        let limits = MemoryLimits { recommended: Some(statement.job.memory_recommended.0), most: statement.job.memory_limit.map(|limit| limit.0) };
        let memory: Arc<dyn MemoryPool> = Arc::new(JobMemory::new(&statement.name, limits, self.memory));
        let carry = self.created.sinks.iter().any(|sink| sink.sink.wants_carried());
        let request = PlanRequest {
            script: &statement.script,
            statement: &statement.statement,
            tables: &inputs,
            mode,
            clock: &clock,
            faults: &row_faults,
            carry,
            state_ttl: statement.job.state_ttl.map(|ttl| ttl.0),
            results: Results { arrival: statement.job.takes_over_as_it_comes(), early: statement.job.emits_changes() },
            memory: Some(&memory),
            functions: self.functions,
        };
        let plan = match plan_job(request).await {
            Ok(plan) => plan,
            Err(errors) => {
                faults.extend(errors.into_iter().map(|error| locate(error, &statement.settings, &statement.script, statement.statement.span)));
                return (Outcome::Faulty, None);
            }
        };
        self.check_sinks(&plan, faults);
        let columns = visible(&plan.schema);
        let times = plan.column_times.iter().take(columns.fields().len()).cloned().collect();
        let schema = Some(StreamColumns { columns, times });
        if !faults.is_empty() || !sound {
            return (Outcome::Faulty, schema);
        }
        let mut warnings = statement.warnings.clone();
        if waits_for_an_end(&plan, endless) {
            warnings.push(format!("job '{}': rows of a table without a partner come out when the stream ends, and this one may never end", statement.name));
        }
        warnings.extend(plan.open_joins.iter().map(|(left, right)| {
            let ttl = statement.job.state_ttl.map_or(DEFAULT_TTL, |ttl| ttl.0);
            format!(
                "job '{}': the join of '{left}' and '{right}' has no WITHIN: rows pair whose event times differ by no more than 'state.ttl' = {} ms",
                statement.name,
                ttl.as_millis()
            )
        }));
        let only_loaded = |source: &str| plan.loads(source) && !plan.leaves.iter().any(|leaf| &*leaf.source == source);
        let idle = statement.sources.iter().filter(|source| source.shared.cuts_batches() && only_loaded(&source.name));
        warnings.extend(
            idle.map(|source| format!("job '{}': '{1}.batch.…' has no effect: '{1}' is a table here, which is loaded whole", statement.name, source.name)),
        );
        let one_batch_per_epoch = statement.failure.strategy == FailureStrategy::FailBatch || statement.sinks.iter().any(|sink| sink.connector.per_batch());
        let mut sinks = self.created.sinks;
        sinks.extend(self.stdout.map(|stdout| SinkSpec { sink: Arc::clone(stdout), failure: statement.failure }));
        let spec = JobSpec {
            name: statement.name.clone(),
            plan,
            sources: self.created.sources,
            chained,
            sinks,
            failure: statement.failure,
            faults: row_faults,
            clock,
            one_batch_per_epoch,
            buffer_rows: statement.job.buffer_size,
            shutdown_timeout: statement.job.shutdown_timeout.0,
            row_limit: self.row_limit,
            // A trial run is not to go on with the records, nor to remove them.
            checkpoint: self.checkpoint.filter(|_| self.row_limit.is_none()),
            tap: None,
        };
        let sources = statement.sources.iter().map(|source| source.name.clone()).collect();
        let job = PreparedJob { spec, sources, settings: statement.settings.clone(), warnings };
        (Outcome::Ready(Box::new(job)), schema)
    }

    fn check_sinks(&self, plan: &JobPlan, faults: &mut Vec<Error>) {
        let statement = self.statement;
        for sink in &self.created.sinks {
            let name = sink.sink.name();
            let span = statement.sinks.iter().find(|bound| bound.name == name).map_or(statement.statement.span, |bound| bound.span);
            let columns = if sink.sink.wants_carried() { Arc::clone(&plan.schema) } else { visible(&plan.schema) };
            let updates = || plan.updates.as_ref().map_or(Ok(()), |keys| sink.sink.check_updates(keys));
            let checked = sink.sink.check_schema(&columns).and_then(|()| updates());
            let whose = |error: Error| if error.setting_name().is_some() { error } else { error.context(format!("sink '{name}'")) };
            faults.extend(checked.err().map(|error| locate(whose(error), &statement.settings, &statement.script, span)));
        }
        let printed = self.stdout.map_or(Ok(()), |stdout| stdout.check_schema(&visible(&plan.schema)));
        faults.extend(printed.err().map(|error| error.or_at(&statement.script, statement.statement.span)));
    }

    fn unplanned(self) -> UnplannedJob {
        let statement = self.statement;
        UnplannedJob {
            name: statement.name.clone(),
            sources: self.created.sources.len() + self.created.notes.len(),
            notes: self.created.notes,
            sinks: self.created.sinks.len() + usize::from(self.stdout.is_some()),
            settings: statement.settings.clone(),
            warnings: statement.warnings.clone(),
        }
    }
}

/// A statement that reads one whose rows take the place of earlier ones.
fn rows_change(name: &str) -> Error {
    Error::sql(format!("'{name}' groups without a window of the event time: its rows take the place of earlier ones, which nobody takes back here"))
        .with_help(format!("group '{name}' by a window, like tumble(ts, INTERVAL '1' MINUTE)"))
}

/// What statements know that read another one's rows.
#[derive(Clone, Debug)]
struct StreamColumns {
    columns: SchemaRef,
    /// How far they have come.
    times: Vec<Option<Timeline>>,
}

/// A stream of the script as an input. Its rows come in epochs, so it has to be the stream of a join.
fn stream_input(name: &Arc<str>, stream: &StreamColumns, unbounded: bool) -> TableInput {
    TableInput {
        name: Arc::clone(name),
        schema: Arc::clone(&stream.columns),
        unbounded,
        bytes: 0,
        event_time: None,
        event_time_unit: arrow::datatypes::TimeUnit::Microsecond,
        refresh_interval: None,
        metadata: &[],
        is_stream: true,
        column_times: stream.times.clone(),
    }
}

/// Whether rows come out only when a stream ends that may never end.
fn waits_for_an_end(plan: &JobPlan, endless: bool) -> bool {
    let waits = |kind: crate::operators::lookup_join::LookupKind| kind.remembers_matches() && kind.emits_pairs();
    plan.mode == ExecutionMode::Stream && endless && plan.lookups.iter().any(|lookup| waits(lookup.join.kind()))
}
