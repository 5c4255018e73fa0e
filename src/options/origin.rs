//! Where a setting came from.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use sql_extensions::Span;

use crate::error::{Error, Script};

/// The place a value was written, kept through every merge so that errors and `explain` can name it.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The `WITH` clause of a statement.
    Inline {
        /// The script it stands in.
        script: Arc<Script>,
        /// The key.
        key: Span,
        /// The value.
        value: Span,
    },
    /// A YAML file.
    Yaml {
        /// The file as the user named it.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// An environment variable that is a setting by itself (`VELO_…`).
    Environment {
        /// The variable.
        variable: String,
    },
    /// The application that embeds the engine.
    Application,
    /// `--set key=value`.
    CommandLine,
    /// Nobody set it.
    Default,
}

impl Origin {
    /// Adds the place of the value to an error: a snippet for inline settings, a clause otherwise.
    pub fn blame_value(&self, error: Error) -> Error {
        match self {
            Self::Inline { script, value, .. } => error.or_at(script, *value),
            Self::Default => error,
            other => error.context(format!("{other}")),
        }
    }

    /// Adds the place of the key to an error.
    pub fn blame_key(&self, error: Error) -> Error {
        match self {
            Self::Inline { script, key, .. } => error.or_at(script, *key),
            Self::Default => error,
            other => error.context(format!("{other}")),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { script, key, .. } => write!(f, "{}:{}:{}", script.name, key.start.line, key.start.column),
            Self::Yaml { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Application => f.write_str("the application"),
            Self::CommandLine => f.write_str("--set"),
            Self::Default => f.write_str("default"),
        }
    }
}
