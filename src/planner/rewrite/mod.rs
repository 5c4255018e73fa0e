//! The forms that a stream needs operators of our own for. Works on the final optimised logical plan, in stream mode only; batch mode runs that plan as it is.
//! - `bounded`: which parts of a plan read sources, and whether they may never end
//! - `stream`: one pass from the root along the stream path
//! - `over`: when the rows of `OVER (…)` come out
//! - `times`: which columns hold event times, and how far these have come
//! - `instants`: expressions that differ from an instant by a constant
//! - `time_bounds`: what a join says about the times of its sides
//! - `updates`: groups without a window, at the root
//! - `refusal`: what is refused, and what to write instead

mod bounded;
mod instants;
mod over;
mod refusal;
mod stream;
mod time_bounds;
mod times;
mod updates;

pub(super) use stream::{Rewrite, Rewritten, StateSettings, rewrite};
pub(super) use times::SourceTimes;
