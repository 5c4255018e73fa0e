//! The keys of an application file as variables of statements.

use std::sync::atomic::Ordering;

use super::Application;
use super::keys::canonical;
use crate::config::environment::{Environment, Variable};
use crate::error::{Error, Result};
use crate::options::joined;

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
        self.variable(name).ok().flatten().map(|variable| variable.value)
    }

    fn variable(&self, name: &str) -> Result<Option<Variable>> {
        let held = self.application.and_then(|application| application.settings.get(canonical(name)));
        if let Some(held) = held {
            held.used.store(true, Ordering::Relaxed);
        }
        if let Some(variable) = self.environment.variable(name)? {
            return Ok(Some(variable));
        }
        let Some(held) = held else { return Ok(None) };
        let value = held.value.as_ref().map_err(Error::duplicate)?;
        // In a text a list is what a list is as a text.
        let text = joined(&value.value, ",");
        Ok(Some(Variable { value: text, secret: value.secret, dynamic: value.dynamic, origin: held.entry.origin() }))
    }
}
