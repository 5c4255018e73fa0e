//! How far behind its latest row a source's time is.

use std::time::Duration;

/// What is expected of the order of a source's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarkSettings {
    /// How much earlier than the latest row of its partition a row may be.
    pub max_out_of_orderness: Duration,
    /// A partition without rows for so long is left out.
    pub idle_timeout: Duration,
    /// How much longer than that results stay open.
    pub allowed_lateness: Duration,
}

impl Default for WatermarkSettings {
    fn default() -> Self {
        Self { max_out_of_orderness: Duration::from_secs(5), idle_timeout: Duration::from_secs(30), allowed_lateness: Duration::ZERO }
    }
}
