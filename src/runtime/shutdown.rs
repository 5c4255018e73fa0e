//! How a run is asked to end.

use tokio_util::sync::CancellationToken;

/// Asks the jobs of a run to end: they stop reading, finish what they have read, and complete their outputs. Clones are the same request.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Nothing is asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks.
    pub fn request(&self) {
        self.token.cancel();
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until it is asked.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }
}
