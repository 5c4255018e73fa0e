//! The operators of our own, from the leaf to the root. All may be executed again for every epoch; what they remember lives behind shared handles, never in the plan node.
//! - `source_slot`: the leaf that yields the rows put into its slot
//! - `guard`: filter and projection that survive a row whose expression fails
//! - `lookup_join`: a stream joined with a table that is held in memory
//! - `event_time`: how far time has come, and what is due then
//! - `interval_join`: two streams joined by key and by time
//! - `window_aggregate`: rows grouped by a window of time
//! - `update_aggregate`: rows grouped without a window, whose groups are never over
//! - `over`: functions over the rows of keys
//! - `session_aggregate`: rows grouped by sessions of time
//! - `figures`: what an operator with state tells of itself
//! - `kept`: what such an operator keeps between epochs
//! - `keys`: the numbers of the keys that such operators keep rows for
//! - `changes`: what that has changed by, as tables that can be stored
//! - `limit`: `LIMIT n` counted over all epochs
//! - `once`: a branch without a stream, emitted in the first epoch only
//! - `accounted`: counts what an operator of DataFusion keeps without asking
//! - `spilling_sort`: a sort within a limit of memory
//! - `counted_lists`: `array_agg` that counts its texts
//! - `plan_node`: what their plan nodes share
//! - `slice_bytes`: how large rows are
//! - `fan_out`: the root, which hands every batch to the sinks

pub mod accounted;
mod changes;
pub mod counted_lists;
pub mod event_time;
pub mod fan_out;
mod figures;
pub mod guard;
pub mod interval_join;
mod kept;
mod keys;
pub mod limit;
pub mod lookup_join;
pub mod once;
pub mod over;
mod plan_node;
pub mod session_aggregate;
pub(crate) mod slice_bytes;
pub mod source_slot;
pub mod spilling_sort;
pub mod update_aggregate;
pub mod window_aggregate;

pub use changes::{Changes, Saved};
pub use figures::OperatorFigures;
