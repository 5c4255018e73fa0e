//! A Kafka topic. In reading order:
//! - `options`: the keys
//! - `sink`: checks of the settings and the topic
//! - `values`: how rows become the values of messages
//! - `columns`: which columns make value, key, headers and time of a message
//! - `writer`: encodes, hands over, and keeps account of what was delivered

mod columns;
mod options;
mod sink;
mod values;
mod writer;

pub use options::KafkaSinkOptions;
pub use sink::KafkaSink;
pub use values::KafkaSinkRest;
