//! A queue that slows its sender, or one that never does.

use tokio::sync::mpsc;

/// The sending end.
#[derive(Debug)]
pub(super) enum Sender<T> {
    /// Waits while the queue is full.
    Bounded(mpsc::Sender<T>),
    /// Never waits.
    Unbounded(mpsc::UnboundedSender<T>),
}

/// The receiving end.
#[derive(Debug)]
pub(super) enum Receiver<T> {
    /// Of a bounded queue.
    Bounded(mpsc::Receiver<T>),
    /// Of one without bound.
    Unbounded(mpsc::UnboundedReceiver<T>),
}

/// A queue of at most so many messages, or without bound.
pub(super) fn queue<T>(most: Option<usize>) -> (Sender<T>, Receiver<T>) {
    match most {
        Some(most) => {
            let (sender, receiver) = mpsc::channel(most);
            (Sender::Bounded(sender), Receiver::Bounded(receiver))
        }
        None => {
            let (sender, receiver) = mpsc::unbounded_channel();
            (Sender::Unbounded(sender), Receiver::Unbounded(receiver))
        }
    }
}

impl<T> Sender<T> {
    /// Whether it waits while the queue is full.
    pub(super) fn is_bounded(&self) -> bool {
        matches!(self, Self::Bounded(_))
    }

    /// Sends; false if nobody receives any more.
    pub(super) async fn send(&self, message: T) -> bool {
        match self {
            Self::Bounded(queue) => queue.send(message).await.is_ok(),
            Self::Unbounded(queue) => queue.send(message).is_ok(),
        }
    }
}

impl<T> Receiver<T> {
    /// The next message; `None` when all senders are gone.
    pub(super) async fn recv(&mut self) -> Option<T> {
        match self {
            Self::Bounded(queue) => queue.recv().await,
            Self::Unbounded(queue) => queue.recv().await,
        }
    }
}
