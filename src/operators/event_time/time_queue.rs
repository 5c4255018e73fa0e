//! Things that are due when the time has come.

use std::collections::BTreeMap;

/// Holds things by the time they are due, in slots of equal width; what is in one slot is put in order only when its time comes. Adding costs the same whatever the order of times
/// is, and taking what is due costs the sorting of one slot at a time: cheaper than a heap for times that nearly are in order.
#[derive(Debug)]
pub struct TimeQueue<T> {
    width: i64,
    slots: BTreeMap<i64, Slot<T>>,
    count: usize,
}

#[derive(Debug)]
struct Slot<T> {
    /// Latest first, if sorted.
    items: Vec<(i64, T)>,
    sorted: bool,
}

impl<T> TimeQueue<T> {
    /// A queue with slots of `width` microseconds, at least one.
    pub fn new(width: i64) -> Self {
        Self { width: width.max(1), slots: BTreeMap::new(), count: 0 }
    }

    /// Adds a thing that is due when the time is later than `time`.
    pub fn push(&mut self, time: i64, item: T) {
        let slot = self.slots.entry(time.div_euclid(self.width)).or_insert_with(|| Slot { items: Vec::new(), sorted: false });
        slot.items.push((time, item));
        slot.sorted = false;
        self.count += 1;
    }

    /// Takes everything whose time is before `now`, slot by slot; within the last slot in order of time.
    pub fn take_before(&mut self, now: i64, mut take: impl FnMut(i64, T)) {
        while let Some(mut entry) = self.slots.first_entry() {
            let begin = entry.key().saturating_mul(self.width);
            if now == i64::MAX || begin.saturating_add(self.width) <= now {
                let slot = entry.remove();
                self.count -= slot.items.len();
                slot.items.into_iter().for_each(|(time, item)| take(time, item));
                continue;
            }
            if begin >= now {
                return;
            }
            let slot = entry.get_mut();
            if !slot.sorted {
                slot.items.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
                slot.sorted = true;
            }
            while let Some((time, item)) = slot.items.pop_if(|(time, _)| *time < now) {
                self.count -= 1;
                take(time, item);
            }
            if slot.items.is_empty() {
                entry.remove();
                continue;
            }
            return;
        }
    }

    /// How many things wait.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes held, for accounting.
    pub fn memory_size(&self) -> usize {
        self.slots.values().map(|slot| slot.items.capacity() * size_of::<(i64, T)>() + size_of::<Slot<T>>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(queue: &mut TimeQueue<usize>, now: i64) -> Vec<usize> {
        let mut taken = Vec::new();
        queue.take_before(now, |_, item| taken.push(item));
        taken.sort_unstable();
        taken
    }

    proptest! {
        #[test]
        fn what_is_due_comes_once(times in prop::collection::vec(-50i64..50, 0..60), nows in prop::collection::vec(-60i64..60, 1..8), width in 1i64..20) {
            let mut queue = TimeQueue::new(width);
            let mut waiting: Vec<(i64, usize)> = Vec::new();
            let mut times = times.into_iter().enumerate();
            for now in nows {
                for (item, time) in times.by_ref().take(12) {
                    queue.push(time, item);
                    waiting.push((time, item));
                }
                let mut due: Vec<usize> = waiting.iter().filter(|(time, _)| *time < now).map(|(_, item)| *item).collect();
                due.sort_unstable();
                waiting.retain(|(time, _)| *time >= now);
                prop_assert_eq!(taken(&mut queue, now), due);
                prop_assert_eq!(queue.len(), waiting.len());
            }
            let mut rest: Vec<usize> = waiting.iter().map(|(_, item)| *item).collect();
            rest.sort_unstable();
            prop_assert_eq!(taken(&mut queue, i64::MAX), rest);
            prop_assert!(queue.is_empty());
        }
    }
}
