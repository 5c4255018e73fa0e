//! All statements of a script bound to their settings; every fault of all of them is reported at once.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use sql_extensions::{QueryAnalysis, QueryAnalyzer, SourceRef, Span, StreamStatement, nearest};

use super::connector_type::{self, Kind};
use super::environment::Environment;
use super::job_options::{JobOptions, SinkShared, SourceShared};
use super::merge::{self, Keys, Places, Role};
use super::planned_connectors::{connector_with_key, planned_key};
use super::{batching, schema_file};
use crate::error::{Error, Result, Script};
use crate::formats::schema_text;
use crate::options::{EffectiveSetting, KeyMap, OptionDescriptor, Origin, Scope, Setting};
use crate::sinks::SinkConnector;
use crate::sources::SourceConnector;
use crate::stream::{BatchSettings, FailurePolicy};

/// What is to be bound.
pub struct BindRequest<'a> {
    /// The script.
    pub script: &'a Arc<Script>,
    /// Its statements.
    pub statements: Vec<StreamStatement>,
    /// Variables.
    pub environment: &'a dyn Environment,
    /// `--set key=value`.
    pub overrides: &'a [(String, String)],
    /// Folders that relative names of configuration files are looked for in, in order.
    pub folders: &'a [PathBuf],
}

/// A statement with every setting known and typed.
#[derive(Debug)]
pub struct BoundStatement {
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

/// Binds a script. Nothing is opened or created.
pub fn bind_script(request: BindRequest<'_>) -> Result<Vec<BoundStatement>, Vec<Error>> {
    let places = Places { script: request.script, environment: request.environment, overrides: request.overrides, folders: request.folders };
    let mut bound: Vec<Option<BoundStatement>> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut errors = Vec::new();
    for (number, statement) in request.statements.into_iter().enumerate() {
        let name = statement.name.as_ref().map_or_else(|| format!("query_{}", number + 1), |name| name.value.clone());
        if names.contains(&name) {
            let span = statement.name.as_ref().map_or(statement.span, |name| name.span.into());
            errors.push(Error::sql(format!("stream '{name}' is created twice in this script")).at(request.script, span));
        }
        bound.push(bind_statement(name.clone(), statement, &names, &places, &mut errors));
        names.push(name);
    }
    if errors.is_empty() { Ok(bound.into_iter().flatten().collect()) } else { Err(errors) }
}

fn bind_statement(name: String, statement: StreamStatement, earlier: &[String], places: &Places<'_>, errors: &mut Vec<Error>) -> Option<BoundStatement> {
    let faults = errors.len();
    let analysis = match QueryAnalyzer::new(name.clone()).analyze(&statement) {
        Ok(analysis) => analysis,
        Err(error) => {
            errors.push(Error::from_sql(&error, places.script));
            return None;
        }
    };
    if analysis.required_sources.is_empty() {
        errors.push(no_datasource(&name).with_help("name a table after FROM").at(places.script, statement.span));
        return None;
    }
    check_roles(&analysis, places.script, errors);
    let mut keys = merge::collect(&statement, &analysis, places, errors);
    let mut settings = Vec::new();

    merge::resolve_variables(&mut keys.job, places.environment, &[], errors);
    let job = JobOptions::from_keys(&mut keys.job, errors);
    unknown_job_keys(&keys.job, &analysis, errors);
    settings.extend_from_slice(keys.job.effective());

    let mut typing = Vec::new();
    let sources: Vec<Option<BoundSource>> = analysis
        .required_sources
        .iter()
        .map(|source| bind_source(&name, source, earlier, job.as_ref(), &mut keys, &mut settings, places, &mut typing, errors))
        .collect();
    let sinks: Vec<Option<BoundSink>> = analysis
        .required_sinks
        .iter()
        .map(|sink| bind_sink(&sink.name, sink.span, job.as_ref(), &mut keys, &mut settings, places, &mut typing, errors))
        .collect();
    // A missing type is told before anything else that a type decides.
    typing.sort_by_key(|(order, _)| *order);
    errors.splice(faults..faults, typing.into_iter().map(|(_, error)| error));
    if errors.len() > faults {
        return None;
    }
    let job = job?;
    let mut warnings = std::mem::take(&mut keys.warnings);
    if job.use_transactions {
        let weak = sinks.iter().flatten().map(|sink| format!("sink '{}'", sink.name)).next().unwrap_or_else(|| "standard output".to_owned());
        warnings.push(format!("job '{name}' asks for transactions, but {weak} has none in this build; it runs in simple mode (at-least-once)"));
    }
    Some(BoundStatement {
        failure: policy(&job, None, None, None),
        name,
        statement,
        script: Arc::clone(places.script),
        job,
        sources: sources.into_iter().flatten().collect(),
        sinks: sinks.into_iter().flatten().collect(),
        settings,
        warnings,
    })
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

/// Errors about types, with the order in which they are told.
type TypeFaults = Vec<(u8, Error)>;

#[allow(clippy::too_many_arguments, reason = "one call site; a struct would only rename the arguments")]
fn bind_source(
    job_name: &str,
    source: &SourceRef,
    earlier: &[String],
    job: Option<&JobOptions>,
    keys: &mut Keys,
    settings: &mut Vec<EffectiveSetting>,
    places: &Places<'_>,
    typing: &mut TypeFaults,
    errors: &mut Vec<Error>,
) -> Option<BoundSource> {
    let map = keys.components.get_mut(&(Role::Source, source.name.clone()))?;
    let own_settings = map.leftover().next().is_some();
    let kind = map.remove("type");
    let chained = earlier.iter().position(|name| *name == source.name).filter(|_| kind.is_none());
    let unread = keys.unread.contains(&(Role::Source, source.name.clone()));
    let input = match (&kind, chained) {
        (None, _) if unread => return None,
        (None, Some(number)) => Some(SourceInput::Chained(number)),
        (None, None) => {
            let mut error = Error::config(format!(
                "Source type must be explicitly specified for '{0}'. \nUse: '{0}.type' with values like 'kafka_source', 'file_source', 's3_source', 'database_source'",
                source.name
            ));
            if own_settings || !earlier.is_empty() {
                error = error.with_help(format!("this build has {}", connector_type::available(Scope::Source).join(", ")));
            }
            typing.push((0, error.at(places.script, source.span)));
            return None;
        }
        (Some(kind), _) => {
            let kind = resolved(kind, places, errors)?;
            match connector_type::parse(&kind.value, Scope::Source) {
                Kind::Built(_) if unread => return None,
                Kind::Built(connector) => {
                    merge::resolve_variables(map, places.environment, &[], errors);
                    SourceConnector::from_keys(connector, map, errors).map(SourceInput::Connector)
                }
                Kind::Planned(connector) => {
                    let help = format!(
                        "source '{}' is of kind {connector}, which this build does not have; it has {}",
                        source.name,
                        connector_type::available(Scope::Source).join(", ")
                    );
                    typing.push((1, kind.origin.blame_value(no_datasource(job_name).with_help(help))));
                    return None;
                }
                other => {
                    errors.push(type_error(&kind, other, Scope::Source));
                    return None;
                }
            }
        }
    };
    merge::resolve_variables(map, places.environment, &[], errors);
    let shared = SourceShared::from_keys(map, errors);
    let of = kind.as_ref().map(|kind| kind.value.as_str());
    let input = input.map(|mut input| {
        if let SourceInput::Connector(connector) = &mut input {
            let known: Vec<&str> =
                SourceConnector::option_names(of).into_iter().chain(SourceShared::OPTIONS.iter().flat_map(OptionDescriptor::spellings)).collect();
            connector.take_rest(map, &known, errors);
        }
        input
    });
    unknown_keys(map, of, Scope::Source, SourceConnector::option_names(of), errors);
    settings.extend_from_slice(map.effective());
    let (shared, job, input) = (shared?, job?, input?);
    let declared = match declared(&source.name, &shared, map, places) {
        Ok(declared) => declared,
        Err(error) => {
            errors.push(error);
            return None;
        }
    };
    Some(BoundSource {
        name: source.name.clone(),
        span: source.span,
        input,
        declared,
        failure: policy(job, shared.failure_strategy, shared.max_retries, shared.retry_backoff),
        batch: batching::settings(job, &shared, None),
        shared,
    })
}

#[allow(clippy::too_many_arguments, reason = "one call site; a struct would only rename the arguments")]
fn bind_sink(
    name: &str,
    span: Span,
    job: Option<&JobOptions>,
    keys: &mut Keys,
    settings: &mut Vec<EffectiveSetting>,
    places: &Places<'_>,
    typing: &mut TypeFaults,
    errors: &mut Vec<Error>,
) -> Option<BoundSink> {
    let unread = keys.unread.contains(&(Role::Sink, name.to_owned()));
    let map = keys.components.get_mut(&(Role::Sink, name.to_owned()))?;
    let kind = map.remove("type");
    if unread {
        // That the file can't be read has been said; the rest can't be known.
        return None;
    }
    let Some(kind) = kind else {
        let error = Error::config(format!(
            "Sink type must be explicitly specified for '{name}'. \nUse: '{name}.type' with values like 'kafka_sink', 'file_sink', 's3_sink', 'database_sink', 'iceberg_sink'"
        ));
        typing.push((0, error.at(places.script, span)));
        return None;
    };
    let kind = resolved(&kind, places, errors)?;
    // Dates in a path change while the job runs.
    merge::resolve_variables(map, places.environment, &["DATE", "TIME"], errors);
    let connector = match connector_type::parse(&kind.value, Scope::Sink) {
        Kind::Built(connector) => SinkConnector::from_keys(connector, map, errors),
        Kind::Planned(connector) => {
            let message = format!("sink '{name}' is of kind {connector}, which this build does not have");
            typing
                .push((2, kind.origin.blame_value(Error::config(message).with_help(format!("it has {}", connector_type::available(Scope::Sink).join(", "))))));
            return None;
        }
        other => {
            errors.push(type_error(&kind, other, Scope::Sink));
            return None;
        }
    };
    let shared = SinkShared::from_keys(map, errors);
    let connector = connector.map(|mut connector| {
        let known: Vec<&str> =
            SinkConnector::option_names(Some(&kind.value)).into_iter().chain(SinkShared::OPTIONS.iter().flat_map(OptionDescriptor::spellings)).collect();
        connector.take_rest(map, &known, errors);
        connector
    });
    unknown_keys(map, Some(&kind.value), Scope::Sink, SinkConnector::option_names(Some(&kind.value)), errors);
    settings.extend_from_slice(map.effective());
    let (shared, job, connector) = (shared?, job?, connector?);
    Some(BoundSink { name: name.to_owned(), span, connector, failure: policy(job, shared.failure_strategy, shared.max_retries, shared.retry_backoff) })
}

/// The type with its variables put in.
fn resolved(kind: &Setting, places: &Places<'_>, errors: &mut Vec<Error>) -> Option<Setting> {
    let mut map = KeyMap::new("");
    map.insert("type", kind.clone());
    merge::resolve_variables(&mut map, places.environment, &[], errors);
    map.remove("type")
}

fn type_error(setting: &Setting, kind: Kind, role: Scope) -> Error {
    let (message, help) = match kind {
        Kind::WrongRole(name) => (
            format!("'{}' = '{}' is not a {} type", setting.written, setting.value, role.as_str()),
            if name == "iceberg" { "iceberg can only be written".to_owned() } else { format!("'{name}_{}'", role.as_str()) },
        ),
        Kind::Unknown(Some(near)) => {
            (format!("unknown type '{}'", setting.value), format!("nearest: {near}; this build has {}", connector_type::available(role).join(", ")))
        }
        _ => (format!("unknown type '{}'", setting.value), format!("this build has {}", connector_type::available(role).join(", "))),
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

fn declared(name: &str, shared: &SourceShared, keys: &KeyMap, places: &Places<'_>) -> Result<Option<SchemaRef>> {
    let origin = |key: &str| {
        let full = format!("{name}.{key}");
        keys.effective().iter().find(|setting| setting.key == full).map_or(Origin::Default, |setting| setting.origin.clone())
    };
    match (&shared.schema, &shared.schema_file) {
        (Some(_), Some(_)) => {
            Err(origin("schema_file").blame_key(Error::config(format!("'{name}.schema' and '{name}.schema_file' are both set")).with_help("keep one of them")))
        }
        (Some(text), None) => schema_text::parse(text)
            .map(|schema| Some(Arc::new(schema)))
            .map_err(|fault| origin("schema").blame_value(Error::config(format!("'{name}.schema': {fault}")).with_help("name TYPE, name TYPE, …"))),
        (None, Some(file)) => {
            schema_file::read(file, places.folders).map(|schema| Some(Arc::new(schema))).map_err(|error| origin("schema_file").blame_value(error))
        }
        (None, None) => Ok(None),
    }
}

fn unknown_job_keys(keys: &KeyMap, analysis: &QueryAnalysis, errors: &mut Vec<Error>) {
    let names: Vec<&str> =
        analysis.required_sources.iter().map(|source| source.name.as_str()).chain(analysis.required_sinks.iter().map(|sink| sink.name.as_str())).collect();
    for (key, setting) in keys.leftover() {
        let known = JobOptions::OPTIONS.iter().flat_map(|option| std::iter::once(option.key).chain(option.aliases.iter().copied()));
        let error = if planned_key(key, Scope::Job).is_some() {
            Error::config(format!("'{key}' is not available in this build")).with_help("leave it out; see velo-sql options job")
        } else {
            let owner = key.split_once('.').and_then(|(owner, rest)| nearest(owner, names.iter().copied()).map(|near| format!("{near}.{rest}")));
            let near = owner.or_else(|| nearest(key, known).map(str::to_owned));
            unknown(key, near, "job", &names)
        };
        errors.push(setting.origin.blame_key(error));
    }
}

fn unknown(key: &str, near: Option<String>, component: &str, names: &[&str]) -> Error {
    let listed = if names.is_empty() { String::new() } else { format!(" (sources and sinks of this statement: {})", names.join(", ")) };
    let all = format!("all keys: velo-sql options {component}{listed}");
    Error::config(format!("unknown key '{key}'")).with_help(match near {
        Some(near) => format!("did you mean '{near}'? {all}"),
        None => all,
    })
}

fn unknown_keys(keys: &KeyMap, kind: Option<&str>, role: Scope, own: Vec<&'static str>, errors: &mut Vec<Error>) {
    let shared = if role == Scope::Source { SourceShared::OPTIONS } else { SinkShared::OPTIONS };
    let mut known = own;
    known.extend(shared.iter().flat_map(|option| std::iter::once(option.key).chain(option.aliases.iter().copied())));
    known.extend(["type", "config_file"]);
    let component = kind.map_or_else(|| role.as_str().to_owned(), |kind| format!("{}_{}", kind.split('_').next().unwrap_or(kind), role.as_str()));
    for (key, setting) in keys.leftover() {
        let error = if planned_key(key, role).is_some() {
            Error::config(format!("'{}' is not available in this build", setting.written)).with_help(format!("leave it out; see velo-sql options {component}"))
        } else if let Some(other) = connector_with_key(key, role) {
            Error::config(format!("'{}' is a key of {other}_{}; '{}' is a {component}", setting.written, role.as_str(), keys.owner()))
                .with_help(format!("all keys: velo-sql options {component}"))
        } else {
            let near = nearest(key, known.iter().copied()).map(|near| format!("{}.{near}", keys.owner()));
            unknown(&setting.written, near, &component, &[])
        };
        errors.push(setting.origin.blame_key(error));
    }
}
