//! Kinds of connectors and keys that are known but not in this build: naming one gets a plain answer instead of "unknown".

use crate::options::{OptionDescriptor, Scope};
use crate::sinks::SinkConnector;
use crate::sources::SourceConnector;

/// A key that a later build takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedKey {
    pub key: &'static str,
    pub type_name: &'static str,
    pub roles: &'static [Scope],
    pub meaning: &'static str,
}

/// A kind of connector that a later build has.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedConnector {
    pub name: &'static str,
    pub roles: &'static [Scope],
    pub keys: &'static [PlannedKey],
}

const SOURCE: &[Scope] = &[Scope::Source];
const SINK: &[Scope] = &[Scope::Sink];
const BOTH: &[Scope] = &[Scope::Source, Scope::Sink];
const JOB: &[Scope] = &[Scope::Job];

const fn key(key: &'static str, type_name: &'static str, roles: &'static [Scope], meaning: &'static str) -> PlannedKey {
    PlannedKey { key, type_name, roles, meaning }
}

/// The kinds.
pub(super) const PLANNED: [PlannedConnector; 7] = [
    PlannedConnector { name: "s3", roles: BOTH, keys: S3 },
    PlannedConnector { name: "database", roles: BOTH, keys: DATABASE },
    PlannedConnector { name: "http", roles: BOTH, keys: HTTP },
    PlannedConnector { name: "iceberg", roles: SINK, keys: &[] },
    PlannedConnector { name: "elasticsearch", roles: BOTH, keys: &[] },
    PlannedConnector { name: "redis", roles: BOTH, keys: &[] },
    PlannedConnector { name: "mongodb", roles: BOTH, keys: &[] },
];

const S3: &[PlannedKey] = &[
    key("bucket", "name", SINK, "Bucket."),
    key("prefix", "text", SINK, "Prefix of object names; may hold placeholders."),
    key("region", "name", BOTH, "Region."),
    key("access_key_id", "text", BOTH, "Access key."),
    key("secret_access_key", "secret", BOTH, "Secret of the access key."),
    key("endpoint", "URL", BOTH, "Server of an S3-compatible store."),
];

const DATABASE: &[PlannedKey] = &[
    key("connection", "URL", BOTH, "Another spelling of connection.url."),
    key("connection.url", "URL", BOTH, "Database to connect to."),
    key("connection.username", "text", BOTH, "User."),
    key("connection.password", "secret", BOTH, "Password."),
    key("connection.pool.max_size", "count", BOTH, "Most connections."),
    key("table", "name", BOTH, "Table."),
    key("query", "SQL", SOURCE, "Query to read instead of a table."),
];

const HTTP: &[PlannedKey] = &[
    key("url", "URL", BOTH, "Address; another spelling of endpoint."),
    key("endpoint", "URL", BOTH, "Address."),
    key("method", "name", SINK, "Request method."),
    key("timeout", "duration", SINK, "Longest wait for an answer."),
    key("auth_token", "secret", SOURCE, "Bearer token."),
    key("auth_header", "secret", SINK, "Whole value of the Authorization header."),
    key("batch_size", "count", SINK, "Rows of a request."),
];

/// Keys of jobs, sources and sinks of any kind.
pub(super) const PLANNED_KEYS: &[PlannedKey] = &[
    key("lanes", "count", JOB, "Partitions of keyed operators."),
    key("commit.interval", "duration", JOB, "How often transactional epochs are committed."),
    key("state.memory_limit", "bytes", JOB, "State above this is spilled."),
    key("state.disk_limit", "bytes", JOB, "State above this fails the job."),
    key("dead_letter", "name", &[Scope::Job, Scope::Source, Scope::Sink], "Sink for refused records."),
    key("deduplicate", "list", SOURCE, "Columns that identify a row."),
    key("lookup.mode", "name", SOURCE, "Load the table, or ask by key."),
    key("lookup.cache.max_rows", "count", SOURCE, "Rows of the lookup cache."),
    key("lookup.cache.ttl", "duration", SOURCE, "Age of the lookup cache."),
    key("alerting_enabled", "boolean", JOB, "Alerts."),
    key("metrics_enabled", "boolean", JOB, "Metrics."),
    key("monitoring_enabled", "boolean", JOB, "Monitoring."),
];

/// The planned key that a name stands for in a role, whatever the connector.
pub(super) fn planned_key(name: &str, role: Scope) -> Option<&'static PlannedKey> {
    PLANNED_KEYS.iter().find(|planned| planned.key == name && planned.roles.contains(&role))
}

/// The names of the planned keys of a role, those of planned connectors included.
pub(super) fn planned_keys(role: Scope) -> impl Iterator<Item = &'static str> {
    let of_role = move |planned: &&PlannedKey| planned.roles.contains(&role);
    PLANNED_KEYS.iter().chain(PLANNED.iter().flat_map(|connector| connector.keys)).filter(of_role).map(|planned| planned.key)
}

/// The names of the planned keys that any kind will have in a role.
pub(super) fn general_planned_keys(role: Scope) -> impl Iterator<Item = &'static str> {
    PLANNED_KEYS.iter().filter(move |planned| planned.roles.contains(&role)).map(|planned| planned.key)
}

/// The connector (of another kind) that has a key in a role, in this build or in a later one.
pub(super) fn connector_with_key(name: &str, role: Scope) -> Option<&'static str> {
    let built = match role {
        Scope::Source => SourceConnector::reference().to_vec(),
        Scope::Sink => SinkConnector::reference().to_vec(),
        Scope::Job => Vec::new(),
    };
    let built = built.into_iter().find(|(_, options)| options.iter().flat_map(OptionDescriptor::spellings).any(|key| key == name)).map(|(kind, _)| kind);
    let planned = || PLANNED.iter().find(|connector| connector.keys.iter().any(|planned| planned.key == name && planned.roles.contains(&role)));
    built.or_else(|| planned().map(|connector| connector.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::is_secret_key;

    #[test]
    fn keys_of_secrets_are_known_by_their_names() {
        let keys = PLANNED.iter().flat_map(|connector| connector.keys).chain(PLANNED_KEYS).filter(|key| key.type_name == "secret");
        keys.for_each(|key| assert!(is_secret_key(&format!("x.{}", key.key)), "{}", key.key));
    }
}
