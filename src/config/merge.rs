//! One map of keys an owner, from all the places settings come from.
//!
//! Precedence, the greater rank wins: built-in default (no entry) < application that embeds the engine < environment < application file < configuration file that is extended < the one that extends it < `WITH` < `--set`. What a job key
//! means for its sources and sinks is settled where the typed structs are combined.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sql_extensions::{QueryAnalysis, StreamStatement, WithEntry};

use super::application::{Application, Held};
use super::embedding::Embedding;
use super::environment::{Dynamic, Environment, MOST_BYTES, Variable, is_name, substitute};
use super::key_resolution::{Owner, resolve};
use super::limits::Limits;
use super::settings_file::{self, LONGEST_CHAIN};
use super::unknown_keys::Told;
use crate::error::{Error, Script};
use crate::options::{KeyMap, Origin, Replaced, Scope, Setting, is_secret_key, register_passwords_in};

/// The variable that is the default of `batch.timeout`.
const TIMEOUT: &str = "VELO_BATCH_TIMEOUT_MS";

const RANK_EMBEDDING: u8 = 1;
const RANK_ENVIRONMENT: u8 = 2;
const RANK_APPLICATION: u8 = 3;
/// Of the file that `config_file` names; one less for each step along the chain of those that it extends.
const RANK_FILE: u8 = RANK_APPLICATION + LONGEST_CHAIN as u8 * MERGE_LEVELS;
/// Of one file, what a map has itself counts more than what it merges; maps that merge each other more often than this count the same.
const MERGE_LEVELS: u8 = 8;
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
        let path = one_file(&file).and_then(|()| put_in(&file, places.environment, Dynamic::Now));
        let read = path.and_then(|path| {
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
                    let rank = RANK_FILE - entry.depth as u8 * MERGE_LEVELS - entry.merges.min(usize::from(MERGE_LEVELS) - 1) as u8;
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

/// Refuses an empty name, which would stand for a folder.
fn one_file(file: &Setting) -> Result<(), Error> {
    if file.value.trim().is_empty() { Err(file.origin.blame_value(Error::config(format!("'{}' names no file", file.written)))) } else { Ok(()) }
}

/// Adds a setting as an application file gives it: its variables are in it already.
fn insert_held(map: &mut KeyMap, key: &str, held: &Held) {
    let setting = Setting { written: held.entry.key.clone(), value: held.entry.value.clone(), origin: held.entry.origin(), rank: RANK_APPLICATION };
    map.insert_replaced(key, setting, held.value.as_ref().map(|value| value.clone().now().into()).map_err(Error::duplicate));
}

/// A setting as the application that embeds the engine gives it.
fn of_embedding(key: &str, value: &str) -> Setting {
    Setting { written: key.to_owned(), value: value.to_owned(), origin: Origin::Application, rank: RANK_EMBEDDING }
}

/// Adds a variable that is a setting of its own. What it is made of is not looked at again.
fn insert_variable(map: &mut KeyMap, key: &str, name: &str, variable: Variable) {
    let Variable { value, secret, origin, .. } = variable;
    let setting = Setting { written: name.to_owned(), value: value.clone(), origin, rank: RANK_ENVIRONMENT };
    map.insert_replaced(key, setting, Ok(Replaced { value, secret, variables: Vec::new() }));
}

/// Puts the variables into the settings of the job, and adds those of the application file and the environment.
pub(super) fn complete_job(map: &mut KeyMap, places: &Places<'_>, errors: &mut Vec<Error>, warnings: &mut Vec<String>) {
    resolve_variables(map, places.environment, None, warnings);
    for (key, value) in &places.embedding.job_settings {
        map.insert(key.clone(), of_embedding(key, value));
    }
    for (key, held) in places.application.into_iter().flat_map(Application::job_settings) {
        insert_held(map, key, held);
    }
    match places.environment.variable(TIMEOUT) {
        // One of the environment that is set and empty is not set, as with the other limits.
        Ok(Some(variable)) if !matches!(variable.origin, Origin::Environment { .. }) || !variable.value.trim().is_empty() => {
            insert_variable(map, "batch.timeout", TIMEOUT, variable)
        }
        Ok(_) => {}
        Err(error) => errors.push(error),
    }
}

/// Whether the longest wait of a batch is a default for those who ask for batches, and not a wish of the job.
pub(super) fn has_default_timeout(job: &KeyMap) -> bool {
    let set = ["batch.timeout", "batch_timeout"].iter().filter_map(|key| job.get(key));
    set.map(|setting| setting.rank).max() == Some(RANK_ENVIRONMENT)
}

/// Puts in what a source or sink of a kind takes from the application file and the environment where nobody wrote it. Tells whether it has brokers of its own.
pub(super) fn from_environment(kind: &str, map: &mut KeyMap, places: &Places<'_>, errors: &mut Vec<Error>) -> bool {
    if kind != "kafka" {
        return false;
    }
    const BROKERS: &str = "bootstrap.servers";
    let own = map.get(BROKERS).is_some();
    if let Some(brokers) = &places.embedding.brokers {
        map.insert(BROKERS, of_embedding(BROKERS, brokers));
    }
    if let Some(brokers) = places.application.and_then(Application::kafka_brokers) {
        insert_held(map, BROKERS, brokers);
    }
    const REGISTRY: &str = "SCHEMA_REGISTRY_URL";
    let is_avro = |key: &&str| map.get(key).is_some_and(|setting| setting.value.trim().eq_ignore_ascii_case("avro"));
    if !["value.format", "format"].iter().any(is_avro) || map.get("schema.registry.url").is_some() {
        return own;
    }
    match places.environment.variable(REGISTRY) {
        Ok(Some(url)) if !url.value.trim().is_empty() => {
            register_passwords_in(&url.value);
            insert_variable(map, "schema.registry.url", REGISTRY, url);
        }
        Ok(_) => {}
        Err(error) => errors.push(error),
    }
    own
}

fn set_twice(key: &str, replaced: &Setting) -> String {
    format!("'{key}' is set twice; the later value counts, the one at {} does not", replaced.origin)
}

/// Puts the variables into the values. `path`: the key whose dates the job puts in itself.
pub(super) fn resolve_variables(map: &mut KeyMap, environment: &dyn Environment, path: Option<&str>, warnings: &mut Vec<String>) {
    let mut bytes = 0;
    map.map_values(|key, setting| {
        if let Some(name) = bare_variable(&setting.value, environment).filter(|_| !is_secret_key(&setting.written)) {
            warnings.push(format!("'{}' has ${name} in it, which stays as it is; the variable is written ${{{name}}}", setting.written));
        }
        let replaced = put_in(setting, environment, if Some(key) == path { Dynamic::Stay } else { Dynamic::Now })?;
        bytes += replaced.value.len();
        if bytes > MOST_BYTES {
            let error = Error::config(format!("with the variables of '{}', the settings have more than {} MiB", setting.written, MOST_BYTES >> 20));
            return Err(setting.origin.blame_value(error));
        }
        Ok(replaced)
    });
}

/// A variable of the environment that a value names as shells do, without braces.
fn bare_variable<'a>(value: &'a str, environment: &dyn Environment) -> Option<&'a str> {
    let mut names = value.split('$').skip(1).map(|rest| &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())]);
    names.find(|name| is_name(name) && environment.get(name).is_some())
}

/// A value with its variables.
fn put_in(setting: &Setting, environment: &dyn Environment, dynamic: Dynamic) -> Result<Replaced, Error> {
    substitute(&setting.written, &setting.value, environment, dynamic).map(Replaced::from).map_err(|error| setting.origin.blame_value(error))
}
