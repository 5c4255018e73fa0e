//! `validate`.

use std::collections::BTreeMap;

use super::arguments::{Arguments, ValidateCommand};
use super::exit::ExitStatus;
use super::report::{refused, tell};
use super::run::stdout_sink;
use super::script::{Loaded, load, prepare_all};
use crate::deploy::{Note, PreparedJob};
use crate::planner::ExecutionMode;

/// Checks scripts; everything that can be known without starting anything.
pub(super) async fn validate(command: &ValidateCommand, _: &Arguments) -> ExitStatus {
    let mut scripts: Vec<Loaded> = Vec::new();
    let mut faults = Vec::new();
    for file in &command.files {
        match load(file) {
            Ok(script) => scripts.push(script),
            Err(error) => faults.push(error),
        }
    }
    if !faults.is_empty() {
        return refused(&faults);
    }
    match prepare_all(&scripts, &command.overrides.set, &stdout_sink(None), None, !command.connect).await {
        Ok((jobs, notes)) => {
            let warnings = print(&jobs, &notes);
            tell(&match warnings {
                0 => "Nothing was started.".to_owned(),
                1 => "1 warning. Nothing was started.".to_owned(),
                count => format!("{count} warnings. Nothing was started."),
            });
            ExitStatus::Done
        }
        Err(faults) => refused(&faults),
    }
}

fn print(jobs: &[PreparedJob], notes: &[Note]) -> usize {
    let ok = |what: &str, text: String| tell(&format!("ok    {what:<12} {text}"));
    let sources: usize = jobs.iter().map(|job| job.spec.sources.len()).sum::<usize>() + notes.len();
    let sinks: usize = jobs.iter().map(|job| job.spec.sinks.len()).sum();
    ok("syntax", format!("{} statements planned, {sources} sources, {sinks} sinks", jobs.len()));
    let mut origins: BTreeMap<String, usize> = BTreeMap::new();
    let set = jobs.iter().flat_map(|job| &job.settings).filter(|setting| !matches!(setting.origin, crate::options::Origin::Default));
    for setting in set {
        let kind = match &setting.origin {
            crate::options::Origin::Inline { .. } => "inline".to_owned(),
            crate::options::Origin::Yaml { file, .. } => format!("from YAML ({})", file.display()),
            crate::options::Origin::Environment { variable } => format!("from env ({variable})"),
            crate::options::Origin::CommandLine => "from --set".to_owned(),
            crate::options::Origin::Default => "default".to_owned(),
        };
        *origins.entry(kind).or_default() += 1;
    }
    let count: usize = origins.values().sum();
    let listed: Vec<String> = origins.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    ok("keys", format!("{count} set, 0 unknown{}{}", if listed.is_empty() { "" } else { ": " }, listed.join(", ")));
    let mut warnings = 0;
    for job in jobs {
        for source in &job.spec.sources {
            ok(source.source.name(), format!("schema: {}", crate::formats::schema_text::print(&source.source.schema())));
        }
        let plan = &job.spec.plan;
        let how = match plan.mode {
            ExecutionMode::Batch => "batch, run once".to_owned(),
            ExecutionMode::Stream => format!("stream + {} lookups, no state beyond them, mode simple", plan.lookups.len()),
        };
        ok("plan", format!("{}: {how}", job.spec.name));
        for warning in &job.warnings {
            tell(&format!("warn  {warning}"));
            warnings += 1;
        }
    }
    for note in notes {
        tell(&format!(
            "warn  {:<12} schema not known offline; the columns of its statement are unchecked   fix: '{}.schema' = 'name TYPE, …', or --connect",
            note.source, note.source
        ));
        warnings += 1;
    }
    warnings
}
