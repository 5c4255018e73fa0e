//! How a run goes on where an earlier one has stopped.

use std::sync::Arc;

use super::CheckpointSpec;
use super::keeper::Keeper;
use crate::error::{Error, Result};
use crate::operators::Saved;
use crate::runtime::room::Room;
use crate::runtime::source_task::SourceTask;
use crate::runtime::stream_driver::StreamDriver;

/// Opens the records, and goes on where they end.
pub(in crate::runtime) async fn resume(
    driver: &mut StreamDriver,
    tasks: &mut [(SourceTask, Room)],
    job: usize,
    spec: CheckpointSpec,
    saved: Vec<(String, Arc<dyn Saved>)>,
) -> Result<()> {
    let opened = tokio::task::spawn_blocking(move || Keeper::open(&spec, saved)).await;
    let (keeper, resumed) = opened.map_err(|error| Error::internal("the records could not be read").with_source(error))??;
    driver.keeper = Some((job, keeper));
    let Some(resumed) = resumed else { return Ok(()) };
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
    Ok(())
}
