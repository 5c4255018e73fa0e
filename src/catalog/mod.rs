//! Names of a statement to DataFusion's tables.
//! - `source_table`: a source as a table
//! - `hidden_columns`: columns that can be named but that no wildcard sees

mod hidden_columns;
mod source_table;

pub use hidden_columns::HiddenColumn;
pub use source_table::{ReadAs, SourceTable};
