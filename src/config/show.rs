//! A configuration file as it counts: merged with what it extends, or with its profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::application::{self, Application, ApplicationEnvironment, ENCRYPTION_KEY, FLAGS, Held, is_variable};
use super::environment::{Dynamic, Environment, Substituted, is_secret_text, substitute};
use super::settings_file::{self, FileEntry};
use super::unknown_keys::{canonical, has_key, is_job_key, options_called, unknown_key, without_end};
use super::yaml::{Content, Document};
use super::{connector_type, text_file};
use crate::error::{Error, Result};
use crate::kafka::{PropertyFault, Role as KafkaRole, check_property, properties_of};
use crate::options::{ELEMENT_SEPARATOR, EffectiveSetting, MASK, OptionDescriptor, Origin, Scope, fault_of, is_secret_key, joined, scrub};

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownSetting {
    /// Its key.
    pub key: String,
    /// Its value with its variables, masked if it is a secret. Where a variable is not set it stays as it is written.
    pub value: String,
    /// File and line, or the variable that counts more, and the variables in it.
    pub origin: String,
    /// The profile that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Why it has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The settings in force of a file of settings, with the files that it extends, or of an application file with its profile, sorted by key.
///
/// **Errors**: as for statements that use the file, but for values that are wrong or lack variables.
pub fn show(path: &Path, profile: Option<&str>, environment: &dyn Environment) -> Result<Vec<ShownSetting>> {
    if is_application(path)? {
        let application = Application::look(Some(path), profile, environment)?;
        return Ok(application.as_ref().map(|application| of_application(application, environment)).unwrap_or_default());
    }
    let application = Application::look(None, profile, environment)?;
    let environment = ApplicationEnvironment::new(environment, application.as_ref());
    let entries = settings_file::read(path, &[PathBuf::new()], &environment)?;
    let kind = entries.iter().find(|entry| entry.key == "type").map(|entry| entry.value.clone()).filter(|kind| connector_type::fault(kind).is_none());
    let all = in_force(entries, kind.as_deref()).into_values().map(|(entry, fault)| {
        let key = without_end(&entry.key);
        let options: Vec<_> = options_called(key, kind.as_deref()).collect();
        let value = substitute(&entry.key, &entry.value, &environment, Dynamic::Stay);
        let shown = shown(&entry, &value, None, &options);
        let known = value.as_ref().ok().filter(|value| !value.dynamic);
        let fault = fault.or_else(|| fault_of_key(key, known?, kind.as_deref()));
        told(shown, &fault)
    });
    Ok(by_key(all.collect()))
}

/// What is wrong with a key of a file of settings, or with its value, beyond what the types of options tell.
fn fault_of_key(key: &str, value: &Substituted, kind: Option<&str>) -> Option<String> {
    if key == "type" && value.value.contains(ELEMENT_SEPARATOR) {
        return Some("expected one value, found a list".to_owned());
    }
    if key == "type" {
        return connector_type::fault(&value.value).map(|fault| scrub(&fault));
    }
    let is_kafka = [Scope::Source, Scope::Sink].into_iter().any(|role| role.names_kind(kind, "kafka"));
    let is_client = is_kafka && [KafkaRole::Consumer, KafkaRole::Producer].into_iter().any(|role| properties_of(role).iter().any(|name| name == key));
    // What sources of any kind have, the client never sees.
    let of_sink = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("kafka_sink"));
    if is_client && (of_sink || options_called(key, Some("file")).next().is_none()) {
        let PropertyFault::Value(reason) = check_property(key, &joined(&value.value, ",")).err()? else { return None };
        let secret = value.secret || is_secret_key(&format!("x.{key}"));
        return Some(if secret { "its value is refused by the Kafka client".to_owned() } else { scrub(reason.trim()) });
    }
    unknown_key(key, kind)
}

fn by_key(mut settings: Vec<ShownSetting>) -> Vec<ShownSetting> {
    settings.sort_by(|a, b| a.key.cmp(&b.key));
    settings
}

/// The settings that count, by the key that their spellings stand for; and what is wrong with each.
fn in_force(entries: Vec<FileEntry>, kind: Option<&str>) -> BTreeMap<String, (FileEntry, Option<String>)> {
    let begins = |role: &str| entries.iter().any(|entry| entry.key.starts_with(role));
    let for_both = begins("source.") && begins("sink.");
    // The word for the end is no other spelling.
    let bare = |key: &str| if for_both { key.to_owned() } else { without_end(key).to_owned() };
    let named: Vec<String> = entries.iter().map(|entry| bare(&entry.key)).collect();
    let mut settings: BTreeMap<String, (FileEntry, Option<String>)> = BTreeMap::new();
    for (entry, name) in entries.into_iter().zip(named) {
        let key = canonical(&name, kind).to_owned();
        let place = |entry: &FileEntry| (entry.depth, entry.merges);
        match settings.get_mut(&key) {
            // Of a chain the nearer counts, of a file what is not merged, else the later; but two spellings are no matter of order.
            Some((old, _)) if place(old) < place(&entry) => {}
            Some((old, fault)) if place(old) == place(&entry) && without_end(&old.key) != without_end(&entry.key) => {
                if old.value != entry.value {
                    *fault = Some(format!("'{}' in line {} is another spelling of it, with another value", entry.key, entry.line));
                }
            }
            _ => {
                settings.insert(key, (entry, None));
            }
        }
    }
    settings
}

fn told(mut setting: ShownSetting, fault: &Option<String>) -> ShownSetting {
    setting.fault = setting.fault.or_else(|| fault.clone());
    setting
}

/// Whether a file is an application file: it has keys that only these have, or none that sources and sinks have, so that all of them are variables.
fn is_application(path: &Path) -> Result<bool> {
    let mut document = Document::parse(&text_file::read(path, &[PathBuf::new()])?, path)?;
    let Some(root) = document.root.clone().filter(|root| matches!(root.content, Content::Map(_))) else { return Ok(false) };
    let top = document.entries(&root, "it")?;
    let only_there = |key: &str| application::OPTIONS.iter().any(|option| option.key == key) || FLAGS.contains(&key) || key == ENCRYPTION_KEY;
    if top.iter().any(|entry| only_there(&entry.key)) {
        return Ok(true);
    }
    let is_own = |key: &str| is_job_key(key) && ![Scope::Source, Scope::Sink].into_iter().any(|role| has_key(key, role));
    let of_settings = |entry: &FileEntry| {
        let key = canonical(&entry.key, None);
        key == "extends" || [Scope::Source, Scope::Sink].into_iter().any(|role| has_key(key, role))
    };
    let all = settings_file::flatten(&mut document, &root, path, 0)?;
    Ok(!top.is_empty() && (all.iter().any(|entry| is_own(&entry.key)) || !all.iter().any(of_settings)))
}

fn of_application(application: &Application, environment: &dyn Environment) -> Vec<ShownSetting> {
    let chosen = application.chosen().map(|profile| ShownSetting {
        key: "active_profile".to_owned(),
        value: scrub(&profile.name),
        origin: profile.place.clone(),
        profile: None,
        fault: None,
    });
    let own = |held: &Held| {
        let variable = environment.variable(&held.entry.key).ok().flatten().filter(|_| is_variable(&held.entry.key));
        match variable {
            Some(variable) => {
                let value = if variable.secret { MASK.to_owned() } else { scrub(&variable.value) };
                ShownSetting { key: held.entry.key.clone(), value, origin: variable.origin.to_string(), profile: None, fault: None }
            }
            None => {
                let options: Vec<_> = application::option_called(&held.entry.key).into_iter().collect();
                shown(&held.entry, &held.value, application.profile().filter(|_| held.in_profile), &options)
            }
        }
    };
    by_key(chosen.into_iter().chain(application.settings().map(own)).collect())
}

/// A setting as it is shown; `options`: what its key may stand for.
fn shown(entry: &FileEntry, value: &Result<Substituted>, profile: Option<&str>, options: &[&OptionDescriptor]) -> ShownSetting {
    let whence = |variables: Vec<String>| {
        let origin = Origin::Yaml { file: entry.file.clone(), line: entry.line };
        EffectiveSetting { key: String::new(), written: String::new(), aliases: &[], value: String::new(), origin, variables }.whence()
    };
    // The place is told already.
    let place = format!("{}: ", entry.origin());
    let reason = |error: &Error| scrub(error.message().strip_prefix(&place).unwrap_or(error.message()));
    let (value, origin, fault) = match value {
        // Of a key in a statement the owner's name is left out of account; here there is none.
        _ if is_secret_key(&format!("x.{}", entry.key)) => {
            (MASK.to_owned(), whence(value.as_ref().map(|value| value.variables.clone()).unwrap_or_default()), value.as_ref().err().map(reason))
        }
        Ok(value) => {
            // Where kinds differ in a key, one that takes the value is enough.
            let faults: Option<Vec<String>> = if value.dynamic { None } else { options.iter().map(|option| fault_of(option, &value.value)).collect() };
            (value.shown(), whence(value.variables.clone()), faults.and_then(|faults| faults.into_iter().next()))
        }
        Err(error) => (as_written(entry), whence(Vec::new()), Some(reason(error))),
    };
    ShownSetting { key: entry.key.clone(), value, origin, profile: profile.map(str::to_owned), fault }
}

/// A value whose variables can't be put in: what stands beside them may be a secret, too.
fn as_written(entry: &FileEntry) -> String {
    if is_secret_text(&entry.key, &entry.value) { MASK.to_owned() } else { scrub(&joined(&entry.value, ", ")) }
}
