//! What Parquet and Avro share. In reading order:
//! - `contract`: reading and writing files that are complete only when closed
//! - `house_types`: the few types that the engine works with
//! - `adapter`: a file's columns as the table's

mod adapter;
mod contract;
mod house_types;

pub use adapter::Adapter;
pub use contract::{ColumnarBatch, ColumnarFormat, ColumnarInput, ColumnarReader, ColumnarRequest, ColumnarWriter};
pub use house_types::{house_schema, house_type};
