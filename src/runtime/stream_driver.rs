//! Epochs: rows that have come are put into the slots of the plans, the plans are executed, their results handed to the sinks; and so on until the inputs end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use futures::StreamExt;
use tokio::sync::{RwLock, mpsc, watch};
use tracing::Instrument;

use super::batching::Decision;
use super::checkpoint::Keeper;
use super::counters::{JobCounters, add};
use super::epoch_outputs::EpochOutputs;
use super::execution_error;
use super::job_memory::is_tight;
use super::leaf_feed::SourceFeed;
use super::panicked;
use super::rate_limited_log::RateLimitedLog;
use super::shutdown::Shutdown;
use super::sink_set::SinkSet;
use super::sink_task::SinkEvent;
use super::source_task::{SourceEvent, tolerates};
use super::stream_input::{StreamInput, fill};
use super::table_loader::TableLoader;
use crate::clock::{EpochClock, system_nanos};
use crate::error::{Error, Result};
use crate::ids::Epoch;
use crate::operators::OperatorFigures;
use crate::operators::event_time::Mark;
use crate::operators::limit::LimitState;
use crate::resident::forget_program;
use crate::stream::{FailurePolicy, Position};
use crate::unwind::guarded_future;

/// DataFusion's operators keep metrics of every execution; they are dropped this often.
const RESET_EVERY: u64 = 512;
/// How far the time of a source may be ahead of that of another one that has rows, in microseconds.
const MOST_AHEAD: i64 = 60_000_000;
/// How often an idle job looks after outputs that are not durable yet.
const IDLE_TICK: Duration = Duration::from_secs(1);

/// A statement that runs in epochs.
pub(super) struct Statement {
    /// The job's name.
    pub name: String,
    pub root: Arc<dyn ExecutionPlan>,
    pub context: Arc<TaskContext>,
    pub outputs: Arc<EpochOutputs>,
    /// Results go to the sinks while the epoch runs.
    pub direct: bool,
    pub sinks: Arc<RwLock<SinkSet>>,
    pub counters: Arc<JobCounters>,
    pub clock: Arc<EpochClock>,
    pub tables: TableLoader,
    /// Inputs that other statements of the pipeline produce: their number, and where the rows go.
    pub chained: Vec<(usize, SourceFeed)>,
    /// The limits that end the statement, each by itself.
    pub limits: Vec<Arc<LimitState>>,
    /// The operators that keep rows, each with its late rows that have been told.
    pub stateful: Vec<(Arc<OperatorFigures>, u64)>,
    pub failure: FailurePolicy,
    pub log: RateLimitedLog,
    /// Whether the plan holds operators that collect metrics.
    pub keeps_metrics: bool,
    pub done: bool,
}

/// The statements of a pipeline, in the order in which they read each other.
pub(super) struct StreamDriver {
    pub statements: Vec<Statement>,
    pub inputs: Vec<StreamInput>,
    pub sources: mpsc::UnboundedReceiver<(usize, SourceEvent)>,
    pub sinks: mpsc::UnboundedReceiver<SinkEvent>,
    pub shutdown: Shutdown,
    pub one_batch_per_epoch: bool,
    pub epoch: Epoch,
    /// Positions that epochs have moved, until they are durable.
    pub moved: VecDeque<(Epoch, usize, Position)>,
    /// For each input the position up to which everything is durable in all sinks; its source listens.
    pub durable: Vec<watch::Sender<Position>>,
    /// The input that is looked at first, so that none is starved.
    pub turn: usize,
    /// A source could not be read to its end.
    pub broken_source: Option<Error>,
    /// The records, if any are kept, and the job that says so.
    pub keeper: Option<(usize, Keeper)>,
    /// It has come to its end: nothing is left to go on with.
    pub complete: bool,
}

/// How the driver came to an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The inputs ended, a limit was reached, or the run was asked to end.
    Finished,
    /// Nobody reads standard output any more.
    ClosedPipe,
}

enum Step {
    Run(Vec<(usize, usize)>),
    Wait(Option<Duration>),
    End,
}

impl StreamDriver {
    /// Runs until the end. An error comes with the number of its statement.
    pub(super) async fn run(&mut self) -> Result<Ending, (usize, Error)> {
        let shutdown = self.shutdown.clone();
        for (number, statement) in self.statements.iter_mut().enumerate() {
            tokio::select! {
                loaded = statement.tables.load_all() => loaded.map_err(|error| (number, error))?,
                // Nothing was read yet that would have to be finished.
                () = shutdown.requested() => return Ok(Ending::Finished),
            }
        }
        forget_program();
        loop {
            while let Ok((input, event)) = self.sources.try_recv() {
                self.take_in(input, event)?;
            }
            match self.sinks.try_recv() {
                Ok(SinkEvent::ClosedPipe) => return Ok(Ending::ClosedPipe),
                Ok(SinkEvent::Failed(job, error)) => return Err((job, error)),
                Err(_) => {}
            }
            for statement in &mut self.statements {
                statement.tables.refresh().await;
            }
            match self.next_step() {
                Step::Run(cuts) => {
                    self.let_sinks_catch_up().await;
                    let span = tracing::debug_span!("epoch", number = self.epoch + 1);
                    self.run_epoch(&cuts).instrument(span).await?;
                }
                Step::Wait(_) | Step::End if self.time_moves() => self.run_epoch(&[]).await?,
                Step::Wait(at_most) => {
                    if let Some(ending) = self.wait(at_most).await? {
                        return Ok(ending);
                    }
                }
                Step::End => break,
            }
            if self.statements.iter().all(|statement| statement.done) {
                break;
            }
        }
        // A stream that was asked to stop has not ended: the rest of its tables may still find partners in the next run.
        let ended = !self.shutdown.is_requested();
        self.complete = ended && self.broken_source.is_none();
        if ended && self.statements.iter().any(|statement| statement.tables.has_rows_at_the_end() && !statement.done) {
            self.statements.iter().for_each(|statement| statement.tables.announce_last_epoch());
            self.run_epoch(&[]).await?;
        } else if self.epoch == 0 {
            // Branches without a source (VALUES in a UNION) come out in the first epoch even if there is no row.
            self.run_epoch(&[]).await?;
        }
        Ok(Ending::Finished)
    }

    fn take_in(&mut self, input: usize, event: SourceEvent) -> Result<(), (usize, Error)> {
        let Some(input) = self.inputs.get_mut(input) else { return Ok(()) };
        match event {
            SourceEvent::Batch(batch) => input.absorb(batch),
            SourceEvent::Ended => input.ended = true,
            SourceEvent::Panicked(error) => return Err((input.statement, error)),
            SourceEvent::Failed(error) => {
                input.ended = true;
                let statement = &self.statements[input.statement];
                // The other sources go on; that one was lost is told at the end, and by the exit status.
                if !tolerates(&statement.failure) {
                    return Err((input.statement, error));
                }
                tracing::error!("{error}; the job goes on without this source");
                self.broken_source = Some(error);
            }
        }
        Ok(())
    }

    /// All tasks have ended. They say so themselves before; one that has not is no end of its input.
    fn sources_are_gone(&mut self) -> Result<(), (usize, Error)> {
        match self.inputs.iter().find(|input| !input.ended) {
            Some(input) => Err((input.statement, Error::internal("a source has ended without a word"))),
            None => Ok(()),
        }
    }

    fn next_step(&mut self) -> Step {
        let mut cuts = Vec::new();
        let mut wait: Option<Duration> = None;
        let mut all_ended = true;
        let count = self.inputs.len();
        for offset in 0..count {
            let at = (self.turn + offset) % count;
            let input = &self.inputs[at];
            if self.statements[input.statement].done {
                continue;
            }
            match input.decide() {
                Decision::Take(rows) => {
                    cuts.push((at, rows));
                    if self.one_batch_per_epoch {
                        break;
                    }
                }
                Decision::Wait(Some(at_most)) => wait = Some(wait.map_or(at_most, |known| known.min(at_most))),
                Decision::Wait(None) => {}
            }
            all_ended &= input.ended;
        }
        self.let_others_catch_up(&mut cuts);
        if !cuts.is_empty() {
            self.turn = if self.one_batch_per_epoch { (cuts[0].0 + 1) % count } else { 0 };
            return Step::Run(cuts);
        }
        if all_ended && wait.is_none() { Step::End } else { Step::Wait(wait) }
    }

    /// Of sources that have rows, those whose time is far ahead wait for the others: what they bring would have to be kept until these are there.
    fn let_others_catch_up(&self, cuts: &mut Vec<(usize, usize)>) {
        let time = |input: usize| self.inputs[input].clock.as_ref().map(|clock| clock.time());
        let Some(least) = cuts.iter().filter_map(|(input, _)| time(*input)).filter(|mark| !mark.idle).map(|mark| mark.time).min() else { return };
        cuts.retain(|(input, _)| time(*input).is_none_or(|mark| mark.time == Mark::BEGINNING || mark.time <= least.saturating_add(MOST_AHEAD)));
    }

    /// While memory is short, waits for sinks to take what waits for them.
    async fn let_sinks_catch_up(&self) {
        const LOOK: Duration = Duration::from_millis(2);
        for statement in &self.statements {
            let is_short = async || is_tight(statement.context.memory_pool()) && statement.sinks.read().await.waiting() > 0;
            while is_short().await && self.sinks.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Moves the times of sources that have ended or are silent; returns whether any has moved.
    fn time_moves(&mut self) -> bool {
        let now = Instant::now();
        // A source that was asked to stop has not ended: its rows may still find partners in the next run.
        let stopping = self.shutdown.is_requested();
        let mut moved = false;
        for input in &mut self.inputs {
            let drained = input.is_drained() && !stopping;
            let Some(clock) = &mut input.clock else { continue };
            if drained {
                clock.end();
            }
            moved |= !stopping && clock.advance(now);
        }
        moved
    }

    /// Waits for rows, a deadline, a sink's failure or the request to end.
    async fn wait(&mut self, at_most: Option<Duration>) -> Result<Option<Ending>, (usize, Error)> {
        let undone = self.statements.iter().any(|statement| statement.counters.acked() < self.epoch && !statement.counters.sinks.is_empty());
        let due = self.statements.iter().filter_map(|statement| statement.tables.next_due()).min().map(|due| due.saturating_duration_since(Instant::now()));
        let tick = undone.then_some(IDLE_TICK);
        let now = Instant::now();
        let silent = self.inputs.iter().filter_map(|input| input.clock.as_ref()?.next_due(now)).min().map(|due| due.saturating_duration_since(now));
        let record = self.keeper.as_ref().and_then(|(_, keeper)| keeper.next_due(self.epoch));
        let until = [at_most, due, tick, silent, record].into_iter().flatten().min().map(|wait| tokio::time::Instant::now() + wait);
        let sleep = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.sources.recv() => match event {
                Some((input, event)) => self.take_in(input, event)?,
                None => self.sources_are_gone()?,
            },
            Some(event) = self.sinks.recv() => match event {
                SinkEvent::ClosedPipe => return Ok(Some(Ending::ClosedPipe)),
                SinkEvent::Failed(job, error) => return Err((job, error)),
            },
            () = sleep => {
                // Rotation and rolling go by the clock even if no row comes.
                self.statements.iter().for_each(|statement| statement.clock.advance(system_nanos()));
                self.keep_records().await?;
            }
        }
        Ok(None)
    }

    async fn run_epoch(&mut self, cuts: &[(usize, usize)]) -> Result<(), (usize, Error)> {
        self.epoch += 1;
        let began = Instant::now();
        let now = system_nanos();
        for (at, rows) in cuts {
            let input = &mut self.inputs[*at];
            let statement = input.statement;
            let (batches, position) = input.cut(*rows).map_err(|error| (statement, error))?;
            if position != Position::default() {
                self.moved.push_back((self.epoch, *at, position));
            }
            input.fill(&batches).map_err(|error| (statement, error))?;
        }
        let mut all_results = Vec::with_capacity(self.statements.len());
        for number in 0..self.statements.len() {
            let statement = &mut self.statements[number];
            if statement.done {
                continue;
            }
            statement.clock.advance(now);
            let results = statement.execute(self.epoch).await.map_err(|error| (number, error))?;
            for later in &mut self.statements[number + 1..] {
                for (upstream, feed) in &later.chained {
                    if *upstream == number {
                        add(&later.counters.chained, results.iter().map(|batch| batch.num_rows() as u64).sum());
                        fill(feed, &results, &mut |_| ()).map_err(|error| (number, error))?;
                    }
                }
            }
            all_results.push((number, results));
        }
        // Nothing of an epoch is handed out before all statements that read each other have got through it.
        for (number, results) in all_results {
            self.statements[number].hand_out(self.epoch, results).await.map_err(|error| (number, error))?;
        }
        self.end_unread();
        let took = began.elapsed();
        for (at, rows) in cuts {
            self.inputs[*at].learn(*rows, took);
            self.inputs[*at].note_latency();
        }
        self.keep_records().await
    }

    /// A statement that only others read is done when they are.
    fn end_unread(&mut self) {
        for number in (0..self.statements.len()).rev() {
            let mut readers = self.statements.iter().filter(|later| later.chained.iter().any(|(upstream, _)| *upstream == number)).peekable();
            let unread = readers.peek().is_some() && readers.all(|reader| reader.done);
            if unread && self.statements[number].counters.sinks.is_empty() {
                self.statements[number].done = true;
            }
        }
    }

    /// Takes a record if one is due, goes on with those that were taken, and moves the durable positions.
    async fn keep_records(&mut self) -> Result<(), (usize, Error)> {
        let Some((job, keeper)) = &self.keeper else {
            self.forget_durable();
            return Ok(());
        };
        let job = *job;
        let is_due = keeper.is_due(self.epoch);
        if is_due {
            self.take_record().map_err(|error| (job, error))?;
        }
        let acked = self.acked();
        let Some((_, keeper)) = &mut self.keeper else { return Ok(()) };
        if let Some(recorded) = keeper.work(acked).await.map_err(|error| (job, error))? {
            self.move_durable(recorded);
        }
        Ok(())
    }

    fn take_record(&mut self) -> Result<()> {
        let states = |input: &StreamInput| input.state(&self.statements[input.statement].name);
        let inputs = self.inputs.iter().map(states).collect();
        let epoch = self.epoch;
        self.keeper.as_mut().map_or(Ok(()), |(_, keeper)| keeper.take(epoch, inputs))
    }

    /// The epoch up to which all sinks have acknowledged everything.
    fn acked(&self) -> Epoch {
        let with_sinks = self.statements.iter().filter(|statement| !statement.counters.sinks.is_empty());
        with_sinks.map(|statement| statement.counters.acked()).min().unwrap_or(self.epoch)
    }

    /// Ends the records when the sinks are closed: with a last one, or, if nothing is left to go on with, with none. `failed`: what operators keep may not be whole.
    pub(super) async fn finish_records(&mut self, failed: bool) -> Result<(), (usize, Error)> {
        let Some((job, keeper)) = &self.keeper else {
            self.forget_durable();
            return Ok(());
        };
        let job = *job;
        let is_new = self.epoch > keeper.taken_epoch();
        if self.complete && !failed {
            self.move_durable(self.epoch);
            let Some((_, keeper)) = &mut self.keeper else { return Ok(()) };
            return keeper.clear().await.map_err(|error| (job, error));
        }
        if !failed && is_new {
            self.take_record().map_err(|error| (job, error))?;
        }
        let acked = self.acked();
        let Some((_, keeper)) = &mut self.keeper else { return Ok(()) };
        if let Some(recorded) = keeper.finish(acked).await.map_err(|error| (job, error))? {
            self.move_durable(recorded);
        }
        Ok(())
    }

    /// What was read up to an epoch is durable.
    fn move_durable(&mut self, epoch: Epoch) {
        while let Some((_, input, position)) = self.moved.pop_front_if(|(own, ..)| *own <= epoch) {
            self.durable[input].send_modify(|durable| durable.merge(&position));
        }
    }

    /// Moves the durable positions up to what every sink has made durable.
    fn forget_durable(&mut self) {
        while let Some((epoch, input, position)) = self.moved.front() {
            let statement = self.inputs[*input].statement;
            // Statements that read this one have their own sinks; the slowest of the pipeline counts. Rows that are kept may still come out: they are read again after a fall.
            let acked = self.statements[statement..].iter().filter(|s| !s.counters.sinks.is_empty()).map(|s| s.counters.acked());
            let needed = self.statements[statement..]
                .iter()
                .flat_map(|s| &s.stateful)
                .filter_map(|(figures, _)| figures.oldest())
                .map(|oldest| oldest.saturating_sub(1));
            let acked = acked.chain(needed).min().unwrap_or(*epoch);
            if acked < *epoch {
                break;
            }
            self.durable[*input].send_modify(|durable| durable.merge(position));
            self.moved.pop_front();
        }
    }
}

impl Statement {
    /// Executes the plan over what is in its slots; returns the results that other statements may read.
    async fn execute(&mut self, epoch: Epoch) -> Result<Vec<RecordBatch>> {
        self.outputs.begin(epoch);
        self.stateful.iter().for_each(|(figures, _)| figures.begin(epoch));
        add(&self.counters.epochs, 1);
        loop {
            let run = async {
                let mut run = self.root.execute(0, Arc::clone(&self.context)).map_err(|error| self.failed(&error))?;
                while let Some(done) = run.next().await {
                    done.map_err(|error| self.failed(&error))?;
                }
                Ok(())
            };
            guarded_future(run).await.unwrap_or_else(|panic| {
                add(&self.counters.batches_failed, 1);
                Err(panicked(&panic))
            })?;
            self.done = self.limits.iter().any(|limit| limit.is_done());
            // A stream that its limit has ended leaves table rows without partner to the joins above the limit.
            if !self.done || !self.tables.begin_last_epoch() {
                break;
            }
        }
        let reasons = self.counters.faults.take_reasons();
        if let Some(first) = reasons.first() {
            self.log.warn(reasons.len() as u64, || format!("{first}; row skipped"));
        }
        self.tell_late();
        let results = self.outputs.take();
        if self.keeps_metrics && epoch.is_multiple_of(RESET_EVERY) {
            self.root = reset_plan_states(Arc::clone(&self.root)).map_err(|error| execution_error(&error))?;
        }
        Ok(results)
    }

    /// Tells of rows that came too late.
    fn tell_late(&mut self) {
        for (figures, told) in &mut self.stateful {
            let late = figures.late();
            if late > *told {
                self.log.warn_again(late - *told, || {
                    format!("rows came too late for the {}; they are left out ('<source>.watermark.max_out_of_orderness' and '<source>.allowed_lateness' make it wait longer)", figures.name())
                });
                *told = late;
            }
        }
    }

    /// Hands the results of an epoch to the sinks, and tells them that it has ended.
    async fn hand_out(&self, epoch: Epoch, results: Vec<RecordBatch>) -> Result<()> {
        self.sinks.read().await.send(epoch, if self.direct { Vec::new() } else { results }, true).await
    }

    fn failed(&self, error: &datafusion::error::DataFusionError) -> Error {
        add(&self.counters.batches_failed, 1);
        execution_error(error)
    }
}
