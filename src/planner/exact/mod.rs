//! Numbers and instants stay exact: nothing wraps around, and what is compared or put together is so as what it is, not as a type that loses some of it.
//! - `exponents`: `1.5e3` written out, in the syntax tree
//! - `literals`: the rule of the analyzer
//! - `operands`, `union`: what must have one type; `common_type`: what becomes of it
//! - `outer`: columns of the queries around a subquery
//! - `doubles`: a DOUBLE beside DECIMALs
//! - `quoted`, `number_text`: a number beside a text
//! - `instants`: dates and texts beside instants, and the type `TIMESTAMP`
//! - `division`: where a literal with a point is a DOUBLE
//! - `rounding`: the places of `round`
//! - `arithmetic`: results that don't fit are errors

mod arithmetic;
mod common_type;
mod division;
mod doubles;
mod exponents;
mod instants;
mod literals;
mod number_text;
mod operands;
mod outer;
mod quoted;
mod rounding;
mod union;

pub(in crate::planner) use arithmetic::checked;
pub(in crate::planner) use exponents::Exponents;
pub(in crate::planner) use instants::InstantType;
pub(in crate::planner) use literals::{ExactLiterals, expression};
