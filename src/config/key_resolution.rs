//! Which owner a key of `WITH` belongs to.

use sql_extensions::{QueryAnalysis, WithEntry};

use crate::options::Scope;

/// The owner of a key, and the key without the owner's name and role prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The job.
    Job(String),
    /// A source or sink by name.
    Component(Scope, String, String),
    /// The text before the dot is an alias; keys carry the name of the table.
    Alias {
        /// The alias.
        alias: String,
        /// The table it stands for.
        table: String,
    },
}

/// Resolves a key against the names of its statement. The longest name that the key starts with wins.
pub(super) fn resolve(entry: &WithEntry, analysis: &QueryAnalysis) -> Owner {
    let key = entry.key.trim();
    let sources = analysis.required_sources.iter().map(|source| (Scope::Source, source.name.as_str()));
    let sinks = analysis.required_sinks.iter().map(|sink| (Scope::Sink, sink.name.as_str()));
    let owner = sources.chain(sinks).filter(|(_, name)| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))).max_by_key(|(_, name)| name.len());
    if let Some((role, name)) = owner {
        let rest = &key[name.len() + 1..];
        let prefix = format!("{}.", role.as_str());
        return Owner::Component(role, name.to_owned(), rest.strip_prefix(&prefix).unwrap_or(rest).to_owned());
    }
    if let Some((before, _)) = key.split_once('.')
        && let Some(source) = analysis.required_sources.iter().find(|source| source.alias.as_deref() == Some(before))
        // `batch` or `source` could be an alias too, but then the job's keys would be out of reach.
        && !matches!(before, "batch" | "source" | "execution" | "shutdown" | "state")
    {
        return Owner::Alias { alias: before.to_owned(), table: source.name.clone() };
    }
    Owner::Job(key.to_owned())
}
