//! How a run goes on where an earlier one has stopped.

use std::sync::Arc;

use super::keeper::{Keeper, Resumed};
use crate::error::{Error, Result};
use crate::operators::Saved;
use crate::runtime::room::Room;
use crate::runtime::source_task::SourceTask;
use crate::runtime::spec::JobSpec;
use crate::runtime::stream_driver::StreamDriver;

/// The records of a pipeline, and what is in them; with the number of the job that says where they are.
pub(in crate::runtime) struct Opened {
    job: usize,
    keeper: Keeper,
    resumed: Option<Resumed>,
}

/// Opens the records of a pipeline, if it keeps any, and gives its operators what is in them. Before anything else is opened: a start that is refused changes no output.
///
/// **Errors**: with the number of the job: the records can't be used.
pub(in crate::runtime) async fn open(jobs: &[&JobSpec]) -> Result<Option<Opened>, (usize, Error)> {
    let Some((job, spec)) = jobs.iter().enumerate().find_map(|(at, job)| Some((at, job.checkpoint.clone()?))) else { return Ok(None) };
    let parts = jobs.iter().flat_map(|job| {
        let saved = job.plan.saved.iter().enumerate();
        saved.map(|(number, (of, state))| (format!("job '{}', {of} ({number})", job.name), Arc::clone(state)))
    });
    let parts: Vec<(String, Arc<dyn Saved>)> = parts.collect();
    let opened = tokio::task::spawn_blocking(move || Keeper::open(&spec, parts)).await;
    let opened = opened.map_err(|error| Error::internal("the records could not be read").with_source(error)).flatten();
    let (keeper, resumed) = opened.map_err(|error| (job, error))?;
    Ok(Some(Opened { job, keeper, resumed }))
}

/// Goes on where the records end.
pub(in crate::runtime) fn resume(driver: &mut StreamDriver, tasks: &mut [(SourceTask, Room)], opened: Opened) {
    let Opened { job, keeper, resumed } = opened;
    driver.keeper = Some((job, keeper));
    let Some(resumed) = resumed else { return };
    driver.epoch = resumed.epoch;
    for (at, input) in driver.inputs.iter_mut().enumerate() {
        let name = input.state(&driver.statements[input.statement].name).0.name;
        let Some(own) = resumed.inputs.iter().position(|state| state.name == name) else { continue };
        let position = input.resume(&resumed.inputs[own], resumed.rests.get(own).cloned().flatten());
        if let Some((task, _)) = tasks.get_mut(at) {
            task.begin = position;
        }
    }
    tracing::info!("job '{}': goes on after epoch {}", driver.statements[job].name, resumed.epoch);
}
