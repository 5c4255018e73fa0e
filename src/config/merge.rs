//! One map of keys an owner, from all the places settings come from.
//!
//! Precedence, the greater rank wins: built-in default (no entry) < application that embeds the engine < environment < application file < configuration file that is extended < the one that extends it < `WITH` < `--set`. What a job key
//! means for its sources and sinks is settled where the typed structs are combined.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sql_extensions::{QueryAnalysis, StreamStatement, WithEntry};

use super::application::Application;
use super::embedding::Embedding;
use super::environment::{Environment, Unresolved, substitute, variables};
use super::key_resolution::{Owner, resolve};
use super::limits::Limits;
use super::settings_file::{self, FileEntry, LONGEST_CHAIN};
use super::unknown_keys::Told;
use crate::error::{Error, Script};
use crate::options::{KeyMap, Origin, Replaced, Scope, Setting, is_secret_key, is_secret_variable, register_passwords_in, register_secret};

const RANK_EMBEDDING: u8 = 1;
const RANK_ENVIRONMENT: u8 = 2;
const RANK_APPLICATION: u8 = 3;
/// Of the file that `config_file` names; one less for each step along the chain of those that it extends.
const RANK_FILE: u8 = RANK_APPLICATION + LONGEST_CHAIN as u8;
const RANK_INLINE: u8 = RANK_FILE + 1;
const RANK_COMMAND_LINE: u8 = RANK_INLINE + 1;

/// The maps of a statement.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The job's.
    pub job: KeyMap,
    /// Those of each source and sink.
    pub components: BTreeMap<(Role, String), KeyMap>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
}

/// Order of owners in the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Source.
    Source,
    /// Sink.
    Sink,
}

impl Role {
    pub(super) fn of(scope: Scope) -> Self {
        if scope == Scope::Sink { Self::Sink } else { Self::Source }
    }
}

/// What settings are read from besides the statement.
pub(super) struct Places<'a> {
    pub script: &'a Arc<Script>,
    pub environment: &'a dyn Environment,
    pub overrides: &'a [(String, String)],
    pub application: Option<&'a Application>,
    pub limits: Option<Limits>,
    pub folders: &'a [PathBuf],
    pub embedding: &'a Embedding,
}

/// Collects the settings of a statement; variables are not resolved yet, since a key that is overridden need not be.
pub(super) fn collect(statement: &StreamStatement, analysis: &QueryAnalysis, places: &Places<'_>, told: &mut Told) -> Keys {
    let mut keys = Keys { job: KeyMap::new(""), ..Keys::default() };
    for source in &analysis.required_sources {
        keys.components.insert((Role::Source, source.name.clone()), KeyMap::new(source.name.clone()).named_at(places.script, source.span));
    }
    for sink in &analysis.required_sinks {
        keys.components.insert((Role::Sink, sink.name.clone()), KeyMap::new(sink.name.clone()).named_at(places.script, sink.span));
    }
    for (key, value) in &places.embedding.job_settings {
        keys.job.insert(key.clone(), of_embedding(key, value));
    }
    if let Some(timeout) = places.environment.get("VELO_BATCH_TIMEOUT_MS") {
        let origin = Origin::Environment { variable: "VELO_BATCH_TIMEOUT_MS".to_owned() };
        keys.job.insert("batch.timeout", Setting { written: "VELO_BATCH_TIMEOUT_MS".to_owned(), value: timeout, origin, rank: RANK_ENVIRONMENT });
    }
    for entry in places.application.into_iter().flat_map(Application::job_settings) {
        keys.job.insert(entry.key.clone(), of_application(entry));
    }
    for entry in &statement.with {
        let origin = Origin::Inline { script: Arc::clone(places.script), key: entry.key_span, value: entry.value_span };
        keys.put(entry, Setting { written: entry.key.clone(), value: entry.value.clone(), origin, rank: RANK_INLINE }, analysis, told);
    }
    for (key, value) in places.overrides {
        let span = statement.span;
        let entry = WithEntry { key: key.clone(), value: value.clone(), key_span: span, value_span: span };
        keys.put(&entry, Setting { written: key.clone(), value: value.clone(), origin: Origin::CommandLine, rank: RANK_COMMAND_LINE }, analysis, told);
    }
    for ((role, name), map) in &mut keys.components {
        let Some(file) = map.remove("config_file") else { continue };
        let read = put_in(&file, places.environment, &[]).and_then(|path| {
            settings_file::read(&PathBuf::from(path.value), places.folders, places.environment).map_err(|error| file.origin.blame_value(error))
        });
        match read {
            Ok(entries) => {
                for entry in entries {
                    let prefix = if *role == Role::Source { "source." } else { "sink." };
                    let key = entry.key.strip_prefix(prefix).unwrap_or(&entry.key).to_owned();
                    let origin = entry.origin();
                    if key == "config_file" {
                        let error = Error::config("a configuration file can't name another one")
                            .with_help(format!("write '{name}.config_file' into the WITH clause, or 'extends' into the file"));
                        told.errors.push(origin.blame_key(error));
                        continue;
                    }
                    let written = format!("{name}.{}", entry.key);
                    let rank = RANK_FILE - entry.depth as u8;
                    let replaced = map.insert(key, Setting { written: written.clone(), value: entry.value, origin, rank });
                    keys.warnings.extend(replaced.map(|replaced| set_twice(&written, &replaced)));
                }
            }
            Err(error) => {
                map.set_incomplete();
                told.errors.push(error);
            }
        }
    }
    keys
}

impl Keys {
    fn put(&mut self, entry: &WithEntry, setting: Setting, analysis: &QueryAnalysis, told: &mut Told) {
        let written = setting.written.clone();
        let replaced = match resolve(entry, analysis) {
            Owner::Job(key) => self.job.insert(key, setting),
            Owner::Component(scope, name, key) => self.components.get_mut(&(Role::of(scope), name)).and_then(|map| map.insert(key, setting)),
            Owner::Alias { alias, table } => {
                let error = Error::config(format!("'{alias}' is an alias; settings are written with the name of the table"));
                told.push_key(&setting, false, error.with_help(format!("'{table}{}'", &entry.key.trim()[alias.len()..])));
                None
            }
        };
        self.warnings.extend(replaced.map(|replaced| set_twice(&written, &replaced)));
    }
}

/// A setting as an application file gives it.
fn of_application(entry: &FileEntry) -> Setting {
    Setting { written: entry.key.clone(), value: entry.value.clone(), origin: entry.origin(), rank: RANK_APPLICATION }
}

/// A setting as the application that embeds the engine gives it.
fn of_embedding(key: &str, value: &str) -> Setting {
    Setting { written: key.to_owned(), value: value.to_owned(), origin: Origin::Application, rank: RANK_EMBEDDING }
}

/// Puts in what a source or sink of a kind takes from the application file and the environment where nobody wrote it.
pub(super) fn from_environment(kind: &str, map: &mut KeyMap, places: &Places<'_>) {
    let environment = places.environment;
    if kind == "kafka"
        && let Some(brokers) = &places.embedding.brokers
    {
        map.insert("bootstrap.servers", of_embedding("bootstrap.servers", brokers));
    }
    if kind == "kafka"
        && let Some(brokers) = places.application.and_then(Application::kafka_brokers)
    {
        map.insert("bootstrap.servers", of_application(brokers));
    }
    const REGISTRY: &str = "SCHEMA_REGISTRY_URL";
    let is_avro = |key: &&str| map.get(key).is_some_and(|setting| setting.value.trim().eq_ignore_ascii_case("avro"));
    if kind != "kafka" || !["value.format", "format"].iter().any(is_avro) || map.get("schema.registry.url").is_some() {
        return;
    }
    if let Some(url) = environment.get(REGISTRY).filter(|url| !url.trim().is_empty()) {
        register_passwords_in(&url);
        let origin = Origin::Environment { variable: REGISTRY.to_owned() };
        map.insert("schema.registry.url", Setting { written: REGISTRY.to_owned(), value: url, origin, rank: RANK_ENVIRONMENT });
    }
}

fn set_twice(key: &str, replaced: &Setting) -> String {
    format!("'{key}' is set twice; the later value counts, the one at {} does not", replaced.origin)
}

/// Puts the variables into the values. `keep`: names that stay for run time.
pub(super) fn resolve_variables(map: &mut KeyMap, environment: &dyn Environment, keep: &[&str]) {
    map.map_values(|setting| put_in(setting, environment, keep));
}

/// A value with its variables. Secrets are remembered, so that no message tells them.
fn put_in(setting: &Setting, environment: &dyn Environment, keep: &[&str]) -> Result<Replaced, Error> {
    let value =
        substitute(&setting.value, environment, keep).map_err(|unresolved| setting.origin.blame_value(unresolved_error(&unresolved, &setting.written)))?;
    let mut secret = false;
    let set = |name: &str| environment.get(name).is_some();
    let mut used: Vec<String> = variables(&setting.value).filter(|(name, _)| set(name)).map(|(name, _)| name.to_owned()).collect();
    used.dedup();
    for (name, default) in variables(&setting.value).filter(|(name, _)| is_secret_variable(name)) {
        secret = true;
        register_secret(&environment.get(name).unwrap_or_else(|| default.unwrap_or_default().to_owned()));
    }
    if is_secret_key(&setting.written) {
        register_secret(&value);
    }
    register_passwords_in(&value);
    Ok(Replaced { value, secret, variables: used })
}

pub(super) fn unresolved_error(unresolved: &Unresolved, key: &str) -> Error {
    match unresolved {
        Unresolved::Missing(name) => {
            Error::config(format!("environment variable {name} is not set; '{key}' needs it")).with_help(format!("set it, or write ${{{name}:-default}}"))
        }
        Unresolved::Unclosed => Error::config(format!("'{key}' has a ${{ without }}")).with_help("write ${NAME} or ${NAME:-default}"),
    }
}
