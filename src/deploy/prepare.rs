//! Sources, plans and sinks of a script. Nothing is created on disk; all faults are reported at once.

use std::sync::Arc;

use sql_extensions::Span;

use super::offline::DeclaredSource;
use super::pipelines::{mode, pipelines};
use super::targets::collisions;
use crate::clock::EpochClock;
use crate::config::{BoundSource, BoundStatement, Environment, SourceInput};
use crate::error::{Error, Result, Script};
use crate::operators::guard::RowFaults;
use crate::options::EffectiveSetting;
use crate::planner::{ExecutionMode, PlanRequest, TableInput, plan_job};
use crate::runtime::{ChainedInput, JobSpec, SinkSpec, SourceSpec};
use crate::sources::SourceConnector;
use crate::stream::{Boundedness, DataSink, DataSource, FailureStrategy};

/// How a script is prepared.
pub struct PrepareRequest<'a> {
    /// Its statements.
    pub statements: Vec<BoundStatement>,
    /// Variables (the key of encrypted files).
    pub environment: &'a dyn Environment,
    /// Where statements without `INTO` write.
    pub stdout: Arc<dyn DataSink>,
    /// Ends each job after this many rows.
    pub row_limit: Option<usize>,
    /// Look at declarations only, as far as possible.
    pub offline: bool,
}

/// Something to be told about a source that was not looked at.
#[derive(Clone, Debug)]
pub struct Note {
    /// The source.
    pub source: String,
    /// Columns that the statement reads and that could not be checked.
    pub unchecked: usize,
}

/// A job that can be started.
#[derive(Debug)]
pub struct PreparedJob {
    /// What is run.
    pub spec: JobSpec,
    /// The script.
    pub script: Arc<Script>,
    /// The statement's place in it.
    pub span: Span,
    /// Every setting in force.
    pub settings: Vec<EffectiveSetting>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
    sink_spans: Vec<(String, Span)>,
}

impl PreparedJob {
    /// Where a sink is named.
    pub(super) fn sink_span(&self, name: &str) -> Span {
        self.sink_spans.iter().find(|(sink, _)| sink == name).map_or(self.span, |(_, span)| *span)
    }
}

/// What is known of one statement after its sources were created.
struct Created {
    sources: Vec<SourceSpec>,
    inputs: Vec<TableInput>,
    chained: Vec<(Arc<str>, usize)>,
}

/// Prepares a script; with `offline`, jobs whose columns can't be known are left out and noted.
pub async fn prepare(request: PrepareRequest<'_>) -> Result<(Vec<PreparedJob>, Vec<Note>), Vec<Error>> {
    let mut errors = Vec::new();
    let mut notes = Vec::new();
    let mut created: Vec<Option<Created>> = Vec::new();
    for statement in &request.statements {
        created.push(create_sources(statement, &request, &mut notes, &mut errors));
    }
    let pipeline = pipelines(&request.statements);
    let endless = |number: usize| {
        let members = pipeline.iter().zip(&created).filter(move |(member, _)| **member == number).filter_map(|(_, created)| created.as_ref());
        members
            .flat_map(|created| &created.sources)
            .find(|source| source.source.boundedness() == Boundedness::Unbounded)
            .map(|source| source.source.name().to_owned())
    };
    let mut modes = Vec::new();
    for number in &pipeline {
        let members: Vec<&BoundStatement> =
            pipeline.iter().zip(&request.statements).filter(|(member, _)| *member == number).map(|(_, statement)| statement).collect();
        let endless = endless(*number);
        modes.push(mode(&members, endless.as_deref()).map(|mode| (mode, endless.is_some())));
    }
    let read_by_others: Vec<usize> = request
        .statements
        .iter()
        .flat_map(|statement| &statement.sources)
        .filter_map(|source| match source.input {
            SourceInput::Chained(at) => Some(at),
            SourceInput::Connector(_) => None,
        })
        .collect();
    let mut jobs: Vec<Option<PreparedJob>> = Vec::new();
    let mut reported = Vec::new();
    for (at, ((statement, created), mode)) in request.statements.iter().zip(created).zip(modes).enumerate() {
        let mode = match mode {
            Ok(mode) => mode,
            Err(error) => {
                // Once for the whole pipeline.
                if !reported.contains(&pipeline[at]) {
                    reported.push(pipeline[at]);
                    errors.push(error);
                }
                jobs.push(None);
                continue;
            }
        };
        let Some(created) = created else {
            jobs.push(None);
            continue;
        };
        let prints = !read_by_others.contains(&at);
        let job = plan_statement(statement, created, mode, &jobs, prints, &request).await;
        jobs.push(match job {
            Ok(job) => job,
            Err(error) => {
                errors.push(error);
                None
            }
        });
    }
    let jobs: Vec<PreparedJob> = jobs.into_iter().flatten().collect();
    errors.extend(collisions(&jobs));
    if errors.is_empty() { Ok((jobs, notes)) } else { Err(errors) }
}

fn create_sources(statement: &BoundStatement, request: &PrepareRequest<'_>, notes: &mut Vec<Note>, errors: &mut Vec<Error>) -> Option<Created> {
    let mut created = Created { sources: Vec::new(), inputs: Vec::new(), chained: Vec::new() };
    let mut complete = true;
    for (index, bound) in statement.sources.iter().enumerate() {
        let name: Arc<str> = Arc::from(bound.name.as_str());
        match &bound.input {
            SourceInput::Chained(upstream) => created.chained.push((name, *upstream)),
            SourceInput::Connector(connector) => match create_source(statement, index, bound, connector, request.offline) {
                Ok(Some(source)) => {
                    created.inputs.push(table_input(bound, name, source.as_ref()));
                    created.sources.push(SourceSpec { source, batch: bound.batch, failure: bound.failure });
                }
                Ok(None) => {
                    notes.push(Note { source: bound.name.clone(), unchecked: columns_read(statement, bound) });
                    complete = false;
                }
                Err(error) => {
                    errors.push(error);
                    complete = false;
                }
            },
        }
    }
    complete.then_some(created)
}

/// Creates a source; `None` if its columns can't be known offline.
fn create_source(
    statement: &BoundStatement,
    index: usize,
    bound: &BoundSource,
    connector: &SourceConnector,
    offline: bool,
) -> Result<Option<Arc<dyn DataSource>>> {
    let label = format!("source_{index}_{}", bound.name);
    if offline && let Some(schema) = &bound.declared {
        let bounded = connector.is_bounded();
        return Ok(Some(Arc::new(DeclaredSource { name: bound.name.clone(), schema: Arc::clone(schema), bounded })));
    }
    // What is read from a pipe is gone for the run that follows.
    if offline && connector.reads_pipe() {
        return Ok(None);
    }
    tracing::info!("job '{}': Creating {} source {label}", statement.name, connector.kind());
    match connector.create(&bound.name, bound.declared.clone()) {
        Ok(source) => {
            tracing::info!("job '{}': Successfully created source {label} ({})", statement.name, source.describe());
            Ok(Some(source))
        }
        Err(error) if offline && error.kind() == crate::error::ErrorKind::Source => Ok(None),
        Err(error) if error.kind() == crate::error::ErrorKind::Config => Err(error.or_at(&statement.script, bound.span)),
        Err(error) => Err(error
            .context(format!("Job '{}' failed to create data sources: Failed to create source '{label}'", statement.name))
            .or_at(&statement.script, bound.span)),
    }
}

fn columns_read(statement: &BoundStatement, bound: &BoundSource) -> usize {
    let analysis = sql_extensions::QueryAnalyzer::new(statement.name.clone()).analyze(&statement.statement);
    analysis
        .map(|analysis| analysis.required_sources.iter().filter(|source| source.name == bound.name).count().max(analysis.referenced_columns.len()))
        .unwrap_or(0)
}

fn table_input(bound: &BoundSource, name: Arc<str>, source: &dyn DataSource) -> TableInput {
    TableInput {
        name,
        schema: source.schema(),
        unbounded: source.boundedness() == Boundedness::Unbounded,
        bytes: usize::try_from(source.estimated_bytes()).unwrap_or(usize::MAX),
        event_time: bound.shared.event_time.clone(),
        event_time_unit: bound.shared.event_time_unit.0,
        refresh_interval: bound.shared.refresh_interval.map(|interval| interval.0),
    }
}

async fn plan_statement(
    statement: &BoundStatement,
    created: Created,
    (mode, endless): (ExecutionMode, bool),
    earlier: &[Option<PreparedJob>],
    prints: bool,
    request: &PrepareRequest<'_>,
) -> Result<Option<PreparedJob>> {
    let mut inputs = created.inputs;
    let mut chained = Vec::new();
    for (name, upstream) in created.chained {
        // If the upstream statement is wrong it has been said; nothing more is known then.
        let Some(Some(job)) = earlier.get(upstream) else { return Ok(None) };
        let at = earlier[..upstream].iter().flatten().count();
        inputs.push(TableInput {
            name: Arc::clone(&name),
            schema: Arc::clone(&job.spec.plan.schema),
            // Its rows come in epochs, so it has to be the stream of a join.
            unbounded: endless || mode == ExecutionMode::Stream,
            bytes: 0,
            event_time: None,
            event_time_unit: arrow::datatypes::TimeUnit::Microsecond,
            refresh_interval: None,
        });
        chained.push(ChainedInput { name, job: at });
    }
    let clock = Arc::new(EpochClock::system());
    let faults = Arc::new(RowFaults::new(statement.failure.strategy == FailureStrategy::LogAndContinue));
    let plan =
        plan_job(PlanRequest { script: &statement.script, statement: &statement.statement, tables: &inputs, mode, clock: &clock, faults: &faults }).await?;
    let mut warnings = statement.warnings.clone();
    if plan.mode == ExecutionMode::Stream
        && endless
        && plan.lookups.iter().any(|lookup| lookup.join.kind().remembers_matches() && lookup.join.kind().emits_pairs())
    {
        warnings.push(format!("job '{}': rows of a table without a partner come out when the stream ends, and this one may never end", statement.name));
    }
    let key = request.environment.get("VELO_ENCRYPTION_KEY");
    let mut sinks = Vec::new();
    let mut sink_spans = Vec::new();
    let mut one_batch_per_epoch = statement.failure.strategy == FailureStrategy::FailBatch;
    for bound in &statement.sinks {
        let place = |error: Error| error.context(format!("sink '{}'", bound.name)).or_at(&statement.script, bound.span);
        let sink = bound.connector.create(&bound.name, key.as_deref()).map_err(|error| error.or_at(&statement.script, bound.span))?;
        sink.check_schema(&plan.schema).map_err(place)?;
        one_batch_per_epoch |= bound.connector.per_batch();
        sinks.push(SinkSpec { sink, failure: bound.failure });
        sink_spans.push((bound.name.clone(), bound.span));
    }
    if statement.sinks.is_empty() && prints {
        request.stdout.check_schema(&plan.schema).map_err(|error| error.or_at(&statement.script, statement.statement.span))?;
        sinks.push(SinkSpec { sink: Arc::clone(&request.stdout), failure: statement.failure });
    }
    let spec = JobSpec {
        name: statement.name.clone(),
        plan,
        sources: created.sources,
        chained,
        sinks,
        failure: statement.failure,
        faults,
        clock,
        one_batch_per_epoch,
        buffer_rows: statement.job.buffer_size,
        shutdown_timeout: statement.job.shutdown_timeout.0,
        row_limit: request.row_limit,
    };
    Ok(Some(PreparedJob {
        spec,
        script: Arc::clone(&statement.script),
        span: statement.statement.span,
        settings: statement.settings.clone(),
        warnings,
        sink_spans,
    }))
}
