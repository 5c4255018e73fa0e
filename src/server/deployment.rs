//! A script to jobs that can be started.

use std::collections::BTreeMap;
use std::sync::Arc;

use sql_extensions::StreamingSqlParser;

use super::settings::Settings;
use super::unit::{Group, Origin};
use crate::config::{ApplicationEnvironment, BindRequest, Binding, BoundSource, BoundStatement, Embedding, SourceInput, bind_script};
use crate::deploy::{Claims, Look, PrepareRequest, PreparedJob, prepare};
use crate::error::{Error, Script};
use crate::runtime::{ChainedInput, in_pipelines};
use crate::sources::{SourceConnector, SourceKind};
use crate::unwind::guarded_future;

/// What is to be deployed.
pub(super) struct Deployment {
    pub settings: Arc<Settings>,
    pub script: Arc<Script>,
    /// The statements of the script that are meant; all of them for `None`.
    pub only: Option<Vec<usize>>,
    /// Names of all statements that have none, by their place in the script.
    pub names: Vec<String>,
    /// Streams of jobs that run already.
    pub streams: BTreeMap<String, Arc<dyn SourceKind>>,
    /// What the other jobs read and write.
    pub claims: Claims,
    /// Names of the jobs that are there already.
    pub taken: Vec<String>,
    /// How many jobs run already.
    pub running: usize,
}

/// What comes of it.
pub(super) struct Deployed {
    pub groups: Vec<Group>,
    /// Those of before, and of the new jobs.
    pub claims: Claims,
}

/// The statements of a script that have no name, as true at their places.
pub(super) fn unnamed(script: &Script) -> Vec<bool> {
    let statements = StreamingSqlParser::new().parse_each(&script.text);
    statements.iter().map(|statement| statement.as_ref().map_or_else(|broken| broken.name.is_none(), |statement| statement.name.is_none())).collect()
}

impl Deployment {
    /// Binds and prepares the statements. Connecting blocks, so that happens on a thread of its own.
    pub(super) async fn prepare(self) -> Result<Deployed, Vec<Error>> {
        let runtime = tokio::runtime::Handle::current();
        let work = move || runtime.block_on(guarded_future(self.work()));
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(deployed)) => deployed,
            Ok(Err(panic)) => Err(vec![Error::internal(format!("deploying has panicked: {panic}"))]),
            Err(error) => Err(vec![Error::internal("deploying was broken off").with_source(error)]),
        }
    }

    async fn work(self) -> Result<Deployed, Vec<Error>> {
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
            embedding.named.entry(name.clone()).or_insert_with(|| Arc::clone(stream));
        }
        embedding.names = places.iter().map(|at| self.names.get(*at).cloned().unwrap_or_default()).collect();
        let mut bindings = bind_script(BindRequest {
            script: &self.script,
            statements,
            environment: &environment,
            overrides: &[],
            application: settings.application.as_ref(),
            limits: Some(settings.limits),
            folders: &settings.folders,
            embedding: &embedding,
        });
        bindings.iter_mut().for_each(|binding| self.check_name(binding));
        let too_many = settings.limits.check_jobs(self.running + bindings.len()).err();
        let mut errors: Vec<Error> = too_many.map(|error| error.with_help(self.how_to_have_room())).into_iter().collect();
        let mut claims = self.claims.clone();
        claims.add(&mut bindings);
        let reads = bindings.iter().filter_map(|binding| binding.statement.as_ref()).map(|statement| (statement.name.clone(), self.reads(statement))).collect();
        let refused = !errors.is_empty() || bindings.iter().any(|binding| !binding.faults.is_empty());
        let prepared = prepare(PrepareRequest {
            bindings,
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
            Ok(prepared) if errors.is_empty() => Ok(Deployed { groups: self.groups(prepared.jobs, &places, &reads), claims }),
            Ok(_) => Err(errors),
            Err(faults) => {
                errors.extend(faults);
                Err(errors)
            }
        }
    }

    fn how_to_have_room(&self) -> String {
        format!("{} of them run already; stop some, or raise VELO_MAX_JOBS (the server's max_jobs counts more)", self.running)
    }

    fn check_name(&self, binding: &mut Binding) {
        let Some(statement) = binding.statement.as_ref().filter(|statement| self.taken.contains(&statement.name)) else { return };
        let span = statement.statement.name.as_ref().map_or(statement.statement.span, |name| name.span.into());
        let error =
            Error::config(format!("there is a job '{}' already", statement.name)).with_help("give the stream another name, or stop and remove that job first");
        binding.faults.push(error.at(&self.script, span));
    }

    /// Jobs of other deployments that a statement reads.
    fn reads(&self, statement: &BoundStatement) -> Vec<String> {
        let is_stream = |source: &&BoundSource| match &source.input {
            SourceInput::Connector(SourceConnector::Registered(registered)) => {
                self.streams.get(&source.name).is_some_and(|stream| Arc::ptr_eq(stream, &registered.factory))
            }
            SourceInput::Connector(_) | SourceInput::Chained(_) | SourceInput::Unknown => false,
        };
        statement.sources.iter().filter(is_stream).map(|source| source.name.clone()).collect()
    }

    /// Jobs that read each other start and stop together.
    fn groups(&self, jobs: Vec<PreparedJob>, places: &[usize], reads: &BTreeMap<String, Vec<String>>) -> Vec<Group> {
        let groups = in_pipelines(jobs, |job| &job.spec.chained);
        groups.into_iter().map(|group| self.group(group, places, reads)).collect()
    }

    fn group(&self, jobs: Vec<(usize, PreparedJob)>, places: &[usize], reads: &BTreeMap<String, Vec<String>>) -> Group {
        let numbers: Vec<usize> = jobs.iter().map(|(number, _)| *number).collect();
        let own = |chained: &ChainedInput| numbers.iter().position(|number| *number == chained.job).map(|job| ChainedInput { job, ..chained.clone() });
        let jobs: Vec<PreparedJob> = jobs
            .into_iter()
            .map(|(_, mut job)| {
                job.spec.chained = job.spec.chained.iter().filter_map(own).collect();
                job
            })
            .collect();
        let statements = numbers.iter().filter_map(|number| places.get(*number).copied()).collect();
        let mut reads: Vec<String> = jobs.iter().filter_map(|job| reads.get(&job.spec.name)).flatten().cloned().collect();
        reads.sort();
        reads.dedup();
        Group { jobs, origin: Origin { script: Arc::clone(&self.script), statements, names: self.names.clone() }, reads }
    }
}
