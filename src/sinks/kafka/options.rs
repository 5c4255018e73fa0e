//! The keys of a Kafka sink.

use crate::formats::MessageFormat;
use crate::options::{Columns, Millis, OptionValue, Secret, define_options};
use crate::stream::Place;

/// The format of message keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// The text of the one key column; an object for several.
    String,
    /// An object.
    Json,
}

impl OptionValue for KeyFormat {
    const TYPE: &'static str = "key format";

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "string" | "text" => Ok(Self::String),
            "json" => Ok(Self::Json),
            _ => Err("expected string or json".to_owned()),
        }
    }
}

define_options! {
    /// Settings of a Kafka sink. Keys that are not among them are handed to the client library (librdkafka), which checks them.
    pub struct KafkaSinkOptions (Sink) {
        /// Brokers to ask first: `host:port`, several separated by commas.
        brokers: String = "bootstrap.servers" [] required;
        /// The topic. Without it, the name of the sink.
        topic: String = "topic" [] optional;
        /// Format of message values: json, an object for each row.
        format: MessageFormat = "value.format" ["format"] default "json";
        /// Columns that make the message key; they stay in the value, too. Without it, rows that come one by one from a Kafka source keep the key of their message, and others
        /// have none. Messages of one key keep their order.
        key: Columns = "key" [] optional;
        /// string: the text of the key column, or an object if there are several; json: an object.
        key_format: KeyFormat = "key.format" [] default "string";
        /// Columns that become headers of their names instead of parts of the value; of a MAP each entry becomes one.
        headers: Columns = "headers" [] optional;
        /// Column with the time of the message. Without it, the event time of the record that the row came from, where there is one, else the time of sending.
        timestamp: String = "timestamp" [] optional;
        /// Creates the topic if it is missing; false refuses the start.
        create_topic: bool = "topic.create" [] default "true";
        /// Partitions of a topic that is created; without it, as many as the brokers' default says.
        partitions: usize = "topic.partitions" [] optional;
        /// Replicas of a topic that is created; without it, as the brokers' default says.
        replication: usize = "topic.replication.factor" [] optional;
        /// Most bytes of a request to one partition. (Not rows: the job's `batch.size` counts those.)
        batch_size: usize = "batch.size" [] optional;
        /// Wait for more messages before a request is sent, in milliseconds.
        linger: usize = "linger.ms" ["queue.buffering.max.ms"] default "5";
        /// Replicas that must have a message: all, 1 or 0.
        acks: String = "acks" ["request.required.acks"] optional;
        /// Each message is stored once and in order by the brokers even if it has to be sent again.
        idempotence: bool = "enable.idempotence" [] default "true";
        /// none, gzip, snappy, lz4 or zstd.
        compression: String = "compression.type" ["compression.codec"] optional;
        /// plaintext, ssl, sasl_plaintext or sasl_ssl.
        security_protocol: String = "security.protocol" [] optional;
        /// PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.
        sasl_mechanism: String = "sasl.mechanism" ["sasl.mechanisms"] optional;
        /// User.
        sasl_username: String = "sasl.username" [] optional;
        /// Password.
        sasl_password: Secret = "sasl.password" [] optional;
        /// Longest wait for the brokers at the start.
        connect_timeout: Millis = "connect.timeout" [] default "10s";
    }
}

impl KafkaSinkOptions {
    /// The topic it writes.
    pub fn place(&self, name: &str) -> Place {
        Place::Topic { cluster: Place::cluster(&self.brokers), name: self.topic.as_deref().unwrap_or(name).to_owned() }
    }
}
