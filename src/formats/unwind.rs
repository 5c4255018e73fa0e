//! Damaged files make some decoders panic instead of returning an error.

/// Runs a decoder; a panic in it becomes the text of an error. What the decoder changed is not to be used after one.
pub(super) fn guarded<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    crate::unwind::guarded(decode).map_err(|panic| format!("it is damaged ({panic})"))
}
