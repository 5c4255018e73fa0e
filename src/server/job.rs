//! What is known of a job.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::status::{JobError, JobReport, JobState, JobStatus, SinkFigures, SourceFigures};
use super::unit::Unit;
use crate::error::{Error, ErrorKind, Fault};
use crate::options::scrub;
use crate::runtime::{JobCounters, JobOutcome, JobSummary, SourceSummary, Tap};
use crate::stream::ConnectionState;

/// A job of the server.
#[derive(Debug)]
pub(super) struct Job {
    pub name: String,
    pub unit: Arc<Unit>,
    pub counters: Arc<JobCounters>,
    /// Its sources in the order of the statement.
    pub sources: Vec<String>,
    /// Other jobs read it by its name.
    pub named: bool,
    pub tap: Arc<Tap>,
    pub end: Option<End>,
}

/// How a job has ended.
#[derive(Debug)]
pub(super) struct End {
    pub error: Option<JobError>,
    pub incomplete: bool,
    /// Why it was refused before anything of it was started, until that was told.
    pub refusal: Option<Error>,
    /// Its counts at the end: rates and times stand still.
    pub summary: JobSummary,
}

impl End {
    pub(super) fn of(outcome: JobOutcome, stopping: bool) -> Self {
        // A batch that is stopped in its midst has no result; that is what was asked for.
        let stopped = |error: &Error| stopping && error.kind() == ErrorKind::Limit && error.fault() == Fault::User;
        let incomplete = outcome.incomplete || outcome.error.as_ref().is_some_and(|error| !stopped(error));
        let error = outcome.error.as_ref().map(JobError::of);
        let refusal = outcome.error.filter(|_| outcome.refused);
        Self { error, incomplete, refusal, summary: outcome.summary }
    }
}

impl Job {
    /// Its state.
    pub(super) fn state(&self) -> JobState {
        match &self.end {
            Some(end) if end.incomplete => JobState::Failed,
            Some(_) if self.unit.is_stopping() => JobState::Stopped,
            Some(_) => JobState::Finished,
            None if self.unit.is_stopping() => JobState::Stopping,
            None if self.unit.shutdown.is_paused() => JobState::Paused,
            None if !*self.counters.started.borrow() => JobState::Starting,
            None => JobState::Running,
        }
    }

    /// Its counts.
    pub(super) fn summary(&self) -> JobSummary {
        match &self.end {
            Some(end) => end.summary.clone(),
            None => self.counters.summary(&self.name),
        }
    }

    /// A connection does not work any more when its job has ended.
    fn shown(&self, state: ConnectionState) -> ConnectionState {
        if self.end.is_some() && state != ConnectionState::Failed { ConnectionState::Disconnected } else { state }
    }

    pub(super) fn status(&self) -> JobStatus {
        let summary = self.summary();
        let state_of = |name: &String| {
            let roles = summary.sources.iter().filter(|source| source.name == *name).map(|source| source.state);
            self.shown(roles.max_by_key(|state| severity(*state)).unwrap_or_default())
        };
        let sources = self.sources.iter().enumerate().map(|(index, name)| (format!("source_{index}_{name}"), state_of(name))).collect();
        let sinks = summary.sinks.iter().enumerate().map(|(index, sink)| (format!("sink_{index}_{}", sink.name), self.shown(sink.state))).collect();
        let error = match &self.end {
            Some(End { error: Some(error), .. }) => Some(error.clone()),
            _ => last_error(&summary),
        };
        let pipeline = self.unit.members.iter().filter(|member| **member != self.name).cloned().collect();
        JobStatus { name: self.name.clone(), status: self.state(), sources, sinks, metrics: summary.metrics, error, pipeline, reads: self.unit.reads.clone() }
    }

    pub(super) fn report(&self) -> JobReport {
        let summary = self.summary();
        let mut sources: BTreeMap<String, SourceFigures> = BTreeMap::new();
        for source in &summary.sources {
            let figures = sources.entry(source.name.clone()).or_default();
            self.add(figures, source);
        }
        let sink = |sink: &crate::runtime::SinkSummary| {
            let errors = sink.rejected + sink.lost;
            SinkFigures {
                records: sink.rows,
                errors,
                error_rate: rate(errors, sink.rows + errors),
                retries: sink.retries,
                write_latency_ms: sink.write_latency_ms,
                status: self.shown(sink.state),
                last_error: sink.last_error.as_deref().map(scrub),
            }
        };
        let sinks = summary.sinks.iter().map(|summary| (summary.name.clone(), sink(summary))).collect();
        JobReport { metrics: summary.metrics, sources, sinks }
    }

    /// A source that is read as a stream and as a table is one source.
    fn add(&self, figures: &mut SourceFigures, source: &SourceSummary) {
        figures.records += source.records;
        figures.bytes += source.bytes;
        figures.errors += source.rejected;
        figures.error_rate = rate(figures.errors, figures.records);
        figures.latency_ms = figures.latency_ms.max(source.latency_ms);
        figures.lag += source.lag.values().sum::<u64>();
        let state = self.shown(source.state);
        if severity(state) > severity(figures.status) {
            figures.status = state;
        }
        figures.last_error = source.last_error.as_deref().map(scrub).or_else(|| figures.last_error.take());
    }
}

/// The last error of a connection, where the job itself has none.
fn last_error(summary: &JobSummary) -> Option<JobError> {
    let sources = summary.sources.iter().filter_map(|source| Some((source.last_error_at.clone()?, ErrorKind::Source, source.last_error.clone()?)));
    let sinks = summary.sinks.iter().filter_map(|sink| Some((sink.last_error_at.clone()?, ErrorKind::Sink, sink.last_error.clone()?)));
    let (_, kind, text) = sources.chain(sinks).max_by(|a, b| a.0.cmp(&b.0))?;
    Some(JobError::of(&Error::new(kind, Fault::External, text)))
}

fn severity(state: ConnectionState) -> u8 {
    match state {
        ConnectionState::Connected => 0,
        ConnectionState::Disconnected => 1,
        ConnectionState::Reconnecting => 2,
        ConnectionState::Failed => 3,
    }
}

fn rate(errors: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { errors as f64 / all as f64 }
}
