//! The application file: profiles, limits, variables, and the script to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sql_extensions::nearest;

use super::environment::{Environment, substitute, variables};
use super::merge::unresolved_error;
use super::reference::facts_of;
use super::settings_file::{FileEntry, flatten};
use super::text_file;
use super::unknown_keys::{is_job_key, job_keys};
use super::yaml::{Content, Document, Node};
use crate::error::{Error, Result};
use crate::options::{OptionDescriptor, Presence, Scope};

/// Where an application file is looked for that nobody names; `~` is the home directory.
const PLACES: [&str; 4] = ["velo.yaml", "configs/velo.yaml", "~/.velo/config.yaml", "/etc/velo/config.yaml"];

const fn option(key: &'static str, type_name: &'static str, presence: Presence, docs: &'static str) -> OptionDescriptor {
    OptionDescriptor::by_hand(key, type_name, presence, Scope::Job, docs)
}

/// The keys of an application file, besides those of jobs.
pub(super) const OPTIONS: &[OptionDescriptor] = &[
    option("active_profile", "name", Presence::Optional, "The profile that counts where neither `--profile` nor VELO_PROFILE names one."),
    option("profiles", "map", Presence::Optional, "Profiles by name, each a map of keys."),
    option("script", "path", Presence::Optional, "The script that is run where the command line names none, from the folder of the file."),
    option("log_level", "name", Presence::Optional, "error, warn, info, debug or trace, where the command line says nothing."),
    option("kafka_brokers", "list", Presence::Optional, "`bootstrap.servers` of Kafka sources and sinks that have none; also a variable, `${kafka_brokers}`."),
    option("VELO_MAX_JOBS", "count", Presence::Default("50"), "Most jobs, one for each statement. The environment variable of this name counts more."),
    option("VELO_MAX_SOURCES_PER_JOB", "count", Presence::Default("10"), "Most sources of a job. The environment variable of this name counts more."),
    option("VELO_MAX_SINKS_PER_JOB", "count", Presence::Default("5"), "Most sinks of a job. The environment variable of this name counts more."),
    option(
        "VELO_BATCH_TIMEOUT_MS",
        "duration",
        Presence::Optional,
        "`batch.timeout` of jobs that have none. The environment variable of this name counts more.",
    ),
];

/// Those of them that stand outside of profiles.
const FILE_KEYS: [&str; 2] = ["active_profile", "profiles"];
/// Keys for a server of jobs: known, and true or false.
const FLAGS: [&str; 3] = ["metrics_enabled", "monitoring_enabled", "alerting_enabled"];
/// Likewise, a number.
const MEMORY: &str = "VELO_MAX_MEMORY_MB";

/// The keys of a profile that the engine knows, besides those of jobs.
fn profile_keys() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|option| option.key).filter(|key| !FILE_KEYS.contains(key)).chain(FLAGS).chain([MEMORY])
}

/// An application file with its active profile.
#[derive(Debug)]
pub struct Application {
    file: PathBuf,
    profile: Option<String>,
    /// Settings of the active profile, over those of all profiles; variables are put in.
    settings: BTreeMap<String, FileEntry>,
}

/// The application file that counts: the named one, that of `VELO_CONFIG_FILE`, or the first that exists of `velo.yaml`, `configs/velo.yaml`, `~/.velo/config.yaml`, `/etc/velo/config.yaml`.
fn find(named: Option<&Path>, environment: &dyn Environment) -> Option<PathBuf> {
    let variable = || environment.get("VELO_CONFIG_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = |place: &str| match place.strip_prefix("~/") {
        Some(rest) => environment.get("HOME").map(|home| Path::new(&home).join(rest)),
        None => Some(PathBuf::from(place)),
    };
    named.map(Path::to_owned).or_else(variable).or_else(|| PLACES.iter().filter_map(|place| home(place)).find(|path| path.exists()))
}

impl Application {
    /// Reads the file that counts, with the profile that counts: `profile`, that of `VELO_PROFILE`, or the file's `active_profile`. `None` if there is no file and nothing asks for one.
    ///
    /// **Errors**: the named file is missing or no application file, has no such profile, misspelt keys, or variables in use that are not set.
    pub fn load(named: Option<&Path>, profile: Option<&str>, environment: &dyn Environment) -> Result<Option<Self>> {
        let Some(file) = find(named, environment) else {
            return match profile {
                Some(profile) => Err(Error::config(format!("there is no application file, so no profile '{profile}'")).with_help("name it with --config FILE")),
                None => Ok(None),
            };
        };
        let text = text_file::read(&file, &[PathBuf::new()])?;
        Self::parse(&text, &file, profile, environment).map(Some)
    }

    fn parse(text: &str, file: &Path, profile: Option<&str>, environment: &dyn Environment) -> Result<Self> {
        let mut document = Document::parse(text, file)?;
        let Some(root) = document.root.clone() else { return Ok(Self { file: file.to_owned(), profile: None, settings: BTreeMap::new() }) };
        let top = document.entries(&root, "an application file")?;
        let value = |key: &str| top.iter().find(|entry| entry.key == key);
        let profiles = match value("profiles") {
            Some(entry) => document.entries(&entry.value, "'profiles'")?,
            None => Vec::new(),
        };
        let active = match value("active_profile") {
            Some(entry) => {
                let Content::Text(text) = &entry.value.content else { return Err(document.fault(entry.line, "'active_profile' is no text")) };
                Some((text.clone(), entry.line))
            }
            None => None,
        };
        let chosen = match (profile, environment.get("VELO_PROFILE").filter(|name| !name.is_empty()), active) {
            (Some(profile), ..) => Some((profile.to_owned(), "--profile".to_owned())),
            (None, Some(profile), _) => Some((profile, "environment variable VELO_PROFILE".to_owned())),
            (None, None, Some((text, line))) => {
                let place = format!("{}:{line}", file.display());
                let name = substitute(&text, environment, &[]).map_err(|unresolved| unresolved_error(&unresolved, "active_profile").context(&place))?;
                Some((name, place))
            }
            (None, None, None) => None,
        };
        let mut settings = BTreeMap::new();
        let mut take = |document: &mut Document, map: &Node| -> Result<()> {
            for entry in flatten(document, map, file, 0)? {
                check_key(&entry)?;
                settings.insert(entry.key.clone(), entry);
            }
            Ok(())
        };
        let common = top.iter().filter(|entry| !FILE_KEYS.contains(&entry.key.as_str())).cloned().collect();
        take(&mut document, &Node { line: root.line, content: Content::Map(common) })?;
        if let Some((name, place)) = &chosen {
            let Some(own) = profiles.iter().find(|entry| entry.key == *name) else { return Err(no_profile(name, &profiles, file).context(place)) };
            take(&mut document, &own.value)?;
        }
        let mut application = Self { file: file.to_owned(), profile: chosen.map(|(name, _)| name), settings };
        application.resolve(environment)?;
        application.check_values()?;
        Ok(application)
    }

    /// Puts the variables into the values: those of the environment, else other keys of the file.
    fn resolve(&mut self, environment: &dyn Environment) -> Result<()> {
        let mut pending = std::mem::take(&mut self.settings);
        while !pending.is_empty() {
            let before = pending.len();
            let is_open = |name: &str, own: &str| name != own && environment.get(name).is_none() && pending.contains_key(name);
            let ready: Vec<String> =
                pending.values().filter(|entry| !variables(&entry.value).any(|(name, _)| is_open(name, &entry.key))).map(|entry| entry.key.clone()).collect();
            for key in ready {
                let Some(mut entry) = pending.remove(&key) else { continue };
                let value = substitute(&entry.value, &ApplicationEnvironment::new(environment, Some(self)), &["DATE", "TIME"]);
                entry.value = value.map_err(|unresolved| entry.origin().blame_value(unresolved_error(&unresolved, &key)))?;
                self.settings.insert(key, entry);
            }
            if pending.len() == before {
                let keys: Vec<&str> = pending.keys().map(String::as_str).collect();
                return Err(Error::config(format!("{}: the values of these keys need each other: {}", self.file.display(), keys.join(", "))));
            }
        }
        Ok(())
    }

    fn check_values(&self) -> Result<()> {
        let is_boolean = |entry: &&FileEntry| ["true", "false"].iter().any(|known| entry.value.trim().eq_ignore_ascii_case(known));
        if let Some(entry) = FLAGS.iter().filter_map(|key| self.settings.get(*key)).find(|entry| !is_boolean(entry)) {
            return Err(wrong(entry, "expected true or false"));
        }
        if let Some(entry) = self.settings.get("log_level")
            && self.log_level().is_none()
        {
            return Err(wrong(entry, "expected error, warn, info, debug or trace"));
        }
        // Limits are read with the environment's, which stand in no line.
        for option in OPTIONS.iter().filter(|option| matches!(option.type_name, "count" | "duration")) {
            if let Some(entry) = self.settings.get(option.key)
                && let Err(expected) = (facts_of(option.type_name).check)(&entry.value)
            {
                return Err(wrong(entry, &expected));
            }
        }
        Ok(())
    }

    /// The active profile.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The script that is run when none is named, found from the folder of the file.
    pub fn script(&self) -> Option<PathBuf> {
        let script = self.settings.get("script")?;
        Some(self.file.parent().unwrap_or(Path::new("")).join(&script.value))
    }

    /// How much is told: `error`, `warn`, `info`, `debug` or `trace`.
    pub fn log_level(&self) -> Option<&'static str> {
        let level = self.settings.get("log_level")?.value.trim().to_ascii_lowercase();
        ["error", "warn", "info", "debug", "trace"].into_iter().find(|known| *known == level)
    }

    /// Settings of jobs.
    pub(super) fn job_settings(&self) -> impl Iterator<Item = &FileEntry> {
        self.settings.values().filter(|entry| is_job_key(&entry.key) && !FLAGS.contains(&entry.key.as_str()))
    }

    /// The brokers of Kafka sources and sinks that name none.
    pub(super) fn kafka_brokers(&self) -> Option<&FileEntry> {
        self.settings.get("kafka_brokers")
    }
}

fn wrong(entry: &FileEntry, expected: &str) -> Error {
    entry.origin().blame_value(Error::config(format!("'{}' = '{}': {expected}", entry.key, entry.value)))
}

fn no_profile(name: &str, profiles: &[super::yaml::Entry], file: &Path) -> Error {
    let known: Vec<&str> = profiles.iter().map(|entry| entry.key.as_str()).collect();
    let near = nearest(name, known.iter().copied()).map(|near| format!("nearest: {near}; ")).unwrap_or_default();
    let help = if known.is_empty() { "it has none".to_owned() } else { format!("{near}it has {}", known.join(", ")) };
    Error::config(format!("{} has no profile '{name}'", file.display())).with_help(help)
}

/// A key that nothing reads is a variable; one that is almost a key is a misspelt one.
fn check_key(entry: &FileEntry) -> Result<()> {
    let key = entry.key.as_str();
    if profile_keys().any(|known| known == key) || is_job_key(key) {
        return Ok(());
    }
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let near = |candidate: &str, written: &str| letters(candidate) == letters(written) || strsim::osa_distance(candidate, &written.to_lowercase()) == 1;
    let first = key.split('.').next().unwrap_or(key);
    let meant = profile_keys()
        .chain(FILE_KEYS)
        .chain(job_keys())
        .find(|candidate| near(candidate, key))
        .or_else(|| FILE_KEYS.into_iter().find(|candidate| near(candidate, first)));
    if let Some(meant) = meant {
        let error = Error::config(format!("unknown key '{key}'"));
        return Err(entry.origin().blame_key(error.with_help(format!("nearest: {meant}; a variable of your own needs a name that is less like it"))));
    }
    let is_name =
        key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if !is_name {
        let error = Error::config(format!("'{key}' is neither a key nor the name of a variable")).with_help("names are letters, digits, '_', '.' and '-'");
        return Err(entry.origin().blame_key(error));
    }
    Ok(())
}

/// Variables: those of an environment, and those of an application file behind them.
pub struct ApplicationEnvironment<'a> {
    environment: &'a dyn Environment,
    application: Option<&'a Application>,
}

impl<'a> ApplicationEnvironment<'a> {
    /// The file's variables behind those of the environment.
    pub fn new(environment: &'a dyn Environment, application: Option<&'a Application>) -> Self {
        Self { environment, application }
    }
}

impl Environment for ApplicationEnvironment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.environment.get(name).or_else(|| Some(self.application?.settings.get(name)?.value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLICATION: &str = "active_profile: \"${VELO_PROFILE:-development}\"\nVELO_MAX_JOBS: 7\nprofiles:\n  base: &base\n    log_level: INFO\n    batch_size: 1000\n  development:\n    <<: *base\n    log_level: \"DEBUG\"\n    kafka_brokers: localhost:9092\n  production:\n    <<: *base\n    kafka_brokers: \"${KAFKA_BROKERS}\"\n    topics: {orders: \"orders@${kafka_brokers}\"}\n";

    fn load(text: &str, profile: Option<&str>, variables: &[(&str, &str)]) -> Result<Application> {
        let environment: BTreeMap<String, String> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Application::parse(text, Path::new("app.yaml"), profile, &environment)
    }

    #[test]
    fn the_command_line_counts_more_than_the_environment_and_that_more_than_the_file() {
        let profile = |profile, variables: &[(&str, &str)]| load(APPLICATION, profile, variables).map(|application| application.profile().map(str::to_owned));
        assert_eq!(profile(None, &[]).expect("the default"), Some("development".to_owned()));
        let production = [("VELO_PROFILE", "production"), ("KAFKA_BROKERS", "k:1")];
        assert_eq!(profile(None, &production).expect("the environment's"), Some("production".to_owned()));
        assert_eq!(profile(Some("base"), &production).expect("the command line's"), Some("base".to_owned()));
        let error = profile(Some("prodution"), &[]).expect_err("misspelt").to_string();
        assert_eq!(error, "--profile: app.yaml has no profile 'prodution'; nearest: production; it has base, development, production");
    }

    #[test]
    fn a_profile_is_its_own_keys_over_merged_ones_and_those_of_the_file() {
        let development = load(APPLICATION, None, &[]).expect("valid");
        let jobs: Vec<_> = development.job_settings().map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.line)).collect();
        assert_eq!((development.log_level(), jobs), (Some("debug"), vec![("batch_size", "1000", 6)]));
        assert_eq!(development.kafka_brokers().map(|entry| entry.value.as_str()), Some("localhost:9092"));
        let nothing = BTreeMap::new();
        assert_eq!(ApplicationEnvironment::new(&nothing, Some(&development)).get("VELO_MAX_JOBS").as_deref(), Some("7"));
        let variable: BTreeMap<String, String> = [("VELO_MAX_JOBS".to_owned(), "9".to_owned())].into();
        assert_eq!(ApplicationEnvironment::new(&variable, Some(&development)).get("VELO_MAX_JOBS").as_deref(), Some("9"));
    }

    #[test]
    fn only_the_active_profile_needs_its_variables() {
        let error = load(APPLICATION, Some("production"), &[]).expect_err("not set").to_string();
        assert!(error.starts_with("app.yaml:13: environment variable KAFKA_BROKERS is not set; 'kafka_brokers' needs it"), "{error}");
        let production = load(APPLICATION, Some("production"), &[("KAFKA_BROKERS", "k1:9092,k2:9092")]).expect("set");
        let nothing = BTreeMap::new();
        let topic = ApplicationEnvironment::new(&nothing, Some(&production)).get("topics.orders");
        assert_eq!(topic.as_deref(), Some("orders@k1:9092,k2:9092"), "keys of a profile are variables, in other keys, too");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let message = |text: &str| load(text, None, &[]).expect_err("refused").to_string();
        let misspelt = message("log_level: INFO\nkafka_borkers: k:1\n");
        assert!(misspelt.starts_with("app.yaml:2: unknown key 'kafka_borkers'; nearest: kafka_brokers"), "{misspelt}");
        assert!(message("profles: {a: {x: 1}}\n").starts_with("app.yaml:1: unknown key 'profles.a.x'; nearest: profiles"));
        assert_eq!(message("metrics_enabled: perhaps\n"), "app.yaml:1: 'metrics_enabled' = 'perhaps': expected true or false");
        assert_eq!(message("log_level: loud\n"), "app.yaml:1: 'log_level' = 'loud': expected error, warn, info, debug or trace");
        assert_eq!(message("a: ${b}\nb: ${a}\n"), "app.yaml: the values of these keys need each other: a, b");
        assert_eq!(message("- x\n"), "app.yaml:1: an application file is no map of keys");
    }
}
