//! The place a driver puts the rows of an epoch into.

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use parking_lot::Mutex;

use datafusion::error::Result;

/// The rows of one execution.
#[derive(Default)]
pub enum SlotInput {
    /// No rows.
    #[default]
    Empty,
    /// The rows of an epoch.
    Batches(Vec<RecordBatch>),
    /// The rows of a whole bounded input.
    Stream(BoxStream<'static, Result<RecordBatch>>),
}

/// Holds the input of the next execution of the leaves that share it; shared between the driver and the plan.
#[derive(Default)]
pub struct Slot {
    input: Mutex<SlotInput>,
}

impl Slot {
    /// Puts the input of the next execution; what was there is dropped.
    pub fn fill(&self, input: SlotInput) {
        *self.input.lock() = input;
    }

    /// Takes the input; the slot is empty afterwards.
    pub fn take(&self) -> SlotInput {
        std::mem::take(&mut *self.input.lock())
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slot")
    }
}
