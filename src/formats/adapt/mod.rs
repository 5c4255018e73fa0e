//! The columns of a file as the columns of a table. In reading order:
//! - `plan`: which conversions between two types can be exact
//! - `convert`: columns converted value by value, with the values that do not fit
//! - `adapter`: whole batches; rows with such values are rejected, never changed

mod adapter;
mod convert;
mod plan;
#[cfg(test)]
mod tests;

pub use adapter::{Adapted, Adapter, RejectedRow, Rejects};
