//! The error of the engine: what happened, whose fault it is, where, and what to do.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use sql_extensions::{Span, SqlError, render_snippet};

/// `Result` with the engine's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error is about; says what the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// The SQL text is wrong: syntax, unknown table, column or function, a form a stream can't have.
    Sql,
    /// A key, a value, a variable or a configuration file is wrong.
    Config,
    /// A source can't be created or read.
    Source,
    /// A sink can't be created or written.
    Sink,
    /// One record is malformed, does not fit its column, or fails an expression.
    Record,
    /// A limit was reached: memory, size, number.
    Limit,
    /// The engine broke one of its own rules.
    Internal,
}

/// Whose fault an error is. Decides the exit status together with the time it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The statement, its settings or its data.
    User,
    /// Disk, network or another system.
    External,
    /// The engine itself.
    Internal,
}

/// A script: its name in messages (file name, `--sql` or `<stdin>`) and its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Script {
    /// Name printed before line and column.
    pub name: String,
    /// The text as the user wrote it.
    pub text: String,
}

impl fmt::Debug for Script {
    /// Without the text, in which there may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A stretch of a script that an error points at.
#[derive(Clone, Debug)]
pub struct Place {
    /// The script.
    pub script: Arc<Script>,
    /// Where in it.
    pub span: Span,
}

/// An error of the engine. `Display` is the whole message without the snippet; [`Error::render`] adds the snippet.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    fault: Fault,
    retry: bool,
    message: String,
    help: Option<String>,
    /// The setting that is wrong, `owner.key`, which the message tells in quotes.
    setting: Option<String>,
    place: Option<Place>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of any kind and fault.
    pub fn new(kind: ErrorKind, fault: Fault, message: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { kind, fault, retry: false, message: message.into(), help: None, setting: None, place: None, source: None }) }
    }

    /// The user's SQL is wrong.
    pub fn sql(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Sql, Fault::User, message)
    }

    /// The user's configuration is wrong.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, Fault::User, message)
    }

    /// A setting of a source or sink is wrong: the message is `'owner.key'` and then `what` (` names no file`, ` = 'x' is no address`). The engine points it at where the
    /// setting was written, and spells it as it was written there.
    pub fn setting(owner: &str, key: &str, what: impl fmt::Display) -> Self {
        Self::config(format!("'{owner}.{key}'{what}")).about(owner, key)
    }

    /// The engine broke one of its own rules; please report.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, Fault::Internal, message)
    }

    /// An operating system error while `what` was done; the fault is external and trying again may help.
    pub fn io(kind: ErrorKind, what: impl fmt::Display, cause: std::io::Error) -> Self {
        let mut error = Self::new(kind, Fault::External, format!("{what}: {}", io_text(&cause)));
        error.inner.retry = true;
        error.inner.source = Some(Box::new(cause));
        error
    }

    /// The same error without its cause, for telling it in a second place.
    pub fn duplicate(&self) -> Self {
        let Inner { kind, fault, retry, message, help, setting, place, source: _ } = self.inner.as_ref();
        Self {
            inner: Box::new(Inner {
                kind: *kind,
                fault: *fault,
                retry: *retry,
                message: message.clone(),
                help: help.clone(),
                setting: setting.clone(),
                place: place.clone(),
                source: None,
            }),
        }
    }

    /// Sets the fault.
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.inner.fault = fault;
        self
    }

    /// Marks whether trying again may succeed.
    pub fn with_retry(mut self, retry: bool) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Adds what the user can do.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.inner.help = Some(help.into());
        self
    }

    /// Points at the user's text.
    pub fn at(mut self, script: &Arc<Script>, span: Span) -> Self {
        self.inner.place = Some(Place { script: Arc::clone(script), span });
        self
    }

    /// Points at the user's text unless the error already does.
    pub fn or_at(self, script: &Arc<Script>, span: Span) -> Self {
        if self.inner.place.is_some() { self } else { self.at(script, span) }
    }

    /// Says which setting an error is about that does not begin with its name; that of a job has no owner.
    pub fn about(mut self, owner: &str, key: &str) -> Self {
        self.inner.setting = Some(if owner.is_empty() { key.to_owned() } else { format!("{owner}.{key}") });
        self
    }

    /// The setting that it is about: `owner.key`.
    pub(crate) fn setting_name(&self) -> Option<&str> {
        self.inner.setting.as_deref()
    }

    /// Names the setting as the user spelled it.
    pub(crate) fn spelled(mut self, written: &str) -> Self {
        if let Some(name) = self.inner.setting.take() {
            self.inner.message = self.inner.message.replacen(&format!("'{name}'"), &format!("'{written}'"), 1);
        }
        self
    }

    /// Replaces the message by one that says more about where it happened.
    pub fn context(mut self, outer: impl fmt::Display) -> Self {
        self.inner.message = format!("{outer}: {}", self.inner.message);
        self
    }

    /// Keeps the error that caused this one.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// An error of the SQL layer, with its place.
    pub fn from_sql(error: &SqlError, script: &Arc<Script>) -> Self {
        let mut own = Self::sql(error.message()).at(script, error.span());
        own.inner.help = error.help().map(str::to_owned);
        own
    }

    /// What it is about.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.inner.fault
    }

    /// Whether trying again may succeed.
    pub fn retry(&self) -> bool {
        self.inner.retry
    }

    /// The message without help and place.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What the user can do.
    pub fn help(&self) -> Option<&str> {
        self.inner.help.as_deref()
    }

    /// The error that caused this one, which is without a cause then.
    pub(crate) fn take_source(&mut self) -> Option<Box<dyn StdError + Send + Sync>> {
        self.inner.source.take()
    }

    /// Where in a script it is.
    pub fn place(&self) -> Option<&Place> {
        self.inner.place.as_ref()
    }

    /// The message with the lines of the script it points at and the help; no `Error: ` before it, no line end after it.
    pub fn render(&self) -> String {
        let mut text = self.inner.message.clone();
        if let Some(place) = &self.inner.place {
            text.push('\n');
            text.push_str(&render_snippet(&place.script.name, &place.script.text, place.span, self.inner.help.as_deref()));
        } else if let Some(help) = &self.inner.help {
            text.push_str("\n  ");
            text.push_str(help);
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(help) = &self.inner.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The innermost cause of an error, in the words of the system.
pub fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    without_number(error.to_string())
}

/// The operating system's words for an error, without the number that Rust appends.
pub fn io_text(error: &std::io::Error) -> String {
    without_number(error.to_string())
}

fn without_number(text: String) -> String {
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Cuts a value for a message: at most 80 characters, control characters escaped.
pub fn excerpt(value: &str) -> String {
    const MOST: usize = 80;
    let mut text: String = value.chars().take(MOST).flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect();
    if value.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}
