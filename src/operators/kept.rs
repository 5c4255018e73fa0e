//! What an operator keeps between epochs, the job's memory that is held for it, and how it is saved and restored.

use std::fmt;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use parking_lot::Mutex;

use super::changes::{Changes, Saved};
use super::figures::{Held, OperatorFigures};

/// The state of an operator.
pub(super) trait State: Send {
    /// What is kept.
    fn held(&self) -> Held;

    /// Takes note of changes from now on.
    fn track(&mut self);

    /// What has changed since the last call.
    fn changes(&mut self) -> Result<Changes>;

    /// All that is kept; of a state that has taken note of changes since it was made.
    fn everything(&mut self) -> Result<Changes> {
        self.changes()
    }

    /// Takes in changes of an earlier state of the operator; they are given in the order in which they were made. If changes are noted, these are.
    fn restore(&mut self, changes: &Changes) -> Result<()>;
}

type Make<S> = Arc<dyn Fn() -> Result<S> + Send + Sync>;

/// A state that is made when it is first needed; the plan nodes of a job's epochs share one.
pub(super) struct Kept<S> {
    make: Make<S>,
    inner: Mutex<Inner<S>>,
}

struct Inner<S> {
    state: Option<S>,
    memory: Option<MemoryReservation>,
    tracked: bool,
}

impl<S> fmt::Debug for Kept<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl<S: State> Inner<S> {
    fn state(&mut self, make: &Make<S>) -> Result<&mut S> {
        match &mut self.state {
            Some(state) => Ok(state),
            none => {
                let mut state = make()?;
                if self.tracked {
                    state.track();
                }
                Ok(none.insert(state))
            }
        }
    }
}

impl<S: State> Kept<S> {
    /// A state that is made in this way.
    pub(super) fn new(make: impl Fn() -> Result<S> + Send + Sync + 'static) -> Self {
        Self::made_by(Arc::new(make))
    }

    fn made_by(make: Make<S>) -> Self {
        Self { make, inner: Mutex::new(Inner { state: None, memory: None, tracked: false }) }
    }

    /// Another one, which keeps nothing yet.
    pub(super) fn anew(&self) -> Self {
        Self::made_by(Arc::clone(&self.make))
    }

    /// Works with the state; what it keeps then is held of the job's memory, and told by the operator's figures.
    ///
    /// **Errors**: it can't be made, the work fails, or what is kept does not fit into the job's memory.
    pub(super) fn work<T>(&self, figures: &OperatorFigures, context: &TaskContext, work: impl FnOnce(&mut S) -> Result<T>) -> Result<T> {
        let mut inner = self.inner.lock();
        let state = inner.state(&self.make)?;
        let result = work(state)?;
        let held = state.held();
        let memory = inner.memory.get_or_insert_with(|| MemoryConsumer::new(figures.name().to_owned()).register(context.memory_pool()));
        memory.try_resize(held.bytes)?;
        figures.hold(held);
        Ok(result)
    }
}

impl<S: State> Saved for Kept<S> {
    fn track(&self) {
        let mut inner = self.inner.lock();
        inner.tracked = true;
        if let Some(state) = &mut inner.state {
            state.track();
        }
    }

    fn changes(&self) -> Result<Changes> {
        match &mut self.inner.lock().state {
            Some(state) => state.changes(),
            None => Ok(Changes::default()),
        }
    }

    fn restore(&self, changes: &Changes) -> Result<()> {
        self.inner.lock().state(&self.make)?.restore(changes)
    }

    fn fold(&self, all: &mut dyn Iterator<Item = crate::error::Result<Changes>>) -> crate::error::Result<Changes> {
        let wrong = |error| crate::error::Error::internal("a state that can't be put together").with_source(error);
        let mut state = (self.make)().map_err(wrong)?;
        state.track();
        for changes in all {
            state.restore(&changes?).map_err(wrong)?;
        }
        state.everything().map_err(wrong)
    }
}
