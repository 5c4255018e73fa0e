//! Identifiers that the engine counts with.

/// One run of a job's plan over newly arrived rows; counts up from 1 within a run of the job. 0 = nothing yet.
pub type Epoch = u64;
