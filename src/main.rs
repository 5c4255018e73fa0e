//! `velo-sql`.

use std::process::ExitCode;

use clap::Parser;
use velostream::cli::{self, arguments::Arguments};

fn main() -> ExitCode {
    // Wrong arguments end the process with status 2.
    cli::main(Arguments::parse()).into()
}
