//! Room for recursion.

/// Stack that a walk over the deepest tree within the limits may need; unoptimised builds need most of it.
const ENOUGH: usize = 8 * 1024 * 1024;

/// Runs `f` on a stack that is large enough to walk any statement within the limits, whatever stack the caller has left.
pub(crate) fn with_room<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(ENOUGH, ENOUGH, f)
}
