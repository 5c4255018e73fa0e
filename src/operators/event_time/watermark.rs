//! The time of a source, and what follows from it for a column further up the plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// How far a column's time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Microseconds since 1970 below which no more rows are expected: [`Self::BEGINNING`] while nothing is known, [`Self::END`] when nothing more comes.
    pub time: i64,
    /// The sources are silent: others do not wait for them.
    pub idle: bool,
}

impl Mark {
    /// Nothing is known yet.
    pub const BEGINNING: i64 = i64::MIN;
    /// Nothing more comes.
    pub const END: i64 = i64::MAX;

    /// The mark of both together: the earlier one, but that of a silent side counts only if the other is silent too.
    pub fn least(self, other: Self) -> Self {
        match (self.idle, other.idle) {
            (true, false) => other,
            (false, true) => self,
            (idle, _) => Self { time: self.time.min(other.time), idle },
        }
    }

    /// The last instant of some that it has reached; the ends of time stay where they are.
    pub fn binned(self, bins: Bins) -> Self {
        let time = match self.time {
            Self::BEGINNING | Self::END => self.time,
            time => time - time.saturating_sub(bins.origin).rem_euclid(bins.size),
        };
        Self { time, ..self }
    }

    /// Moved by a number of microseconds; the ends of time stay where they are.
    pub fn shifted(self, micros: i64) -> Self {
        let time = match self.time {
            Self::BEGINNING | Self::END => self.time,
            time => time.saturating_add(micros).clamp(Self::BEGINNING + 1, Self::END - 1),
        };
        Self { time, ..self }
    }
}

/// How far the time of a source has come; the driver moves it between epochs, and never back.
#[derive(Debug)]
pub struct SourceTime {
    time: AtomicI64,
    idle: AtomicBool,
}

impl Default for SourceTime {
    fn default() -> Self {
        Self { time: AtomicI64::new(Mark::BEGINNING), idle: AtomicBool::new(false) }
    }
}

impl SourceTime {
    /// Moves the time to `mark`, unless that is earlier. Returns whether anything has changed.
    pub fn advance(&self, mark: Mark) -> bool {
        let later = self.time.fetch_max(mark.time, Ordering::Relaxed) < mark.time;
        let woken = self.idle.swap(mark.idle, Ordering::Relaxed) != mark.idle;
        later || woken
    }

    /// Where it is.
    pub fn mark(&self) -> Mark {
        Mark { time: self.time.load(Ordering::Relaxed), idle: self.idle.load(Ordering::Relaxed) }
    }
}

/// How the time of a column follows from those of sources. Traced through the plan when it is made, read when an operator has had all rows of an epoch.
#[derive(Clone, Debug)]
pub enum Timeline {
    /// The event time of a source.
    Source(Arc<SourceTime>),
    /// The earlier of two: rows of either may still come.
    Least(Box<Timeline>, Box<Timeline>),
    /// Another one, moved by microseconds.
    Shifted(Box<Timeline>, i64),
    /// The last of the instants `origin + n · size` that another one has reached.
    Binned(Box<Timeline>, Bins),
}

/// Instants at equal distances; microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bins {
    /// How far apart they are, more than nothing.
    pub size: i64,
    /// One of them.
    pub origin: i64,
}

impl Timeline {
    /// The earlier of two.
    pub fn least(self, other: Self) -> Self {
        Self::Least(Box::new(self), Box::new(other))
    }

    /// Moved by a number of microseconds.
    pub fn shifted(self, micros: i64) -> Self {
        if micros == 0 { self } else { Self::Shifted(Box::new(self), micros) }
    }

    /// The last of some instants that it has reached.
    pub fn binned(self, bins: Bins) -> Self {
        Self::Binned(Box::new(self), bins)
    }

    /// How far it has come.
    pub fn mark(&self) -> Mark {
        match self {
            Self::Binned(of, bins) => of.mark().binned(*bins),
            Self::Source(source) => source.mark(),
            Self::Least(one, other) => one.mark().least(other.mark()),
            Self::Shifted(of, micros) => of.mark().shifted(*micros),
        }
    }
}

/// Timelines are part of plan nodes, which are compared; two are the same if they lead to the same sources in the same way.
impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Source(one), Self::Source(other)) => Arc::ptr_eq(one, other),
            (Self::Least(a, b), Self::Least(c, d)) => a == c && b == d,
            (Self::Shifted(a, x), Self::Shifted(b, y)) => x == y && a == b,
            (Self::Binned(a, x), Self::Binned(b, y)) => x == y && a == b,
            _ => false,
        }
    }
}

impl Eq for Timeline {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64) -> Mark {
        Mark { time, idle: false }
    }

    #[test]
    fn time_goes_forward_only() {
        let source = SourceTime::default();
        assert!(source.advance(at(5)) && !source.advance(at(3)) && !source.advance(at(5)));
        assert_eq!(source.mark(), at(5));
        assert!(source.advance(Mark { time: 4, idle: true }), "silence is news");
        assert_eq!(source.mark(), Mark { time: 5, idle: true });
    }

    #[test]
    fn nobody_waits_for_the_silent() {
        let idle = |time| Mark { time, idle: true };
        assert_eq!(at(5).least(at(3)), at(3));
        assert_eq!(at(5).least(idle(3)), at(5));
        assert_eq!(idle(3).least(at(5)), at(5));
        assert_eq!(idle(3).least(idle(5)), idle(3));
        assert_eq!(at(Mark::BEGINNING).least(at(3)), at(Mark::BEGINNING), "what has not begun may still be early");
    }

    #[test]
    fn the_ends_of_time_do_not_move() {
        assert_eq!(at(Mark::END).shifted(-5), at(Mark::END));
        assert_eq!(at(Mark::BEGINNING).shifted(5), at(Mark::BEGINNING));
        assert_eq!(at(Mark::END - 3).shifted(10), at(Mark::END - 1), "a time is not the end");
        let (a, b) = (Arc::new(SourceTime::default()), Arc::new(SourceTime::default()));
        let line = Timeline::Source(Arc::clone(&a)).least(Timeline::Source(Arc::clone(&b)).shifted(-10));
        a.advance(at(100));
        b.advance(at(50));
        assert_eq!(line.mark(), at(40));
        b.advance(at(Mark::END));
        assert_eq!(line.mark(), at(100));
        assert_eq!(line, line.clone());
        assert_ne!(line, Timeline::Source(a));
    }
}
