//! What is told of jobs. All of it serialises as the interfaces show it.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Fault, deepest};
use crate::options::scrub;
use crate::runtime::JobMetrics;
use crate::stream::ConnectionState;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum JobState {
    /// Its sinks are being opened.
    Starting,
    /// It runs.
    Running,
    /// It reads nothing until it is resumed.
    Paused,
    /// It finishes what it has read.
    Stopping,
    /// It was stopped.
    Stopped,
    /// Its input has ended, or its LIMIT was reached.
    Finished,
    /// It has failed, or could not read or write everything.
    Failed,
}

impl JobState {
    /// Whether it runs, or is about to.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Paused | Self::Stopping)
    }
}

/// The last error of a job; no secrets are in it.
#[derive(Clone, Debug, Serialize)]
pub struct JobError {
    /// What it is about.
    pub kind: ErrorKind,
    /// Whose fault it is.
    pub fault: Fault,
    /// What happened.
    pub message: String,
    /// The innermost cause in the words of the system, if it says more.
    pub cause: Option<String>,
    /// What can be done.
    pub help: Option<String>,
}

impl JobError {
    pub(super) fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            fault: error.fault(),
            message: scrub(error.message()),
            cause: error.source().map(|source| scrub(&deepest(source))),
            help: error.help().map(scrub),
        }
    }
}

/// A job at one time.
#[derive(Clone, Debug, Serialize)]
pub struct JobStatus {
    /// Its name.
    pub name: String,
    /// What it does.
    pub status: JobState,
    /// The states of its sources: `source_0_orders`.
    pub sources: BTreeMap<String, ConnectionState>,
    /// The states of its sinks: `sink_0_kafka`.
    pub sinks: BTreeMap<String, ConnectionState>,
    /// Its figures.
    pub metrics: JobMetrics,
    /// Its failure, or the last error of a source or sink.
    pub error: Option<JobError>,
    /// Jobs of the same script that it reads or that read it: they are paused, stopped and started with it.
    pub pipeline: Vec<String>,
    /// Jobs of other deployments that it reads.
    pub reads: Vec<String>,
}

/// The figures of a source.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SourceFigures {
    /// Records read.
    pub records: u64,
    /// Encoded bytes of them.
    pub bytes: u64,
    /// Of these, records that could not be decoded.
    pub errors: u64,
    /// The part of the records that these are, from 0 to 1.
    pub error_rate: f64,
    /// Mean time of a batch from its reading to the end of its epoch, in milliseconds.
    pub latency_ms: f64,
    /// Records that wait to be read, where the source tells.
    pub lag: u64,
    /// The state of its connection.
    pub status: ConnectionState,
    /// The last error of its connection.
    pub last_error: Option<String>,
}

/// The figures of a sink.
#[derive(Clone, Debug, Serialize)]
pub struct SinkFigures {
    /// Rows written.
    pub records: u64,
    /// Rows that it refused, and rows that were given up.
    pub errors: u64,
    /// The part of all rows that these are, from 0 to 1.
    pub error_rate: f64,
    /// Tries after a failed write.
    pub retries: u64,
    /// Mean time of a write, in milliseconds.
    pub write_latency_ms: f64,
    /// The state of its connection.
    pub status: ConnectionState,
    /// The last error of its connection.
    pub last_error: Option<String>,
}

/// All figures of a job: its own at the top, those of its sources and sinks by name.
#[derive(Clone, Debug, Serialize)]
pub struct JobReport {
    /// Its own.
    #[serde(flatten)]
    pub metrics: JobMetrics,
    /// By source.
    pub sources: BTreeMap<String, SourceFigures>,
    /// By sink.
    pub sinks: BTreeMap<String, SinkFigures>,
}

/// Why a script was refused: everything that is wrong with it; no secrets are in it. Nothing of it was started.
#[derive(Debug)]
pub struct DeployError {
    /// What is wrong; at least one.
    pub errors: Vec<Error>,
}

/// The same error without secrets. Its cause is kept as a text if there are some in it.
fn scrubbed(mut error: Error) -> Error {
    let told = Error::new(error.kind(), error.fault(), scrub(error.message())).with_retry(error.retry());
    let told = error.help().map(scrub).into_iter().fold(told, Error::with_help);
    let told = error.place().map(|place| (Arc::clone(&place.script), place.span)).into_iter().fold(told, |told, (script, span)| told.at(&script, span));
    let Some(source) = error.take_source() else { return told };
    let is_clean = |cause: &dyn StdError| [cause.to_string(), format!("{cause:?}")].iter().all(|text| scrub(text) == *text);
    let mut cause: Option<&dyn StdError> = Some(&*source);
    while let Some(inner) = cause.filter(|cause| is_clean(*cause)) {
        cause = inner.source();
    }
    if cause.is_none() { told.with_source(source) } else { told.with_source(scrub(&deepest(&*source))) }
}

impl DeployError {
    pub(super) fn of(errors: Vec<Error>) -> Self {
        Self { errors: errors.into_iter().map(scrubbed).collect() }
    }
}

impl From<Error> for DeployError {
    fn from(error: Error) -> Self {
        Self::of(vec![error])
    }
}

impl fmt::Display for DeployError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.errors.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&scrub(&error.render()))?;
        }
        Ok(())
    }
}

impl StdError for DeployError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.errors.first().map(|error| error as &(dyn StdError + 'static))
    }
}
