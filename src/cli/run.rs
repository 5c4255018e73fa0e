//! `run` and `--sql`.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use super::arguments::{Arguments, Format, RunCommand, RunOptions, SummaryForm};
use super::exit::ExitStatus;
use super::report::{grouped, refused, seconds, summary_line, tell};
use super::script::{Loaded, Settings, inline, load, prepare_all};
use super::signals;
use crate::config::{Application, UnusedVariable};
use crate::deploy::{Look, PreparedJob};
use crate::error::Error;
use crate::runtime::{JobCounters, JobOutcome, Shutdown, start};
use crate::sinks::stdout::{SharedOutput, StdoutSink};
use crate::stream::DataSink;

/// Runs script files; without any, that of the application file.
pub(super) async fn run(command: &RunCommand, arguments: &Arguments, application: Option<&Application>) -> ExitStatus {
    let own = application.and_then(Application::script).filter(|_| command.files.is_empty());
    if command.files.is_empty() && own.is_none() {
        tell("Error: nothing to run; name a script: velo-sql run FILE, or 'script' in an application file");
        return ExitStatus::Refused;
    }
    let scripts = command.files.iter().chain(&own).map(|file| load(file)).collect();
    run_scripts(scripts, &command.run, application, arguments.output.quiet).await
}

/// Runs the text of `--sql`; without it, the script of the application file.
pub(super) async fn run_sql(arguments: &Arguments, application: Option<&Application>) -> ExitStatus {
    let script = match (&arguments.sql, application.and_then(Application::script)) {
        (Some(sql), _) => Ok(inline(sql)),
        (None, Some(script)) => load(&script),
        (None, None) => {
            tell("Error: nothing to run; give --sql \"SELECT …\" or velo-sql run FILE");
            return ExitStatus::Refused;
        }
    };
    run_scripts(vec![script], &arguments.run, application, arguments.output.quiet).await
}

/// Standard output as a sink.
pub(super) fn stdout_sink(format: Option<Format>) -> Arc<dyn DataSink> {
    let format = format.unwrap_or(if std::io::stdout().is_terminal() { Format::Table } else { Format::Json });
    let output: SharedOutput = Arc::new(Mutex::new(std::io::stdout()));
    Arc::new(StdoutSink::new(format.into(), output))
}

/// The variables of the application file that nothing of these jobs uses.
pub(super) fn unused_variables(jobs: &[PreparedJob], application: Option<&Application>) -> Vec<UnusedVariable> {
    let sources = jobs.iter().flat_map(|job| job.sources.iter().map(String::as_str));
    let sinks = jobs.iter().flat_map(|job| job.spec.sinks.iter().map(|sink| sink.sink.name()));
    let owners: Vec<&str> = sources.chain(sinks).collect();
    application.into_iter().flat_map(|application| application.unused_variables(&owners)).collect()
}

async fn run_scripts(scripts: Vec<Result<Loaded, Error>>, options: &RunOptions, application: Option<&Application>, quiet: bool) -> ExitStatus {
    let stdout = stdout_sink(options.format);
    let jobs = match prepare_all(scripts, Settings::of(&options.overrides, application), &stdout, options.limit, Look::Run).await {
        Ok(prepared) => prepared.jobs,
        Err(faults) => return refused(&faults),
    };
    for variable in unused_variables(&jobs, application).iter().filter(|variable| variable.is_setting) {
        crate::telemetry::warning(&variable.text());
    }
    for job in &jobs {
        job.warnings.iter().for_each(|warning| crate::telemetry::warning(warning));
    }
    let shutdown = Shutdown::new();
    signals::listen(&shutdown);
    crate::resident::forget_program();
    let began = Instant::now();
    let printing = jobs.iter().flat_map(|job| &job.spec.sinks).any(|sink| Arc::ptr_eq(&sink.sink, &stdout));
    let running = start(jobs.into_iter().map(|job| job.spec).collect(), &stdout, &shutdown);
    let progress = progress(&running.jobs, quiet, printing);
    let outcomes = running.finished().await;
    if let Some(progress) = progress {
        progress.abort();
    }
    finish(&outcomes, options.summary, quiet, began.elapsed())
}

/// Prints the ends of the jobs; the status is that of the worst.
pub(super) fn finish(outcomes: &[JobOutcome], form: Option<SummaryForm>, quiet: bool, took: Duration) -> ExitStatus {
    let mut status = ExitStatus::Done;
    for outcome in outcomes {
        if let Some(error) = outcome.error.as_ref().filter(|_| outcome.refused) {
            // Of another job something may have been started.
            status = if outcomes.iter().all(|outcome| outcome.refused) { ExitStatus::Refused } else { ExitStatus::Failed };
            tell(&format!("Error: {}", error.render()));
        } else if let Some(error) = &outcome.error {
            status = ExitStatus::Failed;
            tell(&format!("Error: Job '{}' failed: {}", outcome.name, error.render()));
        } else if outcome.incomplete {
            status = ExitStatus::Failed;
            tell(&format!("Error: Job '{}' ended, but not all of its sources and sinks took part (see the warnings above)", outcome.name));
        }
    }
    match form {
        Some(SummaryForm::Json) => {
            let jobs: Vec<serde_json::Value> = outcomes.iter().map(json_summary).collect();
            tell(&serde_json::json!({ "jobs": jobs, "seconds": took.as_secs_f64() }).to_string());
        }
        Some(SummaryForm::None) => {}
        None if quiet => {}
        Some(SummaryForm::Text) | None => outcomes.iter().for_each(|outcome| tell(&summary_line(&outcome.summary, outcome.error.is_some(), took))),
    }
    status
}

fn json_summary(outcome: &JobOutcome) -> serde_json::Value {
    let mut summary = serde_json::to_value(&outcome.summary).unwrap_or_default();
    if let Some(object) = summary.as_object_mut() {
        let status = if outcome.error.is_some() || outcome.incomplete { "failed" } else { "done" };
        object.insert("status".to_owned(), status.into());
        object.insert("error".to_owned(), outcome.error.as_ref().map(|error| error.to_string()).into());
        let positions = outcome.durable.iter().map(|(source, position)| {
            (source.clone(), serde_json::json!(position.offsets.iter().map(|(p, o)| (p.to_string(), *o)).collect::<std::collections::BTreeMap<_, _>>()))
        });
        object.insert("positions".to_owned(), serde_json::Value::Object(positions.collect()));
    }
    summary
}

/// A line that is drawn again every second, on a terminal only.
fn progress(jobs: &[(String, Arc<JobCounters>)], quiet: bool, printing: bool) -> Option<tokio::task::JoinHandle<()>> {
    // Rows on the same terminal would be torn apart by it.
    if quiet || !std::io::stderr().is_terminal() || (printing && std::io::stdout().is_terminal()) {
        return None;
    }
    let jobs = jobs.to_vec();
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("  {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    Some(tokio::spawn(async move {
        let began = Instant::now();
        let mut last = 0;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            bar.set_message(progress_line(&jobs, began.elapsed(), &mut last));
            bar.tick();
        }
    }))
}

fn progress_line(jobs: &[(String, Arc<JobCounters>)], elapsed: Duration, last: &mut u64) -> String {
    let mut parts = vec![seconds(elapsed)];
    let mut input = 0;
    for (name, counters) in jobs {
        let summary = counters.summary(name);
        input += summary.input;
        let sinks =
            counters.sinks.iter().map(|(sink, counts)| format!("{sink} {}", grouped(counts.rows.load(Ordering::Relaxed)))).collect::<Vec<_>>().join("  ");
        parts.push(format!("{name}: in {}  out {sinks}  rejected {}", grouped(summary.input), grouped(summary.rejected)));
    }
    parts.push(format!("{}/s", grouped(input - *last)));
    *last = input;
    parts.join("  ")
}
