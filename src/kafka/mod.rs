//! The Kafka client, as sources and sinks use it: the `rdkafka` crate for settings, metadata and life time, librdkafka's C API for what is done with every message. All `unsafe` of
//! the Kafka connectors is in this folder. In reading order:
//! - `brokers`: their addresses
//! - `properties`: client properties by name, checked before anything is opened
//! - `leftover`: keys that are the client library's own
//! - `context`: what a client tells of itself: logs, errors, its group's partitions
//! - `tokens`: tokens for OAUTHBEARER from an endpoint
//! - `cluster`: topics, partitions and offsets, asked of the brokers
//! - `consumer`: messages in batches
//! - `message`: one of them
//! - `rebalance`: what a consumer's group tells it
//! - `lag`: how far partitions were read, and how many messages wait
//! - `assignment`: which partitions a consumer owns, and how far each may be committed
//! - `outgoing`: messages to send, and what became of them
//! - `producer`: sends them in batches
//! - `words`: settings with a few words for values
//! - `fault`: the client's errors as ours
//! - `embedded`: a broker inside this process, for the demo and for tests

mod assignment;
mod brokers;
mod cluster;
mod consumer;
mod context;
mod embedded;
mod fault;
mod lag;
mod leftover;
mod message;
mod outgoing;
mod producer;
mod properties;
mod rebalance;
mod tokens;
mod words;

pub use assignment::{Begin, PartitionId};
pub use brokers::BrokerList;
pub use cluster::{Cluster, Topics, check_topic};
pub use consumer::{BatchConsumer, ConsumerOptions, Polled, Wanted};
pub use embedded::EmbeddedBroker;
pub use fault::{client_error, is_unreachable};
pub use leftover::client_properties;
pub use message::Message;
pub use outgoing::{Cause, Delivery, HeaderColumn, Outgoing, Payload, Undelivered};
pub use producer::BatchProducer;
pub use properties::{ClientProperties, PropertyFault, Role, Security, check_property, properties_of};
pub use tokens::{TokenEndpoint, TokenSettings};
pub use words::{Acks, CompressionType, SaslMechanism, SecurityProtocol, TokenMethod};
