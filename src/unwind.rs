//! Some code of others panics where it should return an error: decoders at damaged files, functions at extreme values.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use crate::error::Error;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a step; a panic in it becomes the text of an error. What the step changed is not to be used after one.
pub(crate) fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(step)).map_err(|panic| text(panic.as_ref()).to_owned());
    GUARDED.set(outer);
    result
}

/// Likewise for a future.
pub(crate) async fn guarded_future<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match guarded(|| future.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(text) => std::task::Poll::Ready(Err(text)),
    })
    .await
}

/// Runs what a reading thread does. A panic is an error, since the end of the thread alone would look like the end of what it reads.
pub(crate) fn guarded_reading(read: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    guarded(read).unwrap_or_else(|text| Err(Error::internal(format!("the reading thread failed: {text}"))))
}

/// Whether this thread is within a step whose panics become errors, so that nothing need be printed of them.
pub(crate) fn panics_become_errors() -> bool {
    GUARDED.get()
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let own = panic.downcast_ref::<String>().map(String::as_str);
    own.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason is known")
}
