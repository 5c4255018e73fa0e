//! Which owner a key of `WITH` belongs to.

use sql_extensions::{QueryAnalysis, WithEntry};

use super::unknown_keys::{has_key, is_job_key};
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

/// Resolves a key against the names of its statement. The longest name that the key starts with wins, but a source called `source` or `batch` does not take the job's keys
/// (`source.buffer_size`) unless sources have a key of that name (`buffer_size`).
pub(super) fn resolve(entry: &WithEntry, analysis: &QueryAnalysis) -> Owner {
    let key = entry.key.trim();
    let sources = analysis.required_sources.iter().map(|source| (Scope::Source, source.name.as_str()));
    let sinks = analysis.required_sinks.iter().map(|sink| (Scope::Sink, sink.name.as_str()));
    let owner = sources.chain(sinks).filter(|(_, name)| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))).max_by_key(|(_, name)| name.len());
    if let Some((role, name)) = owner {
        let rest = &key[name.len() + 1..];
        let prefix = format!("{}.", role.as_str());
        let rest = rest.strip_prefix(&prefix).unwrap_or(rest);
        if !is_job_key(key) || has_key(rest, role) {
            return Owner::Component(role, name.to_owned(), rest.to_owned());
        }
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

#[cfg(test)]
mod tests {
    use sql_extensions::{QueryAnalyzer, StreamingSqlParser};

    use super::*;

    #[test]
    fn sources_called_like_the_first_word_of_a_job_key_leave_it_to_the_job() {
        let statement = StreamingSqlParser::new()
            .parse("SELECT * FROM source, batch INTO shutdown WITH ('source.buffer_size'='1','source.path'='1','batch.size'='1','batch.schema'='1','shutdown.timeout'='1')")
            .expect("good SQL");
        let analysis = QueryAnalyzer::new(String::new()).analyze(&statement).expect("analysed");
        let component = |scope, name: &str, key: &str| Owner::Component(scope, name.to_owned(), key.to_owned());
        let expected = [
            Owner::Job("source.buffer_size".to_owned()),
            component(Scope::Source, "source", "path"),
            Owner::Job("batch.size".to_owned()),
            component(Scope::Source, "batch", "schema"),
            // Sinks of the kind http have a timeout.
            component(Scope::Sink, "shutdown", "timeout"),
        ];
        assert_eq!(statement.with.iter().map(|entry| resolve(entry, &analysis)).collect::<Vec<_>>(), expected);
    }
}
