//! The demo: orders that keep coming, joined with customers and products, into three outputs; everything in a folder of its own.
//! - `generate`: the inputs
//! - `live`: the job, and what is told of it

mod generate;
mod live;

pub(super) use live::demo;
