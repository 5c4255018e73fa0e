//! What the engine tells while it runs. Everything goes through `tracing`; an application chooses where it ends up.

/// Target of notices: warnings whose text is promised, printed with `Warning: ` before them.
pub const NOTICE: &str = "velostream::notice";

/// A warning whose text is promised.
pub(crate) fn warning(text: &str) {
    tracing::warn!(target: NOTICE, "{text}");
}

/// Lets the first line through, then at most one in ten seconds.
#[derive(Debug, Default)]
pub struct LineLimit {
    last: parking_lot::Mutex<Option<std::time::Instant>>,
}

impl LineLimit {
    /// Whether one more line may be written now.
    pub fn allows(&self) -> bool {
        let mut last = self.last.lock();
        let allowed = last.is_none_or(|last| last.elapsed() >= std::time::Duration::from_secs(10));
        if allowed {
            *last = Some(std::time::Instant::now());
        }
        allowed
    }
}
