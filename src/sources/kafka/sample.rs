//! The columns of a topic without declared ones.

use std::time::{Duration, Instant};

use arrow::datatypes::Schema;

use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::avro::schema_number;
use crate::formats::json;
use crate::kafka::{BatchConsumer, Begin, ClientProperties, Cluster, ConsumerOptions, PartitionId, Wanted};

/// Messages that are looked at, and bytes at most.
const SAMPLE_MESSAGES: usize = 1_000;
const SAMPLE_BYTES: usize = 1 << 20;

/// The columns of the first messages of some partitions.
///
/// **Errors**: there is no message yet, or the brokers don't answer.
pub(super) fn json_schema(name: &str, properties: &ClientProperties, partitions: &[PartitionId], cluster: &Cluster, timeout: Duration) -> Result<Schema> {
    let Some((mut consumer, mut left)) = open(name, properties, partitions, cluster)? else { return Err(nothing_to_infer(name)) };
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

/// The number of the schema of one of the first messages; `None` if none has one.
pub(super) fn schema_of_a_message(
    name: &str,
    properties: &ClientProperties,
    partitions: &[PartitionId],
    cluster: &Cluster,
    timeout: Duration,
) -> Result<Option<u32>> {
    let Some((mut consumer, mut left)) = open(name, properties, partitions, cluster)? else { return Ok(None) };
    let mut found = None;
    let mut messages = 0;
    let began = Instant::now();
    while found.is_none() && left > 0 && messages < SAMPLE_MESSAGES && began.elapsed() < timeout {
        let polled = consumer.poll(10, Duration::from_millis(100), |_, _, message| found = found.or_else(|| schema_number(message.payload()?)))?;
        messages += polled.messages;
        left -= polled.ended.len().min(left);
    }
    Ok(found)
}

/// A consumer at the first messages of the partitions that have some, and how many those are; `None` if there is none.
fn open(name: &str, properties: &ClientProperties, partitions: &[PartitionId], cluster: &Cluster) -> Result<Option<(BatchConsumer, usize)>> {
    let mut wanted = Vec::new();
    for id in partitions {
        let (low, high) = cluster.watermarks(id)?;
        if high > low {
            wanted.push((id.clone(), low));
        }
    }
    let count = wanted.len();
    if count == 0 {
        return Ok(None);
    }
    let options = ConsumerOptions {
        properties,
        place: format!("source '{name}', sample"),
        health: std::sync::Arc::default(),
        wanted: &Wanted::Assign(wanted),
        begin: Begin::default(),
        tells_ends: true,
    };
    Ok(Some((BatchConsumer::open(options)?, count)))
}

fn nothing_to_infer(name: &str) -> Error {
    Error::new(ErrorKind::Source, Fault::User, format!("'{name}' has no message yet to infer columns from"))
        .with_help(format!("declare them: '{name}.schema' = 'name TYPE, …'"))
}
