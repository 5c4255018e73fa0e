//! The demo: orders that keep coming into an embedded Kafka, joined with customers and products, into a topic and two outputs in a folder of its own.
//! - `generate`: the inputs
//! - `live`: the job, and what is told of it
//! - `reader`: another program that reads the output topic

mod generate;
mod live;
mod reader;

pub(super) use live::demo;
