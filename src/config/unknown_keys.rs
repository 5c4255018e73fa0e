//! Keys that nothing takes: each is told with the nearest one that is taken.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use sql_extensions::{QueryAnalysis, nearest};

use super::application;
use super::connector_type::{self, Kind};
use super::job_options::{JobOptions, SinkShared, SourceShared};
use super::planned_connectors::{connector_with_key, general_planned_keys, planned_key, planned_keys};
use crate::error::{Error, excerpt};
use crate::options::{KeyMap, OptionDescriptor, Origin, Scope, Setting};
use crate::sinks::SinkConnector;
use crate::sources::SourceConnector;

/// A key of the command line that nothing in a statement takes; another statement may.
#[derive(Debug)]
pub struct Unfit {
    /// The key.
    pub key: String,
    /// Whether nothing of the statement has the name that the key begins with.
    pub of_job: bool,
    /// The error if no other statement takes it.
    pub error: Error,
}

/// What is wrong with a statement's settings.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Faults.
    pub errors: Vec<Error>,
    /// Faults of types, with the order in which they are told: before anything else that a type decides.
    pub typing: Vec<(u8, Error)>,
    /// Keys of the command line that nothing in the statement takes.
    pub unfit: Vec<Unfit>,
    /// Whether a source or sink has brokers of its own.
    pub own_brokers: bool,
    /// Things worth a warning.
    pub warnings: Vec<String>,
}

impl Told {
    /// The number of faults.
    pub(super) fn faults(&self) -> usize {
        self.errors.len() + self.typing.len()
    }

    /// Adds a fault of a key.
    pub(super) fn push_key(&mut self, setting: &Setting, of_job: bool, error: Error) {
        let error = setting.origin.blame_key(error);
        match setting.origin {
            Origin::CommandLine => self.unfit.push(Unfit { key: setting.written.clone(), of_job, error }),
            _ => self.errors.push(error),
        }
    }

    /// All faults, in the order in which they are told.
    pub(super) fn into_faults(mut self) -> Vec<Error> {
        self.typing.sort_by_key(|(order, _)| *order);
        self.typing.into_iter().map(|(_, error)| error).chain(self.errors).collect()
    }

    /// Tells which required keys are missing, but for those that a misspelt key was meant for.
    pub(super) fn push_missing(&mut self, keys: &mut KeyMap, meant: &[String]) {
        let missing = keys.take_missing().into_iter();
        self.errors.extend(missing.filter(|(option, _)| !option.spellings().any(|key| meant.iter().any(|meant| meant == key))).map(|(_, error)| error));
    }
}

/// Tells the keys of the job that are none.
pub(super) fn of_job(keys: &KeyMap, analysis: &QueryAnalysis, told: &mut Told) {
    let names: Vec<&str> =
        analysis.required_sources.iter().map(|source| source.name.as_str()).chain(analysis.required_sinks.iter().map(|sink| sink.name.as_str())).collect();
    for (key, setting) in keys.leftover() {
        let error = if planned_key(key, Scope::Job).is_some() {
            Error::config(format!("'{key}' is not available in this build")).with_help("leave it out; see velo-sql options job")
        } else if application::OPTIONS.iter().any(|option| option.key == key) {
            Error::config(format!("'{key}' is a key of application files, not of statements")).with_help("name such a file with --config FILE")
        } else {
            let owner = key.split_once('.').and_then(|(owner, rest)| nearest(owner, names.iter().copied()).map(|near| format!("{near}.{rest}")));
            let near = owner.or_else(|| nearest(key, job_keys().chain(planned_keys(Scope::Job))).map(str::to_owned));
            unknown(key, near.as_deref(), "job", &names)
        };
        told.push_key(setting, true, error);
    }
}

/// Tells the keys of a source or sink of a known kind that were not taken; returns the keys that misspelt ones were meant for.
pub(super) fn of_kind(keys: &KeyMap, kind: Option<&str>, role: Scope, told: &mut Told) -> Vec<String> {
    let mut known = known(kind, role);
    known.extend(general_planned_keys(role));
    let component = kind.map_or_else(|| role.as_str().to_owned(), |kind| format!("{}_{}", kind.split('_').next().unwrap_or(kind), role.as_str()));
    let mut meant = Vec::new();
    for (key, setting) in keys.leftover() {
        let error = if key == "extends" {
            Error::config(format!("'{}' is a key of configuration files, not of statements", setting.written))
                .with_help(format!("write it into the file that '{}.config_file' names", keys.owner()))
        } else if planned_key(key, role).is_some() {
            Error::config(format!("'{}' is not available in this build", setting.written)).with_help(format!("leave it out; see velo-sql options {component}"))
        } else if let Some(other) = of_other_end(key, kind, role) {
            Error::config(format!("'{}' is a key of {other}; '{}' is a {component}", setting.written, keys.owner()))
                .with_help(format!("all keys: velo-sql options {component}"))
        } else if let Some(other) = connector_with_key(key, role) {
            Error::config(format!("'{}' is a key of {other}_{}; '{}' is a {component}", setting.written, role.as_str(), keys.owner()))
                .with_help(format!("all keys: velo-sql options {component}"))
        } else {
            misspelt(key, setting, keys.owner(), &known, &component, &mut meant)
        };
        told.push_key(setting, false, error);
    }
    meant
}

/// The other end of a kind (`kafka_source` for its sink) if it alone has a key.
fn of_other_end(key: &str, kind: Option<&str>, role: Scope) -> Option<String> {
    let kind = kind?.trim().to_ascii_lowercase();
    let other = if role == Scope::Sink { Scope::Source } else { Scope::Sink };
    let simple = kind.split('_').next().unwrap_or(&kind);
    let (options, rest) = match other {
        Scope::Sink => (SinkConnector::option_names(Some(simple)), SinkConnector::rest_names(Some(simple))),
        _ => (SourceConnector::option_names(Some(simple)), SourceConnector::rest_names(Some(simple))),
    };
    let has = options.contains(&key) || rest.iter().any(|name| name == key);
    has.then(|| format!("{simple}_{}", other.as_str()))
}

/// The same for a kind that the application has registered, which has the keys `own`.
pub(super) fn of_registered(keys: &KeyMap, own: &[&str], component: &str, role: Scope, told: &mut Told) {
    let shared = if role == Scope::Sink { SinkShared::OPTIONS } else { SourceShared::OPTIONS };
    let mut known: Vec<&str> = shared.iter().flat_map(OptionDescriptor::spellings).chain(["type", "config_file"]).collect();
    known.extend(own);
    for (key, setting) in keys.leftover() {
        let near = nearest(key, known.iter().copied()).map(|near| format!("did you mean '{}.{near}'? ", keys.owner())).unwrap_or_default();
        let listed = if own.is_empty() { "no keys of its own".to_owned() } else { own.join(", ") };
        let error = Error::config(format!("unknown key '{}'", setting.written)).with_help(format!("{near}{component} has {listed}"));
        told.push_key(setting, false, error);
    }
}

/// The same for a source or sink whose kind is not known: only keys that no kind has are told.
pub(super) fn of_any_kind(keys: &KeyMap, role: Scope, told: &mut Told) -> Vec<String> {
    let mut known = known(None, role);
    known.extend(planned_keys(role));
    let mut meant = Vec::new();
    for (key, setting) in keys.leftover().filter(|(key, _)| !has_key(key, role)) {
        let error = misspelt(key, setting, keys.owner(), &known, role.as_str(), &mut meant);
        told.push_key(setting, false, error);
    }
    meant
}

/// The keys of sources or sinks of every kind, of this build and later ones.
pub(super) fn keys_of_any(role: Scope) -> &'static BTreeSet<&'static str> {
    fn collect(role: Scope) -> BTreeSet<&'static str> {
        // Clients of a library leave out what is for the other end.
        let of_client = SourceConnector::rest_names(None).iter().chain(SinkConnector::rest_names(None)).map(String::as_str);
        known(None, role).into_iter().chain(planned_keys(role)).chain(of_client).collect()
    }
    static SOURCE: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| collect(Scope::Source));
    static SINK: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| collect(Scope::Sink));
    if role == Scope::Sink { &SINK } else { &SOURCE }
}

/// What is to be told of a key of a file of settings of a kind (of any, for `None`) that nothing takes; the nearest one with it.
pub(super) fn unknown_key(key: &str, kind: Option<&str>) -> Option<String> {
    let roles: Vec<Scope> = [Scope::Source, Scope::Sink].into_iter().filter(|role| kind.is_none_or(|kind| is_of_role(kind, *role))).collect();
    // A kind that this build doesn't have may have any key.
    if key == "extends" || roles.is_empty() {
        return None;
    }
    // A file that both ends extend has keys of both.
    let known: BTreeSet<&str> = [Scope::Source, Scope::Sink].into_iter().flat_map(|role| known(kind, role).into_iter().chain(planned_keys(role))).collect();
    if known.contains(key) {
        return None;
    }
    let near = nearest(key, known.into_iter().chain(["extends"])).map(|near| format!("; nearest: {near}")).unwrap_or_default();
    Some(format!("unknown key{near}"))
}

/// Whether a role has a kind of this build.
fn is_of_role(kind: &str, role: Scope) -> bool {
    matches!(connector_type::parse(kind, role), Kind::Built(_))
}

/// A key without the word for an end before it (`source.topic`).
pub(super) fn without_end(key: &str) -> &str {
    [Scope::Source, Scope::Sink].into_iter().find_map(|role| key.strip_prefix(role.as_str())?.strip_prefix('.')).unwrap_or(key)
}

/// Whether a source or sink of some kind, of this build or a later one, has a key.
pub(super) fn has_key(key: &str, role: Scope) -> bool {
    keys_of_any(role).contains(key)
}

/// The key that a spelling stands for in a file of settings of a kind (of any, for `None`); the spelling itself where kinds differ in it.
pub(super) fn canonical<'a>(key: &'a str, kind: Option<&str>) -> &'a str {
    let keys: BTreeSet<&'static str> = options_called(key, kind).map(|option| option.key).collect();
    match keys.first() {
        Some(key) if keys.len() == 1 => key,
        _ => key,
    }
}

/// What a spelling may stand for in a file of settings of a kind (of any, for `None`).
pub(super) fn options_called(key: &str, kind: Option<&str>) -> impl Iterator<Item = &'static OptionDescriptor> {
    let sources = SourceConnector::reference().into_iter().filter(move |(name, _)| Scope::Source.names_kind(kind, name));
    let sinks = SinkConnector::reference().into_iter().filter(move |(name, _)| Scope::Sink.names_kind(kind, name));
    let options = sources.chain(sinks).flat_map(|(_, options)| options).chain(SourceShared::OPTIONS).chain(SinkShared::OPTIONS);
    options.filter(move |option| option.spellings().any(|spelling| spelling == key))
}

/// Whether the job has a key.
pub(super) fn is_job_key(key: &str) -> bool {
    job_keys().any(|known| known == key) || planned_key(key, Scope::Job).is_some()
}

/// Every spelling of the job's keys that this build has.
pub(super) fn job_keys() -> impl Iterator<Item = &'static str> {
    JobOptions::OPTIONS.iter().flat_map(OptionDescriptor::spellings)
}

/// Every spelling of the keys of a kind; of all kinds for `None`.
fn known(kind: Option<&str>, role: Scope) -> Vec<&'static str> {
    let (mut known, shared) = match role {
        Scope::Sink => (SinkConnector::option_names(kind), SinkShared::OPTIONS),
        _ => (SourceConnector::option_names(kind), SourceShared::OPTIONS),
    };
    let rest = if role == Scope::Sink { SinkConnector::rest_names(kind) } else { SourceConnector::rest_names(kind) };
    known.extend(shared.iter().flat_map(OptionDescriptor::spellings));
    known.extend(["type", "config_file"]);
    known.extend(rest.iter().map(String::as_str));
    known
}

fn misspelt(key: &str, setting: &Setting, owner: &str, known: &[&'static str], component: &str, meant: &mut Vec<String>) -> Error {
    // Only files extend others.
    let of_files = matches!(setting.origin, Origin::Yaml { .. }).then_some("extends");
    let near = nearest(key, known.iter().copied().chain(of_files));
    meant.extend(near.map(str::to_owned));
    unknown(&setting.written, near.map(|near| format!("{owner}.{near}")).as_deref(), component, &[])
}

fn unknown(key: &str, near: Option<&str>, component: &str, names: &[&str]) -> Error {
    let listed = if names.is_empty() { String::new() } else { format!(" (sources and sinks of this statement: {})", names.join(", ")) };
    let all = format!("all keys: velo-sql options {component}{listed}");
    Error::config(format!("unknown key '{}'", excerpt(key))).with_help(match near {
        Some(near) => format!("did you mean '{near}'? {all}"),
        None => all,
    })
}
