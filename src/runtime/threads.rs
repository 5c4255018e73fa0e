//! Threads that plan and run statements.

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

/// Stack of every thread that plans or runs statements. Plans are walked by recursion; the deepest within the limits of the SQL layer (a chain of 250 EXCEPT) takes 8 MB in an
/// unoptimised build. Memory that is not touched costs nothing.
pub const STACK: usize = 32 << 20;

/// Every sink has a thread of its own, so how many there are is for the limits of jobs to say. At Tokio's limit a sink would wait for one of the others to end.
const MOST_BLOCKING: usize = 1 << 16;

/// Runs something that may compute for long, or block, on a thread of its own; its timers are the runtime's.
pub(super) fn on_thread<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work))
}

/// A Tokio runtime with such threads, which is still to be built.
pub fn threads() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.thread_stack_size(STACK).max_blocking_threads(MOST_BLOCKING).enable_all();
    builder
}
