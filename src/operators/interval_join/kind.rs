//! SQL's join types in terms of the two sides.

use datafusion::common::JoinType;

/// A side of the join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinSide {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

impl JoinSide {
    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// What comes out of the rows of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Emits {
    /// The row itself, when it finds its first partner.
    pub at_first_match: bool,
    /// The row, when it is closed without a partner.
    pub when_unmatched: bool,
}

impl Emits {
    /// Whether it must be remembered which rows have had partners.
    pub(super) fn remembers(self) -> bool {
        self.at_first_match || self.when_unmatched
    }
}

/// Whether pairs come out.
pub(super) fn emits_pairs(join: JoinType) -> bool {
    matches!(join, JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full)
}

/// Whether a column says if there was a partner.
pub(super) fn emits_mark(join: JoinType) -> bool {
    matches!(join, JoinType::LeftMark | JoinType::RightMark)
}

/// What comes out of the rows of a side by themselves.
pub(super) fn emits(join: JoinType, side: JoinSide) -> Emits {
    let (at_first_match, when_unmatched) = match (join, side) {
        (JoinType::Left | JoinType::Full | JoinType::LeftAnti, JoinSide::Left) | (JoinType::Right | JoinType::Full | JoinType::RightAnti, JoinSide::Right) => {
            (false, true)
        }
        (JoinType::LeftSemi, JoinSide::Left) | (JoinType::RightSemi, JoinSide::Right) => (true, false),
        (JoinType::LeftMark, JoinSide::Left) | (JoinType::RightMark, JoinSide::Right) => (true, true),
        _ => (false, false),
    };
    Emits { at_first_match, when_unmatched }
}
