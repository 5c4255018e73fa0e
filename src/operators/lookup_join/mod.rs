//! A stream joined with a table that is held in memory.
//!
//! ```text
//!   stream rows (this epoch)        table (version 7, loaded before the first row)
//!   k=1 a ────────────── hash ────> k=1 x ──> k=1 y        (chain in table order)
//!   k=2 b ────────────── hash ────> k=2 z
//!   k=3 c ────────────── hash ────> –
//!   INNER: (a,x) (a,y) (b,z)   LEFT: … (c,NULL)   rows of the table that never matched come out when the stream ends (RIGHT, FULL)
//! ```
//! - `table`: the indexed rows, immutable
//! - `handle`: the table's present version and which of its rows have matched, shared between plan and driver
//! - `probe`: pairs of row numbers for one batch
//! - `kind`: the SQL join types in terms of stream and table
//! - `joining`: the rows of one execution, piece by piece
//! - `exec`: the plan node

mod exec;
mod handle;
mod joining;
mod kind;
mod probe;
mod table;

pub use exec::{LookupJoinExec, LookupSpec, ResidualFilter, Side};
pub use handle::LookupHandle;
pub use kind::LookupKind;
pub use table::LookupTable;
