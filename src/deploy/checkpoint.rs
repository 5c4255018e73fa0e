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
        let other = of_pipelines.entry(pipeline[at]).or_insert_with(|| folder.clone());
        if other != folder {
            fault(
                format!("job '{}' has another '{FOLDER}' than a job that it reads, or that reads it; these have one record", statement.name),
                "give them the same",
            );
            continue;
        }
        let owner = *folders.entry(folder.clone()).or_insert(pipeline[at]);
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
    let mut text = format!("{}: {}", statement.name, statement.statement.query);
    for within in &statement.statement.within {
        text.push_str(&format!(" WITHIN {within:?}"));
    }
    for source in &statement.sources {
        let set = |key: &str| {
            let key = format!("{}.{key}", source.name);
            statement.settings.iter().find(|setting| setting.key == key).map_or("", |setting| setting.value.as_str())
        };
        let columns = created.and_then(|created| created.inputs.iter().find(|input| *input.name == *source.name));
        let columns = columns.map(|input| schema_text::print(&input.schema)).unwrap_or_default();
        text.push_str(&format!("\n{}: {}{} ({columns})", source.name, set("path"), set("topic")));
    }
    text
}
