//! The time of a source: how far the event times of its partitions have come, and when it moves without rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, Int32Array, StringViewArray, TimestampMicrosecondArray};

use crate::clock::system_nanos;
use crate::operators::event_time::{Mark, SourceTime};
use crate::stream::{Health, SourcePartition, WatermarkSettings};

/// Times further ahead of this machine's clock move no watermark: one bad row would close everything that is open.
const MOST_AHEAD: i64 = 3_600_000_000;

/// The partitions that rows come from.
#[derive(Clone, Debug)]
pub(super) struct RowPartitions {
    pub topics: StringViewArray,
    pub numbers: Int32Array,
}

impl RowPartitions {
    fn same(&self, one: usize, other: usize) -> bool {
        self.numbers.value(one) == self.numbers.value(other) && self.topics.value(one) == self.topics.value(other)
    }

    fn of(&self, row: usize) -> SourcePartition {
        (Arc::from(self.topics.value(row)), self.numbers.value(row))
    }
}

/// The watermark of a source: the least of its partitions' latest times, less what they may be out of order. Silent partitions are left out.
#[derive(Debug)]
pub(super) struct SourceClock {
    time: Arc<SourceTime>,
    settings: WatermarkSettings,
    partitions: BTreeMap<SourcePartition, Partition>,
    /// Tells which partitions there are.
    health: Arc<Health>,
    expected: Arc<[SourcePartition]>,
    began: Instant,
    ended: bool,
    /// Begins lines of the log: `job 'x', source 'y'`.
    place: String,
    /// When the time moved last, and whether it was told that it stands.
    moved: Instant,
    told: bool,
}

/// How far a source's time has come, and the latest time of each of its partitions.
pub(super) type ClockState = (Option<i64>, Vec<(String, i32, Option<i64>)>);

#[derive(Clone, Copy, Debug)]
struct Partition {
    latest: Option<i64>,
    seen: Instant,
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl SourceClock {
    pub(super) fn new(time: Arc<SourceTime>, settings: WatermarkSettings, health: Arc<Health>, place: String, now: Instant) -> Self {
        let (partitions, expected) = (BTreeMap::new(), Arc::new([]));
        Self { time, settings, partitions, health, expected, began: now, ended: false, place, moved: now, told: false }
    }

    /// Takes note of rows, each of a partition; without partitions the source is one.
    pub(super) fn see(&mut self, times: &TimestampMicrosecondArray, partitions: Option<&RowPartitions>, now: Instant) {
        let most = (system_nanos() / 1_000).saturating_add(MOST_AHEAD);
        let usable = |row: usize| times.is_valid(row) && times.value(row) <= most;
        match partitions {
            None => {
                let latest = match times.null_count() {
                    0 => times.values().iter().copied().filter(|time| *time <= most).max(),
                    _ => (0..times.len()).filter(|row| usable(*row)).map(|row| times.value(row)).max(),
                };
                self.saw((Arc::from(""), 0), latest, now);
            }
            Some(partitions) => {
                let mut row = 0;
                while row < times.len() {
                    // Messages of a partition come together.
                    let first = row;
                    let mut latest = None;
                    while row < times.len() && partitions.same(first, row) {
                        latest = latest.max(usable(row).then(|| times.value(row)));
                        row += 1;
                    }
                    self.saw(partitions.of(first), latest, now);
                }
            }
        }
    }

    fn saw(&mut self, partition: SourcePartition, latest: Option<i64>, now: Instant) {
        let known = self.partitions.entry(partition).or_insert(Partition { latest: None, seen: now });
        *known = Partition { latest: known.latest.max(latest), seen: now };
    }

    /// The partitions that there are: those that have had no row hold the time back until they have been silent for too long.
    fn expect(&mut self, now: Instant) {
        let expected = self.health.partitions();
        if expected.is_empty() || Arc::ptr_eq(&expected, &self.expected) {
            return;
        }
        // Those that another process has taken over are its concern.
        self.partitions.retain(|known, _| expected.contains(known));
        for partition in expected.iter() {
            self.partitions.entry(partition.clone()).or_insert(Partition { latest: None, seen: now });
        }
        self.expected = expected;
    }

    /// How far it has come, and the latest time of each partition, for a record.
    pub(super) fn state(&self) -> ClockState {
        let time = Some(self.time.mark().time).filter(|time| *time != Mark::BEGINNING);
        (time, self.partitions.iter().map(|((topic, number), partition)| (topic.to_string(), *number, partition.latest)).collect())
    }

    /// Goes on where an earlier run has stopped.
    pub(super) fn resume(&mut self, time: Option<i64>, partitions: &[(String, i32, Option<i64>)]) {
        let now = Instant::now();
        for (topic, number, latest) in partitions {
            self.partitions.insert((Arc::from(topic.as_str()), *number), Partition { latest: *latest, seen: now });
        }
        if let Some(time) = time {
            self.time.advance(Mark { time, idle: false });
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Where the source's time is.
    pub(super) fn time(&self) -> Mark {
        self.time.mark()
    }

    /// Moves the source's time to what is known now. Returns whether it has moved.
    pub(super) fn advance(&mut self, now: Instant) -> bool {
        self.expect(now);
        let moves = self.time.advance(self.mark(now));
        if moves {
            (self.moved, self.told) = (now, false);
        } else if !self.told
            && let Some(standing) = self.standing(now)
        {
            self.told = true;
            crate::telemetry::warning(&standing);
        }
        moves
    }

    /// Which partition holds the time, if that has stood for longer than silence would have let it.
    fn standing(&self, now: Instant) -> Option<String> {
        let (timeout, stood) = (self.settings.idle_timeout, now.saturating_duration_since(self.moved));
        if self.ended || stood < timeout {
            return None;
        }
        let awake = self.partitions.iter().filter(|(_, partition)| now.saturating_duration_since(partition.seen) < timeout);
        let ((topic, number), partition) = awake.min_by_key(|(_, partition)| partition.latest)?;
        let who = if topic.is_empty() { "its rows are".to_owned() } else { format!("rows of partition {number} of topic '{topic}' are") };
        let instant = |micros: i64| chrono::DateTime::from_timestamp_micros(micros).map(|time| time.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string());
        let latest = partition.latest.and_then(instant).map_or("without a time".to_owned(), |latest| format!("no later than {latest}"));
        Some(format!("{}: its event time has not moved for {} s: {who} {latest}", self.place, stood.as_secs()))
    }

    fn mark(&self, now: Instant) -> Mark {
        if self.ended {
            return Mark { time: Mark::END, idle: false };
        }
        let is_silent = |since: Instant| now.saturating_duration_since(since) >= self.settings.idle_timeout;
        let behind = micros(self.settings.max_out_of_orderness).saturating_add(micros(self.settings.allowed_lateness));
        let of = |latest: Option<i64>| latest.map_or(Mark::BEGINNING, |latest| latest.saturating_sub(behind));
        let awake: Vec<&Partition> = self.partitions.values().filter(|partition| !is_silent(partition.seen)).collect();
        match awake.iter().map(|partition| of(partition.latest)).min() {
            Some(time) => Mark { time, idle: false },
            // All are silent: the latest of what they have had stands.
            None => {
                let latest = self.partitions.values().filter_map(|partition| partition.latest).max();
                Mark { time: of(latest), idle: is_silent(self.began) }
            }
        }
    }

    /// When a partition will have been silent for too long, if it goes on.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let timeout = self.settings.idle_timeout;
        let due = self.partitions.values().map(|partition| partition.seen).chain(self.partitions.is_empty().then_some(self.began));
        due.filter_map(|since| since.checked_add(timeout)).filter(|due| *due > now).min()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn clock() -> (SourceClock, Arc<SourceTime>, Instant) {
        let (time, now) = (Arc::new(SourceTime::default()), Instant::now());
        (SourceClock::new(Arc::clone(&time), WatermarkSettings::default(), Arc::default(), "job 'x', source 'y'".to_owned(), now), time, now)
    }

    fn times(seconds: &[i64]) -> TimestampMicrosecondArray {
        seconds.iter().map(|second| Some(second * SECOND)).collect()
    }

    fn partitions(numbers: &[i32]) -> RowPartitions {
        RowPartitions { topics: numbers.iter().map(|_| Some("t")).collect(), numbers: numbers.to_vec().into() }
    }

    #[test]
    fn the_slowest_partition_counts_until_it_is_silent() {
        let (mut clock, time, now) = clock();
        clock.health.set_partitions([0, 1].map(|number| (Arc::from("t"), number)).into_iter());
        assert!(!clock.advance(now));
        clock.see(&times(&[100, 90, 110]), Some(&partitions(&[0, 0, 0])), now);
        assert!(!clock.advance(now), "partition 1 has had no row");
        clock.see(&times(&[50]), Some(&partitions(&[1])), now);
        assert!(clock.advance(now));
        assert_eq!(time.mark(), Mark { time: 45 * SECOND, idle: false });
        let later = now + Duration::from_secs(20);
        clock.see(&times(&[130]), Some(&partitions(&[0])), later);
        assert!(!clock.advance(later));
        assert_eq!(clock.next_due(later), Some(now + Duration::from_secs(30)));
        let silent = now + Duration::from_secs(31);
        assert!(clock.advance(silent));
        assert_eq!(time.mark(), Mark { time: 125 * SECOND, idle: false });
        assert!(clock.advance(now + Duration::from_secs(60)));
        assert!(time.mark().idle, "both are silent");
        clock.see(&times(&[126]), Some(&partitions(&[1])), now + Duration::from_secs(61));
        clock.advance(now + Duration::from_secs(61));
        assert_eq!(time.mark(), Mark { time: 125 * SECOND, idle: false }, "it never goes back");
    }

    #[test]
    fn a_row_of_the_far_future_moves_nothing() {
        let (mut clock, time, now) = clock();
        let far = system_nanos() / 1000 / SECOND + 7200;
        clock.see(&times(&[far, 100]), None, now);
        clock.advance(now);
        assert_eq!(time.mark().time, 95 * SECOND);
        clock.end();
        assert!(clock.advance(now));
        assert_eq!(time.mark().time, Mark::END);
    }

    #[test]
    fn a_partition_that_holds_the_time_is_named() {
        let (mut clock, _, now) = clock();
        clock.health.set_partitions([0, 1].map(|number| (Arc::from("t"), number)).into_iter());
        clock.see(&times(&[100, 50]), Some(&partitions(&[0, 1])), now);
        assert!(clock.advance(now));
        let later = now + Duration::from_secs(31);
        clock.see(&times(&[140, 49]), Some(&partitions(&[0, 1])), later);
        assert!(clock.standing(later).unwrap().starts_with(
            "job 'x', source 'y': its event time has not moved for 31 s: rows of partition 1 of topic 't' are no later than 1970-01-01T00:00:50Z"
        ));
        assert!(!clock.advance(later) && clock.told);
        clock.see(&times(&[60]), Some(&partitions(&[1])), later);
        assert!(clock.advance(later) && !clock.told && clock.standing(later).is_none());
    }

    #[test]
    fn silence_from_the_start_is_silence() {
        let (mut clock, time, now) = clock();
        assert!(!clock.advance(now));
        let due = clock.next_due(now).unwrap();
        assert!(clock.advance(due) && time.mark().idle);
        assert_eq!(clock.next_due(due), None);
    }
}
