//! The SQL join types in terms of stream and table.

use datafusion::common::JoinType;

/// What a lookup join emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupKind {
    /// Matching pairs.
    Inner,
    /// Pairs, and stream rows without partner.
    KeepStream,
    /// Pairs, and at the end table rows without partner.
    KeepTable,
    /// Both.
    KeepBoth,
    /// Stream rows with a partner, once.
    StreamSemi,
    /// Stream rows without partner.
    StreamAnti,
    /// Stream rows with a column that says whether they have a partner.
    StreamMark,
    /// Table rows, when their first partner comes.
    TableSemi,
    /// Table rows without partner, at the end.
    TableAnti,
    /// Table rows with a column that says whether they had a partner, at the end.
    TableMark,
}

impl LookupKind {
    /// The kind for an SQL join whose left (or right) side is the stream.
    pub fn from_join(join: JoinType, stream_is_left: bool) -> Self {
        match (join, stream_is_left) {
            (JoinType::Inner, _) => Self::Inner,
            (JoinType::Left, true) | (JoinType::Right, false) => Self::KeepStream,
            (JoinType::Left, false) | (JoinType::Right, true) => Self::KeepTable,
            (JoinType::Full, _) => Self::KeepBoth,
            (JoinType::LeftSemi, true) | (JoinType::RightSemi, false) => Self::StreamSemi,
            (JoinType::LeftSemi, false) | (JoinType::RightSemi, true) => Self::TableSemi,
            (JoinType::LeftAnti, true) | (JoinType::RightAnti, false) => Self::StreamAnti,
            (JoinType::LeftAnti, false) | (JoinType::RightAnti, true) => Self::TableAnti,
            (JoinType::LeftMark, true) | (JoinType::RightMark, false) => Self::StreamMark,
            (JoinType::LeftMark, false) | (JoinType::RightMark, true) => Self::TableMark,
        }
    }

    /// Whether it must remember which table rows have matched.
    pub fn remembers_matches(self) -> bool {
        matches!(self, Self::KeepTable | Self::KeepBoth | Self::TableSemi | Self::TableAnti | Self::TableMark)
    }

    /// Whether pairs are emitted, with the columns of both sides.
    pub fn emits_pairs(self) -> bool {
        matches!(self, Self::Inner | Self::KeepStream | Self::KeepTable | Self::KeepBoth)
    }

    /// Whether stream rows without partner are emitted with NULLs.
    pub fn keeps_stream(self) -> bool {
        matches!(self, Self::KeepStream | Self::KeepBoth)
    }

    /// Whether something is emitted when the stream ends.
    pub fn emits_at_end(self) -> bool {
        matches!(self, Self::KeepTable | Self::KeepBoth | Self::TableAnti | Self::TableMark)
    }

    /// The join's name as SQL has it, with the stream on its left or on its right.
    pub fn sql_name(self, stream_is_left: bool) -> &'static str {
        match (self, stream_is_left) {
            (Self::Inner, _) => "INNER",
            (Self::KeepStream, true) | (Self::KeepTable, false) => "LEFT",
            (Self::KeepStream, false) | (Self::KeepTable, true) => "RIGHT",
            (Self::KeepBoth, _) => "FULL",
            (Self::StreamSemi | Self::TableSemi, _) => "SEMI",
            (Self::StreamAnti | Self::TableAnti, _) => "ANTI",
            (Self::StreamMark | Self::TableMark, _) => "MARK",
        }
    }

    /// Phrase for plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inner => "inner",
            Self::KeepStream => "keep stream rows",
            Self::KeepTable => "keep table rows",
            Self::KeepBoth => "keep both",
            Self::StreamSemi => "stream rows with a match",
            Self::StreamAnti => "stream rows without a match",
            Self::StreamMark => "mark stream rows",
            Self::TableSemi => "table rows with a match",
            Self::TableAnti => "table rows without a match",
            Self::TableMark => "mark table rows",
        }
    }
}
