//! A configuration file as it counts: merged with what it extends, or with its profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::application::{self, Application, ApplicationEnvironment, Held, is_variable};
use super::environment::{Dynamic, Environment, Substituted, is_secret_text, substitute};
use super::settings_file::{self, FileEntry};
use super::text_file;
use super::yaml::{Content, Document};
use crate::error::Result;
use crate::options::{ELEMENT_SEPARATOR, EffectiveSetting, MASK, Origin, scrub};

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
    let mut settings: BTreeMap<String, FileEntry> = BTreeMap::new();
    for entry in settings_file::read(path, &[PathBuf::new()], &environment)? {
        // Of a chain the nearer counts, of a file what is not merged, else the later.
        if settings.get(&entry.key).is_none_or(|old| (old.depth, old.merges) >= (entry.depth, entry.merges)) {
            settings.insert(entry.key.clone(), entry);
        }
    }
    Ok(settings.values().map(|entry| shown(entry, &substitute(&entry.key, &entry.value, &environment, Dynamic::Stay), None)).collect())
}

/// Whether a file has keys that only application files have.
fn is_application(path: &Path) -> Result<bool> {
    let mut document = Document::parse(&text_file::read(path, &[PathBuf::new()])?, path)?;
    let Some(root) = document.root.clone().filter(|root| matches!(root.content, Content::Map(_))) else { return Ok(false) };
    let keys = document.entries(&root, "it")?;
    Ok(keys.iter().any(|entry| application::OPTIONS.iter().any(|option| option.key == entry.key)))
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
            None => shown(&held.entry, &held.value, application.profile().filter(|_| held.in_profile)),
        }
    };
    let mut all: Vec<ShownSetting> = chosen.into_iter().chain(application.settings().map(own)).collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

fn shown(entry: &FileEntry, value: &Result<Substituted>, profile: Option<&str>) -> ShownSetting {
    let whence = |variables: Vec<String>| {
        let origin = Origin::Yaml { file: entry.file.clone(), line: entry.line };
        EffectiveSetting { key: String::new(), value: String::new(), origin, variables }.whence()
    };
    let (value, origin, fault) = match value {
        Ok(value) => (value.shown(), whence(value.variables.clone()), None),
        Err(error) => (as_written(entry), whence(Vec::new()), Some(scrub(error.message()))),
    };
    ShownSetting { key: entry.key.clone(), value, origin, profile: profile.map(str::to_owned), fault }
}

/// A value whose variables can't be put in: what stands beside them may be a secret, too.
fn as_written(entry: &FileEntry) -> String {
    if is_secret_text(&entry.key, &entry.value) { MASK.to_owned() } else { scrub(&entry.value.replace(ELEMENT_SEPARATOR, ", ")) }
}
