//! Which jobs are recorded, and where.

use std::collections::HashMap;
use std::path::PathBuf;

use super::create::Created;
use crate::config::BoundStatement;
use crate::error::Error;
use crate::formats::schema_text;
use crate::options::locate;
use crate::planner::ExecutionMode;
use crate::runtime::{CheckpointSpec, pipelines};

/// The key that names the folder.
const FOLDER: &str = "state.dir";

/// For each statement where it is recorded. The statements of a pipeline have one record; of several pipelines each has a folder of its own.
pub(super) fn checkpoints(
    statements: &[Option<BoundStatement>],
    created: &[Option<Created>],
    modes: &[Option<(ExecutionMode, bool)>],
    chained: impl Iterator<Item = (usize, usize)>,
    faults: &mut [Vec<Error>],
) -> Vec<Option<CheckpointSpec>> {
    let pipeline = pipelines(statements.len(), chained);
    let keeps: Vec<usize> =
        (0..statements.len()).filter(|at| statements[*at].as_ref().is_some_and(|statement| statement.job.state_dir.is_some())).map(|at| pipeline[at]).collect();
    for (at, statement) in statements.iter().enumerate().filter(|(at, _)| keeps.contains(&pipeline[*at])) {
        let (Some(statement), Some(created)) = (statement, &created[at]) else { continue };
        let is_stream = modes[at].is_some_and(|(mode, _)| mode == ExecutionMode::Stream);
        for sink in created.sinks.iter().filter(|sink| is_stream && sink.sink.replaces()) {
            let name = sink.sink.name();
            let span = statement.sinks.iter().find(|bound| bound.name == name).map_or(statement.statement.span, |bound| bound.span);
            let error =
                Error::config(format!("sink '{name}' replaces what stands at its path: a job with '{FOLDER}' that goes on would lose what came out before"));
            faults[at].push(error.with_help(format!("add '{name}.append' = 'true'")).at(&statement.script, span));
        }
    }
    let mut specs: Vec<Option<CheckpointSpec>> = vec![None; statements.len()];
    let mut folders: HashMap<PathBuf, usize> = HashMap::new();
    let mut of_pipelines: HashMap<usize, PathBuf> = HashMap::new();
    for (at, statement) in statements.iter().enumerate() {
        let Some((statement, folder)) = statement.as_ref().and_then(|statement| Some((statement, statement.job.state_dir.as_ref()?))) else { continue };
        if !modes[at].is_some_and(|(mode, _)| mode == ExecutionMode::Stream) {
            continue;
        }
        let mut fault = |message: String, help: &str| {
            let error = Error::config(message).about("", FOLDER).with_help(help);
            faults[at].push(locate(error, &statement.settings, &statement.script, statement.statement.span));
        };
        if folder.to_string_lossy().contains("://") {
            fault(format!("'{FOLDER}' = '{}': records are kept in folders only in this build", folder.display()), "name a folder");
            continue;
        }
        if folder.is_file() {
            fault(format!("'{FOLDER}' = '{}' is no folder", folder.display()), "name one, which may not be there yet");
            continue;
        }
        if folder.starts_with("~") {
            fault(format!("'{FOLDER}' = '{}': a home directory is none here", folder.display()), "write ${HOME}/…");
            continue;
        }
        // However it is written.
        let place = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        let other = of_pipelines.entry(pipeline[at]).or_insert_with(|| place.clone());
        if *other != place {
            fault(
                format!("job '{}' has another '{FOLDER}' than a job that it reads, or that reads it; these have one record", statement.name),
                "give them the same",
            );
            continue;
        }
        let owner = *folders.entry(place).or_insert(pipeline[at]);
        if owner != pipeline[at] {
            fault(format!("'{FOLDER}' = '{}' is that of another job, too", folder.display()), "give each a folder of its own");
            continue;
        }
        let members = (0..statements.len()).filter(|member| pipeline[*member] == pipeline[at]);
        let described = members.filter_map(|member| Some(describe(statements[member].as_ref()?, created[member].as_ref())));
        let statement_text = described.collect::<Vec<_>>().join("\n");
        specs[at] = Some(CheckpointSpec { folder: folder.clone(), interval: statement.job.checkpoint_interval.0, statement: statement_text });
    }
    specs
}

/// What a statement does, in words that are the same for every run of it: its query, and what it reads.
fn describe(statement: &BoundStatement, created: Option<&Created>) -> String {
    let set = |key: &str| statement.settings.iter().find(|setting| setting.key == key).map_or("", |setting| setting.value.as_str());
    let mut text = format!("{}: {}", statement.name, statement.statement.query);
    for key in ["state.ttl", "emit", "over.order"] {
        text.push_str(&format!("; {key} {}", set(key)));
    }
    for within in &statement.statement.within {
        text.push_str(&format!(" WITHIN {within:?}"));
    }
    for source in &statement.sources {
        let columns = created.and_then(|created| created.inputs.iter().find(|input| *input.name == *source.name));
        let columns = columns.map(|input| schema_text::print(&input.schema)).unwrap_or_default();
        text.push_str(&format!("\n{} ({columns})", source.name));
        for key in ["path", "topic", "event_time", "event_time.unit", "format", "value.format"] {
            text.push_str(&format!("; {key} {}", set(&format!("{}.{key}", source.name))));
        }
    }
    text
}
