//! `validate`.

use std::collections::BTreeMap;

use super::arguments::ValidateCommand;
use super::exit::ExitStatus;
use super::report::{refused, tell};
use super::run::{stdout_sink, unused_variables};
use super::script::{Settings, load, prepare_all};
use crate::config::Application;
use crate::deploy::{Look, Note, Prepared};
use crate::options::Origin;
use crate::planner::ExecutionMode;

/// Checks scripts; everything that can be known without starting anything.
pub(super) async fn validate(command: &ValidateCommand, application: Option<&Application>, quiet: bool) -> ExitStatus {
    let look = if command.connect { Look::Connect } else { Look::Offline };
    let scripts = command.files.iter().map(|file| load(file)).collect();
    match prepare_all(scripts, Settings::of(&command.overrides, application), &stdout_sink(None), None, look).await {
        Ok(_) if quiet => ExitStatus::Done,
        Ok(prepared) => {
            let nothing = "Nothing was started.";
            tell(&match print(&prepared, application) {
                0 => nothing.to_owned(),
                warnings => format!("{}. {nothing}", counted(warnings, "warning")),
            });
            ExitStatus::Done
        }
        Err(faults) => refused(&faults),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Prints what was found; returns the number of warnings.
fn print(prepared: &Prepared, application: Option<&Application>) -> usize {
    let line = |how: &str, what: &str, text: String| tell(&format!("{how:<5} {what:<12} {text}"));
    let Prepared { jobs, unplanned } = prepared;
    let sources = jobs.iter().map(|job| job.spec.sources.len()).chain(unplanned.iter().map(|job| job.sources)).sum();
    let sinks = jobs.iter().map(|job| job.spec.sinks.len()).chain(unplanned.iter().map(|job| job.sinks)).sum();
    let statements = counted(jobs.len() + unplanned.len(), "statement");
    line("ok", "syntax", format!("{statements}, {}, {}", counted(sources, "source"), counted(sinks, "sink")));
    line("ok", "keys", keys(prepared));
    let mut warnings = 0;
    let mut warn = |text: &str| {
        tell(&format!("warn  {text}"));
        warnings += 1;
    };
    let unused = unused_variables(jobs, application);
    let (settings, others): (Vec<_>, Vec<_>) = unused.into_iter().partition(|variable| variable.is_setting);
    settings.iter().for_each(|variable| warn(&variable.text()));
    if !others.is_empty() {
        let listed: Vec<String> = others.iter().map(|variable| format!("{} ({})", variable.name, variable.place)).collect();
        line("skip", "variables", format!("nothing here uses {}", listed.join(", ")));
    }
    for job in jobs {
        for source in &job.spec.sources {
            line("ok", source.source.name(), format!("schema: {}", crate::formats::schema_text::print(&source.source.schema())));
        }
        let plan = &job.spec.plan;
        let how = match plan.mode {
            ExecutionMode::Batch => "batch, run once".to_owned(),
            ExecutionMode::Stream => {
                let state = match plan.stateful.len() {
                    0 => "no state beyond them".to_owned(),
                    count => format!(
                        "{} state within bounds of event time",
                        if count == 1 { "1 operator keeps".to_owned() } else { format!("{count} operators keep") }
                    ),
                };
                format!("stream + {}, {state}, mode simple", counted(plan.lookups.len(), "lookup"))
            }
        };
        line("ok", "plan", format!("{}: {how}", job.spec.name));
        job.warnings.iter().for_each(|warning| warn(warning));
    }
    for job in unplanned {
        job.notes.iter().for_each(|note| warn(&unknown_schema(note)));
        line("skip", "plan", format!("{}: not planned, since columns that it reads are not known", job.name));
        job.warnings.iter().for_each(|warning| warn(warning));
    }
    warnings
}

/// How many settings there are, and where they come from.
fn keys(prepared: &Prepared) -> String {
    let mut origins: BTreeMap<String, usize> = BTreeMap::new();
    let settings = prepared.jobs.iter().map(|job| &job.settings).chain(prepared.unplanned.iter().map(|job| &job.settings)).flatten();
    for setting in settings {
        let kind = match &setting.origin {
            Origin::Default => continue,
            Origin::Inline { .. } => "inline".to_owned(),
            Origin::Yaml { file, .. } => format!("from YAML ({})", file.display()),
            Origin::Environment { variable } => format!("from env ({variable})"),
            Origin::Application => "from the application".to_owned(),
            Origin::CommandLine => "from --set".to_owned(),
        };
        *origins.entry(kind).or_default() += 1;
    }
    let count: usize = origins.values().sum();
    let listed: Vec<String> = origins.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{count} set, 0 unknown{}{}", if listed.is_empty() { "" } else { ": " }, listed.join(", "))
}

fn unknown_schema(note: &Note) -> String {
    let columns = match note.unchecked {
        Some(1) => "the column that the statement names is unchecked".to_owned(),
        Some(count) => format!("the {count} columns that the statement names are unchecked"),
        None => "its columns are unchecked".to_owned(),
    };
    format!("{:<12} schema not known offline; {columns}   fix: '{}.schema' = 'name TYPE, …', or --connect", note.source, note.source)
}
