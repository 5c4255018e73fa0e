//! Text to values and back, exactly: shared by JSON and CSV. Nothing goes through floating point but floating-point columns, and what does not fit is refused, never changed.
//! - `number`: integers, decimals, floating point
//! - `instant`: dates, times, timestamps
//! - `column`: columns under construction, which can be cut back to a row's start
//! - `distinct`: whether the keys of a map occur once each
//! - `items`: the ends of lists and maps
//! - `fault`: what is wrong with a record, and in which field
//! - `write`: values as text

mod column;
mod distinct;
mod fault;
mod instant;
mod items;
mod number;
mod write;

pub(in crate::formats) use column::{Column, Data, Misfit, check_columns, parse_value};
pub(in crate::formats) use fault::{Fault, Parsed, fault};
pub(in crate::formats) use instant::{parse_date, parse_time, parse_timestamp};
pub(in crate::formats) use number::{Digits, digits, keeps_digits, parse_decimal128, parse_decimal256, parse_float, parse_integer};
pub(in crate::formats) use write::{Quoting, Scalar, write_scalar};
