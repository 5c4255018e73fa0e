//! `velo-sql FILE`: checks the syntax of a script; running it follows.

use std::process::ExitCode;

use sql_extensions::StreamingSqlParser;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        eprintln!("Usage: velo-sql FILE");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&name) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("Error: cannot read {name}: {}", velostream::error::io_text(&error));
            return ExitCode::from(2);
        }
    };
    match StreamingSqlParser::new().parse_script(&text) {
        Ok(statements) => {
            println!("{} statements, syntax ok", statements.len());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("Error: {}", error.render(&name, &text)));
            ExitCode::from(2)
        }
    }
}
