//! Variables, and `${VAR}` and `${VAR:-default}` in values.

use std::collections::BTreeMap;

/// Where variables come from; the library never reads the process environment by itself.
pub trait Environment: Send + Sync {
    /// The value of a variable, `None` if it is not set.
    fn get(&self, name: &str) -> Option<String>;
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

/// Why a value could not be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// The variable is not set and has no default.
    Missing(String),
    /// `${` without `}`.
    Unclosed,
}

/// Replaces the variables of a value. `keep` names those that the engine has at run time; they stay. What is put in is not looked at again.
pub(super) fn substitute(value: &str, environment: &dyn Environment, keep: &[&str]) -> Result<String, Unresolved> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let end = inner.find('}').ok_or(Unresolved::Unclosed)?;
        let (name, default) = match inner[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inner[..end], None),
        };
        match environment.get(name) {
            Some(text) => out.push_str(&text),
            // They always have a value, so their default is never used.
            None if keep.contains(&name) => out.push_str(&format!("${{{name}}}")),
            None => out.push_str(default.ok_or_else(|| Unresolved::Missing(name.to_owned()))?),
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The variables of a value, each with its default.
pub(super) fn variables(value: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    value.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(inner, _)| match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> BTreeMap<String, String> {
        [("STAGE", "prod"), ("EMPTY", ""), ("ODD", "${STAGE}")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        let env = environment();
        let substitute = |value: &str| substitute(value, &env, &["DATE"]);
        assert_eq!(substitute("a-${STAGE}-${REGION:-eu}"), Ok("a-prod-eu".to_owned()));
        assert_eq!(substitute("${HOSTS:-http://h:1/x,y}"), Ok("http://h:1/x,y".to_owned()));
        assert_eq!(substitute("[${EMPTY}]"), Ok("[]".to_owned()));
        assert_eq!(substitute("audit-${DATE}.log"), Ok("audit-${DATE}.log".to_owned()));
        assert_eq!(substitute("audit-${DATE:-today}.log"), Ok("audit-${DATE}.log".to_owned()));
        assert_eq!(substitute("no $ here {x}"), Ok("no $ here {x}".to_owned()));
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(substitute("${ODD}", &environment(), &[]), Ok("${STAGE}".to_owned()));
    }

    #[test]
    fn missing_and_unclosed_variables_are_told() {
        assert_eq!(substitute("${NOPE}", &environment(), &[]), Err(Unresolved::Missing("NOPE".to_owned())));
        assert_eq!(substitute("${STAGE", &environment(), &[]), Err(Unresolved::Unclosed));
    }
}
