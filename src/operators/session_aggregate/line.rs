//! The sessions of one key, in order.

use std::collections::BTreeMap;

/// Sessions up to which moving them costs less than a tree.
const FEW: usize = 32;

/// The open sessions of a key by the instants of their first rows. On a stream there are one or two of most keys, in a batch all that there are.
#[derive(Clone, Debug)]
pub(super) enum Line {
    Few(Vec<(i64, u32)>),
    Many(BTreeMap<i64, u32>),
}

impl Default for Line {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Line {
    /// The session that begins last at an instant or before, and the one that begins first after it.
    pub(super) fn around(&self, instant: i64) -> (Option<u32>, Option<u32>) {
        match self {
            Self::Few(all) => {
                // Rows mostly belong to the last one.
                let before = all.iter().rposition(|(first, _)| *first <= instant);
                let after = before.map_or(0, |at| at + 1);
                (before.map(|at| all[at].1), all.get(after).map(|(_, slot)| *slot))
            }
            Self::Many(all) => {
                let before = all.range(..=instant).next_back().map(|(_, slot)| *slot);
                (before, all.range(instant.saturating_add(1)..).next().map(|(_, slot)| *slot))
            }
        }
    }

    pub(super) fn insert(&mut self, first: i64, slot: u32) {
        match self {
            Self::Few(all) if all.len() < FEW => {
                let at = all.partition_point(|(other, _)| *other < first);
                all.insert(at, (first, slot));
            }
            Self::Few(all) => {
                let mut all: BTreeMap<i64, u32> = std::mem::take(all).into_iter().collect();
                all.insert(first, slot);
                *self = Self::Many(all);
            }
            Self::Many(all) => {
                all.insert(first, slot);
            }
        }
    }

    /// Takes out the session that begins at an instant.
    pub(super) fn remove(&mut self, first: i64) {
        match self {
            Self::Few(all) => {
                if let Some(at) = all.iter().position(|(other, _)| *other == first) {
                    all.remove(at);
                }
            }
            Self::Many(all) => {
                all.remove(&first);
                if all.is_empty() {
                    *self = Self::default();
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(all) => all.is_empty(),
            Self::Many(all) => all.is_empty(),
        }
    }

    pub(super) fn for_each(&self, mut f: impl FnMut(u32)) {
        match self {
            Self::Few(all) => all.iter().for_each(|(_, slot)| f(*slot)),
            Self::Many(all) => all.values().for_each(|slot| f(*slot)),
        }
    }
}
