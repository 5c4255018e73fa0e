//! Which differences of time make a pair.

use super::kind::JoinSide;

/// Width of the smallest bucket: bounds of no width would make one for each instant.
const NARROWEST: i64 = 1_000_000;
/// Buckets that the bounds span: more of them keep fewer rows that nothing can reach any more, but each is looked into.
const BUCKETS: i64 = 8;

/// The right row's time less the left row's lies between the two, both included; microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeBounds {
    /// Least difference.
    pub lower: i64,
    /// Greatest difference.
    pub upper: i64,
}

impl TimeBounds {
    /// Where partners of a row of `side` lie, relative to its own time: from, to.
    pub(super) fn partners_of(self, side: JoinSide) -> (i64, i64) {
        match side {
            JoinSide::Left => (self.lower, self.upper),
            JoinSide::Right => (self.upper.saturating_neg(), self.lower.saturating_neg()),
        }
    }

    /// How long after its own time a row of `side` can find partners; negative if they all come before it.
    pub(super) fn reach_of(self, side: JoinSide) -> i64 {
        self.partners_of(side).1
    }

    /// Width of a bucket.
    pub(super) fn bucket_width(self) -> i64 {
        (self.upper.saturating_sub(self.lower) / BUCKETS).max(NARROWEST)
    }
}
