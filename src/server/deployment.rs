//! A script to jobs that can be started.

use std::collections::BTreeMap;
use std::sync::Arc;

use sql_extensions::{BrokenStatement, StreamStatement, StreamingSqlParser};

use super::settings::Settings;
use super::unit::{Group, Origin};
use crate::config::{ApplicationEnvironment, BindRequest, Binding, BoundSource, BoundStatement, Embedding, SourceInput, bind_script};
use crate::deploy::{Look, PrepareRequest, PreparedJob, prepare};
use crate::error::{Error, Script};
use crate::runtime::{ChainedInput, Tap, TapReaders, in_pipelines};
use crate::sources::{SourceConnector, SourceKind};
use crate::unwind::guarded;

/// What is to be deployed.
pub(super) struct Deployment {
    pub settings: Arc<Settings>,
    pub script: Arc<Script>,
    /// The statements of the script that are meant; all of them for `None`.
    pub only: Option<Vec<usize>>,
    /// Names of all statements that have none, by their place in the script.
    pub names: Vec<String>,
    /// Streams of jobs that are there already.
    pub streams: BTreeMap<String, Stream>,
}

/// The rows of a job that is there.
pub(super) struct Stream {
    pub tap: Arc<Tap>,
    kind: Arc<dyn SourceKind>,
}

impl Stream {
    pub(super) fn of(tap: &Arc<Tap>) -> Self {
        Self { tap: Arc::clone(tap), kind: Arc::new(TapReaders(Arc::clone(tap))) }
    }
}

/// A deployment whose settings are known. Nothing is connected yet.
pub(super) struct Bound {
    deployment: Deployment,
    places: Vec<usize>,
    pub bindings: Vec<Binding>,
}

/// The names of a script's statements, by their places.
pub(super) fn names(script: &Script) -> Vec<Option<String>> {
    let statements = StreamingSqlParser::new().parse_each(&script.text);
    let name = |statement: &Result<StreamStatement, BrokenStatement>| match statement {
        Ok(statement) => statement.name.as_ref().map(|name| name.value.clone()),
        Err(broken) => broken.name.clone(),
    };
    statements.iter().map(name).collect()
}

/// Does what may block on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Vec<Error>> {
    match tokio::task::spawn_blocking(move || guarded(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => Err(vec![Error::internal(format!("deploying has panicked: {panic}"))]),
        Err(error) => Err(vec![Error::internal("deploying was broken off").with_source(error)]),
    }
}

impl Deployment {
    /// Finds the settings of the statements.
    pub(super) async fn bind(self) -> Result<Bound, Vec<Error>> {
        blocking(move || self.bind_now()).await?
    }

    fn bind_now(self) -> Result<Bound, Vec<Error>> {
        let settings = &self.settings;
        let environment = ApplicationEnvironment::new(&settings.variables, settings.application.as_ref());
        let parsed = StreamingSqlParser::new().parse_each(&self.script.text);
        let meant = |at: &usize| self.only.as_ref().is_none_or(|only| only.contains(at));
        let (places, statements): (Vec<usize>, Vec<_>) = parsed.into_iter().enumerate().filter(|(at, _)| meant(at)).unzip();
        if statements.is_empty() {
            return Err(vec![Error::sql("there is no statement")]);
        }
        let mut embedding: Embedding = settings.embedding.clone();
        for (name, stream) in &self.streams {
            // A registered table was configured.
            embedding.named.entry(name.clone()).or_insert_with(|| Arc::clone(&stream.kind));
        }
        embedding.names = places.iter().map(|at| self.names.get(*at).cloned().unwrap_or_default()).collect();
        let bindings = bind_script(BindRequest {
            script: &self.script,
            statements,
            environment: &environment,
            overrides: &[],
            application: settings.application.as_ref(),
            limits: Some(settings.limits),
            folders: &settings.folders,
            embedding: &embedding,
        });
        Ok(Bound { deployment: self, places, bindings })
    }
}

impl Bound {
    /// Whether nothing is wrong so far.
    pub(super) fn is_sound(&self) -> bool {
        self.bindings.iter().all(|binding| binding.faults.is_empty())
    }

    /// The names of its jobs, each with the streams of jobs that are there which it reads.
    pub(super) fn jobs(&self) -> Vec<(String, Vec<String>)> {
        let statements = self.bindings.iter().filter_map(|binding| binding.statement.as_ref());
        statements.map(|statement| (statement.name.clone(), self.reads(statement))).collect()
    }

    /// The stream of that name, as it was bound.
    pub(super) fn stream(&self, name: &str) -> Option<&Stream> {
        self.deployment.streams.get(name)
    }

    /// Refuses names that are taken.
    pub(super) fn check_names(&mut self, taken: impl Fn(&str) -> bool) {
        for binding in &mut self.bindings {
            let Some(statement) = &binding.statement else { continue };
            if !taken(&statement.name) {
                continue;
            }
            let error = Error::config(format!("there is a job '{}' already", statement.name))
                .with_help("give the stream another name, or stop and remove that job first");
            let span = statement.statement.name.as_ref().map_or(statement.statement.span, |name| name.span.into());
            binding.faults.push(error.at(&self.deployment.script, span));
        }
    }

    /// Connects the sources and plans the statements; `errors` are those that are known already.
    pub(super) async fn prepare(self, errors: Vec<Error>) -> Result<Vec<Group>, Vec<Error>> {
        let runtime = tokio::runtime::Handle::current();
        blocking(move || runtime.block_on(self.prepare_now(errors))).await?
    }

    async fn prepare_now(mut self, mut errors: Vec<Error>) -> Result<Vec<Group>, Vec<Error>> {
        let settings = &self.deployment.settings;
        let environment = ApplicationEnvironment::new(&settings.variables, settings.application.as_ref());
        let reads: BTreeMap<String, Vec<String>> = self.jobs().into_iter().collect();
        let refused = !errors.is_empty() || !self.is_sound();
        let prepared = prepare(PrepareRequest {
            bindings: std::mem::take(&mut self.bindings),
            environment: &environment,
            stdout: Arc::clone(&settings.output),
            row_limit: None,
            look: Look::Run,
            group_base: &settings.group_base,
            functions: &settings.functions,
            refused,
            memory: &settings.memory,
        });
        match prepared.await {
            Ok(prepared) if errors.is_empty() => Ok(self.groups(prepared.jobs, &reads)),
            Ok(_) => Err(errors),
            Err(faults) => {
                errors.extend(faults);
                Err(errors)
            }
        }
    }

    /// Jobs of other deployments that a statement reads.
    fn reads(&self, statement: &BoundStatement) -> Vec<String> {
        let is_stream = |source: &&BoundSource| match &source.input {
            SourceInput::Connector(SourceConnector::Registered(registered)) => {
                self.stream(&source.name).is_some_and(|stream| Arc::ptr_eq(&stream.kind, &registered.factory))
            }
            SourceInput::Connector(_) | SourceInput::Chained(_) | SourceInput::Unknown => false,
        };
        statement.sources.iter().filter(is_stream).map(|source| source.name.clone()).collect()
    }

    /// Jobs that read each other start and stop together.
    fn groups(&self, jobs: Vec<PreparedJob>, reads: &BTreeMap<String, Vec<String>>) -> Vec<Group> {
        let groups = in_pipelines(jobs, |job| &job.spec.chained);
        groups.into_iter().map(|group| self.group(group, reads)).collect()
    }

    fn group(&self, jobs: Vec<(usize, PreparedJob)>, reads: &BTreeMap<String, Vec<String>>) -> Group {
        let numbers: Vec<usize> = jobs.iter().map(|(number, _)| *number).collect();
        let own = |chained: &ChainedInput| numbers.iter().position(|number| *number == chained.job).map(|job| ChainedInput { job, ..chained.clone() });
        let jobs: Vec<PreparedJob> = jobs
            .into_iter()
            .map(|(_, mut job)| {
                job.spec.chained = job.spec.chained.iter().filter_map(own).collect();
                job
            })
            .collect();
        let statements = numbers.iter().filter_map(|number| self.places.get(*number).copied()).collect();
        let mut reads: Vec<String> = jobs.iter().filter_map(|job| reads.get(&job.spec.name)).flatten().cloned().collect();
        reads.sort();
        reads.dedup();
        Group { jobs, origin: Origin { script: Arc::clone(&self.deployment.script), statements, names: self.deployment.names.clone() }, reads }
    }
}
