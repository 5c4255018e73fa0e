//! The keys of a Kafka sink.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::formats::{KeyFormat, MessageFormat};
use crate::kafka::{Acks, BrokerList, CompressionType, SaslMechanism, SecurityProtocol, TokenEndpoint, TokenMethod, TokenSettings};
use crate::options::{Columns, Millis, OptionValue, Secret, Within, define_options};
use crate::schema_registry::{RegistrySettings, SchemaRegistry};
use crate::stream::Place;

/// What a subject is called after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectStrategy {
    /// The topic.
    Topic,
    /// The record.
    Record,
    /// Both.
    TopicRecord,
}

impl SubjectStrategy {
    /// The subject of a record in a topic.
    pub(super) fn subject(self, topic: &str, record: &str) -> String {
        match self {
            Self::Topic => format!("{topic}-value"),
            Self::Record => record.to_owned(),
            Self::TopicRecord => format!("{topic}-{record}"),
        }
    }
}

impl OptionValue for SubjectStrategy {
    const TYPE: &'static str = "subject strategy";
    const NAMES: &'static [&'static str] = &[
        "topic",
        "record",
        "topic-record",
        "TopicNameStrategy",
        "RecordNameStrategy",
        "TopicRecordNameStrategy",
        "io.confluent.kafka.serializers.subject.TopicNameStrategy",
        "io.confluent.kafka.serializers.subject.RecordNameStrategy",
        "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
    ];

    fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase().replace('_', "");
        match name.strip_prefix("io.confluent.kafka.serializers.subject.").unwrap_or(&name) {
            "topic" | "topicnamestrategy" => Ok(Self::Topic),
            "record" | "recordnamestrategy" => Ok(Self::Record),
            "topic-record" | "topicrecordnamestrategy" => Ok(Self::TopicRecord),
            _ => Err("expected topic, record or topic-record".to_owned()),
        }
    }
}

/// What the protocol can say.
const MOST_PARTITIONS: usize = i32::MAX as usize;
const MOST_REPLICAS: usize = i16::MAX as usize;

define_options! {
    /// Settings of a Kafka sink. Keys that are not among them are handed to the client library (librdkafka), which checks them.
    pub struct KafkaSinkOptions (Sink) {
        /// Brokers to ask first: `host:port`, several separated by commas.
        brokers: BrokerList = "bootstrap.servers" [] required;
        /// The topic. Without it, the name of the sink.
        topic: String = "topic" [] optional like "enriched-orders";
        /// Format of message values: json (an object for each row) or avro (a record for each row, in a schema registry's framing; without a registry, bare records of the schema
        /// in `schema_file`).
        format: MessageFormat = "value.format" ["format", "sink.format"] default "json" like "avro";
        /// Address of the schema registry for avro; several, separated by commas, are tried in order. Without it, the environment's SCHEMA_REGISTRY_URL; an empty text stands for
        /// none. The schema is registered when the sink is opened, and one that does not go with earlier ones of its subject is refused there.
        registry_url: String = "schema.registry.url" [] optional like "http://registry:8081";
        /// User and password of the schema registry: `user:password`.
        registry_user: Secret = "schema.registry.basic.auth.user.info" [] optional like "${REGISTRY_USER}:${REGISTRY_PASSWORD}";
        /// File with the authorities (PEM) that the registry's certificate may be from; without it, those of the system.
        registry_ca: PathBuf = "schema.registry.ssl.ca.location" [] optional like "certificates/ca.pem";
        /// Longest wait for an answer of the schema registry.
        registry_timeout: Millis = "schema.registry.timeout" [] default "10s" like "30s";
        /// Subject that the schema is registered under: topic (`<topic>-value`), record (the full name of the record), or topic-record (`<topic>-<full name>`). The names of the Java
        /// classes (TopicNameStrategy, …) are known, too.
        subject_strategy: SubjectStrategy = "subject.name.strategy" ["value.subject.name.strategy"] default "topic" like "record";
        /// Registers the schema; false only looks it up, and refuses the start if the subject does not have it.
        auto_register: bool = "auto.register.schemas" [] default "true" like "false";
        /// Full name of the record in a schema that is made from the columns. Without it, the topic, with `_` for signs that a name can't have.
        record_name: String = "avro.record.name" [] optional like "com.example.Order";
        /// File with the Avro schema (.avsc) to write. Without it, one is made from the columns: all of them, in order, those that may be NULL as a union with null.
        schema_file: PathBuf = "schema_file" [] optional like "schemas/order.avsc";
        /// Columns that make the message key; they stay in the value, too. Without it, rows that come one by one from a Kafka source keep the key of their message, and others
        /// have none. Messages of one key keep their order.
        key: Columns = "key" [] optional like "customer_id";
        /// string: the text of the key column, or an object if there are several; json: an object.
        key_format: KeyFormat = "key.format" [] default "string" like "json";
        /// Columns that become headers of their names instead of parts of the value; of a MAP each entry becomes one.
        headers: Columns = "headers" [] optional like "trace_id";
        /// Column with the time of the message. Without it, the event time of the record that the row came from, where there is one, else the time of sending.
        timestamp: String = "timestamp" [] optional like "at";
        /// Creates the topic if it is missing; false refuses the start.
        create_topic: bool = "topic.create" [] default "true" like "false";
        /// Partitions of a topic that is created; without it, as many as the brokers' default says.
        partitions: Within<1, MOST_PARTITIONS> = "topic.partitions" [] optional like "12";
        /// Replicas of a topic that is created; without it, as the brokers' default says.
        replication: Within<1, MOST_REPLICAS> = "topic.replication.factor" [] optional like "3";
        /// Most bytes of a request to one partition. (Not rows: the job's `batch.size` counts those.)
        batch_size: usize = "batch.size" [] optional like "65536";
        /// Wait for more messages before a request is sent, in milliseconds.
        linger: usize = "linger.ms" ["queue.buffering.max.ms"] default "5" like "50";
        /// Replicas that must have a message: all, 1 or 0.
        acks: Acks = "acks" ["request.required.acks"] optional like "all";
        /// Each message is stored once and in order by the brokers even if it has to be sent again.
        idempotence: bool = "enable.idempotence" [] default "true" like "false";
        /// none, gzip, snappy, lz4 or zstd.
        compression: CompressionType = "compression.type" ["compression.codec"] optional like "snappy";
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
        /// Longest wait for the brokers at the start. Later, unless failures are met by RetryWithBackoff: how long rows wait for brokers of which none answers before they are lost, or
        /// the job stops.
        connect_timeout: Millis = "connect.timeout" [] default "10s" like "30s";
    }
}

impl KafkaSinkOptions {
    /// How the schema registry is reached, if there is one.
    pub(super) fn registry(&self, name: &str) -> Option<RegistrySettings> {
        Some(RegistrySettings {
            url: self.registry_url.clone().filter(|url| !url.trim().is_empty())?,
            user_info: self.registry_user.clone(),
            ca: self.registry_ca.clone(),
            timeout: self.registry_timeout.0,
            kind: ErrorKind::Sink,
            owner: name.to_owned(),
        })
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

    /// Checks what needs more than one key: tokens, and what avro takes; `has_schema`: `schema_file` could be read.
    pub fn check(&self, name: &str, has_schema: bool) -> Result<()> {
        self.tokens(name)?;
        if self.format == MessageFormat::Json && self.schema_file.is_some() {
            let error = Error::setting(name, "schema_file", format!(" is for avro; '{name}' writes json"));
            return Err(error.with_help(format!("set '{name}.value.format' = 'avro', or leave it out")));
        }
        match self.format {
            MessageFormat::Json => Ok(()),
            MessageFormat::Avro => SchemaRegistry::check(self.registry(name).as_ref(), has_schema || self.schema_file.is_some(), name),
        }
    }

    /// The topic it writes.
    pub fn place(&self, name: &str) -> Place {
        Place::Topic { cluster: Place::cluster(self.brokers.as_str()), name: self.topic.as_deref().unwrap_or(name).to_owned() }
    }
}
