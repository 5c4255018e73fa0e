//! Which rows of a file are read, and which row of the file a row read is.

use std::collections::VecDeque;

/// The rows of a file that are still to be read: ascending ranges with gaps where rows are skipped.
#[derive(Debug)]
pub(super) struct Segments {
    ranges: VecDeque<(u64, u64)>,
    next: u64,
    total: u64,
}

impl Segments {
    /// Rows `ranges` (start, end) of a file of `total` rows, of which the first `start` are accounted for.
    pub(super) fn new(ranges: impl IntoIterator<Item = (u64, u64)>, start: u64, total: u64) -> Self {
        let ranges = ranges.into_iter().map(|(from, to)| (from.max(start), to)).filter(|(from, to)| from < to).collect();
        Self { ranges, next: start, total }
    }

    /// The first row of the file that is not accounted for.
    pub(super) fn next_row(&self) -> u64 {
        self.next
    }

    /// Rows still to be read.
    pub(super) fn unread(&self) -> u64 {
        self.ranges.iter().map(|(from, to)| to - from).sum()
    }

    /// Accounts for the next `count` rows read. Returns the index in the file of each of them as ranges, and the rows skipped before and between them.
    pub(super) fn take(&mut self, mut count: u64) -> (Vec<(u64, u64)>, u64) {
        let mut taken = Vec::new();
        let mut skipped = 0;
        while count > 0 {
            let Some((from, to)) = self.ranges.front_mut() else { break };
            let end = (*from + count).min(*to);
            skipped += *from - self.next;
            taken.push((*from, end));
            count -= end - *from;
            self.next = end;
            *from = end;
            if end == *to {
                self.ranges.pop_front();
            }
        }
        (taken, skipped)
    }

    /// Accounts for the rest of the file and returns how many rows that are, all of them skipped.
    pub(super) fn finish(&mut self) -> u64 {
        let rest = self.total.saturating_sub(self.next);
        self.next = self.next.max(self.total);
        rest
    }
}

/// The index in the file of row `at` of a batch that was taken as `taken`.
pub(super) fn file_row(taken: &[(u64, u64)], at: u64) -> Option<u64> {
    let mut at = at;
    for (from, to) in taken {
        if at < to - from {
            return Some(from + at);
        }
        at -= to - from;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_accounted_for_once() {
        let mut segments = Segments::new([(0, 10), (20, 30)], 5, 40);
        assert_eq!(segments.unread(), 15);
        assert_eq!(segments.take(3), (vec![(5, 8)], 0));
        let (taken, skipped) = segments.take(7);
        assert_eq!((taken.as_slice(), skipped), ([(8, 10), (20, 25)].as_slice(), 10));
        assert_eq!((file_row(&taken, 1), file_row(&taken, 2), file_row(&taken, 7)), (Some(9), Some(20), None));
        assert_eq!((segments.next_row(), segments.take(5).1, segments.finish(), segments.next_row()), (25, 0, 10, 40));
    }

    #[test]
    fn a_start_past_the_end_leaves_nothing() {
        let mut segments = Segments::new([(0, 10)], 12, 10);
        assert_eq!((segments.unread(), segments.finish(), segments.next_row()), (0, 0, 12));
    }
}
