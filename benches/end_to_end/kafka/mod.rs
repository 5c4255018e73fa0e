//! Kafka in and out.

mod broker;
mod copy;
mod latency;
mod load;
mod peers;
mod throughput;

pub(crate) use broker::run_mock;
pub(crate) use copy::run as run_copy;
