//! `LIMIT n` counted over all epochs.

mod exec;

pub use exec::{LimitState, StreamLimitExec};
