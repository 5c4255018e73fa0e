//! The leaf of every plan. The driver puts rows into a [`Slot`]; [`SourceExec`] yields them when the plan is executed.
//! - `slot`: the place rows are put into
//! - `exec`: the plan node

mod exec;
mod slot;

pub use exec::SourceExec;
pub use slot::{Slot, SlotInput};
