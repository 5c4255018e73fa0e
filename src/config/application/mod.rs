//! The application file: profiles, limits, variables, and the script to run. In reading order:
//! - `keys`: the keys that it may have
//! - `own_variables`: its keys as variables of statements
//! - `unused`: those that nothing uses

mod keys;
mod own_variables;
#[cfg(test)]
mod tests;
mod unused;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub(super) use keys::{ENCRYPTION_KEY, EXTENDS, FILE_KEYS, FLAGS, OPTIONS, OUTSIDE, OWN, is_variable, option_called, plain_keys};
use keys::{LogLevel, canonical, check_key, check_value};
use sql_extensions::{is_secret_key, is_secret_variable, nearest};

use super::environment::{Dynamic, Environment, MOST_BYTES, Substituted, substitute, variables};
use super::settings_file::{FileEntry, flatten};
use super::text_file;
use super::unknown_keys::is_job_key;
use super::yaml::{Content, Document, Entry, Node};
use crate::error::{Error, Result, excerpt};
use crate::kafka::BrokerList;
use crate::options::{ELEMENT_SEPARATOR, MASK, OptionValue, joined, register_secret};

pub use keys::misspelt_variables;
pub use own_variables::ApplicationEnvironment;
pub use unused::UnusedVariable;

/// Where an application file is looked for that nobody names; `~` is the home directory.
const PLACES: [&str; 4] = ["velo.yaml", "configs/velo.yaml", "~/.velo/config.yaml", "/etc/velo/config.yaml"];
/// The key whose variables don't have to be set where statements have `bootstrap.servers` of their own.
const BROKERS: &str = "kafka_brokers";
/// Most keys that an error lists.
const MOST_LISTED: usize = 10;

/// An application file with its active profile.
#[derive(Debug)]
pub struct Application {
    file: PathBuf,
    profile: Option<Profile>,
    /// Settings of the active profile, over those of all profiles, by the first spelling of each.
    settings: BTreeMap<String, Held>,
    /// What stands in the other profiles.
    inactive: Vec<FileEntry>,
}

/// The active profile.
#[derive(Debug)]
pub(super) struct Profile {
    /// Its name.
    pub name: String,
    /// Where it was chosen.
    pub place: String,
}

/// A setting of an application file.
#[derive(Debug)]
pub(super) struct Held {
    /// As it is written.
    pub entry: FileEntry,
    /// Whether it stands in the active profile.
    pub in_profile: bool,
    /// With its variables; or why it has none.
    pub value: Result<Substituted>,
    /// Whether something has asked for it as a variable.
    pub used: AtomicBool,
}

impl Held {
    /// Its value as one text.
    ///
    /// **Errors**: a list, or a value that can't be had.
    fn one(&self) -> Result<&str> {
        let value = self.value.as_ref().map_err(Error::duplicate)?;
        if value.value.contains(ELEMENT_SEPARATOR) { Err(self.wrong("expected one value, found a list")) } else { Ok(&value.value) }
    }

    fn wrong(&self, expected: &str) -> Error {
        let value = self.value.as_ref().map_or_else(|_| MASK.to_owned(), Substituted::shown);
        self.entry.origin().blame_value(Error::config(format!("'{}' = '{}': {expected}", self.entry.key, excerpt(&value))))
    }
}

/// The application file that counts: the named one, that of `VELO_CONFIG_FILE`, or the first that exists of `velo.yaml`, `configs/velo.yaml`, `~/.velo/config.yaml`, `/etc/velo/config.yaml`.
fn find(named: Option<&Path>, environment: &dyn Environment) -> Option<PathBuf> {
    let variable = || environment.get("VELO_CONFIG_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = |place: &str| match place.strip_prefix("~/") {
        Some(rest) => environment.get("HOME").map(|home| Path::new(&home).join(rest)),
        None => Some(PathBuf::from(place)),
    };
    named.map(Path::to_owned).or_else(variable).or_else(|| PLACES.iter().filter_map(|place| home(place)).find(|path| path.symlink_metadata().is_ok()))
}

impl Application {
    /// Reads the file that counts, with the profile that counts: `profile`, that of `VELO_PROFILE`, or the file's `active_profile`. `None` if there is no file and nothing asks for one.
    ///
    /// **Errors**: the named file is missing or no application file, has no such profile, misspelt keys, or variables in use that are not set.
    pub fn load(named: Option<&Path>, profile: Option<&str>, environment: &dyn Environment) -> Result<Option<Self>> {
        let Some(application) = Self::look(named, profile, environment)? else { return Ok(None) };
        application.check_variables()?;
        application.check_values()?;
        Ok(Some(application))
    }

    /// Likewise, but its values may be wrong or lack variables.
    pub(super) fn look(named: Option<&Path>, profile: Option<&str>, environment: &dyn Environment) -> Result<Option<Self>> {
        let Some(file) = find(named, environment) else {
            return match profile {
                Some(profile) => Err(Error::config(format!("there is no application file, so no profile '{profile}'")).with_help("name it with --config FILE")),
                None => Ok(None),
            };
        };
        let text = text_file::read(&file, &[PathBuf::new()])?;
        Self::parse(&text, &file, profile, environment).map(Some)
    }

    /// The profile that `VELO_PROFILE` asks for, which nothing has where there is no application file.
    pub fn unused_profile(environment: &dyn Environment) -> Option<String> {
        environment.get("VELO_PROFILE").filter(|name| !name.is_empty())
    }

    pub(super) fn parse(text: &str, file: &Path, profile: Option<&str>, environment: &dyn Environment) -> Result<Self> {
        let mut document = Document::parse(text, file)?;
        // A file without anything has no profiles, but they may be asked for.
        let (line, top) = match document.root.clone() {
            Some(root) => (root.line, document.entries(&root, "an application file")?),
            None => (1, Vec::new()),
        };
        let value = |key: &str| top.iter().find(|entry| entry.key == key).filter(|entry| !matches!(entry.value.content, Content::Null));
        let profiles = match value("profiles") {
            Some(entry) => document.entries(&entry.value, "'profiles'")?,
            None => Vec::new(),
        };
        let chosen = match (profile, Self::unused_profile(environment)) {
            (Some(profile), _) => Some((profile.to_owned(), false, "--profile".to_owned())),
            (None, Some(profile)) => Some((profile, false, "environment variable VELO_PROFILE".to_owned())),
            (None, None) => match value("active_profile") {
                Some(entry) => {
                    // Its variables may be keys of the file, which don't depend on the profile then.
                    let mut common = Self { file: file.to_owned(), profile: None, settings: BTreeMap::new(), inactive: Vec::new() };
                    if matches!(&entry.value.content, Content::Text(text) if text.contains("${")) {
                        common.resolve(Self::outer(&mut document, &top, line, file)?, environment)?;
                    }
                    active(entry, &document, file, &ApplicationEnvironment::new(environment, Some(&common)))?
                }
                None => None,
            },
        };
        // Those that are not active are checked as far as that needs no variables.
        let mut inactive = Vec::new();
        for profile in profiles.iter().filter(|profile| !matches!(profile.value.content, Content::Null)) {
            if !matches!(profile.value.content, Content::Map(_)) {
                return Err(document.fault(profile.line, &format!("profile '{}' is no map of keys", excerpt(&profile.key))));
            }
            let entries = flatten(&mut document, &profile.value, file, 0)?;
            entries.iter().try_for_each(check_key)?;
            if chosen.as_ref().is_none_or(|(name, ..)| *name != profile.key) {
                inactive.extend(entries);
            }
        }
        let mut settings = Self::outer(&mut document, &top, line, file)?;
        if let Some((name, secret, place)) = &chosen {
            let Some(own) = profiles.iter().find(|entry| entry.key == *name) else {
                return Err(no_profile(if *secret { MASK } else { name }, &profiles, file).context(place));
            };
            if !matches!(own.value.content, Content::Null) {
                take(&mut settings, flatten(&mut document, &own.value, file, 0)?, true)?;
            }
        }
        let profile = chosen.map(|(name, _, place)| Profile { name, place });
        let mut application = Self { file: file.to_owned(), profile, settings: BTreeMap::new(), inactive };
        application.resolve(settings, environment)?;
        Ok(application)
    }

    /// What stands outside of profiles.
    fn outer(document: &mut Document, top: &[Entry], line: usize, file: &Path) -> Result<BTreeMap<String, (FileEntry, bool)>> {
        let mut settings = BTreeMap::new();
        let common = top.iter().filter(|entry| !FILE_KEYS.contains(&entry.key.as_str())).cloned().collect();
        take(&mut settings, flatten(document, &Node::new(line, Content::Map(common)), file, 0)?, false)?;
        Ok(settings)
    }

    /// Puts the variables into the values: those of the environment, else other keys of the file. What a value can't be had for is told where it is needed.
    fn resolve(&mut self, mut pending: BTreeMap<String, (FileEntry, bool)>, environment: &dyn Environment) -> Result<()> {
        let mut waits: HashMap<String, usize> = HashMap::new();
        let mut awaited: HashMap<String, Vec<String>> = HashMap::new();
        for (key, (entry, _)) in &pending {
            let mut needs: Vec<&str> = variables(&entry.value).map(|(name, _)| canonical(name)).collect();
            needs.sort_unstable();
            needs.dedup();
            needs.retain(|name| name != key && pending.contains_key(*name) && environment.get(name).is_none());
            waits.insert(key.clone(), needs.len());
            needs.into_iter().for_each(|name| awaited.entry(name.to_owned()).or_default().push(key.clone()));
        }
        let mut ready: Vec<String> = waits.iter().filter(|(_, count)| **count == 0).map(|(key, _)| key.clone()).collect();
        let mut bytes = 0;
        while let Some(key) = ready.pop() {
            for waiting in awaited.remove(&key).into_iter().flatten() {
                if let Some(count) = waits.get_mut(&waiting) {
                    *count -= 1;
                    ready.extend((*count == 0).then_some(waiting));
                }
            }
            let Some((entry, in_profile)) = pending.remove(&key) else { continue };
            let value = substitute(&entry.key, &entry.value, &ApplicationEnvironment::new(environment, Some(self)), Dynamic::Stay);
            // What another value lacks is told with the place of that one.
            let follows = variables(&entry.value).any(|(name, _)| self.settings.get(canonical(name)).is_some_and(|held| held.value.is_err()));
            let mut value = value.map_err(|error| if follows { error } else { entry.origin().blame_value(error) });
            if let Ok(value) = &mut value {
                if is_secret_variable(&entry.key) || is_secret_key(&entry.key) {
                    register_secret(&joined(&value.value, ","));
                    value.secret = true;
                }
                bytes += value.value.len();
                if bytes > MOST_BYTES {
                    return Err(entry.origin().blame_value(Error::config(format!("with their variables, all values have more than {} MiB", MOST_BYTES >> 20))));
                }
            }
            self.settings.insert(key, Held { entry, in_profile, value, used: AtomicBool::new(false) });
        }
        let Some((first, _)) = pending.values().min_by_key(|(entry, _)| entry.line) else { return Ok(()) };
        let keys: Vec<&str> = pending.values().map(|(entry, _)| entry.key.as_str()).take(MOST_LISTED).collect();
        let more = if pending.len() > MOST_LISTED { ", …" } else { "" };
        Err(first.origin().blame_value(Error::config(format!("the values of these keys need each other: {}{more}", keys.join(", ")))))
    }

    /// Refuses values that lack variables, but for those that a statement may say something else about.
    fn check_variables(&self) -> Result<()> {
        let optional = |key: &str| key == BROKERS || is_job_key(key) && !FLAGS.contains(&key);
        let broken = self.settings.iter().filter(|(key, _)| !optional(key)).filter_map(|(_, held)| Some((held.entry.line, held.value.as_ref().err()?)));
        broken.min_by_key(|(line, _)| *line).map_or(Ok(()), |(_, error)| Err(error.duplicate()))
    }

    fn check_values(&self) -> Result<()> {
        for held in FLAGS.iter().filter_map(|key| self.settings.get(*key)) {
            let value = held.one()?.trim();
            if !["true", "false"].iter().any(|known| value.eq_ignore_ascii_case(known)) {
                return Err(held.wrong("expected true or false"));
            }
        }
        if let Some(held) = self.kafka_brokers()
            && let Ok(value) = &held.value
            && !value.dynamic
            && let Err(expected) = BrokerList::parse(&joined(&value.value, ","))
        {
            return Err(held.wrong(&expected));
        }
        if let Some(held) = self.settings.get("script")
            && held.one()?.trim().is_empty()
        {
            return Err(held.wrong("expected a path, found an empty text"));
        }
        if let Some(held) = self.settings.get("log_level") {
            held.one()?;
            if self.log_level().is_none() {
                return Err(held.wrong("expected error, warn, info, debug or trace"));
            }
        }
        // Else they would come to light when the profile is chosen, in production perhaps.
        self.inactive.iter().try_for_each(check_value)
    }

    /// The active profile.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_ref().map(|profile| profile.name.as_str())
    }

    /// Likewise, with where it was chosen.
    pub(super) fn chosen(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// All settings, in the order of their keys.
    pub(super) fn settings(&self) -> impl Iterator<Item = &Held> {
        self.settings.values()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key)?.value.as_ref().ok().map(|value| value.value.as_str())
    }

    /// The script that is run when none is named, found from the folder of the file.
    pub fn script(&self) -> Option<PathBuf> {
        Some(self.file.parent().unwrap_or(Path::new("")).join(self.text("script")?))
    }

    /// How much is told: `error`, `warn`, `info`, `debug` or `trace`.
    pub fn log_level(&self) -> Option<&'static str> {
        LogLevel::parse(self.text("log_level")?).ok().map(|level| level.0)
    }

    /// Settings of jobs, by the first spelling of each.
    pub(super) fn job_settings(&self) -> impl Iterator<Item = (&str, &Held)> {
        self.settings.iter().map(|(key, held)| (key.as_str(), held)).filter(|(key, _)| is_job_key(key) && !FLAGS.contains(key))
    }

    /// The brokers of Kafka sources and sinks that name none.
    pub(super) fn kafka_brokers(&self) -> Option<&Held> {
        self.settings.get(BROKERS)
    }

    /// Why there are no such brokers although the file has them.
    pub fn unresolved_brokers(&self) -> Option<Error> {
        self.kafka_brokers()?.value.as_ref().err().map(Error::duplicate)
    }
}

/// The profile that the file itself names: its name, whether that is a secret, and where; `None` for an empty name.
fn active(entry: &Entry, document: &Document, file: &Path, environment: &dyn Environment) -> Result<Option<(String, bool, String)>> {
    let Content::Text(text) = &entry.value.content else { return Err(document.fault(entry.line, "'active_profile' is no text")) };
    let place = format!("{}:{}", file.display(), entry.line);
    let name = substitute("active_profile", text, environment, Dynamic::Now).map_err(|error| error.context(&place))?;
    Ok(Some((name.value, name.secret, place)).filter(|(name, ..)| !name.is_empty()))
}

/// Adds settings over those of before. A map's own count more than those it merges, in whatever spelling.
fn take(settings: &mut BTreeMap<String, (FileEntry, bool)>, entries: Vec<FileEntry>, in_profile: bool) -> Result<()> {
    for entry in entries {
        check_key(&entry)?;
        let key = canonical(&entry.key).to_owned();
        match settings.get(&key) {
            Some((old, layer)) if *layer == in_profile => {
                if old.merges == entry.merges && old.value != entry.value {
                    let other = if old.key == entry.key { "set twice".to_owned() } else { format!("another spelling of '{}'", old.key) };
                    let error = Error::config(format!("'{}' is {other}, with another value in line {}", entry.key, old.line));
                    return Err(entry.origin().blame_key(error.with_help(format!("keep '{key}'"))));
                }
                if old.merges > entry.merges {
                    settings.insert(key, (entry, in_profile));
                }
            }
            _ => {
                settings.insert(key, (entry, in_profile));
            }
        }
    }
    Ok(())
}

fn no_profile(name: &str, profiles: &[Entry], file: &Path) -> Error {
    let known: Vec<&str> = profiles.iter().map(|entry| entry.key.as_str()).collect();
    let near = nearest(name, known.iter().copied()).map(|near| format!("nearest: {near}; ")).unwrap_or_default();
    let more = if known.len() > MOST_LISTED { ", …" } else { "" };
    let listed = known.iter().take(MOST_LISTED).copied().collect::<Vec<_>>().join(", ");
    let help = if known.is_empty() { "it has none".to_owned() } else { format!("{near}it has {listed}{more}") };
    Error::config(format!("{} has no profile '{}'", file.display(), excerpt(name))).with_help(help)
}
