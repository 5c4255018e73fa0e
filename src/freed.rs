//! Memory that was freed, given back to the system.
//!
//! The C library keeps a heap for every few threads, and takes blocks of up to 32 MB from them once it has seen such blocks freed. Blocks of a megabyte that one thread allocates and another frees leave these heaps
//! full of holes: a sort that merges its files on a dozen threads would take several times what it uses.

use std::time::Duration;

use tokio::task::JoinHandle;

/// How long freed memory may stay. At some 300 MB that a merge reads in a second, a small part of a limit comes together meanwhile.
const STAY: Duration = Duration::from_millis(50);

/// While it is alive, what is freed goes back to the system again and again.
#[derive(Debug)]
pub(crate) struct GivingBack(JoinHandle<()>);

impl GivingBack {
    /// Begins; must be called within a Tokio runtime.
    pub(crate) fn begin() -> Self {
        Self(tokio::spawn(async {
            loop {
                tokio::time::sleep(STAY).await;
                give_back();
            }
        }))
    }
}

impl Drop for GivingBack {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function may be called at any time, from any thread; it touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}
