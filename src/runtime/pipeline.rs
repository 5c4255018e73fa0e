//! Starts the parts of a run, drives them, ends them. Jobs that read each other form one pipeline; pipelines run at the same time and don't disturb each other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{RwLock, mpsc, watch};
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::batch_run::run_batch;
use super::batching::whole_batch_bytes;
use super::checkpoint::{Opened, open, resume};
use super::counters::{JobCounters, JobSummary};
use super::ending::{close, last_words, longest_timeout, supervised, within};
use super::epoch_outputs::{Direct, EpochOutputs};
use super::gate::{AtGate, Gate};
use super::job_memory::{FEW_ROWS, decoded_rows, share};
use super::leaf_feed::SourceFeed;
use super::panicked;
use super::pipelines::in_pipelines;
use super::plan_root::{keeps_metrics, with_root};
use super::rate_limited_log::RateLimitedLog;
use super::room::Room;
use super::shutdown::Shutdown;
use super::sink_set::SinkSet;
use super::sink_task::SinkEvent;
use super::source_clock::SourceClock;
use super::source_task::{SourceTask, TaskEnds, tolerates};
use super::spec::{JobSpec, SourceSpec};
use super::stream_driver::{Ending, Statement, StreamDriver};
use super::stream_input::StreamInput;
use super::table_loader::TableLoader;
use super::threads::on_thread;
use crate::clock::system_nanos;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::planner::{ExecutionMode, LeafPlan};
use crate::resident::forget_program;
use crate::stream::{DataSink, Position};
use crate::unwind::guarded_future;

/// Tasks that decode for one source at the same time.
pub(super) const DECODERS: usize = 2;

/// Rows that are decoded together.
pub(super) const DECODED_ROWS: usize = 8192;

/// Why a batch has no result.
const NOT_STARTED: &str = "stopped before its sinks were opened; there is no result";

/// How a job ended.
#[derive(Debug)]
pub struct JobOutcome {
    /// Name of the job.
    pub name: String,
    /// Its failure, if it failed.
    pub error: Option<Error>,
    /// It was refused before anything was started.
    pub refused: bool,
    /// It reached its end, but a source or sink was missing on the way.
    pub incomplete: bool,
    /// Its counts.
    pub summary: JobSummary,
    /// For each source the position up to which everything is durable in all sinks.
    pub durable: Vec<(String, Position)>,
}

/// The jobs of a pipeline, by name.
pub(super) type Names = Vec<(String, Arc<JobCounters>)>;

/// A run that was started.
pub struct Running {
    /// Counts of each job, by name.
    pub jobs: Vec<(String, Arc<JobCounters>)>,
    pipelines: Vec<(Names, JoinHandle<Vec<JobOutcome>>)>,
}

impl Running {
    /// Waits for the end of all jobs.
    pub async fn finished(self) -> Vec<JobOutcome> {
        let mut all = Vec::new();
        for (names, pipeline) in self.pipelines {
            // Panics are caught below: this is the end of the runtime.
            all.extend(pipeline.await.unwrap_or_else(|error| broken(names, panicked(&error.to_string()))));
        }
        all
    }
}

/// A job with its counts.
type Counted = (JobSpec, Arc<JobCounters>);

/// Starts the jobs; `last_resort` takes the rows of a job all of whose sinks are down. Must be called within a Tokio runtime.
pub fn start(specs: Vec<JobSpec>, last_resort: &Arc<dyn DataSink>, shutdown: &Shutdown) -> Running {
    start_at(None, specs, last_resort, shutdown)
}

/// Likewise, but no pipeline starts before all have come to the gate.
pub fn start_at(gate: Option<&Gate>, specs: Vec<JobSpec>, last_resort: &Arc<dyn DataSink>, shutdown: &Shutdown) -> Running {
    let mut jobs = Vec::new();
    let mut counted: Vec<Counted> = Vec::new();
    for spec in specs {
        let names = || spec.sources.iter().map(|source| Arc::<str>::from(source.source.name()));
        let counters = Arc::new(JobCounters::new(
            names().filter(|name| !spec.plan.loads(name) || spec.plan.leaves.iter().any(|leaf| leaf.source == *name)),
            names().filter(|name| spec.plan.loads(name)),
            spec.sinks.iter().map(|sink| Arc::from(sink.sink.name())),
            spec.plan.stateful.clone(),
            Arc::clone(&spec.faults),
            // A batch that ends at a limit has read more than it has used.
            spec.plan.row_wise && (spec.plan.mode == ExecutionMode::Stream || spec.row_limit.is_none()),
            Arc::clone(spec.plan.context.memory_pool()),
        ));
        jobs.push((spec.name.clone(), Arc::clone(&counters)));
        counted.push((spec, counters));
    }
    let pipelines = in_pipelines(counted, |(spec, _)| &spec.chained)
        .into_iter()
        .map(|pipeline| {
            let (last_resort, shutdown) = (Arc::clone(last_resort), shutdown.clone());
            let (shutdown_of, timeout) = (shutdown.clone(), longest_timeout(pipeline.iter().map(|(_, (spec, _))| spec)));
            let names: Names = pipeline.iter().map(|(_, (spec, counters))| (spec.name.clone(), Arc::clone(counters))).collect();
            let span = tracing::info_span!("job", name = names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
            let all = names.clone();
            let gate = gate.map_or_else(|| Gate::of(1).one(), Gate::one);
            let run = async move {
                // The parts that run by themselves catch their own panics and tell whose they are.
                guarded_future(run_pipeline(pipeline, last_resort, shutdown, gate)).await.unwrap_or_else(|panic| broken(names, panicked(&panic)))
            };
            // What computes is not to keep others from what they wait for, so it has a thread.
            (all.clone(), tokio::spawn(supervised(on_thread(run.instrument(span)), all, shutdown_of, timeout)))
        })
        .collect();
    Running { jobs, pipelines }
}

/// A job of a pipeline with its parts.
pub(super) struct Part {
    pub number: usize,
    pub spec: JobSpec,
    pub counters: Arc<JobCounters>,
    pub sources: Arc<Vec<SourceSpec>>,
    pub sinks: Arc<RwLock<SinkSet>>,
}

async fn run_pipeline(jobs: Vec<(usize, Counted)>, last_resort: Arc<dyn DataSink>, shutdown: Shutdown, mut gate: AtGate) -> Vec<JobOutcome> {
    let (sink_events, sinks) = mpsc::unbounded_channel();
    let names: Names = jobs.iter().map(|(_, (spec, counters))| (spec.name.clone(), Arc::clone(counters))).collect();
    let is_batch = jobs.iter().all(|(_, (spec, _))| spec.plan.mode == ExecutionMode::Batch);
    let timeout = longest_timeout(jobs.iter().map(|(_, (spec, _))| spec));
    let mut parts = Vec::new();
    let mut failure: Option<(usize, Error)> = None;
    let mut stopped = false;
    let mut refused = false;
    let mut records = None;
    match open(&jobs.iter().map(|(_, (spec, _))| spec).collect::<Vec<_>>()).await {
        Ok(opened) => records = opened,
        Err(error) => {
            refused = error.1.fault() == Fault::User;
            failure = Some(error);
        }
    }
    let jobs = if failure.is_some() { Vec::new() } else { jobs };
    for (at, (number, (mut spec, counters))) in jobs.into_iter().enumerate() {
        spec.clock.advance(system_nanos());
        let opening = SinkSet::open(&spec.name, &spec.sinks, &spec.plan.schema, &spec.clock, &counters, Arc::clone(&last_resort), spec.tap.clone());
        // Asked to end, nobody waits for sinks that still connect.
        let opened = tokio::select! {
            biased;
            opened = opening => opened,
            () = shutdown.requested() => {
                stopped = true;
                if !is_batch {
                    break;
                }
                Err(Error::new(ErrorKind::Limit, Fault::User, NOT_STARTED))
            }
        };
        match opened {
            Ok(sinks) => {
                let sources = Arc::new(std::mem::take(&mut spec.sources));
                parts.push(Part { number, spec, counters, sources, sinks: Arc::new(RwLock::new(sinks)) });
            }
            Err(error) => {
                refused = error.fault() == Fault::User && error.kind() != ErrorKind::Limit;
                failure = Some((at, error));
                break;
            }
        }
    }
    if refused {
        gate.refuse();
    } else if failure.is_none() && !stopped {
        stopped = tokio::select! {
            biased;
            all = gate.pass() => !all,
            () = shutdown.requested() => true,
        };
        failure = (stopped && is_batch).then(|| (0, Error::new(ErrorKind::Limit, Fault::User, NOT_STARTED)));
    }
    drop(gate);
    if failure.is_none() && !stopped {
        for (at, part) in parts.iter().enumerate() {
            part.sinks.write().await.begin(at, &part.spec.sinks, &sink_events, part.spec.plan.context.memory_pool());
        }
    }
    drop(sink_events);
    let mut sets = Vec::new();
    for part in &parts {
        sets.push((Arc::clone(&part.sinks), part.sinks.read().await.stop.clone()));
    }
    let mut streamed: Option<Streamed> = None;
    let mut incomplete = false;
    let mut complete = failure.is_none() && !stopped;
    if complete {
        parts.iter().for_each(tell_start);
        forget_program();
        let ended = if is_batch {
            let ended = within(run_batch(parts, sinks, &shutdown), &shutdown, timeout).await;
            // What a failed batch has written so far is no result.
            complete = ended.is_ok();
            ended
        } else {
            within(run_stream(parts, records, sinks, &shutdown, &mut streamed), &shutdown, timeout).await
        };
        failure = ended.err();
    }
    // A job that has failed does not wait for ever for a system that is away.
    let at_most = if failure.is_some() { timeout } else { Duration::MAX };
    let closing = sets.iter().map(|(set, stop)| close(set, stop, complete, (&shutdown, timeout, at_most)));
    for (at, (closed, lacks)) in futures::future::join_all(closing).await.into_iter().enumerate() {
        incomplete |= lacks;
        if let Err(error) = closed {
            failure.get_or_insert((at, error));
        }
    }
    if is_batch && let Some((at, _)) = &failure {
        super::counters::add(&names[*at].1.batches_failed, 1);
    }
    // Closing has made the last rows durable.
    let mut durable = vec![Vec::new(); names.len()];
    if let Some(mut streamed) = streamed {
        if let Err(error) = streamed.driver.finish_records(failure.is_some()).await {
            failure.get_or_insert(error);
        }
        incomplete |= streamed.driver.broken_source.is_some();
        for ((at, name), position) in streamed.names.iter().zip(streamed.driver.durable) {
            durable[*at].push((name.clone(), position.borrow().clone()));
        }
        // The sources have heard the last about what is durable: they say good-bye.
        streamed.stop.request();
        let ends = futures::future::join_all(streamed.tasks);
        let last_words = last_words(&shutdown, timeout);
        match tokio::time::timeout(last_words, ends).await {
            Ok(ended) => {
                let panicked = streamed.names.iter().zip(ended).find_map(|((at, _), ended)| ended.ok()?.err().map(|error| (*at, error)));
                failure = failure.or(panicked);
            }
            Err(_) => tracing::warn!("a source did not end within {} s", last_words.as_secs()),
        }
    }
    let mut outcomes = outcomes(names, failure, incomplete, durable);
    outcomes.iter_mut().for_each(|outcome| outcome.refused = refused);
    outcomes
}

fn tell_start(part: &Part) {
    part.sources.iter().for_each(|source| source.source.begin());
    part.counters.started.send_replace(true);
    let sources = part.counters.sources.len() + part.counters.tables.len();
    tracing::info!("{}job '{}' started", if sources > 1 { "multi-source " } else { "" }, part.spec.name);
}

/// A driver of epochs that has been started, and the source of each of its inputs with the number of its job.
struct Streamed {
    driver: StreamDriver,
    names: Vec<(usize, String)>,
    tasks: Vec<JoinHandle<Result<()>>>,
    /// A reader's task ends with the run, however the run ends.
    stop: Shutdown,
}

/// The ends of jobs whose pipeline is gone without a word.
pub(super) fn broken(names: Names, error: Error) -> Vec<JobOutcome> {
    let durable = vec![Vec::new(); names.len()];
    outcomes(names, Some((0, error)), true, durable)
}

fn outcomes(names: Names, mut failure: Option<(usize, Error)>, incomplete: bool, durable: Vec<Vec<(String, Position)>>) -> Vec<JobOutcome> {
    let failed = failure.as_ref().map(|(at, error)| (names[*at].0.clone(), error.kind(), error.fault()));
    names
        .into_iter()
        .zip(durable)
        .enumerate()
        .map(|(at, ((name, counters), durable))| {
            let own = failure.take_if(|(failed, _)| *failed == at).map(|(_, error)| error);
            let error = own.or_else(|| {
                let (failed, kind, fault) = failed.as_ref().filter(|(failed, ..)| *failed != name)?;
                // Who breaks the rules of the engine does so for all; for anything else this job's input has failed.
                let (kind, fault) = if *fault == Fault::Internal { (*kind, *fault) } else { (ErrorKind::Source, Fault::External) };
                Some(Error::new(kind, fault, format!("stopped, since job '{failed}' of the same pipeline failed")))
            });
            let summary = counters.summary(&name);
            JobOutcome { name, error, refused: false, incomplete, summary, durable }
        })
        .collect()
}

/// Feeds, each with the number of its source or of the job that produces its rows.
pub(super) type NumberedFeeds = Vec<(usize, SourceFeed)>;

/// The feeds of a job: one for each of its sources and chained inputs that the plan reads in epochs (or at once, in batch mode).
pub(super) fn feeds(part: &Part) -> Result<(NumberedFeeds, NumberedFeeds)> {
    let plan = &part.spec.plan;
    let leaves_of = |name: &str| -> Vec<LeafPlan> { plan.leaves.iter().filter(|leaf| &*leaf.source == name).cloned().collect() };
    let mut sources = Vec::new();
    for (at, source) in part.sources.iter().enumerate() {
        let leaves = leaves_of(source.source.name());
        if leaves.is_empty() {
            continue;
        }
        let event_time = plan.event_times.iter().find(|(name, _)| &**name == source.source.name()).map(|(_, expression)| expression);
        let timed = plan.mode == ExecutionMode::Stream && plan.times.iter().any(|(name, _)| &**name == source.source.name());
        sources
            .push((at, SourceFeed::new(&source.source.schema(), leaves, event_time, source.source.metadata(), timed, false, Arc::clone(&part.spec.faults))?));
    }
    let mut chained = Vec::new();
    for input in &part.spec.chained {
        let leaves = leaves_of(&input.name);
        if let Some(leaf) = leaves.first() {
            let schema = plan.inputs.iter().find(|(name, _)| *name == input.name).map_or_else(|| Arc::clone(&leaf.schema), |(_, schema)| Arc::clone(schema));
            chained.push((input.job, SourceFeed::new(&schema, leaves, None, &[], false, true, Arc::clone(&part.spec.faults))?));
        }
    }
    Ok((sources, chained))
}

async fn run_stream(
    parts: Vec<Part>,
    records: Option<Opened>,
    sinks: mpsc::UnboundedReceiver<SinkEvent>,
    shutdown: &Shutdown,
    streamed: &mut Option<Streamed>,
) -> Result<(), (usize, Error)> {
    let (events, sources) = mpsc::unbounded_channel();
    let stop = Shutdown::new();
    let mut inputs: Vec<StreamInput> = Vec::new();
    let mut tasks = Vec::new();
    let mut statements = Vec::new();
    let mut names = Vec::new();
    let numbers: Vec<usize> = parts.iter().map(|part| part.number).collect();
    // Statements that read this one may go by the time of its sources.
    let has_state = parts.iter().any(|part| !part.spec.plan.stateful.is_empty());
    let one_batch_per_epoch = parts.iter().any(|part| part.spec.one_batch_per_epoch);
    for (at, part) in parts.into_iter().enumerate() {
        let (own, chained) = feeds(&part).map_err(|error| (at, error))?;
        for (source_at, feed) in own {
            let source = &part.sources[source_at];
            let name: Arc<str> = Arc::from(source.source.name());
            // A whole batch must fit, with the decoded batch that crosses its end: else it would wait for rows that are not allowed to come.
            let rows = part.spec.buffer_rows.max(source.batch.max_rows.min(1 << 20) + 2 * DECODED_ROWS);
            let memory = part.spec.plan.context.memory_pool();
            let most_bytes = share(memory, 8 * part.sources.len(), whole_batch_bytes(&source.batch));
            let ahead = Room::new(rows, most_bytes.saturating_mul(2));
            // Decoding has its own batch size: smaller batches are cut out of its batches without copying.
            // But what stops the job is not to take whole batches before it with it; only tiny ones, which are not worth decoding by themselves.
            let decoded = if tolerates(&source.failure) { DECODED_ROWS } else { source.batch.max_rows.clamp(FEW_ROWS, DECODED_ROWS) };
            let request = feed.request(decoded_rows(memory, decoded, feed.row_width()), DECODERS, &part.counters.health_of(&name));
            let place = format!("job '{}', source '{name}'", part.spec.name);
            let task = SourceTask { source: Arc::clone(&source.source), request, policy: source.failure, place: place.clone(), begin: Position::default() };
            tasks.push((task, ahead.clone()));
            names.push((at, name.to_string()));
            let time = part.spec.plan.times.iter().find(|(own, _)| *own == name).filter(|_| has_state);
            let clock = time.map(|(_, time)| SourceClock::new(Arc::clone(time), source.watermark, part.counters.health_of(&name), place, Instant::now()));
            let counters = Arc::clone(&part.counters);
            inputs.push(StreamInput::new(at, name, &part.spec.name, feed, ahead, source.batch, source.failure, counters, most_bytes, memory, clock));
        }
        // The last statement of a pipeline is read by no other.
        let direct = tolerates(&part.spec.failure) && at + 1 == numbers.len();
        let sink_names = part.spec.sinks.iter().map(|sink| sink.sink.name().to_owned()).collect();
        let to_sinks = direct.then(|| Direct { sinks: Arc::clone(&part.sinks), readers: Vec::new() });
        let outputs = Arc::new(EpochOutputs::new(
            sink_names,
            Arc::clone(&part.counters),
            Arc::clone(&part.spec.plan.schema),
            to_sinks,
            part.spec.plan.context.memory_pool(),
        ));
        let (root, limits) = with_root(&part, &outputs);
        let plan = part.spec.plan;
        let tables = TableLoader::new(
            &part.spec.name,
            plan.lookups,
            Arc::clone(&part.sources),
            plan.event_times,
            Arc::clone(part.spec.faults.of_tables()),
            Arc::clone(&part.counters),
            Arc::clone(&plan.context),
            DECODERS,
        );
        let chained = chained.into_iter().filter_map(|(job, feed)| Some((numbers.iter().position(|number| *number == job)?, feed))).collect();
        statements.push(Statement {
            name: part.spec.name.clone(),
            log: RateLimitedLog::new(format!("job '{}'", part.spec.name)),
            keeps_metrics: keeps_metrics(&root),
            root,
            context: plan.context,
            outputs,
            direct,
            sinks: part.sinks,
            counters: part.counters,
            clock: part.spec.clock,
            tables,
            chained,
            limits,
            stateful: plan.stateful.into_iter().map(|figures| (figures, 0)).collect(),
            failure: part.spec.failure,
            done: false,
        });
    }
    let count = inputs.len();
    let mut driver = StreamDriver {
        statements,
        inputs,
        sources,
        sinks,
        shutdown: shutdown.clone(),
        one_batch_per_epoch,
        epoch: 0,
        moved: VecDeque::new(),
        durable: (0..count).map(|_| watch::Sender::new(Position::default())).collect(),
        turn: 0,
        broken_source: None,
        keeper: None,
        complete: false,
    };
    if let Some(opened) = records {
        resume(&mut driver, &mut tasks, opened);
    }
    let tasks = tasks
        .into_iter()
        .enumerate()
        .map(|(index, (task, ahead))| {
            let ends = TaskEnds { index, ahead, events: events.clone(), durable: driver.durable[index].subscribe() };
            let span = tracing::info_span!("source", name = task.source.name());
            // Sources of an application may block.
            on_thread(task.run(ends, shutdown.clone(), stop.clone()).instrument(span))
        })
        .collect();
    drop(events);
    let streamed = streamed.insert(Streamed { driver, names, tasks, stop });
    let ended = streamed.driver.run().await;
    streamed.stop.request();
    ended.map(|ending| {
        if ending == Ending::ClosedPipe {
            tracing::debug!("standard output was closed");
        }
    })
}
