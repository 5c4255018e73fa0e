//! The command line: `velo-sql`. Rows go to standard output, everything else to standard error. In reading order:
//! - `arguments`, `parse`: what can be typed, and what was
//! - `script`: scripts from files, the command line, or standard input, and their binding
//! - `run`, `validate`, `explain`, `options`, `config`, `new`, `decrypt`, `demo`: the commands
//! - `logging`: log lines on standard error
//! - `report`: numbers and summaries for people
//! - `signals`, `exit`: how a run is ended, and how the process ends

pub mod arguments;
mod config;
mod decrypt;
mod demo;
mod exit;
mod explain;
mod logging;
mod new;
mod options;
mod parse;
mod report;
mod run;
mod script;
mod signals;
mod validate;

pub use exit::ExitStatus;
pub use parse::parse;

use arguments::{Arguments, Command};

use crate::config::{Application, ProcessEnvironment, misspelt_variables};
use crate::error::excerpt;
use crate::runtime::{STACK, threads};

/// A damaged file makes some decoders panic; that becomes an error, and nothing else is to be printed of it.
fn quiet_guarded_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !crate::unwind::panics_become_errors() {
            usual(panic);
        }
    }));
}

/// Runs a command to its end.
pub fn main(arguments: Arguments) -> ExitStatus {
    signals::ignore_full_files();
    crate::resident::own_process();
    let overrides = arguments.overrides();
    let application = overrides.map_or(Ok(None), |given| Application::load(given.config.as_deref(), given.profile.as_deref(), &ProcessEnvironment));
    logging::start(&arguments, application.as_ref().ok().and_then(Option::as_ref).and_then(Application::log_level));
    let application = match application {
        Ok(application) => application,
        Err(error) => return report::refused(&[error]),
    };
    if overrides.is_some() {
        let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        for (name, meant) in misspelt_variables(names.iter().map(String::as_str)) {
            crate::telemetry::warning(&format!("environment variable {name} is none of the engine's; nearest: {meant}"));
        }
    }
    if let (Some(_), None, Some(profile)) = (overrides, &application, Application::unused_profile(&ProcessEnvironment)) {
        tracing::warn!("VELO_PROFILE = '{}' has no effect: there is no application file; name one with --config FILE", excerpt(&profile));
    }
    quiet_guarded_panics();
    // The stack of the first thread is not ours to choose.
    match std::thread::Builder::new().stack_size(STACK).name("main".to_owned()).spawn(move || run_command(&arguments, application.as_ref())) {
        Ok(thread) => thread.join().unwrap_or(ExitStatus::Failed),
        Err(error) => no_threads(&error),
    }
}

fn no_threads(error: &std::io::Error) -> ExitStatus {
    report::tell(&format!("Error: cannot start threads: {error}"));
    ExitStatus::Failed
}

fn run_command(arguments: &Arguments, application: Option<&Application>) -> ExitStatus {
    let runtime = match threads().build() {
        Ok(runtime) => runtime,
        Err(error) => return no_threads(&error),
    };
    let status = runtime.block_on(async {
        match &arguments.command {
            Some(Command::Run(run)) => run::run(run, arguments, application).await,
            Some(Command::Validate(validate)) => validate::validate(validate, application, arguments.output.quiet).await,
            Some(Command::Explain(explain)) => explain::explain(explain, application).await,
            Some(Command::Options(options)) => options::options(options),
            Some(Command::Config(config)) => config::config(config),
            Some(Command::New(new)) => new::new(new),
            Some(Command::Decrypt(decrypt)) => decrypt::decrypt(decrypt),
            Some(Command::Demo(demo)) => demo::demo(demo, arguments).await,
            Some(Command::Completions { shell }) => arguments::completions(*shell),
            None => run::run_sql(arguments, application).await,
        }
    });
    // Threads that wait for standard input or poll files have nothing more to say.
    runtime.shutdown_background();
    status
}
