//! SIGINT and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use super::report::tell;
use crate::runtime::Shutdown;

/// A file that may not grow any more is an error of its writer, and not the end of the process.
pub(super) fn ignore_full_files() {
    // SAFETY: no handler runs; the disposition is set before there are threads.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// The first signal asks the run to end, the second one ends the process.
pub(super) fn listen(shutdown: &Shutdown) {
    let shutdown = shutdown.clone();
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        tracing::warn!("cannot listen for signals; the process ends at once when it gets one");
        return;
    };
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if first {
                tell("draining … (a second signal ends at once)");
                shutdown.request();
            } else {
                std::process::exit(130);
            }
        }
    });
}
