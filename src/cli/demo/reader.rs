//! What another program sees of the output topic: how many rows, how late, and the last ones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::error::Result;
use crate::kafka::{BatchConsumer, Begin, ClientProperties, ConsumerOptions, PartitionId, Wanted};

/// Most latencies kept, the newest ones.
const KEPT: usize = 100_000;
/// Rows kept to be shown.
const SHOWN: usize = 3;
/// Messages taken at once.
const AT_ONCE: usize = 1_000;

/// A reader of the output topic.
#[derive(Default)]
pub(super) struct Reader {
    rows: AtomicU64,
    stopped: AtomicBool,
    /// Milliseconds from an order's time to when its row could be read.
    late: Mutex<VecDeque<u32>>,
    last: Mutex<VecDeque<String>>,
}

impl Reader {
    /// Rows read so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// The latency in milliseconds that 95 of 100 rows did not pass, of those since it was asked last; `None` if there were too few.
    pub(super) fn p95(&self) -> Option<u32> {
        const FEW: usize = 20;
        let mut late = self.late.lock();
        if late.len() < FEW {
            return None;
        }
        let mut late: Vec<u32> = late.drain(..).collect();
        let at = (late.len() * 95).div_ceil(100).checked_sub(1)?;
        Some(*late.select_nth_unstable(at).1)
    }

    /// The newest rows.
    pub(super) fn last(&self) -> Vec<String> {
        self.last.lock().iter().cloned().collect()
    }

    /// Ends the reading.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Reads until it is stopped.
    pub(super) fn run(self: &Arc<Self>, brokers: &str, topic: &str, partitions: i32) -> Result<()> {
        let mut properties = ClientProperties::default();
        for (name, value) in [("bootstrap.servers", brokers), ("group.id", "velo-demo"), ("fetch.wait.max.ms", "5"), ("auto.offset.reset", "earliest")] {
            properties.set(name, value);
        }
        let topic: Arc<str> = Arc::from(topic);
        let wanted = (0..partitions).map(|partition| (PartitionId { topic: Arc::clone(&topic), partition }, 0)).collect();
        let mut consumer = BatchConsumer::open(ConsumerOptions {
            properties: &properties,
            place: "demo".to_owned(),
            health: Arc::default(),
            wanted: &Wanted::Assign(wanted),
            begin: Begin::default(),
            tells_ends: false,
        })?;
        while !self.stopped.load(Ordering::Relaxed) {
            let mut late = Vec::new();
            let mut last = Vec::new();
            consumer.poll(AT_ONCE, Duration::from_millis(50), |_, _, message| {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                let since = message.timestamp().and_then(|time| now.checked_sub(u128::try_from(time).ok()?));
                late.extend(since.and_then(|millis| u32::try_from(millis).ok()));
                last.push(message.payload().unwrap_or_default().to_vec());
            })?;
            self.rows.fetch_add(last.len() as u64, Ordering::Relaxed);
            let mut kept = self.late.lock();
            kept.extend(late);
            let surplus = kept.len().saturating_sub(KEPT);
            kept.drain(..surplus);
            drop(kept);
            let mut shown = self.last.lock();
            shown.extend(last.iter().rev().take(SHOWN).rev().map(|row| String::from_utf8_lossy(row).into_owned()));
            let surplus = shown.len().saturating_sub(SHOWN);
            shown.drain(..surplus);
        }
        consumer.close();
        Ok(())
    }
}
