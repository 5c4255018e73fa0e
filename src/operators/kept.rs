//! What an operator keeps between epochs, and the job's memory that is held for it.

use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use parking_lot::Mutex;

use super::figures::{Held, OperatorFigures};

/// The state of an operator.
pub(super) trait State {
    /// What is kept.
    fn held(&self) -> Held;
}

/// A state that is made when it is first needed; the plan nodes of a job's epochs share one.
#[derive(Debug)]
pub(super) struct Kept<S> {
    state: Mutex<Option<(S, MemoryReservation)>>,
}

impl<S> Default for Kept<S> {
    fn default() -> Self {
        Self { state: Mutex::new(None) }
    }
}

impl<S: State> Kept<S> {
    /// Works with the state; what it keeps then is held of the job's memory, and told by the operator's figures.
    ///
    /// **Errors**: it can't be made, the work fails, or what is kept does not fit into the job's memory.
    pub(super) fn work<T>(
        &self,
        figures: &OperatorFigures,
        context: &TaskContext,
        new: impl FnOnce() -> Result<S>,
        work: impl FnOnce(&mut S) -> Result<T>,
    ) -> Result<T> {
        let mut kept = self.state.lock();
        let (state, memory) = match &mut *kept {
            Some(kept) => kept,
            none => none.insert((new()?, MemoryConsumer::new(figures.name().to_owned()).register(context.memory_pool()))),
        };
        let result = work(state)?;
        let held = state.held();
        memory.try_resize(held.bytes)?;
        figures.hold(held);
        Ok(result)
    }
}
