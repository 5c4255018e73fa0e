//! One map of keys an owner, from all the places settings come from.
//!
//! Precedence, the greater rank wins: built-in default (no entry) < environment < configuration file < `WITH` < `--set`. What a job key means for its sources and sinks is
//! settled where the typed structs are combined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sql_extensions::{QueryAnalysis, StreamStatement};

use super::environment::{Environment, Unresolved, substitute};
use super::key_resolution::{Owner, resolve};
use super::yaml;
use crate::error::{Error, Script};
use crate::options::{KeyMap, Origin, Scope, Setting, is_secret_key, register_secret};

const RANK_ENVIRONMENT: u8 = 1;
const RANK_FILE: u8 = 2;
const RANK_INLINE: u8 = 3;
const RANK_COMMAND_LINE: u8 = 4;

/// The maps of a statement.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The job's.
    pub job: KeyMap,
    /// Those of each source and sink.
    pub components: BTreeMap<(Role, String), KeyMap>,
    /// Owners whose configuration file can't be read: what is missing of their settings may stand there.
    pub unread: Vec<(Role, String)>,
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
    pub folders: &'a [PathBuf],
}

/// Collects the settings of a statement; variables are not resolved yet, since a key that is overridden need not be.
pub(super) fn collect(statement: &StreamStatement, analysis: &QueryAnalysis, places: &Places<'_>, errors: &mut Vec<Error>) -> Keys {
    let mut keys = Keys { job: KeyMap::new(""), ..Keys::default() };
    for source in &analysis.required_sources {
        keys.components.insert((Role::Source, source.name.clone()), KeyMap::new(source.name.clone()));
    }
    for sink in &analysis.required_sinks {
        keys.components.insert((Role::Sink, sink.name.clone()), KeyMap::new(sink.name.clone()));
    }
    if let Some(timeout) = places.environment.get("VELO_BATCH_TIMEOUT_MS") {
        let origin = Origin::Environment { variable: "VELO_BATCH_TIMEOUT_MS".to_owned() };
        keys.job.insert("batch.timeout", Setting { written: "VELO_BATCH_TIMEOUT_MS".to_owned(), value: timeout, origin, rank: RANK_ENVIRONMENT });
    }
    for entry in &statement.with {
        let origin = Origin::Inline { script: Arc::clone(places.script), key: entry.key_span, value: entry.value_span };
        let setting = Setting { written: entry.key.clone(), value: entry.value.clone(), origin, rank: RANK_INLINE };
        match resolve(entry, analysis) {
            Owner::Alias { alias, table } => errors.push(
                setting.origin.blame_key(
                    Error::config(format!("'{alias}' is an alias; settings are written with the name of the table"))
                        .with_help(format!("'{table}{}'", &entry.key[alias.len()..])),
                ),
            ),
            owner => keys.put(owner, setting),
        }
    }
    for (key, value) in places.overrides {
        let span = statement.span;
        let entry = sql_extensions::WithEntry { key: key.clone(), value: value.clone(), key_span: span, value_span: span };
        let setting = Setting { written: key.clone(), value: value.clone(), origin: Origin::CommandLine, rank: RANK_COMMAND_LINE };
        keys.put(resolve(&entry, analysis), setting);
    }
    for ((role, name), map) in &mut keys.components {
        let Some(file) = map.remove("config_file") else { continue };
        let path = match substitute(&file.value, places.environment, &[]) {
            Ok(path) => path,
            Err(unresolved) => {
                errors.push(file.origin.blame_value(unresolved_error(&unresolved, &file.written)));
                continue;
            }
        };
        match yaml::read(Path::new(&path), places.folders) {
            Ok((file, entries)) => {
                for entry in entries {
                    let prefix = if *role == Role::Source { "source." } else { "sink." };
                    let key = entry.key.strip_prefix(prefix).unwrap_or(&entry.key).to_owned();
                    let origin = Origin::Yaml { file: file.clone(), line: entry.line };
                    map.insert(key, Setting { written: format!("{name}.{}", entry.key), value: entry.value, origin, rank: RANK_FILE });
                }
            }
            Err(error) => {
                keys.unread.push((*role, name.clone()));
                errors.push(file.origin.blame_value(error));
            }
        }
    }
    keys
}

impl Keys {
    fn put(&mut self, owner: Owner, setting: Setting) {
        let written = setting.written.clone();
        let replaced = match owner {
            Owner::Job(key) => self.job.insert(key, setting),
            Owner::Component(scope, name, key) => match self.components.get_mut(&(Role::of(scope), name)) {
                Some(map) => map.insert(key, setting),
                None => None,
            },
            Owner::Alias { .. } => None,
        };
        if let Some(replaced) = replaced {
            self.warnings.push(format!("'{written}' is set twice; the later value counts, the one at {} does not", replaced.origin));
        }
    }
}

/// Puts the variables into the values that are in force. `keep`: names that stay for run time.
pub(super) fn resolve_variables(map: &mut KeyMap, environment: &dyn Environment, keep: &[&str], errors: &mut Vec<Error>) {
    map.map_values(|setting| match substitute(&setting.value, environment, keep) {
        Ok(value) => {
            if is_secret_key(&setting.written) {
                register_secret(&value);
            }
            Some(value)
        }
        Err(unresolved) => {
            errors.push(setting.origin.blame_value(unresolved_error(&unresolved, &setting.written)));
            None
        }
    });
}

fn unresolved_error(unresolved: &Unresolved, key: &str) -> Error {
    match unresolved {
        Unresolved::Missing(name) => {
            Error::config(format!("environment variable {name} is not set; '{key}' needs it")).with_help(format!("set it, or write ${{{name}:-default}}"))
        }
        Unresolved::Unclosed => Error::config(format!("'{key}' has a ${{ without }}")).with_help("write ${NAME} or ${NAME:-default}"),
    }
}
