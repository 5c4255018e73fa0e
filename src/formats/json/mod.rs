//! JSON: one object a line, or a document (an array, an object over many lines, or objects one after another).
//! - `scan`: strings, literals, and values that are skipped
//! - `decode`: objects to columns
//! - `nesting`, `split`: where records end
//! - `input`: both as a text format
//! - `messages`: values of messages
//! - `encode`: batches to lines
//! - `infer`: columns of a sample

mod decode;
mod encode;
mod infer;
mod input;
mod messages;
mod nesting;
mod scan;
mod split;
#[cfg(test)]
mod tests;

pub use encode::JsonEncoder;
pub(in crate::formats) use encode::texts;
pub use infer::infer_schema;
pub use input::{JsonInput, JsonReadOptions};
pub use messages::{JsonMessageDecoder, without_registry_prefix};
