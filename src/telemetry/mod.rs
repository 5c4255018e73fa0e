//! What the engine tells while it runs. Everything goes through `tracing`; an application chooses where it ends up.

/// Target of notices: warnings whose text is promised, printed with `Warning: ` before them.
pub const NOTICE: &str = "velostream::notice";

/// A warning whose text is promised.
pub(crate) fn warning(text: &str) {
    tracing::warn!(target: NOTICE, "{text}");
}

/// Lets at most so many lines through in a minute.
#[derive(Debug)]
pub struct LineLimit {
    most: u32,
    state: parking_lot::Mutex<(std::time::Instant, u32)>,
}

impl LineLimit {
    /// `most` lines a minute.
    pub fn per_minute(most: u32) -> Self {
        Self { most, state: parking_lot::Mutex::new((std::time::Instant::now(), 0)) }
    }

    /// Whether one more line may be written now.
    pub fn allows(&self) -> bool {
        let mut state = self.state.lock();
        if state.0.elapsed() >= std::time::Duration::from_secs(60) {
            *state = (std::time::Instant::now(), 0);
        }
        state.1 += 1;
        state.1 <= self.most
    }
}
