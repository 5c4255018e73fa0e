//! Kafka topics. In reading order:
//! - `options`: the keys
//! - `bounds`: where reading begins and ends, as written
//! - `source`: checks of the settings, the topic and its columns
//! - `values`: how the values of messages are decoded
//! - `sample`: columns of a topic without declared ones
//! - `plan`: the partitions of a reader, and from where to where
//! - `reader`: the thread that polls
//! - `gathered`: polled messages as a batch of rows

mod bounds;
mod gathered;
mod options;
mod plan;
mod reader;
mod sample;
mod source;
mod values;

pub use options::KafkaSourceOptions;
pub use source::{KafkaSource, KafkaSourceRest, SourceIdentity};
