//! The batching of each source from the job's keys and its own.

use std::time::Duration;

use super::job_options::{JobOptions, SourceShared};
use crate::options::{EffectiveSetting, Origin};
use crate::stream::{BatchSettings, BatchStrategy};

/// Rows of a batch where nothing else is said: large enough that the cost per batch vanishes, small enough for a processor's cache.
const DEFAULT_ROWS: usize = 8192;
const LOW_LATENCY_ROWS: usize = 100;
const LOW_LATENCY_WAIT: Duration = Duration::from_millis(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a batch where nothing else is said.
const DEFAULT_BYTES: usize = 64 << 20;

/// The settings of one source. `default_timeout` is what the environment asks for.
pub(super) fn settings(job: &JobOptions, source: &SourceShared, default_timeout: Option<Duration>) -> BatchSettings {
    let chosen = source.batch_strategy.or(job.batch_strategy);
    let strategy = chosen.unwrap_or(BatchStrategy::FixedSize);
    let own_rows = source.batch_size.or(job.batch_size);
    let max_rows = match strategy {
        BatchStrategy::LowLatency => own_rows.or(job.low_latency_max_size).unwrap_or(LOW_LATENCY_ROWS),
        BatchStrategy::AdaptiveSize => source.batch_size.or(job.adaptive_max_size).or(own_rows).unwrap_or(DEFAULT_ROWS),
        BatchStrategy::MemoryBased => own_rows.unwrap_or(usize::MAX),
        BatchStrategy::FixedSize => own_rows.or(job.adaptive_max_size).unwrap_or(DEFAULT_ROWS),
    };
    let max_rows = if job.batch_enable { max_rows.max(1) } else { 1 };
    let own_wait = source.batch_timeout.map(|timeout| timeout.0);
    let job_wait = job.batch_timeout.map(|timeout| timeout.0);
    let timeout = match strategy {
        BatchStrategy::LowLatency => own_wait.or(job.low_latency_wait.map(|wait| wait.0)).or(job_wait).unwrap_or(LOW_LATENCY_WAIT),
        _ => own_wait.or(job_wait).or(default_timeout).unwrap_or(DEFAULT_TIMEOUT),
    };
    let megabytes = job.memory_limit_mb.map(|mb| mb.saturating_mul(1 << 20));
    let bytes = job.memory_size.map(|size| usize::try_from(size.0).unwrap_or(usize::MAX));
    let max_bytes = megabytes.into_iter().chain(bytes).min().unwrap_or(DEFAULT_BYTES).max(1);
    // A user who asked for no batches at all wants neither to wait for them; the environment's default is no wish for this job.
    let asked = chosen.is_some() || own_rows.is_some() || own_wait.is_some() || job_wait.is_some();
    BatchSettings {
        strategy,
        max_rows,
        min_rows: job.batch_min_size.clamp(1, max_rows),
        max_bytes,
        target_latency: job.target_latency.0,
        timeout,
        eager: job.eager_processing.unwrap_or(!asked || !job.batch_enable),
    }
}

/// The settings with a limit of the source's own: what waits together is not to pass what is taken at once.
pub(super) fn limited(settings: BatchSettings, most: Option<usize>) -> BatchSettings {
    let max_rows = settings.max_rows.min(most.unwrap_or(usize::MAX)).max(1);
    BatchSettings { max_rows, min_rows: settings.min_rows.min(max_rows), ..settings }
}

const ADAPTIVE: &[BatchStrategy] = &[BatchStrategy::AdaptiveSize];
const BYTES: &[BatchStrategy] = &[BatchStrategy::MemoryBased, BatchStrategy::AdaptiveSize];
const LOW_LATENCY: &[BatchStrategy] = &[BatchStrategy::LowLatency];

/// The strategies that a key of the job is for; the keys that are not listed are for all.
const MEANT_FOR: [(&str, &[BatchStrategy]); 7] = [
    ("batch.adaptive_max_size", &[BatchStrategy::AdaptiveSize, BatchStrategy::FixedSize]),
    ("batch.min_size", ADAPTIVE),
    ("batch.target_latency", ADAPTIVE),
    ("batch.memory_limit_mb", BYTES),
    ("batch.memory_size", BYTES),
    ("batch.low_latency_max_size", LOW_LATENCY),
    ("batch.low_latency_wait", LOW_LATENCY),
];

/// Warnings about keys of batching that somebody set and that change nothing. `sources` are the strategies of the sources that are read from outside.
pub(super) fn without_effect(job: &JobOptions, set: &[EffectiveSetting], sources: &[BatchStrategy]) -> Vec<String> {
    let mut warnings = Vec::new();
    let written = |key: &str| {
        set.iter().find(|setting| setting.key == key && matches!(setting.origin, Origin::Inline { .. } | Origin::Yaml { .. } | Origin::CommandLine))
    };
    if !job.batch_enable {
        let idle = MEANT_FOR.iter().map(|(key, _)| *key).chain(["batch.strategy", "batch.size", "batch.timeout"]).filter(|key| written(key).is_some());
        warnings.extend(idle.map(|key| format!("'{key}' has no effect, since 'batch.enable' is false")));
        return warnings;
    }
    for (key, strategies) in MEANT_FOR {
        if written(key).is_some() && !sources.is_empty() && !sources.iter().any(|strategy| strategies.contains(strategy)) {
            let names: Vec<&str> = strategies.iter().map(|strategy| strategy.as_str()).collect();
            warnings.push(format!("'{key}' has no effect without 'batch.strategy' = '{}'", names.join("' or '")));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::KeyMap;

    fn bound(job: &[(&str, &str)], source: &[(&str, &str)], default_timeout: Option<Duration>) -> (BatchSettings, Vec<String>) {
        let (mut job, mut source) = (KeyMap::of("", job), KeyMap::of("", source));
        let options = JobOptions::from_keys(&mut job, &mut Vec::new()).expect("right");
        let shared = SourceShared::from_keys(&mut source, &mut Vec::new()).expect("right");
        let settings = settings(&options, &shared, default_timeout);
        (settings, without_effect(&options, job.effective(), &[settings.strategy]))
    }

    #[test]
    fn what_a_source_says_counts_more_than_what_its_job_says() {
        let job = [("batch.strategy", "adaptive_size"), ("batch.adaptive_max_size", "5000"), ("batch.low_latency_wait", "7ms")];
        assert_eq!(bound(&job, &[("batch.size", "10")], None).0.max_rows, 10);
        assert_eq!(bound(&job, &[], None).0.max_rows, 5000);
        let low = bound(&job, &[("batch.strategy", "low_latency"), ("batch.timeout", "3ms")], None).0;
        assert_eq!((low.strategy, low.timeout), (BatchStrategy::LowLatency, Duration::from_millis(3)));
        assert_eq!(bound(&job, &[("batch.strategy", "low_latency")], None).0.timeout, Duration::from_millis(7));
    }

    #[test]
    fn the_environments_timeout_makes_nobody_wait_who_did_not_ask_for_batches() {
        let wait = Some(Duration::from_secs(60));
        assert!(bound(&[], &[], wait).0.eager);
        let asked = bound(&[("batch.size", "10")], &[], wait).0;
        assert_eq!((asked.eager, asked.timeout), (false, Duration::from_secs(60)));
        let low = bound(&[("batch.strategy", "low_latency")], &[], wait).0;
        assert_eq!(low.timeout, LOW_LATENCY_WAIT);
    }

    #[test]
    fn a_limit_of_the_source_counts_with_every_strategy() {
        let most = |job: &[(&str, &str)], most: usize| {
            let limited = limited(bound(job, &[], None).0, Some(most));
            (limited.min_rows, limited.max_rows)
        };
        assert_eq!(most(&[], 7), (1, 7));
        assert_eq!(most(&[("batch.strategy", "memory_based")], 7), (1, 7));
        assert_eq!(most(&[("batch.strategy", "adaptive_size"), ("batch.min_size", "10")], 7), (7, 7));
        assert_eq!(most(&[("batch.size", "5")], 7), (1, 5));
    }

    #[test]
    fn keys_of_another_strategy_are_told() {
        let told = |keys: &[(&str, &str)]| bound(keys, &[], None).1;
        assert_eq!(told(&[("batch.target_latency", "1s")]), ["'batch.target_latency' has no effect without 'batch.strategy' = 'adaptive_size'"]);
        assert_eq!(told(&[("batch.strategy", "memory_based"), ("batch.memory_size", "1MB"), ("batch.size", "9")]), Vec::<String>::new());
        assert_eq!(
            told(&[("batch.strategy", "low_latency"), ("batch.max_size", "9")]),
            ["'batch.adaptive_max_size' has no effect without 'batch.strategy' = 'adaptive_size' or 'fixed_size'"]
        );
        assert_eq!(told(&[("batch.enable", "false"), ("batch.size", "9")]), ["'batch.size' has no effect, since 'batch.enable' is false"]);
    }
}
