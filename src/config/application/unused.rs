//! Variables of an application file that nothing uses.

use std::sync::atomic::Ordering;

use super::Application;
use super::keys::{OWN, is_of_component, is_variable};

/// A variable that nothing has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedVariable {
    /// Its name.
    pub name: String,
    /// File and line.
    pub place: String,
    /// Whether sources or sinks have a setting of its name, so that somebody may have taken it for one.
    pub is_setting: bool,
}

impl UnusedVariable {
    /// A warning.
    pub fn text(&self) -> String {
        format!(
            "{}: nothing uses the variable '{}'; to set it for a source or sink, write it into WITH or the file that 'config_file' names",
            self.place, self.name
        )
    }
}

impl Application {
    /// The variables that nothing has asked for so far, in the order of their lines. `owners`: the names of sources and sinks.
    pub fn unused_variables(&self, owners: &[&str]) -> Vec<UnusedVariable> {
        let is_owned = |name: &str| owners.iter().any(|owner| name.strip_prefix(owner).is_some_and(|rest| rest.starts_with('.')));
        let is_free = |name: &str| is_variable(name) && !name.starts_with(OWN);
        let mut unused: Vec<_> =
            self.settings.iter().filter(|(key, held)| is_free(key) && !held.used.load(Ordering::Relaxed)).map(|(_, held)| &held.entry).collect();
        unused.sort_by_key(|entry| entry.line);
        let unused = unused.into_iter();
        unused
            .map(|entry| UnusedVariable {
                name: entry.key.clone(),
                place: entry.origin().to_string(),
                is_setting: is_of_component(&entry.key) || is_owned(&entry.key),
            })
            .collect()
    }
}
