//! What to do when a record or a sink fails.

use std::time::Duration;

use crate::options::OptionValue;

/// The strategy a user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureStrategy {
    /// Log it, count it, go on without it.
    LogAndContinue,
    /// Nothing of the batch reaches any sink and the job fails.
    FailBatch,
    /// Try again with growing waits; what cannot succeed by trying again fails the job.
    RetryWithBackoff,
}

impl OptionValue for FailureStrategy {
    const TYPE: &'static str = "failure strategy";
    const NAMES: &'static [&'static str] = &["LogAndContinue", "FailBatch", "RetryWithBackoff"];

    fn parse(text: &str) -> Result<Self, String> {
        let plain: String = text.trim().chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
        match plain.as_str() {
            "logandcontinue" => Ok(Self::LogAndContinue),
            "failbatch" => Ok(Self::FailBatch),
            "retrywithbackoff" => Ok(Self::RetryWithBackoff),
            _ => Err("expected LogAndContinue, FailBatch or RetryWithBackoff".to_owned()),
        }
    }
}

/// A strategy with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailurePolicy {
    /// What to do.
    pub strategy: FailureStrategy,
    /// Tries after the first one.
    pub max_retries: usize,
    /// First wait; each further one is twice as long.
    pub retry_backoff: Duration,
}

impl FailurePolicy {
    /// How long to wait before try `retry` (from 0), or `None` when no try is left or the strategy does not retry.
    pub fn wait_before(&self, retry: usize) -> Option<Duration> {
        let tries = match self.strategy {
            FailureStrategy::RetryWithBackoff => self.max_retries,
            FailureStrategy::LogAndContinue | FailureStrategy::FailBatch => 0,
        };
        (retry < tries).then(|| self.retry_backoff.saturating_mul(1u32.checked_shl(u32::try_from(retry).unwrap_or(u32::MAX)).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_until_the_tries_are_used_up() {
        let policy = FailurePolicy { strategy: FailureStrategy::RetryWithBackoff, max_retries: 3, retry_backoff: Duration::from_secs(2) };
        let waits: Vec<_> = (0..5).map(|retry| policy.wait_before(retry).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(2), Some(4), Some(8), None, None]);
    }

    #[test]
    fn strategies_are_read_in_both_spellings() {
        assert_eq!(FailureStrategy::parse("retry_with_backoff"), Ok(FailureStrategy::RetryWithBackoff));
        assert_eq!(FailureStrategy::parse("LogAndContinue"), Ok(FailureStrategy::LogAndContinue));
        assert!(FailureStrategy::parse("retry").is_err());
    }
}
