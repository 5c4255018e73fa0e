//! Numbers stay exact: nothing wraps around, and a literal with a point is a DECIMAL among DECIMALs and whole numbers.
//! - `literals`: where a literal is a DOUBLE after all
//! - `arithmetic`: results that don't fit are errors

mod arithmetic;
mod literals;

pub(in crate::planner) use arithmetic::checked;
pub(in crate::planner) use literals::ExactLiterals;
