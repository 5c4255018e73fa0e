//! `X.type`: never guessed from other keys.

use sql_extensions::nearest;

use super::planned_connectors::PLANNED;
use crate::options::Scope;

/// What a value of `X.type` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A connector of this build, by its simple name.
    Built(&'static str),
    /// A connector that is known but not in this build.
    Planned(&'static str),
    /// A compound name of the other role.
    WrongRole(&'static str),
    /// Neither; with the nearest valid one.
    Unknown(Option<String>),
}

/// Connectors of this build by simple name, with the roles they have.
pub(super) const BUILT: [(&str, &[Scope]); 2] = [("file", &[Scope::Source, Scope::Sink]), ("kafka", &[Scope::Source, Scope::Sink])];

/// The compound spellings available in a role.
pub(super) fn available(role: Scope) -> Vec<String> {
    BUILT.iter().filter(|(_, roles)| roles.contains(&role)).map(|(name, _)| format!("{name}_{}", role.as_str())).collect()
}

/// Reads a type in compound (`file_source`) or simple (`file`) spelling.
pub(super) fn parse(text: &str, role: Scope) -> Kind {
    let text = text.trim().to_ascii_lowercase();
    let (simple, said) = match (text.strip_suffix("_source"), text.strip_suffix("_sink")) {
        (Some(simple), _) => (simple, Some(Scope::Source)),
        (_, Some(simple)) => (simple, Some(Scope::Sink)),
        _ => (text.as_str(), None),
    };
    let built = BUILT.iter().map(|(name, roles)| (*name, *roles, true));
    let planned = PLANNED.iter().map(|connector| (connector.name, connector.roles, false));
    let Some((name, roles, is_built)) = built.chain(planned).find(|(name, ..)| *name == simple) else {
        let names: Vec<String> = BUILT
            .iter()
            .map(|(name, roles)| (*name, *roles))
            .chain(PLANNED.iter().map(|connector| (connector.name, connector.roles)))
            .filter(|(_, roles)| roles.contains(&role))
            .flat_map(|(name, _)| [format!("{name}_{}", role.as_str()), name.to_owned()])
            .collect();
        return Kind::Unknown(nearest(&text, names.iter().map(String::as_str)).map(str::to_owned));
    };
    if said.is_some_and(|said| said != role) || !roles.contains(&role) {
        Kind::WrongRole(name)
    } else if is_built {
        Kind::Built(name)
    } else {
        Kind::Planned(name)
    }
}

/// What is wrong with a kind in a file that any source or sink may use.
pub(super) fn fault(text: &str) -> Option<String> {
    let kinds = [parse(text, Scope::Source), parse(text, Scope::Sink)];
    if kinds.iter().any(|kind| matches!(kind, Kind::Built(_))) {
        return None;
    }
    if let Some(name) = kinds.iter().find_map(|kind| if let Kind::Planned(name) = kind { Some(name) } else { None }) {
        return Some(format!("{name} is a kind that this build does not have"));
    }
    let near = kinds.into_iter().find_map(|kind| if let Kind::Unknown(near) = kind { near } else { None });
    Some(format!("unknown type{}", near.map(|near| format!("; nearest: {near}")).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compound_and_simple_spellings_mean_the_same() {
        assert_eq!(parse("file_source", Scope::Source), Kind::Built("file"));
        assert_eq!(parse("File", Scope::Sink), Kind::Built("file"));
        assert_eq!(parse("kafka", Scope::Source), Kind::Built("kafka"));
        assert_eq!(parse("s3", Scope::Source), Kind::Planned("s3"));
        assert_eq!(parse("http_sink", Scope::Sink), Kind::Planned("http"));
        assert_eq!(parse("file_sink", Scope::Source), Kind::WrongRole("file"));
        assert_eq!(parse("iceberg", Scope::Source), Kind::WrongRole("iceberg"));
        assert_eq!(parse("fiel_source", Scope::Source), Kind::Unknown(Some("file_source".to_owned())));
    }
}
