//! What the engine tells while it runs. Everything goes through `tracing`; an application chooses where it ends up.

/// Target of notices: warnings whose text is promised, printed with `Warning: ` before them.
pub const NOTICE: &str = "velostream::notice";

/// A warning whose text is promised.
pub(crate) fn warning(text: &str) {
    tracing::warn!(target: NOTICE, "{text}");
}
