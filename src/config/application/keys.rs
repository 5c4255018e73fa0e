//! The keys of application files.

use std::path::PathBuf;

use sql_extensions::nearest;

use crate::config::environment::is_name;
use crate::config::job_options::JobOptions;
use crate::config::limits::MOST_MEGABYTES;
use crate::config::planned_connectors::planned_keys;
use crate::config::settings_file::FileEntry;
use crate::config::unknown_keys::{has_key, is_job_key, job_keys, without_end};
use crate::error::{Error, Result, excerpt};
use crate::kafka::BrokerList;
use crate::options::{MASK, Millis, OptionDescriptor, OptionValue, Presence, Scope, ValueFacts, Within, fault_of, is_secret_key, joined, word_of};

const fn option(key: &'static str, type_name: &'static str, presence: Presence, docs: &'static str) -> OptionDescriptor {
    OptionDescriptor::by_hand(key, type_name, presence, Scope::Job, docs)
}

/// One of a type.
const fn typed<T: OptionValue>(key: &'static str, type_name: &'static str, docs: &'static str) -> OptionDescriptor {
    OptionDescriptor { value: Some(ValueFacts::of::<T>()), ..option(key, type_name, Presence::Optional, docs) }
}

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLevel(pub &'static str);

impl OptionValue for LogLevel {
    const TYPE: &'static str = "name";
    const NAMES: &'static [&'static str] = &["error", "warn", "info", "debug", "trace"];
    const EXAMPLE: &'static str = "info";

    fn parse(text: &str) -> Result<Self, String> {
        word_of(Self::NAMES, text).map(Self)
    }
}

/// One that is a whole number of a range.
const fn limit<const MOST: usize>(key: &'static str, presence: Presence, docs: &'static str) -> OptionDescriptor {
    OptionDescriptor { value: Some(ValueFacts::of::<Within<1, MOST>>()), ..option(key, "count", presence, docs) }
}

/// The keys of an application file, besides those of jobs.
pub(in crate::config) const OPTIONS: &[OptionDescriptor] = &[
    option("active_profile", "name", Presence::Optional, "The profile that counts where neither `--profile` nor VELO_PROFILE names one."),
    option("profiles", "map", Presence::Optional, "Profiles by name, each a map of keys."),
    typed::<PathBuf>("script", "path", "The script that is run where the command line names none, from the folder of the file."),
    typed::<LogLevel>("log_level", "name", "error, warn, info, debug or trace, where the command line says nothing."),
    typed::<BrokerList>(
        "kafka_brokers",
        BrokerList::TYPE,
        "`bootstrap.servers` of Kafka sources and sinks that have none; also a variable, `${kafka_brokers}`.",
    ),
    limit::<{ usize::MAX }>("VELO_MAX_JOBS", Presence::Default("50"), "Most jobs, one for each statement. The environment variable of this name counts more."),
    limit::<{ usize::MAX }>("VELO_MAX_SOURCES_PER_JOB", Presence::Default("10"), "Most sources of a job. The environment variable of this name counts more."),
    limit::<{ usize::MAX }>("VELO_MAX_SINKS_PER_JOB", Presence::Default("5"), "Most sinks of a job. The environment variable of this name counts more."),
    limit::<MOST_MEGABYTES>(
        "VELO_MAX_MEMORY_MB",
        Presence::Default("2048"),
        "Most MB that all jobs together may take of memory. The environment variable of this name counts more.",
    ),
    typed::<Millis>("VELO_BATCH_TIMEOUT_MS", "duration", "`batch.timeout` of jobs that have none. The environment variable of this name counts more."),
];

/// Those of them that stand outside of profiles.
pub(in crate::config) const FILE_KEYS: [&str; 2] = ["active_profile", "profiles"];
/// Keys for a server of jobs: known, and true or false.
pub(in crate::config) const FLAGS: [&str; 3] = ["metrics_enabled", "monitoring_enabled", "alerting_enabled"];

/// The keys of a profile that the engine knows, besides those of jobs.
fn profile_keys() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|option| option.key).filter(|key| !FILE_KEYS.contains(key)).chain(FLAGS)
}

/// Keys that have a value, and nothing within them.
pub(in crate::config) fn plain_keys() -> impl Iterator<Item = &'static str> {
    profile_keys().chain(job_keys()).chain(planned_keys(Scope::Job))
}

/// What names of the engine's own variables begin with.
pub(in crate::config) const OWN: &str = "VELO_";
/// The key of encrypted files: a variable of the engine that may stand in an application file, too.
pub(in crate::config) const ENCRYPTION_KEY: &str = "VELO_ENCRYPTION_KEY";
/// Variables of the engine that say which file and profile count, and so are of no use in one.
pub(in crate::config) const OUTSIDE: [&str; 2] = ["VELO_PROFILE", "VELO_CONFIG_FILE"];

/// What a key of a file may stand for: one of its own, or one of jobs.
pub(in crate::config) fn option_called(key: &str) -> Option<&'static OptionDescriptor> {
    const FLAG: &[OptionDescriptor] = &[typed::<bool>(FLAGS[0], "boolean", ""), typed::<bool>(FLAGS[1], "boolean", ""), typed::<bool>(FLAGS[2], "boolean", "")];
    let mut known = JobOptions::OPTIONS.iter().chain(OPTIONS).chain(FLAG);
    known.find(|option| option.spellings().any(|spelling| spelling == key))
}

/// Refuses a value of a profile that is not active, as far as it can be told without variables.
pub(in crate::config) fn check_value(entry: &FileEntry) -> Result<()> {
    let fault = option_called(&entry.key).filter(|_| !entry.value.contains("${")).and_then(|option| fault_of(option, &entry.value));
    let shown = if is_secret_key(&entry.key) { MASK.to_owned() } else { joined(&entry.value, ", ") };
    match fault {
        Some(fault) => Err(entry.origin().blame_value(Error::config(format!("'{}' = '{}' is {fault}", entry.key, excerpt(&shown))))),
        None => Ok(()),
    }
}

/// The spelling that all spellings of a key of jobs stand for; another key stands for itself.
pub(in crate::config) fn canonical(key: &str) -> &str {
    JobOptions::OPTIONS.iter().find(|option| option.spellings().any(|spelling| spelling == key)).map_or(key, |option| option.key)
}

/// Whether a key is there to be used as a variable, so that one of the environment counts more.
pub(in crate::config) fn is_variable(key: &str) -> bool {
    key.starts_with(OWN) || !profile_keys().any(|known| known == key) && !is_job_key(key)
}

/// Whether two names are the same but for the case or the order of their letters, or one letter.
fn near(candidate: &str, written: &str) -> bool {
    let (candidate, written) = (candidate.to_lowercase(), written.to_lowercase());
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    // The distance of a huge name takes long.
    candidate.len().abs_diff(written.len()) <= 4 && (letters(&candidate) == letters(&written) || strsim::osa_distance(&candidate, &written) == 1)
}

/// Of names of variables, those that are almost ones of the engine's own, each with that.
pub fn misspelt_variables<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'static str)> {
    let own: Vec<&'static str> = OPTIONS.iter().map(|option| option.key).filter(|key| key.starts_with(OWN)).chain(OUTSIDE).chain([ENCRYPTION_KEY]).collect();
    let misspelt = |name: &'a str| {
        let meant = own.iter().find(|known| near(known, name)).copied();
        meant.filter(|_| !own.contains(&name)).map(|meant| (name, meant))
    };
    names.filter_map(misspelt).collect()
}

/// The key that names another file, in files that `config_file` names.
pub(in crate::config) const EXTENDS: &str = "extends";

/// Whether sources or sinks have a key, whatever word for its end stands before it.
pub(in crate::config) fn is_of_component(key: &str) -> bool {
    let key = without_end(key);
    [Scope::Source, Scope::Sink].into_iter().any(|role| has_key(key, role))
}

/// A key that nothing reads is a variable; one that is almost a key is a misspelt one, and so is one that begins like the engine's own.
pub(in crate::config) fn check_key(entry: &FileEntry) -> Result<()> {
    let key = entry.key.as_str();
    if profile_keys().chain([ENCRYPTION_KEY]).any(|known| known == key) || is_job_key(key) {
        return Ok(());
    }
    let blame = |error: Error| Err(entry.origin().blame_key(error));
    if OUTSIDE.contains(&key) {
        return blame(Error::config(format!("'{key}' is a variable of the environment alone")).with_help("leave it out; see active_profile, and --config"));
    }
    let first = key.split('.').next().unwrap_or(key);
    if FILE_KEYS.contains(&first) {
        return blame(Error::config(format!("'{first}' stands outside of profiles, once, and has nothing in it but its value")));
    }
    if key.get(..OWN.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN)) {
        let own: Vec<&str> = profile_keys().filter(|key| key.starts_with(OWN)).collect();
        let meant = nearest(key, own.iter().copied()).map(|near| format!("nearest: {near}; ")).unwrap_or_default();
        return blame(
            Error::config(format!("unknown key '{key}'")).with_help(format!("{meant}names that begin with {OWN} are the engine's: {}", own.join(", "))),
        );
    }
    let meant = profile_keys()
        .chain(FILE_KEYS)
        .chain(job_keys())
        .chain(planned_keys(Scope::Job))
        .find(|candidate| near(candidate, key))
        .or_else(|| FILE_KEYS.into_iter().find(|candidate| near(candidate, first)));
    if let Some(meant) = meant {
        let error = Error::config(format!("unknown key '{key}'"));
        return blame(error.with_help(format!("nearest: {meant}; a variable of your own needs a name that is less like it")));
    }
    let within = |candidate: &&str| key.strip_prefix(*candidate).is_some_and(|rest| rest.starts_with('.'));
    if let Some(outer) = plain_keys().find(within) {
        return blame(Error::config(format!("'{outer}' is a map here; it has a value")));
    }
    // A dotted name that a source or sink knows is a setting in the wrong place; a plain one may be anybody's variable.
    if first == EXTENDS || key.contains('.') && is_of_component(key) {
        let error = Error::config(format!("'{key}' can't stand in an application file: it is for files that 'config_file' names"));
        return blame(error.with_help("an application file has keys of jobs and variables of your own; 'kafka_brokers' is 'bootstrap.servers' of all"));
    }
    if !is_name(key) {
        // What stands in place of a variable may be a secret.
        let key = key.split_once("${").map_or_else(|| excerpt(key), |(before, _)| format!("{before}${{…}}"));
        return blame(Error::config(format!("'{key}' is neither a key nor the name of a variable")).with_help("names are letters, digits, '_', '.' and '-'"));
    }
    Ok(())
}
