//! The keys of a Kafka source.

use std::path::PathBuf;

use regex::Regex;

use super::bounds::Place as Bound;
use super::plan::TopicList;
use crate::error::{ErrorKind, Result};
use crate::formats::{KeyFormat, MessageFormat};
use crate::kafka::{BrokerList, SaslMechanism, SecurityProtocol, TokenEndpoint, TokenMethod, TokenSettings};
use crate::options::{ByteSize, Millis, OptionValue, Secret, Within, define_options};
use crate::schema_registry::{RegistrySettings, SchemaRegistry};
use crate::stream::Place;

/// Where to begin without a committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// With the first message.
    Earliest,
    /// With what comes from now on.
    Latest,
}

impl OptionValue for OffsetReset {
    const TYPE: &'static str = "offset reset";
    const NAMES: &'static [&'static str] = &["earliest", "latest", "smallest", "beginning", "largest", "end"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "earliest" | "smallest" | "beginning" => Ok(Self::Earliest),
            "latest" | "largest" | "end" => Ok(Self::Latest),
            _ => Err("expected earliest or latest".to_owned()),
        }
    }
}

define_options! {
    /// Settings of a Kafka source. Keys that are not among them are handed to the client library (librdkafka), which checks them.
    pub struct KafkaSourceOptions (Source) {
        /// Brokers to ask first: `host:port`, several separated by commas.
        brokers: BrokerList = "bootstrap.servers" [] required;
        /// A topic, several separated by commas, or a pattern (`^orders-.*`). Without it, the name of the source.
        topic: String = "topic" [] optional like "raw-orders";
        /// Format of message values: json (an object, or an array of objects, each of which is a row) or avro (a record in a schema registry's framing; without a registry, a
        /// bare record of the schema in `schema_file`). A message without a value (a tombstone) and an empty array are counted as filtered; an empty value is a bad record.
        format: MessageFormat = "value.format" ["format", "source.format"] default "json" like "avro";
        /// What `_key` is, where it is named: string (any text) or json. A message with another key is a bad record then.
        key_format: KeyFormat = "key.format" [] default "string" like "json";
        /// Address of the schema registry for avro; several, separated by commas, are tried in order. Without it, the environment's SCHEMA_REGISTRY_URL; an empty text stands for
        /// none. Columns that are not declared are those of the latest schema of subject `<topic>-value`, or without that subject, of the schema of the first message. Messages
        /// of other schemas are read as the columns want them: a field that they don't have is its default or NULL.
        registry_url: String = "schema.registry.url" [] optional like "http://registry:8081";
        /// User and password of the schema registry: `user:password`.
        registry_user: Secret = "schema.registry.basic.auth.user.info" [] optional like "${REGISTRY_USER}:${REGISTRY_PASSWORD}";
        /// File with the authorities (PEM) that the registry's certificate may be from; without it, those of the system.
        registry_ca: PathBuf = "schema.registry.ssl.ca.location" [] optional like "certificates/ca.pem";
        /// Longest wait for an answer of the schema registry.
        registry_timeout: Millis = "schema.registry.timeout" [] default "10s" like "30s";
        /// Consumer group. Without it `velo-streams-` and the job's name; a SELECT without CREATE STREAM has a group of its own that commits nothing.
        group_id: String = "group.id" [] optional like "order-processor";
        /// Where to begin in partitions for which the group has committed nothing: earliest or latest.
        auto_offset_reset: OffsetReset = "auto.offset.reset" [] default "earliest" like "latest";
        /// Where to begin, whatever the group has committed: earliest, latest, a timestamp, or offsets (`0:1500,1:2000`).
        start: Bound = "start" [] optional like "2024-01-05T10:00:00Z";
        /// Where to end: latest (what is there at the start), a timestamp, or offsets. Makes the source bounded: it begins at `start` (else with the first message), and commits
        /// nothing.
        until: Bound = "until" [] optional like "latest";
        /// Most messages taken at once, and most rows of the source in one batch.
        max_poll_records: Within<1, { usize::MAX }> = "max.poll.records" [] optional like "500";
        /// plaintext, ssl, sasl_plaintext or sasl_ssl.
        security_protocol: SecurityProtocol = "security.protocol" [] optional like "sasl_ssl";
        /// PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.
        sasl_mechanism: SaslMechanism = "sasl.mechanism" ["sasl.mechanisms"] optional like "SCRAM-SHA-512";
        /// User.
        sasl_username: String = "sasl.username" [] optional like "${KAFKA_USERNAME}";
        /// Password.
        sasl_password: Secret = "sasl.password" [] optional like "${KAFKA_PASSWORD}";
        /// OAUTHBEARER: default makes tokens that nobody has signed, for tests; oidc gets them from an endpoint, for the client below, and renews them.
        oauth_method: TokenMethod = "sasl.oauthbearer.method" [] optional like "oidc";
        /// Address of the endpoint for tokens.
        oauth_url: String = "sasl.oauthbearer.token.endpoint.url" [] optional like "https://login.example.com/token";
        /// Who asks for tokens.
        oauth_client: String = "sasl.oauthbearer.client.id" [] optional like "velostream";
        /// The client's secret.
        oauth_secret: Secret = "sasl.oauthbearer.client.secret" [] optional like "${CLIENT_SECRET}";
        /// Scope of the tokens.
        oauth_scope: String = "sasl.oauthbearer.scope" [] optional like "kafka";
        /// What the broker is told with a token: `name=value`, several separated by commas.
        oauth_extensions: String = "sasl.oauthbearer.extensions" [] optional like "logicalCluster=lkc-1";
        /// File with the authorities (PEM) that the endpoint's certificate may be from; without it, those of the system.
        https_ca: PathBuf = "https.ca.location" [] optional like "certificates/ca.pem";
        /// A member of the group that was silent for so many milliseconds is taken for dead, and the others get its partitions.
        session_timeout: usize = "session.timeout.ms" [] default "45000" like "30000";
        /// The brokers answer a fetch when there are so many bytes, or after fetch.max.wait.ms.
        fetch_min_bytes: usize = "fetch.min.bytes" [] default "1" like "32768";
        /// Longest wait of a fetch, in milliseconds. Short waits make idle partitions quick to read; the brokers are asked more often.
        fetch_max_wait: usize = "fetch.max.wait.ms" ["fetch.wait.max.ms"] default "100" like "10";
        /// Longest wait for the brokers at the start.
        connect_timeout: Millis = "connect.timeout" [] default "10s" like "30s";
        /// Longer records are rejected.
        max_record_size: ByteSize = "max_record_size" [] default "16MiB" like "1MiB";
    }
}

impl KafkaSourceOptions {
    /// The group of a source of this job, which is `named` by CREATE STREAM: `<base>-<job>` unless a key says another; `None` if nothing is to be committed.
    pub fn group(&self, base: &str, job: &str, named: bool) -> Option<String> {
        // A bounded read begins and ends where it is told.
        let commits = self.until.is_none();
        self.group_id.clone().or_else(|| named.then(|| format!("{base}-{job}"))).filter(|_| commits)
    }

    /// Where tokens come from, if an endpoint is to give them.
    pub(super) fn tokens(&self, name: &str) -> Result<Option<TokenEndpoint>> {
        TokenEndpoint::new(&TokenSettings {
            owner: name,
            method: self.oauth_method,
            url: self.oauth_url.as_deref(),
            client: self.oauth_client.as_deref(),
            secret: self.oauth_secret.as_ref(),
            scope: self.oauth_scope.as_deref(),
            extensions: self.oauth_extensions.as_deref(),
            ca: self.https_ca.as_ref(),
            timeout: self.connect_timeout.0,
        })
    }

    /// Checks what needs more than one key: tokens, and what avro takes; `has_schema`: a file with an Avro schema declares the columns.
    pub fn check(&self, name: &str, has_schema: bool) -> Result<()> {
        self.tokens(name)?;
        match self.format {
            MessageFormat::Json => Ok(()),
            MessageFormat::Avro => SchemaRegistry::check(self.registry(name).as_ref(), has_schema, name),
        }
    }

    /// How the schema registry is reached, if there is one.
    pub(super) fn registry(&self, name: &str) -> Option<RegistrySettings> {
        Some(RegistrySettings {
            url: self.registry_url.clone().filter(|url| !url.trim().is_empty())?,
            user_info: self.registry_user.clone(),
            ca: self.registry_ca.clone(),
            timeout: self.registry_timeout.0,
            kind: ErrorKind::Source,
            owner: name.to_owned(),
        })
    }

    /// The topics it reads. What the client understands of a pattern and we don't, is not looked at.
    pub fn places(&self, name: &str) -> Vec<Place> {
        let cluster = Place::cluster(self.brokers.as_str());
        match TopicList::parse(self.topic.as_deref().unwrap_or(name)) {
            TopicList::Names(names) => names.into_iter().map(|name| Place::Topic { cluster: cluster.clone(), name }).collect(),
            TopicList::Pattern(pattern) => Regex::new(&pattern).map(|names| Place::Topics { cluster, names }).into_iter().collect(),
        }
    }
}
