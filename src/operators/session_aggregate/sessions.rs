//! Which session of a key an instant belongs to, and which are over.

use std::collections::BTreeMap;

use arrow::array::{Array, TimestampMicrosecondArray};

use super::counts::Counts;
use super::fragments::{Fragments, List};
use super::line::Line;
use crate::operators::event_time::{Mark, TimeQueue};

/// An open session. A slot is used again when its session is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    /// The instants of its first row and of its last one; `None`: rows without an instant.
    pub span: Option<(i64, i64)>,
    key: u32,
    /// The epoch in which the oldest of its rows came.
    since: u64,
    /// What its rows have come to.
    pub fragments: List,
    /// The batch that has added to it last, and the number of its fragment there.
    batch: u64,
    fragment: u32,
    /// How often the slot has been given away.
    generation: u32,
}

/// All open sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    gap: i64,
    slots: Vec<Session>,
    free: Vec<u32>,
    of_key: Vec<Line>,
    /// Sessions of rows without an instant, by key.
    timeless: BTreeMap<u32, u32>,
    /// When they may be over; each is there once.
    due: TimeQueue<(u32, u32)>,
    /// Their beginnings, in steps of some width: exact ones would be as many as there are sessions.
    begins: Counts<i64>,
    step: i64,
    epochs: Counts<u64>,
    batch: u64,
}

impl Sessions {
    pub(super) fn new(gap: i64) -> Self {
        Self {
            gap,
            slots: Vec::new(),
            free: Vec::new(),
            of_key: Vec::new(),
            timeless: BTreeMap::new(),
            // As many slots as sorting is cheap for.
            due: TimeQueue::new(gap / 8),
            begins: Counts::default(),
            step: (gap / 8).max(1),
            epochs: Counts::default(),
            batch: 0,
        }
    }

    /// Whether the window of one row at an instant is over.
    pub(super) fn is_over(&self, instant: i64, time: i64) -> bool {
        time == Mark::END || instant.saturating_add(self.gap) <= time
    }

    /// Whether an instant belongs to an open session.
    pub(super) fn has(&self, key: usize, instant: i64) -> bool {
        self.near(key, instant).0.is_some()
    }

    /// The sessions that an instant belongs to: the one that begins at it or before, and the one that begins after it. If it is both, they become one.
    fn near(&self, key: usize, instant: i64) -> (Option<u32>, Option<u32>) {
        let joins = |slot: &u32| {
            let (first, last) = self.slots[*slot as usize].span.unwrap_or_default();
            instant.saturating_sub(last) < self.gap && first.saturating_sub(instant) < self.gap
        };
        let (before, after) = self.of_key.get(key).map_or((None, None), |all| all.around(instant));
        let (before, after) = (before.filter(joins), after.filter(joins));
        if before.is_some() { (before, after) } else { (after, None) }
    }

    /// Begins a batch: what comes next belongs to fragments of it.
    pub(super) fn begin_batch(&mut self) {
        self.batch += 1;
    }

    /// Adds rows to sessions. `numbers` gets the fragment of each row, `heads` the row that begins each fragment.
    pub(super) fn add(
        &mut self,
        keys: &[usize],
        instants: &TimestampMicrosecondArray,
        epoch: u64,
        fragments: &mut Fragments,
        numbers: &mut Vec<usize>,
        heads: &mut Vec<u32>,
    ) {
        for (row, key) in keys.iter().enumerate() {
            let slot = match instants.is_valid(row) {
                true => self.place(*key, instants.value(row), epoch, fragments),
                false => self.place_timeless(*key, epoch),
            };
            let session = &mut self.slots[slot as usize];
            if session.batch != self.batch {
                session.batch = self.batch;
                session.fragment = heads.len() as u32;
                fragments.append(&mut session.fragments, session.fragment);
                heads.push(row as u32);
            }
            numbers.push(session.fragment as usize);
        }
    }

    /// Adds what some rows of a key have come to: a fragment of the batch, whose rows lie in one session.
    pub(super) fn add_fragment(&mut self, key: usize, span: Option<(i64, i64)>, row: u32, fragments: &mut Fragments) {
        let slot = match span {
            None => self.place_timeless(key, 0),
            Some((first, last)) => {
                let slot = self.place(key, first, 0, fragments);
                self.extend(slot, last);
                // It may reach others now that begin later.
                while let Some((begin, end)) = self.slots[slot as usize].span
                    && let Some(next) = self.of_key[key].around(begin).1
                    && self.slots[next as usize].span.is_some_and(|(next, _)| next.saturating_sub(end) < self.gap)
                {
                    self.merge(slot, next, fragments);
                }
                slot
            }
        };
        fragments.append(&mut self.slots[slot as usize].fragments, row);
    }

    /// The spans of all open sessions, in the order of [`Self::lists`].
    pub(super) fn spans(&mut self) -> Vec<Option<(i64, i64)>> {
        let mut open = vec![true; self.slots.len()];
        self.free.iter().for_each(|slot| open[*slot as usize] = false);
        self.slots.iter().zip(open).filter(|(_, open)| *open).map(|(session, _)| session.span).collect()
    }

    fn place_timeless(&mut self, key: usize, epoch: u64) -> u32 {
        if let Some(slot) = self.timeless.get(&(key as u32)) {
            return *slot;
        }
        let slot = self.take_slot(key, None, epoch);
        self.timeless.insert(key as u32, slot);
        slot
    }

    fn place(&mut self, key: usize, instant: i64, epoch: u64, fragments: &mut Fragments) -> u32 {
        let (own, other) = self.near(key, instant);
        let Some(own) = own else {
            let slot = self.take_slot(key, Some((instant, instant)), epoch);
            self.begins.add(instant.div_euclid(self.step));
            self.due.push(self.due_at(instant), (slot, self.slots[slot as usize].generation));
            self.list(key, instant, slot);
            return slot;
        };
        self.extend(own, instant);
        if let Some(other) = other {
            self.merge(own, other, fragments);
        }
        own
    }

    /// The last instant at which the session is not over.
    fn due_at(&self, last: i64) -> i64 {
        last.saturating_add(self.gap - 1)
    }

    fn take_slot(&mut self, key: usize, span: Option<(i64, i64)>, epoch: u64) -> u32 {
        self.epochs.add(epoch);
        let session = Session { span, key: key as u32, since: epoch, fragments: List::default(), batch: 0, fragment: 0, generation: 0 };
        match self.free.pop() {
            Some(slot) => {
                let generation = self.slots[slot as usize].generation;
                self.slots[slot as usize] = Session { generation, ..session };
                slot
            }
            None => {
                self.slots.push(session);
                (self.slots.len() - 1) as u32
            }
        }
    }

    fn list(&mut self, key: usize, first: i64, slot: u32) {
        if self.of_key.len() <= key {
            self.of_key.resize(key + 1, Line::default());
        }
        self.of_key[key].insert(first, slot);
    }

    fn unlist(&mut self, key: u32, first: i64) {
        if let Some(line) = self.of_key.get_mut(key as usize) {
            line.remove(first);
        }
    }

    fn extend(&mut self, slot: u32, instant: i64) {
        let session = &mut self.slots[slot as usize];
        let Some((first, last)) = session.span else { return };
        session.span = Some((first.min(instant), last.max(instant)));
        if instant < first {
            let key = session.key as usize;
            self.begins.remove(first.div_euclid(self.step));
            self.begins.add(instant.div_euclid(self.step));
            self.of_key[key].remove(first);
            self.of_key[key].insert(instant, slot);
        }
    }

    /// Two sessions become one: the earlier one.
    fn merge(&mut self, own: u32, other: u32, fragments: &mut Fragments) {
        let gone = self.slots[other as usize];
        let Some((first, last)) = gone.span else { return };
        self.extend(own, last);
        self.unlist(gone.key, first);
        self.begins.remove(first.div_euclid(self.step));
        let session = &mut self.slots[own as usize];
        fragments.join(&mut session.fragments, gone.fragments);
        // The later of the two beginnings is forgotten; the session is as old as its oldest row.
        self.epochs.remove(session.since.max(gone.since));
        session.since = session.since.min(gone.since);
        self.free(other);
    }

    /// The slot may be used again; what waits in the queue for its old session is seen by the generation.
    fn free(&mut self, slot: u32) {
        self.slots[slot as usize].generation += 1;
        self.free.push(slot);
    }

    /// The sessions that are over at a time, the earliest first; they are open no more.
    pub(super) fn close(&mut self, time: i64) -> Vec<Session> {
        let mut due = Vec::new();
        self.due.take_before(time, |_, entry| due.push(entry));
        let mut closed = Vec::new();
        for (slot, generation) in due {
            let session = self.slots[slot as usize];
            let (Some((_, last)), true) = (session.span, session.generation == generation) else { continue };
            if self.is_over(last, time) {
                closed.push((session.span, slot));
            } else {
                self.due.push(self.due_at(last), (slot, generation));
            }
        }
        if time == Mark::END {
            closed.extend(std::mem::take(&mut self.timeless).into_values().map(|slot| (None, slot)));
        }
        closed.sort_unstable();
        let mut sessions = Vec::with_capacity(closed.len());
        for (span, slot) in closed {
            let session = self.slots[slot as usize];
            if let Some((first, _)) = span {
                self.unlist(session.key, first);
                self.begins.remove(first.div_euclid(self.step));
            }
            self.epochs.remove(session.since);
            self.free(slot);
            sessions.push(session);
        }
        sessions
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The lists of all open sessions.
    pub(super) fn lists(&mut self) -> impl Iterator<Item = &mut List> {
        let mut open = vec![true; self.slots.len()];
        self.free.iter().for_each(|slot| open[*slot as usize] = false);
        self.slots.iter_mut().zip(open).filter(|(_, open)| *open).map(|(session, _)| &mut session.fragments)
    }

    /// The keys that have open sessions, in order.
    pub(super) fn keys(&self) -> Vec<u32> {
        let mut keys: Vec<u32> = (0..self.of_key.len() as u32).filter(|key| !self.of_key[*key as usize].is_empty()).collect();
        keys.extend(self.timeless.keys());
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The keys of `kept` get the numbers from 0 on; no other one has a session.
    pub(super) fn renumber(&mut self, kept: &[u32]) {
        let mut of_key = Vec::with_capacity(kept.len());
        let mut timeless = BTreeMap::new();
        for (number, key) in kept.iter().enumerate() {
            let own = self.of_key.get_mut(*key as usize).map(std::mem::take).unwrap_or_default();
            let number = number as u32;
            own.for_each(|slot| self.slots[slot as usize].key = number);
            of_key.push(own);
            if let Some(slot) = self.timeless.remove(key) {
                self.slots[slot as usize].key = number;
                timeless.insert(number, slot);
            }
        }
        self.of_key = of_key;
        self.timeless = timeless;
    }

    /// The instant before which no session begins that comes out later, if rows come from `time` on. A row before `time` may still extend an open session to earlier; who goes by
    /// this instant takes the session for late then, since its result has come out.
    pub(super) fn beginning(&self, time: i64) -> i64 {
        if time == Mark::BEGINNING || time == Mark::END {
            return time;
        }
        // A row that begins a session lies less than the gap before the time.
        let next = time.saturating_sub(self.gap - 1).max(Mark::BEGINNING + 1);
        self.begins.least().map_or(next, |step| step.saturating_mul(self.step).min(next)).max(Mark::BEGINNING + 1)
    }

    /// The oldest epoch of which rows are kept.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.epochs.least()
    }

    pub(super) fn memory_size(&self) -> usize {
        let of_keys = self.of_key.capacity() * (size_of::<Line>() + size_of::<[(i64, u32); 4]>());
        // What the queue holds is estimated: to ask it costs as much as there are slots in it, and this is asked after every batch.
        let due = self.due.len() * 2 * size_of::<(i64, (u32, u32))>();
        self.slots.capacity() * size_of::<Session>() + of_keys + due + self.begins.memory_size() + self.epochs.memory_size()
    }
}
