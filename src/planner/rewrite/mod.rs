//! The forms that a stream needs operators of our own for. Works on the final optimised logical plan, in stream mode only; batch mode runs that plan as it is.
//! - `bounded`: which parts of a plan read sources, and whether they may never end
//! - `stream`: one pass from the root along the stream path
//! - `refusal`: what is refused, and what to write instead

mod bounded;
mod refusal;
mod stream;

pub(super) use stream::rewrite;
