//! Variables, and `${VAR}`, `${VAR:-default}` and `${file:PATH}` in values.

use std::collections::BTreeMap;
use std::io::Read;

use chrono::{DateTime, Utc};

use crate::clock::system_nanos;
use crate::error::{Error, Result, excerpt, io_text};
use crate::options::{MASK, Origin, Replaced, is_secret_key, is_secret_variable, joined, register_passwords_in, register_secret, scrub};

/// Where variables come from; the library never reads the process environment by itself.
pub trait Environment: Send + Sync {
    /// The value of a variable, `None` if it is not set.
    fn get(&self, name: &str) -> Option<String>;

    /// The same, with what is known of the value.
    ///
    /// **Errors**: the value needs another one that can't be had.
    fn variable(&self, name: &str) -> Result<Option<Variable>> {
        let origin = || Origin::Environment { variable: name.to_owned() };
        Ok(self.get(name).map(|value| Variable { value, secret: is_secret_variable(name), dynamic: false, origin: origin() }))
    }
}

/// A variable that is set.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its value.
    pub value: String,
    /// Whether it must not be printed.
    pub secret: bool,
    /// Whether it holds `${DATE}` or `${TIME}` of the running job.
    pub dynamic: bool,
    /// Where it was set.
    pub origin: Origin,
}

/// The environment of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        Self::get(self, name).cloned()
    }
}

/// What becomes of `${DATE}` and `${TIME}` that no variable sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dynamic {
    /// They stay as they are: the job puts them in, each time that it begins a file.
    Stay,
    /// They are now's.
    Now,
}

/// Names of what the engine makes itself.
const DYNAMIC: [&str; 2] = ["DATE", "TIME"];
/// What a variable begins with that stands for the content of a file, as secrets are handed to processes.
const FILE: &str = "file:";
/// Most bytes of such a file.
const LARGEST_FILE: u64 = 64 << 10;
/// Most bytes of a value with its variables: variables of variables double it with each step.
const LONGEST: usize = 256 << 10;
/// Most bytes of all values of a file or a statement with their variables: many may need one that is long.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// A value after its variables were put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Substituted {
    /// The value.
    pub value: String,
    /// Whether a part of it must not be printed.
    pub secret: bool,
    /// Whether it holds `${DATE}` or `${TIME}` of the running job.
    pub dynamic: bool,
    /// The variables in it that were set.
    pub variables: Vec<String>,
}

impl Substituted {
    /// The same with the date and time of now.
    pub(super) fn now(mut self) -> Self {
        if self.dynamic {
            self.value = now(&self.value);
            self.dynamic = false;
        }
        self
    }

    /// The value as it may be printed.
    pub(super) fn shown(&self) -> String {
        if self.secret { MASK.to_owned() } else { scrub(&joined(&self.value, ", ")) }
    }
}

impl From<Substituted> for Replaced {
    fn from(from: Substituted) -> Self {
        Self { value: from.value, secret: from.secret, variables: from.variables }
    }
}

/// Puts the variables into the value of a key; what is put in is not looked at again. Secrets are remembered, so that no message tells them.
///
/// **Errors**: without a place: a variable is not set, a file can't be read, `${` is not closed.
pub(super) fn substitute(key: &str, value: &str, environment: &dyn Environment, dynamic: Dynamic) -> Result<Substituted> {
    let mut out = Substituted { value: String::with_capacity(value.len()), secret: is_secret_key(key), dynamic: false, variables: Vec::new() };
    let mut rest = value;
    while let Some(start) = rest.find("${") {
        out.value.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else {
            return Err(Error::config(format!("'{key}' has a ${{ without }}")).with_help("write ${NAME} or ${NAME:-default}"));
        };
        let (name, default) = split_default(&inner[..end]);
        if inner[..end].contains("${") {
            return Err(Error::config(format!("'{key}' has a variable within another one")).with_help("the default of ${NAME:-default} is a plain text"));
        }
        let found = if let Some(path) = name.strip_prefix(FILE) { content(path, default.is_some(), key)? } else { environment.variable(name)? };
        match found {
            Some(variable) => {
                if variable.secret {
                    register_secret(&variable.value);
                }
                out.secret |= variable.secret;
                out.dynamic |= variable.dynamic && dynamic == Dynamic::Stay;
                out.value.push_str(&if variable.dynamic && dynamic == Dynamic::Now { now(&variable.value) } else { variable.value });
                if !out.variables.iter().any(|known| known == name) {
                    out.variables.push(name.to_owned());
                }
            }
            // They always have a value, so their default is never used.
            None if DYNAMIC.contains(&name) => {
                let text = format!("${{{name}}}");
                out.dynamic |= dynamic == Dynamic::Stay;
                out.value.push_str(&if dynamic == Dynamic::Now { now(&text) } else { text });
            }
            None => {
                let Some(default) = default else { return Err(missing(name, key)) };
                if is_secret_variable(name) || name.starts_with(FILE) {
                    out.secret = true;
                    register_secret(default);
                }
                out.value.push_str(default);
            }
        }
        if out.value.len() > LONGEST {
            return Err(Error::config(format!("'{key}' has more than {} KiB with its variables", LONGEST >> 10)));
        }
        rest = &inner[end + 1..];
    }
    out.value.push_str(rest);
    if is_secret_key(key) {
        register_secret(&out.value);
    }
    register_passwords_in(&out.value);
    Ok(out)
}

fn missing(name: &str, key: &str) -> Error {
    let error = |what: String| Error::config(format!("{what}; '{key}' needs it"));
    match name.strip_prefix(FILE) {
        Some(path) => error(format!("cannot read {path}: No such file or directory")).with_help(format!("write it, or ${{{name}:-default}}")),
        None if !is_name(name) => Error::config(format!("'{key}' has ${{{}}}, which names no variable", excerpt(name)))
            .with_help("write ${NAME}, ${NAME:-default} or ${file:PATH}; a name is letters, digits, '_', '.' and '-'"),
        None => {
            // As shells and other tools have it.
            let of_shell = name.split_once('-').map(|(name, default)| format!("a default stands behind ':-': ${{{name}:-{default}}}"));
            let prefixed = name.split_once('.').filter(|(word, _)| word.eq_ignore_ascii_case("env")).map(|(_, name)| format!("write ${{{name}}}"));
            let help = prefixed.or(of_shell).unwrap_or_else(|| format!("set it, or write ${{{name}:-default}}"));
            error(format!("environment variable {name} is not set")).with_help(help)
        }
    }
}

/// Whether it may be the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The content of a file, without the line's end behind it; `None` if there is no such file.
fn content(path: &str, may_lack: bool, key: &str) -> Result<Option<Variable>> {
    let fault = |reason: &str| Error::config(format!("cannot read {path}: {reason}; '{key}' needs it"));
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return if may_lack { Ok(None) } else { Err(missing(&format!("{FILE}{path}"), key)) },
        Err(error) => return Err(fault(&io_text(&error))),
        // Opening a pipe that nobody writes to would wait forever.
        Ok(metadata) if !metadata.is_file() => return Err(fault("it is no file")),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).map_err(|error| fault(&io_text(&error)))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(fault(&format!("it has more than {} KiB", LARGEST_FILE >> 10)));
    }
    let text = String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8"))?;
    let value = text.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Some(Variable { value, secret: true, dynamic: false, origin: Origin::Environment { variable: format!("{FILE}{path}") } }))
}

/// The text with the date and time of now, UTC, as the path of a sink has them.
fn now(text: &str) -> String {
    let now: DateTime<Utc> = DateTime::from_timestamp_nanos(system_nanos());
    text.replace("${DATE}", &now.format("%Y-%m-%d").to_string()).replace("${TIME}", &now.format("%H%M%S").to_string())
}

/// Whether a value as it is written holds a secret: its key says so, or a default does that stands for one.
pub(super) fn is_secret_text(key: &str, value: &str) -> bool {
    let stands_for_one = |name: &str| is_secret_variable(name) || name.starts_with(FILE);
    is_secret_key(key) || is_secret_variable(key) || variables(value).any(|(name, default)| default.is_some() && stands_for_one(name))
}

/// The variables of a value, each with its default.
pub(super) fn variables(value: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    value.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(inner, _)| split_default(inner))
}

fn split_default(inner: &str) -> (&str, Option<&str>) {
    match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> BTreeMap<String, String> {
        [("STAGE", "prod"), ("EMPTY", ""), ("ODD", "${STAGE}"), ("API_TOKEN", "t0ken-of-env")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    fn put_in(value: &str) -> Result<Substituted, String> {
        substitute("k", value, &environment(), Dynamic::Stay).map_err(|error| error.to_string())
    }

    fn text(value: &str) -> String {
        put_in(value).expect("variables that are set").value
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        assert_eq!(text("a-${STAGE}-${REGION:-eu}"), "a-prod-eu");
        assert_eq!(text("${HOSTS:-http://h:1/x,y}"), "http://h:1/x,y");
        assert_eq!(text("${HOSTS:-a:-b}"), "a:-b");
        assert_eq!(text("[${EMPTY:-x}]"), "[]", "a variable that is empty is set");
        assert_eq!(text("audit-${DATE}.log"), "audit-${DATE}.log");
        assert_eq!(text("audit-${DATE:-today}.log"), "audit-${DATE}.log");
        assert_eq!(text("no $ here {x}"), "no $ here {x}");
        assert_eq!(put_in("${STAGE}${STAGE}${REGION:-eu}").expect("set").variables, ["STAGE"]);
    }

    #[test]
    fn dates_are_nows_where_no_job_puts_them_in() {
        let day = |value: &str| substitute("k", value, &environment(), Dynamic::Now).expect("always set").value;
        let found = day("x-${DATE}-${TIME:-never}");
        let shape: String = found.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "x-0000-00-00-000000");
        let set: BTreeMap<String, String> = [("DATE".to_owned(), "today".to_owned())].into();
        assert_eq!(substitute("k", "${DATE}", &set, Dynamic::Now).expect("set").value, "today");
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(text("${ODD}"), "${STAGE}");
    }

    #[test]
    fn a_file_stands_for_its_content_which_is_a_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plain").display().to_string();
        std::fs::write(&path, "s3cret-${STAGE}\r\n").expect("a file");
        let found = put_in(&format!("Bearer ${{file:{path}}}!")).expect("a file");
        assert_eq!((found.value.as_str(), found.secret), ("Bearer s3cret-${STAGE}!", true));
        assert_eq!(crate::options::scrub("it said s3cret-${STAGE}"), "it said ****");
        let gone = put_in("${file:/no/such}").expect_err("no file");
        assert_eq!(gone, "cannot read /no/such: No such file or directory; 'k' needs it; write it, or ${file:/no/such:-default}");
        assert_eq!(text("${file:/no/such:-x}"), "x");
        assert_eq!(put_in("${file:/dev/zero:-x}").expect_err("a device"), "cannot read /dev/zero: it is no file; 'k' needs it");
        std::fs::write(&path, [b'x'; (64 << 10) + 1]).expect("a file");
        assert!(put_in(&format!("${{file:{path}}}")).expect_err("too large").ends_with("it has more than 64 KiB; 'k' needs it"));
        std::fs::write(&path, b"\xe9").expect("a file");
        assert!(put_in(&format!("${{file:{path}}}")).expect_err("no text").ends_with("it is not UTF-8; 'k' needs it"));
    }

    #[test]
    fn values_of_secret_variables_and_keys_are_secrets() {
        assert!(put_in("x-${API_TOKEN}").expect("set").secret && put_in("${NO_PASSWORD:-hunter2}").expect("a default").secret);
        assert!(!put_in("x-${STAGE}").expect("set").secret);
        assert!(substitute("k.password", "open-sesame", &environment(), Dynamic::Stay).expect("no variable").secret);
        assert_eq!(crate::options::scrub("t0ken-of-env open-sesame"), "**** ****");
    }

    #[test]
    fn values_do_not_grow_without_bound() {
        let long: BTreeMap<String, String> = [("L".to_owned(), "x".repeat(150 << 10))].into();
        let error = substitute("k", "${L}${L}", &long, Dynamic::Stay).expect_err("too long").to_string();
        assert_eq!(error, "'k' has more than 256 KiB with its variables");
    }

    #[test]
    fn missing_and_unclosed_variables_are_told() {
        assert_eq!(put_in("${NOPE}"), Err("environment variable NOPE is not set; 'k' needs it; set it, or write ${NOPE:-default}".to_owned()));
        for wrong in ["", "A:=x", " HOME ", "9"] {
            let expected = format!(
                "'k' has ${{{wrong}}}, which names no variable; write ${{NAME}}, ${{NAME:-default}} or ${{file:PATH}}; a name is letters, digits, '_', '.' and '-'"
            );
            assert_eq!(put_in(&format!("${{{wrong}}}")), Err(expected));
        }
        assert_eq!(put_in("${STAGE"), Err("'k' has a ${ without }; write ${NAME} or ${NAME:-default}".to_owned()));
    }
}
