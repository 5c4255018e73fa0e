//! How the statements of a pipeline are executed.

use crate::config::{BoundStatement, ExecutionModeOption};
use crate::error::{Error, Result};
use crate::planner::ExecutionMode;

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
