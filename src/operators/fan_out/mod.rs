//! The root, which hands every batch to the sinks.

mod exec;

pub use exec::{FanOutExec, Outputs};
