//! Room for rows that wait between two parts of a run: rows are counted, and bytes where rows are large.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for so many rows, or so many bytes. Clones are the same room.
#[derive(Clone, Debug)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    most: u32,
    /// Bytes that take the room of one row.
    row_bytes: u64,
}

impl Room {
    pub(super) fn new(rows: usize, bytes: u64) -> Self {
        let most = rows.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { free: Arc::new(Semaphore::new(most)), most: most as u32, row_bytes: (bytes / most as u64).max(1) }
    }

    /// What a batch takes: never more than there is, so that any batch fits by itself.
    pub(super) fn of(&self, rows: usize, bytes: u64) -> u32 {
        let room = (rows as u64).max(bytes / self.row_bytes);
        u32::try_from(room).unwrap_or(u32::MAX).clamp(1, self.most)
    }

    /// Waits until there is so much, and takes it until the result is dropped; `None` if the room is closed.
    pub(super) async fn take(&self, room: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_many_owned(room).await.ok()
    }

    /// Gives back what was taken and forgotten.
    pub(super) fn release(&self, room: u32) {
        self.free.add_permits(room as usize);
    }

    /// Nobody waits for it any more.
    pub(super) fn close(&self) {
        self.free.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_rows_take_the_room_of_many() {
        let room = Room::new(100, 1000);
        assert_eq!((room.of(7, 0), room.of(7, 70), room.of(7, 500), room.of(0, 0)), (7, 7, 50, 1));
        assert_eq!((room.of(1_000, 0), room.of(1, 1 << 40)), (100, 100), "any batch fits by itself");
        let held = room.take(100).await;
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), room.take(1)).await;
        assert!(held.is_some() && waits.is_err());
        drop(held);
        room.close();
        assert!(room.take(1).await.is_none());
    }
}
