//! How a source's rows are cut into batches.

use std::time::Duration;

use crate::options::OptionValue;

/// When a batch is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStrategy {
    /// At a number of rows.
    FixedSize,
    /// At a number of rows that follows the time batches take.
    AdaptiveSize,
    /// At a number of bytes.
    MemoryBased,
    /// At a few rows, or after a short wait.
    LowLatency,
}

impl BatchStrategy {
    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FixedSize => "fixed_size",
            Self::AdaptiveSize => "adaptive_size",
            Self::MemoryBased => "memory_based",
            Self::LowLatency => "low_latency",
        }
    }
}

impl OptionValue for BatchStrategy {
    const TYPE: &'static str = "batch strategy";
    const NAMES: &'static [&'static str] = &["fixed_size", "adaptive_size", "memory_based", "low_latency"];

    fn parse(text: &str) -> Result<Self, String> {
        let plain: String = text.trim().chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
        match plain.as_str() {
            "fixedsize" => Ok(Self::FixedSize),
            "adaptivesize" => Ok(Self::AdaptiveSize),
            "memorybased" => Ok(Self::MemoryBased),
            "lowlatency" => Ok(Self::LowLatency),
            _ => Err("expected fixed_size, adaptive_size, memory_based or low_latency".to_owned()),
        }
    }
}

/// The batching of one source, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSettings {
    /// When a batch is complete.
    pub strategy: BatchStrategy,
    /// Most rows of a batch; with `low_latency` and `adaptive_size` their own limit.
    pub max_rows: usize,
    /// Fewest rows that `adaptive_size` aims at.
    pub min_rows: usize,
    /// Most bytes of a batch (it may pass this by one row).
    pub max_bytes: usize,
    /// The time per batch that `adaptive_size` aims at.
    pub target_latency: Duration,
    /// Longest wait since the first row of the batch.
    pub timeout: Duration,
    /// Take what is there at once instead of waiting to fill the batch.
    pub eager: bool,
}
