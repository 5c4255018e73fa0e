//! Which statements read each other, and how each is executed.

use crate::config::{BoundStatement, ExecutionModeOption, SourceInput};
use crate::error::{Error, Result};
use crate::planner::ExecutionMode;

/// For each statement the number of its pipeline.
pub(super) fn pipelines(statements: &[BoundStatement]) -> Vec<usize> {
    let mut pipeline: Vec<usize> = (0..statements.len()).collect();
    for (at, statement) in statements.iter().enumerate() {
        for source in &statement.sources {
            if let SourceInput::Chained(upstream) = source.input {
                let (from, to) = (pipeline[at], pipeline[upstream]);
                pipeline.iter_mut().for_each(|number| *number = if *number == from { to } else { *number });
            }
        }
    }
    pipeline
}

/// The mode of a pipeline whose statements are `members`; `endless` names a source that may never end.
pub(super) fn mode(members: &[&BoundStatement], endless: Option<&str>) -> Result<ExecutionMode> {
    let asked = |mode: ExecutionModeOption| members.iter().find(|statement| statement.job.execution_mode == mode);
    match (asked(ExecutionModeOption::Batch), asked(ExecutionModeOption::Stream)) {
        (Some(batch), Some(stream)) => {
            let message = format!("'{}' is to run as a batch and '{}' as a stream, but they are one pipeline", batch.name, stream.name);
            Err(Error::config(message).with_help("set 'execution.mode' to the same value in both").at(&batch.script, batch.statement.span))
        }
        (Some(batch), None) => match endless {
            Some(source) => Err(Error::config(format!("job '{}' can't run as a batch: source '{source}' may never end", batch.name))
                .with_help(format!("add '{source}.until' = 'latest', or leave 'execution.mode' out"))
                .at(&batch.script, batch.statement.span)),
            None => Ok(ExecutionMode::Batch),
        },
        (None, Some(_)) => Ok(ExecutionMode::Stream),
        (None, None) if endless.is_some() => Ok(ExecutionMode::Stream),
        (None, None) => Ok(ExecutionMode::Batch),
    }
}
