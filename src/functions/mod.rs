//! SQL functions that DataFusion lacks, or has with another meaning.
//! - `clock`: `now()` and its kin read the job's [`crate::clock::EpochClock`]
//! - `byte_length`: bytes of a text or binary value
//! - `bounded`: those whose results may be of any size
//! - `date_trunc`: for all instants, not only those that nanoseconds reach
//! - `windows`: windows of time
//! - `sum`: sums of whole numbers that never wrap around

mod bounded;
mod byte_length;
mod clock;
mod date_trunc;
mod sum;
mod windows;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use crate::clock::EpochClock;

pub use bounded::bounded;
pub use windows::{SESSION_FUNCTIONS, session_gap};

/// All functions of our own; those with the name of a built-in one replace it.
pub fn all(clock: &Arc<EpochClock>) -> Vec<ScalarUDF> {
    let mut functions = clock::functions(clock);
    functions.push(ScalarUDF::from(byte_length::ByteLength::new()));
    functions.push(ScalarUDF::from(date_trunc::DateTrunc::new()));
    functions.extend(windows::functions());
    functions
}

/// All aggregate functions of our own.
pub fn aggregates() -> Vec<AggregateUDF> {
    vec![AggregateUDF::from(sum::ExactSum::new())]
}
