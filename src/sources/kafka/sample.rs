//! The columns of a topic without declared ones.

use std::time::{Duration, Instant};

use arrow::datatypes::Schema;

use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::json;
use crate::kafka::{BatchConsumer, Begin, ClientProperties, Cluster, ConsumerOptions, PartitionId, Wanted};

/// Messages that are looked at, and bytes at most.
const SAMPLE_MESSAGES: usize = 1_000;
const SAMPLE_BYTES: usize = 1 << 20;

/// The columns of the first messages of some partitions.
///
/// **Errors**: there is no message yet, or the brokers don't answer.
pub(super) fn json_schema(name: &str, properties: &ClientProperties, partitions: &[PartitionId], cluster: &Cluster, timeout: Duration) -> Result<Schema> {
    let mut wanted = Vec::new();
    let mut left = 0;
    for id in partitions {
        let (low, high) = cluster.watermarks(id)?;
        if high > low {
            wanted.push((id.clone(), low));
            left += 1;
        }
    }
    if wanted.is_empty() {
        return Err(nothing_to_infer(name));
    }
    let options = ConsumerOptions {
        properties,
        place: format!("source '{name}', sample"),
        health: std::sync::Arc::default(),
        wanted: &Wanted::Assign(wanted),
        begin: Begin::default(),
    };
    let mut consumer = BatchConsumer::open(options)?;
    let mut text = Vec::new();
    let mut messages = 0;
    let began = Instant::now();
    while left > 0 && messages < SAMPLE_MESSAGES && text.len() < SAMPLE_BYTES && began.elapsed() < timeout {
        let polled = consumer.poll(100, Duration::from_millis(100), |_, _, message| {
            if let Some(value) = message.payload() {
                text.extend_from_slice(json::without_registry_prefix(value));
                text.push(b'\n');
            }
        })?;
        messages += polled.messages;
        left -= polled.ended.len().min(left);
    }
    drop(consumer);
    let inferred = json::infer_schema(&text, SAMPLE_MESSAGES, true, true);
    if inferred.is_empty() { Err(nothing_to_infer(name)) } else { Ok(inferred.schema()) }
}

fn nothing_to_infer(name: &str) -> Error {
    Error::new(ErrorKind::Source, Fault::User, format!("'{name}' has no message yet to infer columns from"))
        .with_help(format!("declare them: '{name}.schema' = 'name TYPE, …'"))
}
