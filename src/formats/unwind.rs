//! Damaged files make some decoders panic instead of returning an error.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a decoder; a panic in it becomes the text of an error. What the decoder changed is not to be used after one.
pub(super) fn guarded<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decode)).map_err(|panic| format!("it is damaged ({})", text(panic.as_ref())));
    GUARDED.set(outer);
    result
}

/// Whether this thread is within a decoder whose panics become errors, so that nothing need be printed of them.
pub fn panics_become_errors() -> bool {
    GUARDED.get()
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let own = panic.downcast_ref::<String>().map(String::as_str);
    own.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the decoder gave up")
}
