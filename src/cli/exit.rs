//! How the process ends.

use std::process::ExitCode;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Bounded inputs were exhausted, a limit was reached, or a clean stop after a signal: 0.
    Done,
    /// A job failed: 1.
    Failed,
    /// The SQL or the configuration is wrong and nothing was started: 2.
    Refused,
    /// The second signal: 130.
    Interrupted,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Done => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Refused => 2,
            ExitStatus::Interrupted => 130,
        })
    }
}
