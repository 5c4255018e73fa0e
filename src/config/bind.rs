//! All statements of a script bound to their settings; every fault of all of them is reported at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use sql_extensions::{BrokenStatement, QueryAnalysis, QueryAnalyzer, SinkRef, SourceRef, Span, StreamStatement};

use super::application::Application;
use super::connector_type::{self, Kind};
use super::embedding::{self, Embedding};
use super::environment::Environment;
use super::job_options::{JobOptions, SinkShared, SourceShared};
use super::limits::Limits;
use super::merge::{self, Places, Role};
use super::unknown_keys::{self, Told, Unfit};
use super::{batching, schema_file};
use crate::error::{Error, Script};
use crate::formats::schema_text;
use crate::options::{EffectiveSetting, KeyMap, Origin, Scope, Setting, joined, locate};
use crate::sinks::SinkConnector;
use crate::sources::SourceConnector;
use crate::stream::{BatchSettings, FailurePolicy};

/// What is to be bound.
pub struct BindRequest<'a> {
    /// The script.
    pub script: &'a Arc<Script>,
    /// Its statements, as far as they could be parsed.
    pub statements: Vec<Result<StreamStatement, BrokenStatement>>,
    /// Variables.
    pub environment: &'a dyn Environment,
    /// `--set key=value`.
    pub overrides: &'a [(String, String)],
    /// The application file. Its variables are those of `environment` too.
    pub application: Option<&'a Application>,
    /// How many sources and sinks a statement may have; `None` if that could not be found out.
    pub limits: Option<Limits>,
    /// Folders that relative names of configuration files are looked for in, in order.
    pub folders: &'a [PathBuf],
    /// What an application that embeds the engine adds.
    pub embedding: &'a Embedding,
}

/// What became of a statement.
#[derive(Debug, Default)]
pub struct Binding {
    /// The statement; `None` if too little is known of it.
    pub statement: Option<BoundStatement>,
    /// What is wrong with it.
    pub faults: Vec<Error>,
    /// Keys of the command line that nothing in it takes.
    pub unfit: Vec<Unfit>,
    /// Whether a source or sink of it has brokers of its own, so that those of the application file need not be known.
    pub own_brokers: bool,
}

/// A statement with its settings known and typed.
#[derive(Debug)]
pub struct BoundStatement {
    /// Whether something of it is wrong. The rest is there, so that further faults are found, but it can't be run.
    pub faulty: bool,
    /// Name of the job.
    pub name: String,
    /// The statement.
    pub statement: StreamStatement,
    /// Its script.
    pub script: Arc<Script>,
    /// The job's settings.
    pub job: JobOptions,
    /// How failures are met where a source or sink says nothing else.
    pub failure: FailurePolicy,
    /// Sources, in the order the statement names them.
    pub sources: Vec<BoundSource>,
    /// Sinks, in order; empty means standard output.
    pub sinks: Vec<BoundSink>,
    /// Every setting in force.
    pub settings: Vec<EffectiveSetting>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
}

/// Where the rows of a source come from.
#[derive(Debug)]
pub enum SourceInput {
    /// From outside.
    Connector(SourceConnector),
    /// From an earlier statement of the script, by its number.
    Chained(usize),
    /// Unknown, because a setting is wrong.
    Unknown,
}

/// A source with its settings.
#[derive(Debug)]
pub struct BoundSource {
    /// Name in `FROM`.
    pub name: String,
    /// Where it is named first.
    pub span: Span,
    /// Where its rows come from.
    pub input: SourceInput,
    /// Whether some of its settings are wrong, so that its columns may be others.
    pub faulty: bool,
    /// Settings of any source.
    pub shared: SourceShared,
    /// Declared columns.
    pub declared: Option<SchemaRef>,
    /// How its failures are met.
    pub failure: FailurePolicy,
    /// How its rows are cut.
    pub batch: BatchSettings,
}

/// A sink with its settings.
#[derive(Debug)]
pub struct BoundSink {
    /// Name in `INTO`.
    pub name: String,
    /// Where it is named.
    pub span: Span,
    /// Where its rows go.
    pub connector: SinkConnector,
    /// How its failures are met.
    pub failure: FailurePolicy,
}

/// Binds a script, each statement as far as possible. Nothing is opened or created.
pub fn bind_script(request: BindRequest<'_>) -> Vec<Binding> {
    let places = Places {
        script: request.script,
        environment: request.environment,
        overrides: request.overrides,
        application: request.application,
        limits: request.limits,
        folders: request.folders,
        embedding: request.embedding,
    };
    let mut bindings = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (number, statement) in request.statements.into_iter().enumerate() {
        let unnamed = || request.embedding.unnamed(number);
        let (name, binding) = match statement {
            Err(broken) => {
                let faults = vec![Error::from_sql(&broken.error, request.script)];
                (broken.name.unwrap_or_else(unnamed), Binding { faults, ..Binding::default() })
            }
            Ok(statement) => {
                let name = statement.name.as_ref().map_or_else(unnamed, |name| name.value.clone());
                let mut told = Told::default();
                if names.contains(&name) {
                    let span = statement.name.as_ref().map_or(statement.span, |name| name.span.into());
                    told.errors.push(Error::sql(format!("stream '{name}' is created twice in this script")).at(request.script, span));
                }
                let statement = bind_statement(name.clone(), statement, &names, &places, &mut told);
                let unfit = std::mem::take(&mut told.unfit);
                let own_brokers = told.own_brokers;
                (name, Binding { statement, unfit, own_brokers, faults: told.into_faults() })
            }
        };
        bindings.push(binding);
        names.push(name);
    }
    bindings
}

fn bind_statement(name: String, statement: StreamStatement, earlier: &[String], places: &Places<'_>, told: &mut Told) -> Option<BoundStatement> {
    let analysis = match QueryAnalyzer::new(name.clone()).analyze(&statement) {
        Ok(analysis) => analysis,
        Err(error) => {
            told.errors.push(Error::from_sql(&error, places.script));
            return None;
        }
    };
    if analysis.required_sources.is_empty() {
        told.errors.push(no_datasource(&name).with_help("name a table after FROM").at(places.script, statement.span));
        return None;
    }
    check_roles(&analysis, places.script, &mut told.errors);
    let over = places.limits.iter().flat_map(|limits| limits.check(&analysis, &name));
    told.errors.extend(over.map(|(error, span)| error.at(places.script, span)));
    let mut keys = merge::collect(&statement, &analysis, places, told);
    let mut settings = Vec::new();

    merge::complete_job(&mut keys.job, places, &mut told.errors, &mut told.warnings);
    let default_timeout = merge::has_default_timeout(&keys.job);
    let job = JobOptions::from_keys(&mut keys.job, &mut told.errors);
    unknown_keys::of_job(&keys.job, &analysis, told);
    settings.extend_from_slice(keys.job.effective());
    // With wrong settings of the job, its sources and sinks are looked at all the same.
    let mut job = job.or_else(|| defaults(JobOptions::from_keys))?;
    let default_timeout = if default_timeout { job.batch_timeout.take().map(|timeout| timeout.0) } else { None };

    let owner = Owner { job_name: &name, earlier, job: &job, default_timeout, places };
    let (mut sources, mut sinks) = (Vec::new(), Vec::new());
    for source in &analysis.required_sources {
        let map = keys.components.get_mut(&(Role::Source, source.name.clone()));
        sources.extend(map.and_then(|map| bind_source(&owner, source, map, &mut settings, told)));
    }
    for sink in &analysis.required_sinks {
        let map = keys.components.get_mut(&(Role::Sink, sink.name.clone()));
        sinks.extend(map.and_then(|map| bind_sink(&owner, sink, map, &mut settings, told)));
    }
    let faulty = told.faults() > 0;
    let mut warnings = std::mem::take(&mut keys.warnings);
    warnings.append(&mut told.warnings);
    warnings.extend(batching_warnings(&name, &job, keys.job.effective(), &sources));
    if job.state_dir.is_none() && keys.job.effective().iter().any(|setting| setting.key == "checkpoint.interval" && !matches!(setting.origin, Origin::Default))
    {
        warnings.push(format!("job '{name}': 'checkpoint.interval' has no effect without 'state.dir'"));
    }
    if job.use_transactions && !faulty {
        let weak = sinks.first().map_or_else(|| "standard output".to_owned(), |sink: &BoundSink| format!("sink '{}'", sink.name));
        warnings.push(format!("job '{name}' asks for transactions, but {weak} has none in this build; it runs in simple mode (at-least-once)"));
    }
    Some(BoundStatement {
        faulty,
        failure: policy(&job, None, None, None),
        name,
        statement,
        script: Arc::clone(places.script),
        job,
        sources,
        sinks,
        settings,
        warnings,
    })
}

/// Warnings about keys of batching that change nothing.
fn batching_warnings(name: &str, job: &JobOptions, set: &[EffectiveSetting], sources: &[BoundSource]) -> Vec<String> {
    let from_outside = sources.iter().filter(|source| matches!(source.input, SourceInput::Connector(_)));
    let strategies: Vec<_> = from_outside.map(|source| source.batch.strategy).collect();
    let mut warnings = batching::without_effect(job, set, &strategies);
    let chained = sources.iter().filter(|source| matches!(source.input, SourceInput::Chained(_)) && source.shared.cuts_batches());
    warnings.extend(
        chained.map(|source| format!("'{0}.batch.…' has no effect: '{0}' is a stream of this script, whose batches are cut where it reads", source.name)),
    );
    warnings.into_iter().map(|warning| format!("job '{name}': {warning}")).collect()
}

/// Options that nobody set.
fn defaults<T>(from_keys: fn(&mut KeyMap, &mut Vec<Error>) -> Option<T>) -> Option<T> {
    from_keys(&mut KeyMap::default(), &mut Vec::new())
}

fn no_datasource(job: &str) -> Error {
    Error::config(format!("No supported datasource found in query analysis for job '{job}'"))
}

fn check_roles(analysis: &QueryAnalysis, script: &Arc<Script>, errors: &mut Vec<Error>) {
    for sink in &analysis.required_sinks {
        if analysis.required_sources.iter().any(|source| source.name == sink.name) {
            errors.push(
                Error::config(format!("'{}' is a source and a sink of the same statement", sink.name))
                    .with_help("give the sink another name, and another target")
                    .at(script, sink.span),
            );
        }
    }
}

/// What sources and sinks belong to.
struct Owner<'a> {
    job_name: &'a str,
    /// Names of the streams before it.
    earlier: &'a [String],
    job: &'a JobOptions,
    /// The longest wait of a batch that the environment asks for.
    default_timeout: Option<Duration>,
    places: &'a Places<'a>,
}

/// How the keys that nothing took are looked at.
enum Check {
    /// As those of a kind.
    Kind(Option<String>),
    /// They may belong to any kind.
    AnyKind,
    /// Not at all: a kind of a later build may have them.
    Nothing,
}

impl Check {
    fn run(&self, map: &KeyMap, role: Scope, told: &mut Told) -> Vec<String> {
        match self {
            Self::Kind(kind) => unknown_keys::of_kind(map, kind.as_deref(), role, told),
            Self::AnyKind => unknown_keys::of_any_kind(map, role, told),
            Self::Nothing => Vec::new(),
        }
    }
}

fn bind_source(owner: &Owner<'_>, source: &SourceRef, map: &mut KeyMap, settings: &mut Vec<EffectiveSetting>, told: &mut Told) -> Option<BoundSource> {
    let Owner { job_name, earlier, job, places, .. } = owner;
    let before = told.faults();
    let own_settings = map.leftover().next().is_some();
    merge::resolve_variables(map, places.environment, None, &mut told.warnings);
    // Before the others: what is wrong with them is not to hide what is wrong with the columns.
    let (declared, avro_schema) = declared(map, places, &mut told.errors).unzip();
    let avro_schema = avro_schema.flatten();
    let (mut typeless, mut built) = (None, None);
    let (input, check) = match map.remove_one("type") {
        None => match earlier.iter().position(|name| *name == source.name).filter(|_| !map.is_incomplete()) {
            Some(number) => (SourceInput::Chained(number), Check::Kind(None)),
            None if let Some(connector) = places.embedding.named(&source.name).filter(|_| !map.is_incomplete()) => {
                (SourceInput::Connector(connector), Check::Nothing)
            }
            None => {
                let mut error = Error::config(format!(
                    "Source type must be explicitly specified for '{0}'. \nUse: '{0}.type' with values like 'kafka_source', 'file_source', 's3_source', 'database_source'",
                    source.name
                ));
                if own_settings || !earlier.is_empty() {
                    error = error.with_help(format!("this build has {}", connector_type::available(Scope::Source).join(", ")));
                }
                typeless = Some(error.at(places.script, source.span)).filter(|_| !map.is_incomplete());
                (SourceInput::Unknown, Check::AnyKind)
            }
        },
        Some(Err(error)) => {
            told.errors.push(error);
            (SourceInput::Unknown, Check::AnyKind)
        }
        Some(Ok(kind)) if let Some(connector) = places.embedding.source(&kind.value) => (SourceInput::Connector(connector), Check::Nothing),
        Some(Ok(kind)) => match connector_type::parse(&kind.value, Scope::Source) {
            Kind::Built(name) => {
                built = Some(name);
                told.own_brokers |= merge::from_environment(name, map, places, &mut told.errors);
                let connector = SourceConnector::from_keys(name, map, &mut told.errors);
                (connector.map_or(SourceInput::Unknown, SourceInput::Connector), Check::Kind(Some(kind.value)))
            }
            Kind::Planned(connector) => {
                let help = format!(
                    "source '{}' is of kind {connector}, which this build does not have; it has {}",
                    source.name,
                    connector_type::available(Scope::Source).join(", ")
                );
                told.typing.push((1, kind.origin.blame_value(no_datasource(job_name).with_help(help))));
                (SourceInput::Unknown, Check::Nothing)
            }
            other => {
                told.errors.push(type_error(&kind, &map.shown("type", &kind), other, Scope::Source));
                (SourceInput::Unknown, Check::AnyKind)
            }
        },
    };
    let shared = SourceShared::from_keys(map, &mut told.errors);
    let input = match (built, input) {
        (Some(kind), input) => {
            let connector = match input {
                SourceInput::Connector(connector) => Some(connector),
                SourceInput::Chained(_) | SourceInput::Unknown => None,
            };
            let connector = SourceConnector::with_rest(connector, kind, map, &mut told.errors);
            connector.map_or(SourceInput::Unknown, |mut connector| {
                avro_schema.iter().for_each(|text| connector.set_avro_schema(text));
                let right = told.faults() == before && !map.is_incomplete();
                let wrong = right.then(|| connector.check(&source.name)).and_then(Result::err);
                told.errors.extend(wrong.map(|error| locate(error, map.effective(), places.script, source.span)));
                SourceInput::Connector(connector)
            })
        }
        (None, SourceInput::Connector(SourceConnector::Registered(source))) => {
            SourceInput::Connector(SourceConnector::Registered(embedding::source_keys(source, map, told)))
        }
        (None, input) => input,
    };
    push_unknown(map, &check, Scope::Source, typeless, told);
    settings.extend_from_slice(map.effective());
    let shared = shared.or_else(|| defaults(SourceShared::from_keys))?;
    let most = if let SourceInput::Connector(connector) = &input { connector.most_rows() } else { None };
    Some(BoundSource {
        name: source.name.clone(),
        span: source.span,
        input,
        faulty: told.faults() > before || map.is_incomplete(),
        declared,
        failure: policy(job, shared.failure_strategy, shared.max_retries, shared.retry_backoff),
        batch: batching::limited(batching::settings(job, &shared, owner.default_timeout), most),
        shared,
    })
}

/// A sink, if nothing of it is wrong.
fn bind_sink(owner: &Owner<'_>, sink: &SinkRef, map: &mut KeyMap, settings: &mut Vec<EffectiveSetting>, told: &mut Told) -> Option<BoundSink> {
    let (name, span, script) = (&sink.name, sink.span, owner.places.script);
    let before = told.faults();
    // Dates in a path change while the job runs.
    merge::resolve_variables(map, owner.places.environment, Some("path"), &mut told.warnings);
    let (mut typeless, mut built, mut avro_schema) = (None, None, None);
    let (connector, check) = match map.remove_one("type") {
        None => {
            let error = Error::config(format!(
                "Sink type must be explicitly specified for '{name}'. \nUse: '{name}.type' with values like 'kafka_sink', 'file_sink', 's3_sink', 'database_sink', 'iceberg_sink'"
            ));
            typeless = Some(error.at(script, span)).filter(|_| !map.is_incomplete());
            (None, Check::AnyKind)
        }
        Some(Err(error)) => {
            told.errors.push(error);
            (None, Check::AnyKind)
        }
        Some(Ok(kind)) if let Some(connector) = owner.places.embedding.sink(&kind.value) => (Some(connector), Check::Nothing),
        Some(Ok(kind)) => match connector_type::parse(&kind.value, Scope::Sink) {
            Kind::Built(name) => {
                built = Some(name);
                told.own_brokers |= merge::from_environment(name, map, owner.places, &mut told.errors);
                avro_schema = schema_file::avro_text(name, map, owner.places.folders, &mut told.errors);
                (SinkConnector::from_keys(name, map, &mut told.errors), Check::Kind(Some(kind.value)))
            }
            Kind::Planned(connector) => {
                let message = format!("sink '{name}' is of kind {connector}, which this build does not have");
                let error = Error::config(message).with_help(format!("it has {}", connector_type::available(Scope::Sink).join(", ")));
                told.typing.push((2, kind.origin.blame_value(error)));
                (None, Check::Nothing)
            }
            other => {
                told.errors.push(type_error(&kind, &map.shown("type", &kind), other, Scope::Sink));
                (None, Check::AnyKind)
            }
        },
    };
    let shared = SinkShared::from_keys(map, &mut told.errors);
    let mut connector = match (built, connector) {
        (Some(kind), connector) => SinkConnector::with_rest(connector, kind, map, &mut told.errors),
        (None, Some(SinkConnector::Registered(sink))) => Some(SinkConnector::Registered(embedding::sink_keys(sink, map, told))),
        (None, _) => None,
    };
    if let Some(connector) = &mut connector {
        avro_schema.iter().for_each(|text| connector.set_avro_schema(text));
        let right = told.faults() == before && !map.is_incomplete();
        let wrong = right.then(|| connector.check(name)).and_then(Result::err);
        told.errors.extend(wrong.map(|error| locate(error, map.effective(), script, span)));
    }
    push_unknown(map, &check, Scope::Sink, typeless, told);
    settings.extend_from_slice(map.effective());
    let (shared, connector) = (shared?, connector?);
    let failure = policy(owner.job, shared.failure_strategy, shared.max_retries, shared.retry_backoff);
    (told.faults() == before && !map.is_incomplete()).then(|| BoundSink { name: name.clone(), span, connector, failure })
}

/// Tells the keys that nothing took, and those that are missing, the type among them, unless a misspelt key was meant for them.
fn push_unknown(map: &mut KeyMap, check: &Check, role: Scope, typeless: Option<Error>, told: &mut Told) {
    let meant = check.run(map, role, told);
    told.typing.extend(typeless.filter(|_| !meant.iter().any(|key| key == "type")).map(|error| (0, error)));
    told.push_missing(map, &meant);
}

fn type_error(setting: &Setting, shown: &str, kind: Kind, role: Scope) -> Error {
    let (message, help) = match kind {
        Kind::WrongRole(name) => (
            format!("'{}' = '{shown}' is not a {} type", setting.written, role.as_str()),
            if name == "iceberg" { "iceberg can only be written".to_owned() } else { format!("'{name}_{}'", role.as_str()) },
        ),
        Kind::Unknown(Some(near)) => {
            (format!("unknown type '{shown}'"), format!("nearest: {near}; this build has {}", connector_type::available(role).join(", ")))
        }
        _ => (format!("unknown type '{shown}'"), format!("this build has {}", connector_type::available(role).join(", "))),
    };
    setting.origin.blame_value(Error::config(message).with_help(help))
}

fn policy(
    job: &JobOptions,
    strategy: Option<crate::stream::FailureStrategy>,
    max_retries: Option<usize>,
    retry_backoff: Option<crate::options::Millis>,
) -> FailurePolicy {
    FailurePolicy {
        strategy: strategy.unwrap_or(job.failure_strategy),
        max_retries: max_retries.unwrap_or(job.max_retries),
        retry_backoff: retry_backoff.unwrap_or(job.retry_backoff).0,
    }
}

/// The declared columns, and the Avro schema that they come from.
fn declared(map: &KeyMap, places: &Places<'_>, errors: &mut Vec<Error>) -> Option<(SchemaRef, Option<Arc<str>>)> {
    let name = map.owner();
    let declared = match (map.resolved("schema"), map.resolved("schema_file")) {
        (Some(_), Some(file)) => {
            Err(file.origin.blame_key(Error::config(format!("'{name}.schema' and '{name}.schema_file' are both set")).with_help("keep one of them")))
        }
        (Some(text), None) => schema_text::parse(&joined(&text.value, ", "))
            .map(|columns| (columns, None))
            .map_err(|fault| text.origin.blame_value(Error::config(format!("'{name}.schema': {fault}")).with_help("name TYPE, name TYPE, …"))),
        (None, Some(file)) => schema_file::read(Path::new(&file.value), places.folders).map_err(|error| schema_file::fault(file, error)),
        (None, None) => return None,
    };
    declared.map(|(columns, avro)| (Arc::new(columns), avro)).map_err(|error| errors.push(error)).ok()
}
