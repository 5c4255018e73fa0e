//! How often there is what, least first.

use std::collections::BTreeMap;

/// Values with how often they are there.
#[derive(Debug)]
pub(super) struct Counts<T> {
    counts: BTreeMap<T, usize>,
}

impl<T> Default for Counts<T> {
    fn default() -> Self {
        Self { counts: BTreeMap::new() }
    }
}

impl<T: Ord + Copy> Counts<T> {
    pub(super) fn add(&mut self, value: T) {
        *self.counts.entry(value).or_default() += 1;
    }

    pub(super) fn remove(&mut self, value: T) {
        if let Some(count) = self.counts.get_mut(&value) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&value);
            }
        }
    }

    pub(super) fn least(&self) -> Option<T> {
        self.counts.first_key_value().map(|(value, _)| *value)
    }

    pub(super) fn memory_size(&self) -> usize {
        self.counts.len() * (size_of::<T>() + size_of::<usize>())
    }
}
