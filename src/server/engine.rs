//! The threads of a server's jobs: its own, since plans need more stack than an application's threads have, and writers that block are not to use up those of the application.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::{Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use super::unit::Unit;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::runtime::threads;
use crate::unwind::guarded_future;

/// The threads, which are started with the first deployment.
#[derive(Debug, Default)]
pub(super) struct Engine(Mutex<Option<Threads>>);

#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // A sink that does not answer is left alone: nobody waits for it.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What these threads tell goes where that of the calling thread goes.
fn start() -> std::io::Result<Runtime> {
    let mut builder = threads();
    builder.thread_name("velo");
    let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
    if !dispatch.is::<NoSubscriber>() {
        builder.on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)));
    }
    builder.build()
}

impl Engine {
    /// The threads, if anything has been deployed.
    pub(super) fn started(&self) -> Option<Handle> {
        self.0.lock().as_ref().and_then(|threads| Some(threads.0.as_ref()?.handle().clone()))
    }

    /// Does something on these threads. Dropping the future ends it where it waits.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T> {
        let handle = match self.started() {
            Some(handle) => handle,
            None => self.start()?,
        };
        let done = AbortOnDropHandle::new(handle.spawn(guarded_future(work))).await;
        let done = done.map_err(|error| Error::internal("the threads of the server have ended").with_source(error))?;
        done.map_err(|panic| Error::internal(format!("the server has panicked: {panic}")))
    }

    fn start(&self) -> Result<Handle> {
        let mut threads = self.0.lock();
        if let Some(runtime) = threads.as_ref().and_then(|threads| threads.0.as_ref()) {
            return Ok(runtime.handle().clone());
        }
        let runtime = start().map_err(|error| Error::new(ErrorKind::Limit, Fault::External, format!("cannot start threads: {error}")))?;
        let handle = runtime.handle().clone();
        *threads = Some(Threads(Some(runtime)));
        Ok(handle)
    }

    /// Lets units that were asked to stop come to their end, then the threads; nobody waits for that.
    pub(super) fn end_after(&mut self, units: Vec<Arc<Unit>>) {
        let Some(threads) = self.0.get_mut().take() else { return };
        let waiting = move || {
            if let Some(runtime) = &threads.0 {
                runtime.block_on(futures::future::join_all(units.iter().map(|unit| unit.ended())));
            }
        };
        // Without a thread for it the units end in their midst.
        let _no_thread = std::thread::Builder::new().name("velo-end".to_owned()).spawn(waiting);
    }
}
