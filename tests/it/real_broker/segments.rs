//! The log of a topic as the broker has stored it: what a sink's settings did is seen there.

use super::Kafka;

/// A batch of records.
#[derive(Debug, PartialEq, Eq)]
pub struct RecordBatch {
    /// none, gzip, snappy, lz4, zstd from 0 on.
    pub codec: u8,
    /// The number of an idempotent producer; -1 for others.
    pub producer: i64,
    pub records: i32,
    pub bytes: usize,
}

const OVERHEAD: usize = 12;

/// The batches of partition 0.
pub fn batches(kafka: &Kafka, topic: &str) -> Vec<RecordBatch> {
    let mut files: Vec<_> = std::fs::read_dir(kafka.folder.join(format!("data/{topic}-0"))).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let log: Vec<u8> = files.into_iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    let mut found = Vec::new();
    let mut rest = log.as_slice();
    // The layout of version 2, which brokers have stored since 0.11.
    while rest.len() > OVERHEAD {
        let number = |at: usize, size: usize| rest[at..at + size].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let bytes = OVERHEAD + usize::try_from(number(8, 4)).unwrap();
        assert_eq!(number(16, 1), 2, "version");
        found.push(RecordBatch { codec: number(21, 2) as u8 & 7, producer: number(43, 8) as i64, records: number(57, 4) as i32, bytes });
        rest = &rest[bytes..];
    }
    found
}
