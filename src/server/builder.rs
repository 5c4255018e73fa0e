//! How a server is set up.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::TableProvider;
use datafusion::logical_expr::ScalarUDF;
use parking_lot::Mutex;

use super::settings::{Settings, Variables};
use super::stream_job_server::StreamJobServer;
use crate::config::{Application, ApplicationEnvironment, Embedding, Limits};
use crate::deploy::GROUP_BASE;
use crate::error::{Error, Result};
use crate::options::Millis;
use crate::runtime::EngineMemory;
use crate::sinks::SinkKind;
use crate::sinks::stdout::{OutputFormat, StdoutSink};
use crate::sources::{ProviderTable, SourceKind};
use crate::stream::DataSink;

/// How long the end of all jobs may take, where nobody says otherwise: as long as the one of a job.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Sets up a [`StreamJobServer`]. Nothing is read from the process's environment unless it is asked to.
#[derive(Debug)]
pub struct ServerBuilder {
    name: Option<String>,
    brokers: Option<String>,
    group_base: String,
    max_jobs: Option<usize>,
    max_sources: Option<usize>,
    max_sinks: Option<usize>,
    max_memory: Option<u64>,
    monitoring: bool,
    variables: Variables,
    application: Option<PathBuf>,
    profile: Option<String>,
    folders: Vec<PathBuf>,
    output: Option<Arc<dyn DataSink>>,
    shutdown_timeout: Option<Duration>,
    embedding: Embedding,
    functions: Vec<Arc<ScalarUDF>>,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            name: None,
            brokers: None,
            group_base: GROUP_BASE.to_owned(),
            max_jobs: None,
            max_sources: None,
            max_sinks: None,
            max_memory: None,
            monitoring: true,
            variables: Variables::default(),
            application: None,
            profile: None,
            folders: vec![PathBuf::new()],
            output: None,
            shutdown_timeout: None,
            embedding: Embedding::default(),
            functions: Vec::new(),
        }
    }
}

impl ServerBuilder {
    /// The label `server` of all figures, for an application that has several servers in one registry. None if it is not set.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// `bootstrap.servers` of Kafka sources and sinks that name none: `host:port`, several separated by commas.
    #[must_use]
    pub fn brokers(mut self, brokers: impl Into<String>) -> Self {
        self.brokers = Some(brokers.into()).filter(|brokers| !brokers.trim().is_empty());
        self
    }

    /// Begins the names of consumer groups: `<base>-<job>`. `velo-streams` if it is not set.
    #[must_use]
    pub fn group_base(mut self, base: impl Into<String>) -> Self {
        self.group_base = base.into();
        self
    }

    /// Most jobs that run at the same time; counts more than `VELO_MAX_JOBS`.
    #[must_use]
    pub fn max_jobs(mut self, jobs: usize) -> Self {
        self.max_jobs = Some(jobs);
        self
    }

    /// Most sources of a job; counts more than `VELO_MAX_SOURCES_PER_JOB`.
    #[must_use]
    pub fn max_sources_per_job(mut self, sources: usize) -> Self {
        self.max_sources = Some(sources);
        self
    }

    /// Most sinks of a job; counts more than `VELO_MAX_SINKS_PER_JOB`.
    #[must_use]
    pub fn max_sinks_per_job(mut self, sinks: usize) -> Self {
        self.max_sinks = Some(sinks);
        self
    }

    /// Bytes that all jobs together may take of memory; a job that needs more fails.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = Some(bytes);
        self
    }

    /// Whether there are figures for Prometheus; there are if it is not set.
    #[must_use]
    pub fn monitoring(mut self, monitoring: bool) -> Self {
        self.monitoring = monitoring;
        self
    }

    /// A variable for `${…}` in settings.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.own.insert(name.into(), value.into());
        self
    }

    /// Variables for `${…}` in settings.
    #[must_use]
    pub fn variables(mut self, variables: BTreeMap<String, String>) -> Self {
        self.variables.own.extend(variables);
        self
    }

    /// Takes the variables of the process's environment, too, where none of the above has the name.
    #[must_use]
    pub fn process_environment(mut self) -> Self {
        self.variables.of_process = true;
        self
    }

    /// An application file: profiles, limits, variables, settings of all jobs.
    #[must_use]
    pub fn application_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.application = Some(path.into());
        self
    }

    /// The profile of the application file that counts.
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// A further folder that relative names of configuration files are looked for in.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(folder.into());
        self
    }

    /// Where the rows go of statements without `INTO`, as JSON lines: standard output if it is not set. So do those of a job all of whose sinks are down.
    #[must_use]
    pub fn output(self, output: impl Write + Send + 'static) -> Self {
        let output = Arc::new(Mutex::new(output));
        self.output_sink(Arc::new(StdoutSink::new(OutputFormat::Json, output)))
    }

    /// The same with a sink.
    #[must_use]
    pub fn output_sink(mut self, sink: Arc<dyn DataSink>) -> Self {
        self.output = Some(sink);
        self
    }

    /// How long jobs may take to finish what they have read when they are asked to stop: `shutdown.timeout` of those that set none, and of all of them together when the server is
    /// shut down, whatever they set. 30 s if it is not set.
    #[must_use]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = Some(timeout);
        self
    }

    /// A table of DataFusion that statements read by its name, without any setting.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use velostream::arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use velostream::datafusion::datasource::MemTable;
    /// # use velostream::server::StreamJobServer;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rooms = RecordBatch::try_from_iter([("room", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)])?;
    /// let table = MemTable::try_new(rooms.schema(), vec![vec![rooms]])?;
    /// let server = StreamJobServer::builder().register_table("rooms", Arc::new(table)).build()?;
    /// let job = &server.deploy("SELECT room FROM rooms WHERE room > 1").await?[0]; // prints {"room":2}
    /// assert_eq!(server.wait(job).await?.metrics.records_processed, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn register_table(mut self, name: impl Into<String>, table: Arc<dyn TableProvider>) -> Self {
        self.embedding.named.insert(name.into(), Arc::new(ProviderTable(table)));
        self
    }

    /// A function for the expressions of statements; counts more than one of the engine with the same name.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use velostream::arrow::datatypes::DataType;
    /// # use velostream::datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
    /// # use velostream::server::StreamJobServer;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let same = |arguments: &[ColumnarValue]| Ok(arguments[0].clone());
    /// let same = create_udf("same", vec![DataType::Int64], DataType::Int64, Volatility::Immutable, Arc::new(same));
    /// let server = StreamJobServer::builder().register_udf(same).build()?; // SELECT same(id) FROM …
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn register_udf(mut self, function: ScalarUDF) -> Self {
        self.functions.push(Arc::new(function));
        self
    }

    /// A kind of source: `'X.type' = '<name>'` or `'<name>_source'`; [`SourceKind`] has an example.
    #[must_use]
    pub fn register_source(mut self, name: impl Into<String>, kind: impl SourceKind + 'static) -> Self {
        self.embedding.sources.insert(name.into(), Arc::new(kind));
        self
    }

    /// A kind of sink: `'X.type' = '<name>'` or `'<name>_sink'`; [`SinkKind`] has an example.
    #[must_use]
    pub fn register_sink(mut self, name: impl Into<String>, kind: impl SinkKind + 'static) -> Self {
        self.embedding.sinks.insert(name.into(), Arc::new(kind));
        self
    }

    /// Builds the server. It runs nothing yet.
    ///
    /// **Errors**: the application file can't be read, or has no such profile; a limit is no count of at least 1.
    pub fn build(self) -> Result<StreamJobServer> {
        let counts = [("max_jobs", self.max_jobs), ("max_sources_per_job", self.max_sources), ("max_sinks_per_job", self.max_sinks)];
        let none = counts.into_iter().find(|(_, count)| *count == Some(0)).map(|(name, _)| name);
        if let Some(name) = none.or((self.max_memory == Some(0)).then_some("max_memory")) {
            return Err(Error::config(format!("{name} is 0: expected 1 or more")));
        }
        let application = match (self.application.as_deref(), self.profile.as_deref()) {
            (Some(file), profile) => Application::load(Some(file), profile, &self.variables)?,
            (None, Some(profile)) => {
                return Err(Error::config(format!("there is no application file, so no profile '{profile}'")).with_help("name one with application_file"));
            }
            (None, None) => None,
        };
        let read = Limits::read(&ApplicationEnvironment::new(&self.variables, application.as_ref()))?;
        let limits = Limits {
            jobs: self.max_jobs.unwrap_or(read.jobs),
            sources: self.max_sources.unwrap_or(read.sources),
            sinks: self.max_sinks.unwrap_or(read.sinks),
            memory: self.max_memory.or(read.memory),
        };
        Ok(self.with(application, limits))
    }

    /// Builds it without anything that may be wrong.
    pub(super) fn build_plain(self) -> StreamJobServer {
        let usual = Limits::default();
        let limits = Limits { jobs: self.max_jobs.unwrap_or(usual.jobs), memory: self.max_memory, ..usual };
        self.with(None, limits)
    }

    fn with(self, application: Option<Application>, limits: Limits) -> StreamJobServer {
        let Self { name, brokers, group_base, monitoring, mut variables, folders, output, shutdown_timeout, mut embedding, functions, .. } = self;
        if let Some(brokers) = brokers.as_ref().filter(|_| application.is_none()) {
            variables.own.entry("kafka_brokers".to_owned()).or_insert_with(|| brokers.clone());
        }
        embedding.brokers = brokers;
        let shutdown_timeout = shutdown_timeout.map(|timeout| timeout.min(Millis::LONGEST));
        if let Some(timeout) = shutdown_timeout {
            embedding.job_settings.push(("shutdown.timeout".to_owned(), format!("{}ms", timeout.as_millis())));
        }
        let output = output.unwrap_or_else(|| Arc::new(StdoutSink::new(OutputFormat::Json, Arc::new(Mutex::new(std::io::stdout())))));
        let shutdown_timeout = shutdown_timeout.unwrap_or(SHUTDOWN_TIMEOUT);
        let memory = Arc::new(EngineMemory::new(limits.memory));
        StreamJobServer::with(Settings {
            name,
            memory,
            group_base,
            embedding,
            functions,
            variables,
            application,
            limits,
            folders,
            output,
            monitoring,
            shutdown_timeout,
        })
    }
}
