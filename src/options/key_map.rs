//! The merged keys of one source, one sink or the job, each with its origin.

use std::collections::BTreeMap;

use super::define::{OptionDescriptor, Presence};
use super::{MASK, OptionValue, Origin, Secret, is_secret_key, mask_url_user_info};
use crate::error::{Error, excerpt};

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
    /// The value, masked if it is a secret.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The keys of one owner. Option structs take the keys they know; what is left is unknown.
#[derive(Clone, Debug, Default)]
pub struct KeyMap {
    owner: String,
    settings: BTreeMap<String, Setting>,
    effective: Vec<EffectiveSetting>,
}

impl KeyMap {
    /// An empty map of a source or sink called `owner`; an empty text stands for the job.
    pub fn new(owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), settings: BTreeMap::new(), effective: Vec::new() }
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

    /// Replaces every value; a setting whose value becomes `None` (its fault was reported) is dropped.
    pub fn map_values(&mut self, mut replace: impl FnMut(&Setting) -> Option<String>) {
        self.settings.retain(|_, setting| match replace(setting) {
            Some(value) => {
                setting.value = value;
                true
            }
            None => false,
        });
    }

    /// The settings that nobody took.
    pub fn leftover(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// Takes the settings that nobody took; they are in force, too.
    pub fn take_leftover(&mut self) -> Vec<(String, Setting)> {
        let taken: Vec<(String, Setting)> = std::mem::take(&mut self.settings).into_iter().collect();
        for (key, setting) in &taken {
            let value = if is_secret_key(&setting.written) { MASK.to_owned() } else { mask_url_user_info(&setting.value) };
            self.effective.push(EffectiveSetting { key: self.full(key), value, origin: setting.origin.clone() });
        }
        taken
    }

    /// The settings in force so far, in the order the option structs took them.
    pub fn effective(&self) -> &[EffectiveSetting] {
        &self.effective
    }

    /// Takes the setting of an option by key or alias; several spellings of one rank are a fault.
    fn take(&mut self, option: &OptionDescriptor, errors: &mut Vec<Error>) -> Option<Setting> {
        let mut best: Option<Setting> = None;
        for key in std::iter::once(&option.key).chain(option.aliases) {
            let Some(found) = self.settings.remove(*key) else { continue };
            match &best {
                Some(other) if other.rank == found.rank && other.value != found.value => errors.push(
                    found.origin.blame_key(
                        Error::config(format!("'{}' and '{}' are spellings of one option and have different values", other.written, found.written))
                            .with_help(format!("keep '{}'", self.full(option.key))),
                    ),
                ),
                Some(other) if other.rank >= found.rank => {}
                _ => best = Some(found),
            }
        }
        best
    }

    /// Reads an option: `None` if it is absent and has no default, or if its value is wrong (the fault is then in `errors`).
    pub fn read<T: OptionValue>(&mut self, option: &OptionDescriptor, errors: &mut Vec<Error>) -> Option<T> {
        let taken = self.take(option, errors);
        let (text, origin) = match (taken, &option.presence) {
            (Some(setting), _) => {
                let parsed = T::parse(&setting.value);
                let shown = shown::<T>(&setting.value);
                if let Err(expected) = &parsed {
                    errors.push(setting.origin.blame_value(Error::config(format!(
                        "'{}' = '{}' is not a {}: {expected}",
                        setting.written,
                        excerpt(&shown),
                        T::TYPE
                    ))));
                }
                self.effective.push(EffectiveSetting { key: self.full(option.key), value: shown, origin: setting.origin });
                return parsed.ok();
            }
            (None, Presence::Default(default)) => (*default, Origin::Default),
            (None, Presence::Optional) => return None,
            (None, Presence::Required) => {
                errors.push(
                    Error::config(format!("'{}' is missing: {}", self.full(option.key), option.meaning().trim_end_matches('.')))
                        .with_help(format!("add '{}' = '…' to the WITH clause", self.full(option.key))),
                );
                return None;
            }
        };
        self.effective.push(EffectiveSetting { key: self.full(option.key), value: text.to_owned(), origin });
        T::parse(text).ok()
    }

    fn full(&self, key: &str) -> String {
        if self.owner.is_empty() { key.to_owned() } else { format!("{}.{key}", self.owner) }
    }
}

fn shown<T: OptionValue>(value: &str) -> String {
    if T::TYPE == Secret::TYPE { MASK.to_owned() } else { mask_url_user_info(value).replace(super::list::ELEMENT_SEPARATOR, ", ") }
}
