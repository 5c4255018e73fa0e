//! What the engine tells while it runs. Everything goes through `tracing`; an application chooses where it ends up.

/// Target of notices: warnings whose text is promised, printed with `Warning: ` before them.
pub const NOTICE: &str = "velostream::notice";

/// A warning whose text is promised.
pub(crate) fn warning(text: &str) {
    tracing::warn!(target: NOTICE, "{text}");
}

/// Lets a line through now and then.
#[derive(Debug)]
pub struct LineLimit {
    every: std::time::Duration,
    last: parking_lot::Mutex<Option<std::time::Instant>>,
}

impl LineLimit {
    /// One line in so long a time; the first at once.
    pub fn every(every: std::time::Duration) -> Self {
        Self { every, last: parking_lot::Mutex::new(None) }
    }

    /// Whether one more line may be written now.
    pub fn allows(&self) -> bool {
        let mut last = self.last.lock();
        let allows = last.is_none_or(|last| last.elapsed() >= self.every);
        if allows {
            *last = Some(std::time::Instant::now());
        }
        allows
    }
}
