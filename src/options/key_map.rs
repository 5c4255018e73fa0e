//! The merged keys of one source, one sink or the job, each with its origin.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sql_extensions::Span;

use super::define::{OptionDescriptor, Presence};
use super::secret::printable;
use super::{ELEMENT_SEPARATOR, MASK, OptionValue, Origin, Secret, is_secret_key, joined};
use crate::error::{Error, Script, excerpt};

/// One value as it was written, with where.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key in its full spelling as the user wrote it (`orders.source.format`).
    pub written: String,
    /// The value, variables substituted.
    pub value: String,
    /// Where it was written.
    pub origin: Origin,
    /// Precedence: of two settings of one option (by key or alias) the greater wins; equal ones are a fault.
    pub rank: u8,
}

/// A setting in force, for `explain`.
#[derive(Clone, Debug)]
pub struct EffectiveSetting {
    /// Canonical key with its owner before it (`orders.format`), or the bare key of the job.
    pub key: String,
    /// The key as it was written; as `key` if nobody did.
    pub written: String,
    /// Other spellings of the key, without the owner.
    pub aliases: &'static [&'static str],
    /// The value, masked if it is a secret.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
    /// The environment variables that its value was put together with.
    pub variables: Vec<String>,
}

impl EffectiveSetting {
    /// Where it came from, in words: `job.sql:3:7, with ${STAGE}`.
    pub fn whence(&self) -> String {
        format!("{}{}", self.origin, with_variables(", with ", &self.variables))
    }
}

/// Points an error at the setting that it is about, as it was written; else at `span`, unless it says where it is.
pub fn locate(error: Error, settings: &[EffectiveSetting], script: &Arc<Script>, span: Span) -> Error {
    let is = |setting: &&EffectiveSetting, name: &str| {
        let mut owners = setting.aliases.iter().filter_map(|alias| name.strip_suffix(alias));
        setting.key == name || owners.any(|owner| owner.ends_with('.') && setting.key.starts_with(owner))
    };
    let found = error.setting_name().and_then(|name| settings.iter().find(|setting| is(setting, name)));
    match found.filter(|setting| !matches!(setting.origin, Origin::Default)) {
        Some(setting) => setting.origin.blame_value(error.spelled(&setting.written)),
        None => error.or_at(script, span),
    }
}

/// `${A}, ${B}` behind some words; nothing without variables.
fn with_variables(words: &str, variables: &[String]) -> String {
    let names: Vec<String> = variables.iter().map(|name| format!("${{{name}}}")).collect();
    if names.is_empty() { String::new() } else { format!("{words}{}", names.join(", ")) }
}

/// A value after its variables were put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The value.
    pub value: String,
    /// Whether a part of it must not be printed.
    pub secret: bool,
    /// The environment variables in it that were set.
    pub variables: Vec<String>,
}

/// A setting that no option struct took.
#[derive(Debug)]
pub struct Leftover {
    /// Its key.
    pub key: String,
    /// The setting.
    pub setting: Setting,
    /// Why its value can't be known.
    pub fault: Option<Error>,
    /// Its value as it may be printed.
    pub shown: String,
}

/// The keys of one owner. Option structs take the keys they know; what is left is unknown.
#[derive(Debug, Default)]
pub struct KeyMap {
    owner: String,
    /// Where the owner is named.
    place: Option<(Arc<Script>, Span)>,
    settings: BTreeMap<String, Setting>,
    /// Why the values of some settings can't be known; told when they are used, since what is overridden or unknown needs no value.
    unresolved: BTreeMap<String, Error>,
    /// Settings whose values must not be printed.
    secret: BTreeSet<String>,
    /// The environment variables that the values of settings were put together with.
    variables: BTreeMap<String, Vec<String>>,
    /// Whether a part of the settings can't be read, so that nothing can be called missing.
    incomplete: bool,
    missing: Vec<(&'static OptionDescriptor, Error)>,
    effective: Vec<EffectiveSetting>,
}

impl KeyMap {
    /// An empty map of a source or sink called `owner`; an empty text stands for the job.
    pub fn new(owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), ..Self::default() }
    }

    /// Settings as the command line gives them, for tests.
    #[cfg(test)]
    pub(crate) fn of(owner: &str, settings: &[(&str, &str)]) -> Self {
        let mut map = Self::new(owner);
        for (key, value) in settings {
            map.insert(*key, Setting { written: (*key).to_owned(), value: (*value).to_owned(), origin: Origin::CommandLine, rank: 1 });
        }
        map
    }

    /// Says where the owner is named, for errors about what nobody wrote.
    pub fn named_at(mut self, script: &Arc<Script>, span: Span) -> Self {
        self.place = Some((Arc::clone(script), span));
        self
    }

    /// Notes that further settings may stand where nothing can be read: nothing is missing then.
    pub fn set_incomplete(&mut self) {
        self.incomplete = true;
    }

    /// Whether further settings may stand where nothing can be read.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Adds a setting unless one of the same key and a greater rank is there; of equal ranks the later wins and the earlier is returned.
    pub fn insert(&mut self, key: impl Into<String>, setting: Setting) -> Option<Setting> {
        let key = key.into();
        match self.settings.get(&key) {
            Some(old) if old.rank > setting.rank => None,
            Some(old) if old.rank < setting.rank => {
                self.settings.insert(key, setting);
                None
            }
            _ => self.settings.insert(key, setting),
        }
    }

    /// Name of the source or sink; empty for the job.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// A setting by its exact key, left in place.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// Removes a setting by its exact key.
    pub fn remove(&mut self, key: &str) -> Option<Setting> {
        self.settings.remove(key)
    }

    /// Replaces every value. A value that can't be replaced stays, and its fault is told when it is used.
    pub fn map_values(&mut self, mut replace: impl FnMut(&str, &Setting) -> Result<Replaced, Error>) {
        for (key, setting) in &mut self.settings {
            match replace(key, setting) {
                Ok(replaced) => {
                    setting.value = replaced.value;
                    self.variables.insert(key.clone(), replaced.variables);
                    if replaced.secret {
                        self.secret.insert(key.clone());
                    }
                }
                Err(error) => {
                    self.unresolved.insert(key.clone(), error);
                }
            }
        }
    }

    /// Adds a setting whose value was replaced elsewhere, or why it could not be, unless one of the same key and no smaller rank is there.
    pub fn insert_replaced(&mut self, key: &str, mut setting: Setting, replaced: Result<Replaced, Error>) {
        if self.settings.get(key).is_some_and(|old| old.rank >= setting.rank) {
            return;
        }
        self.secret.remove(key);
        self.unresolved.remove(key);
        self.variables.remove(key);
        match replaced {
            Ok(replaced) => {
                setting.value = replaced.value;
                self.variables.insert(key.to_owned(), replaced.variables);
                self.secret.extend(replaced.secret.then(|| key.to_owned()));
            }
            Err(error) => {
                self.unresolved.insert(key.to_owned(), error);
            }
        }
        self.settings.insert(key.to_owned(), setting);
    }

    /// A setting by its exact key, left in place, if its value could be put together.
    pub fn resolved(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key).filter(|_| !self.unresolved.contains_key(key))
    }

    /// Removes a setting by its exact key; the fault of its value is an error.
    pub fn remove_resolved(&mut self, key: &str) -> Option<Result<Setting, Error>> {
        let setting = self.settings.remove(key)?;
        Some(match self.unresolved.remove(key) {
            Some(error) => Err(error),
            None => Ok(setting),
        })
    }

    /// Likewise; a list is an error, too.
    pub fn remove_one(&mut self, key: &str) -> Option<Result<Setting, Error>> {
        let setting = match self.remove_resolved(key)? {
            Ok(setting) => setting,
            error => return Some(error),
        };
        Some(match as_text("name", key, &setting.value) {
            Ok(_) => Ok(setting),
            Err(expected) => {
                let message = format!("'{}' = '{}' is {}", setting.written, excerpt(&self.shown(key, &setting)), not_one("name", &expected));
                Err(setting.origin.blame_value(Error::config(message)))
            }
        })
    }

    /// A value as it may be printed.
    pub fn shown(&self, key: &str, setting: &Setting) -> String {
        let secret = self.secret.contains(key) || is_secret_key(&setting.written);
        if secret { MASK.to_owned() } else { joined(&printable(&setting.value), ", ") }
    }

    /// The required options that were not there, with the error for each.
    pub fn take_missing(&mut self) -> Vec<(&'static OptionDescriptor, Error)> {
        std::mem::take(&mut self.missing)
    }

    /// The settings that nobody took.
    pub fn leftover(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// Takes the settings that nobody took.
    pub fn take_leftover(&mut self) -> Vec<Leftover> {
        let taken = std::mem::take(&mut self.settings).into_iter();
        taken
            .map(|(key, mut setting)| {
                let fault = self.unresolved.remove(&key);
                let shown = self.shown(&key, &setting);
                setting.value = joined(&setting.value, ",");
                Leftover { key, setting, fault, shown }
            })
            .collect()
    }

    /// Takes note of a leftover setting that is in force.
    pub fn note(&mut self, leftover: &Leftover) {
        let (value, origin) = (leftover.shown.clone(), leftover.setting.origin.clone());
        let variables = self.variables.remove(&leftover.key).unwrap_or_default();
        let written = leftover.setting.written.clone();
        self.effective.push(EffectiveSetting { key: self.full(&leftover.key), written, aliases: &[], value, origin, variables });
    }

    /// Gives back a leftover setting that is unknown.
    pub fn put_back(&mut self, leftover: Leftover) {
        self.settings.insert(leftover.key, leftover.setting);
    }

    /// The settings in force so far, in the order the option structs took them.
    pub fn effective(&self) -> &[EffectiveSetting] {
        &self.effective
    }

    /// Takes the setting of an option by key or alias, with the spelling; several spellings of one rank are a fault.
    fn take(&mut self, option: &OptionDescriptor, errors: &mut Vec<Error>) -> Option<(&'static str, Setting)> {
        let mut best: Option<(&'static str, Setting)> = None;
        for key in option.spellings() {
            let Some(found) = self.settings.remove(key) else { continue };
            match &best {
                Some((_, other)) if other.rank == found.rank && other.value != found.value => errors.push(
                    found.origin.blame_key(
                        Error::config(format!("'{}' and '{}' are spellings of one option and have different values", other.written, found.written))
                            .with_help(format!("keep '{}'", self.full(option.key))),
                    ),
                ),
                Some((_, other)) if other.rank >= found.rank => {}
                _ => best = Some((key, found)),
            }
        }
        best
    }

    /// Reads an option: `None` if it is absent and has no default, or if its value is wrong (the fault is then in `errors`, or, if it is missing, in
    /// [`take_missing`](Self::take_missing)).
    pub fn read<T: OptionValue>(&mut self, option: &'static OptionDescriptor, errors: &mut Vec<Error>) -> Option<T> {
        let taken = self.take(option, errors);
        let (text, origin) = match (taken, &option.presence) {
            (Some((key, setting)), _) => {
                if let Some(error) = self.unresolved.remove(key) {
                    errors.push(error);
                    return None;
                }
                let parsed = as_text(T::TYPE, option.key, &setting.value).and_then(|text| T::parse(&text));
                let shown = if T::TYPE == Secret::TYPE { MASK.to_owned() } else { self.shown(key, &setting) };
                let variables = self.variables.remove(key).unwrap_or_default();
                if let Err(expected) = &parsed {
                    let from = with_variables("; the value comes from ", &variables);
                    let message = format!("'{}' = '{}' is {}{from}", setting.written, excerpt(&shown), not_one(T::TYPE, expected));
                    errors.push(setting.origin.blame_value(Error::config(message)));
                }
                let Setting { written, origin, .. } = setting;
                self.effective.push(EffectiveSetting { key: self.full(option.key), written, aliases: option.aliases, value: shown, origin, variables });
                return parsed.ok();
            }
            (None, Presence::Default(default)) => (*default, Origin::Default),
            (None, Presence::Optional) => return None,
            (None, Presence::Required) => {
                if !self.incomplete {
                    let error = Error::config(format!("'{}' is missing: {}", self.full(option.key), option.meaning().trim_end_matches('.')))
                        .with_help(format!("add '{}' = '…' to the WITH clause", self.full(option.key)));
                    let error = match &self.place {
                        Some((script, span)) => error.at(script, *span),
                        None => error,
                    };
                    self.missing.push((option, error));
                }
                return None;
            }
        };
        let (key, value) = (self.full(option.key), text.to_owned());
        self.effective.push(EffectiveSetting { written: key.clone(), key, aliases: option.aliases, value, origin, variables: Vec::new() });
        T::parse(text).ok()
    }

    fn full(&self, key: &str) -> String {
        if self.owner.is_empty() { key.to_owned() } else { format!("{}.{key}", self.owner) }
    }
}

/// Types of values that may be lists.
const LISTS: [&str; 3] = ["brokers", "start", "place in a topic"];
/// Texts that may be: what separates their elements in a text.
const LIST_TEXTS: [(&str, &str); 4] = [("topic", ","), ("schema.registry.url", ","), ("sasl.oauthbearer.extensions", ","), ("schema", ", ")];

/// Whether a list is a value of a key.
pub(crate) fn takes_list(type_name: &str, key: &str) -> bool {
    type_name == "list" || LISTS.contains(&type_name) || LIST_TEXTS.iter().any(|(known, _)| *known == key)
}

/// The text of a value as its type reads it; a list is one only where lists are meant.
fn as_text<'a>(type_name: &str, key: &str, value: &'a str) -> Result<Cow<'a, str>, String> {
    if !value.contains(ELEMENT_SEPARATOR) || type_name == "list" {
        return Ok(value.into());
    }
    if LISTS.contains(&type_name) {
        return Ok(joined(value, ",").into());
    }
    match LIST_TEXTS.iter().find(|(known, _)| *known == key) {
        Some((_, separator)) => Ok(joined(value, separator).into()),
        None => Err("expected one value, found a list".to_owned()),
    }
}

/// What is wrong with a value of an option: `not a count: expected …`.
pub(crate) fn fault_of(option: &OptionDescriptor, value: &str) -> Option<String> {
    let check = option.value?.check;
    let expected = as_text(option.type_name, option.key, value).and_then(|text| check(&text)).err()?;
    Some(not_one(option.type_name, &expected))
}

fn not_one(type_name: &str, expected: &str) -> String {
    format!("not {}: {expected}", with_article(type_name))
}

/// `a count`, `an encoding`; some types are named after their key, which is no word for a value.
fn with_article(type_name: &str) -> String {
    match type_name {
        "bytes" => "a number of bytes".to_owned(),
        "brokers" => "a list of brokers".to_owned(),
        "until" => "an end of reading".to_owned(),
        "start" => "a start of reading".to_owned(),
        _ if type_name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {type_name}"),
        _ => format!("a {type_name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::with_article;

    #[test]
    fn types_have_the_right_article() {
        let told = ["count", "execution mode", "bytes", "until", "avro compression"].map(with_article);
        assert_eq!(told, ["a count", "an execution mode", "a number of bytes", "an end of reading", "an avro compression"]);
    }
}
