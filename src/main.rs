//! `velo-sql`.

use std::process::ExitCode;

use velostream::cli;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(arguments) => cli::main(arguments).into(),
        Err(status) => status.into(),
    }
}
