//! What was typed, or why it can't be understood.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use super::arguments::Arguments;
use super::exit::ExitStatus;
use super::report::tell;

/// Reads the arguments of the process. What is wrong with them is told without secrets, since statements and settings are typed, too.
pub fn parse() -> Result<Arguments, ExitStatus> {
    let parsed = Arguments::try_parse().and_then(|arguments| match arguments.misplaced() {
        None => Ok(arguments),
        Some("--sql") => Err(Arguments::command().error(ErrorKind::ArgumentConflict, "--sql is a command by itself; give it, or another command")),
        Some(option) => {
            Err(Arguments::command().error(ErrorKind::ArgumentConflict, format!("{option} stands after the command: velo-sql run FILE {option} …")))
        }
    });
    parsed.map_err(|error| {
        let setting = matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(argument)) if argument.starts_with("--set "));
        let text = error.render().to_string();
        if error.kind() == ErrorKind::ValueValidation && setting {
            // Clap would print what stands there, which may be a password.
            tell("error: what follows --set is not KEY=VALUE\n\nFor more information, try '--help'.");
            ExitStatus::Refused
        } else if !error.use_stderr() {
            super::report::print(&text)
        } else {
            tell(text.trim_end());
            ExitStatus::Refused
        }
    })
}
