//! Where a reader resumes.

use std::collections::BTreeMap;
use std::sync::Arc;

/// For each partition of a source (a file's path, a Kafka partition) the offset after the last record handed out. The unit of an offset is the source's own: bytes of
/// the decompressed text for text files, rows for columnar files. A partition that is missing has not been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Offset by partition.
    pub offsets: BTreeMap<Arc<str>, u64>,
}

impl Position {
    /// The position of one partition.
    pub fn of(partition: &Arc<str>, offset: u64) -> Self {
        Self { offsets: BTreeMap::from([(Arc::clone(partition), offset)]) }
    }

    /// Moves every partition that `later` moves.
    pub fn merge(&mut self, later: &Self) {
        later.offsets.iter().for_each(|(partition, offset)| self.set(partition, *offset));
    }

    /// Moves one partition.
    pub fn set(&mut self, partition: &Arc<str>, offset: u64) {
        match self.offsets.get_mut(partition) {
            Some(old) => *old = offset,
            None => {
                self.offsets.insert(Arc::clone(partition), offset);
            }
        }
    }
}
