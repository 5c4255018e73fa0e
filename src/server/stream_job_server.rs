//! The server, by its methods.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use sql_extensions::nearest;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::builder::ServerBuilder;
use super::engine::Engine;
use super::job::Job;
use super::settings::Settings;
use super::status::{DeployError, JobReport, JobState, JobStatus};
use super::unit::Unit;
use crate::deploy::Claims;
use crate::error::{Error, Result, Script};

/// Runs jobs inside of an application: they are deployed as scripts, watched, paused, stopped and started again, each without disturbing the others.
///
/// Clones are the same server. When the last of them is dropped, its jobs are asked to stop; [`shutdown`](Self::shutdown) also waits for them. Jobs run on
/// threads of their own, and so does what the methods do: those that are `async` can be awaited in any runtime.
///
/// # Example
///
/// ```
/// use velostream::server::{JobState, StreamJobServer};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("velo-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let (orders, large) = (folder.join("orders.jsonl"), folder.join("large.jsonl"));
/// std::fs::write(&orders, "{\"id\":1,\"amount\":5.0}\n{\"id\":2,\"amount\":150.0}\n")?;
/// let server = StreamJobServer::builder().max_jobs(10).build()?;
/// let jobs = server
///     .deploy(&format!(
///         "CREATE STREAM large AS SELECT id, amount FROM orders WHERE amount > 100 INTO file
///          WITH ('orders.type' = 'file_source', 'orders.path' = '{}', 'file.type' = 'file_sink', 'file.path' = '{}')",
///         orders.display(),
///         large.display(),
///     ))
///     .await?;
/// assert_eq!(jobs, ["large"]);
/// // A file that is not followed ends, and so does its job.
/// assert_eq!(server.wait("large").await?.status, JobState::Finished);
/// assert_eq!(std::fs::read_to_string(&large)?, "{\"id\":2,\"amount\":150.0}\n");
/// server.shutdown().await?;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StreamJobServer {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub settings: Arc<Settings>,
    pub state: Mutex<State>,
    /// One looks at names, limits and outputs after the other.
    pub binding: tokio::sync::Mutex<()>,
    /// Something reserved has been released.
    pub released: Notify,
    /// Nothing is started any more. Cancelled while the state is locked, so that who starts something with that knows.
    pub closed: CancellationToken,
    pub engine: Engine,
}

#[derive(Default)]
pub(super) struct State {
    pub jobs: BTreeMap<String, Job>,
    /// What jobs read and write, and what those will that are about to start.
    pub claims: Claims,
    /// Names of jobs that are being started, started again or removed, each with the jobs of other deployments that it reads.
    pub reserved: BTreeMap<String, Vec<String>>,
}

impl fmt::Debug for Inner {
    /// The jobs only: settings and scripts may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        let jobs: BTreeMap<&String, JobState> = state.jobs.iter().map(|(name, job)| (name, job.state())).collect();
        f.debug_struct("StreamJobServer").field("jobs", &jobs).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.state.get_mut().jobs.values().for_each(|job| {
            job.tap.drain();
            job.unit.stop();
        });
        let units = self.active();
        self.engine.end_after(units);
    }
}

impl StreamJobServer {
    /// A server with the usual settings. `brokers`: `bootstrap.servers` of Kafka sources and sinks that name none. `group_base`: a job reads in the consumer group `<base>-<job>`.
    /// `monitoring`: whether there are figures for Prometheus. [`builder`](Self::builder) has everything else.
    ///
    /// ```
    /// let server = velostream::server::StreamJobServer::new_with_monitoring("kafka1:9092,kafka2:9092", "velo-streams", 50, true);
    /// assert!(server.list().is_empty());
    /// ```
    pub fn new_with_monitoring(brokers: &str, group_base: &str, max_jobs: usize, monitoring: bool) -> Self {
        ServerBuilder::default().brokers(brokers).group_base(group_base).max_jobs(max_jobs).monitoring(monitoring).build_plain()
    }

    /// Sets up a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings: Arc::new(settings),
                state: Mutex::default(),
                binding: tokio::sync::Mutex::default(),
                released: Notify::new(),
                closed: CancellationToken::new(),
                engine: Engine::default(),
            }),
        }
    }

    /// Starts the statements of a script, each of which is a job, and returns their names in order. A statement reads streams of the script and those of jobs that are there, from now
    /// on; a configured source of the name counts more. A statement without a name is called `query_1`, or the next that is free.
    ///
    /// Returns when the jobs have opened their sinks, or have failed to. None starts before the sinks of all are open.
    ///
    /// **Errors**: everything that is wrong with the script; nothing of it is started then. A name that is there already, more jobs than may run, outputs that collide with those of
    /// other jobs are among that. What other systems do, such as a sink that does not answer, is in [`status`](Self::status).
    ///
    /// **Cancel**: what has been started goes on.
    pub async fn deploy(&self, script: &str) -> Result<Vec<String>, DeployError> {
        let (inner, script) = (Arc::clone(&self.inner), Arc::new(Script { name: "script".to_owned(), text: script.to_owned() }));
        self.inner.engine.run(async move { inner.deploy(script).await }).await?
    }

    /// All jobs by name, those that have ended among them.
    pub fn list(&self) -> Vec<JobStatus> {
        self.inner.state.lock().jobs.values().map(Job::status).collect()
    }

    /// A job's state, that of its sources and sinks, its figures and its last error.
    ///
    /// **Errors**: there is no such job.
    pub fn status(&self, name: &str) -> Result<JobStatus> {
        self.inner.with_job(name, Job::status)
    }

    /// A job's figures, and those of its sources and sinks.
    ///
    /// **Errors**: there is no such job.
    pub fn metrics(&self, name: &str) -> Result<JobReport> {
        self.inner.with_job(name, Job::report)
    }

    /// Waits until a job has ended, whatever ends it.
    ///
    /// **Errors**: there is no such job.
    pub async fn wait(&self, name: &str) -> Result<JobStatus> {
        let unit = self.inner.unit(name)?;
        unit.ended().await;
        self.status(name)
    }

    /// Stops the reading of a job; what it has read goes its way. Jobs that read it wait. Returns the jobs that are paused: it, and those of its pipeline.
    ///
    /// **Errors**: there is no such job, or it does not run, or the server is being shut down.
    pub fn pause(&self, name: &str) -> Result<Vec<String>> {
        let unit = self.running(name)?;
        // What is shut down reads to its end.
        let _state = self.inner.state.lock();
        self.inner.check_open()?;
        unit.shutdown.pause();
        Ok(unit.members.clone())
    }

    /// Goes on where a job was paused. Returns the jobs that go on.
    ///
    /// **Errors**: there is no such job, or it does not run.
    pub fn resume(&self, name: &str) -> Result<Vec<String>> {
        let unit = self.running(name)?;
        unit.shutdown.resume();
        Ok(unit.members.clone())
    }

    /// Stops a job: it finishes what it has read within its `shutdown.timeout`. It stays in the list and can be started again. Jobs of other deployments that read it wait for that.
    /// Returns the jobs that are stopped: it, and those of its pipeline.
    ///
    /// **Errors**: there is no such job; it could not finish, and what became of its rows.
    pub async fn stop(&self, name: &str) -> Result<Vec<String>> {
        let unit = self.inner.unit(name)?;
        self.inner.stop(&unit).await;
        let state = self.inner.state.lock();
        let failed = unit.members.iter().filter_map(|member| state.jobs.get(member)).find_map(|job| {
            let error = job.end.as_ref().filter(|end| end.incomplete).and_then(|end| end.error.clone())?;
            Some((job.name.clone(), error))
        });
        match failed {
            Some((job, error)) => {
                let told = Error::new(error.kind, error.fault, format!("Job '{job}' failed: {}", error.message));
                Err(match error.help {
                    Some(help) => told.with_help(help),
                    None => told,
                })
            }
            None => Ok(unit.members.clone()),
        }
    }

    /// Starts a job again, after stopping it if it runs: its statement is looked at anew, with the settings as they are now. Its figures begin at zero.
    /// Returns the jobs that are started: it, and those of its pipeline.
    ///
    /// **Errors**: there is no such job; as of [`deploy`](Self::deploy). The job stays as it was stopped.
    pub async fn restart(&self, name: &str) -> Result<Vec<String>, DeployError> {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        self.inner.engine.run(async move { inner.restart(&name).await }).await?
    }

    /// Stops a job and forgets it, with its figures. Returns the jobs that are removed: it, and those of its pipeline.
    ///
    /// **Errors**: there is no such job; other jobs read it.
    pub async fn remove(&self, name: &str) -> Result<Vec<String>> {
        self.inner.remove(name).await
    }

    fn running(&self, name: &str) -> Result<Arc<Unit>> {
        let unit = self.inner.unit(name)?;
        if unit.is_active() && !unit.is_stopping() {
            return Ok(unit);
        }
        let state = self.status(name)?.status;
        Err(Error::config(format!("job '{name}' does not run: it is {state:?}")).with_help("restart it"))
    }
}

impl Inner {
    pub(super) fn with_job<T>(&self, name: &str, f: impl FnOnce(&Job) -> T) -> Result<T> {
        let state = self.state.lock();
        match state.jobs.get(name) {
            Some(job) => Ok(f(job)),
            None => {
                let near = nearest(name, state.jobs.keys().map(String::as_str));
                let help = near.map_or_else(|| "list() names those that there are".to_owned(), |near| format!("nearest: {near}"));
                Err(Error::config(format!("there is no job '{name}'")).with_help(help))
            }
        }
    }

    pub(super) fn unit(&self, name: &str) -> Result<Arc<Unit>> {
        self.with_job(name, |job| Arc::clone(&job.unit))
    }

    /// Stops a unit and waits for its end.
    pub(super) async fn stop(&self, unit: &Arc<Unit>) {
        self.drain(unit);
        if unit.is_active() {
            unit.stop();
        }
        unit.ended().await;
    }

    /// What a unit still has to hand out waits for no reader.
    pub(super) fn drain(&self, unit: &Unit) {
        let state = self.state.lock();
        unit.members.iter().filter_map(|member| state.jobs.get(member)).for_each(|job| job.tap.drain());
    }
}
