//! Whether the keys of a map occur once each.

use arrow::array::ByteView;

use super::column::{Column, Data};

/// Up to so many keys are compared with each other; more are hashed.
const FEW: usize = 16;

impl Column {
    /// The first value from `from` on that equals an earlier one of them.
    pub(in crate::formats) fn repeated_since(&self, from: usize) -> Option<usize> {
        let count = self.len() - from;
        if count <= FEW {
            return (from + 1..self.len()).find(|at| (from..*at).any(|other| self.same(*at, other)));
        }
        let hasher = ahash::RandomState::with_seed(count);
        let mut hashes: Vec<(u64, usize)> = (from..self.len()).map(|at| (self.with_bytes(at, |bytes| hasher.hash_one(bytes)), at)).collect();
        hashes.sort_unstable();
        let runs = hashes.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1);
        runs.filter_map(|run| (1..run.len()).find(|at| run[..*at].iter().any(|other| self.same(run[*at].1, other.1))).map(|at| run[at].1)).min()
    }

    fn same(&self, a: usize, b: usize) -> bool {
        self.with_bytes(a, |a| self.with_bytes(b, |b| a == b))
    }

    /// The bytes of a value that was not put with [`Column::push_text_at`].
    fn with_bytes<T>(&self, at: usize, then: impl FnOnce(&[u8]) -> T) -> T {
        let range = |offsets: &[i32]| offsets[at] as usize..offsets[at + 1] as usize;
        match &self.data {
            Data::Boolean(values) => then(&[u8::from(values.get_bit(at))]),
            Data::Int8(values) => then(&values[at].to_le_bytes()),
            Data::Int16(values) => then(&values[at].to_le_bytes()),
            Data::Int32(values) | Data::Date(values) => then(&values[at].to_le_bytes()),
            Data::Int64(values) | Data::Time(values) | Data::Instant(values, ..) => then(&values[at].to_le_bytes()),
            Data::UInt8(values) => then(&values[at].to_le_bytes()),
            Data::UInt16(values) => then(&values[at].to_le_bytes()),
            Data::UInt32(values) => then(&values[at].to_le_bytes()),
            Data::UInt64(values) => then(&values[at].to_le_bytes()),
            Data::Float32(values) => then(&values[at].to_le_bytes()),
            Data::Float64(values) => then(&values[at].to_le_bytes()),
            Data::Decimal128(values, ..) => then(&values[at].to_le_bytes()),
            Data::Decimal256(values, ..) => then(&values[at].to_le_bytes()),
            Data::Binary(offsets, values) => then(&values[range(offsets)]),
            Data::Text(text) => {
                let bytes = text.views[at].to_le_bytes();
                let view = ByteView::from(text.views[at]);
                let length = view.length as usize;
                // Short texts stand in the view itself.
                let start = view.offset as usize;
                then(if length <= 12 { &bytes[4..4 + length] } else { &text.side[start..start + length] })
            }
            // No text is read into keys of these types.
            Data::Null | Data::List(..) | Data::Struct(..) | Data::Map(..) => then(&at.to_le_bytes()),
        }
    }
}
