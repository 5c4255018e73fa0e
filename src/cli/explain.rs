//! `explain`.

use super::arguments::{ExplainCommand, ExplainForm};
use super::exit::ExitStatus;
use super::report::{print, refused};
use super::run::stdout_sink;
use super::script::{Settings, load, prepare_all};
use crate::config::Application;
use crate::deploy::{Explanation, Look, explain as explain_job};
use crate::options::scrub;

/// Shows what would be run.
pub(super) async fn explain(command: &ExplainCommand, application: Option<&Application>) -> ExitStatus {
    let jobs = match prepare_all(vec![load(&command.file)], Settings::of(&command.overrides, application), &stdout_sink(None), None, Look::Declared).await {
        Ok(prepared) => prepared.jobs,
        Err(faults) => return refused(&faults),
    };
    let explanations: Vec<Explanation> = jobs.iter().map(|job| explain_job(job, command.verbose)).collect();
    let text = match command.form {
        ExplainForm::Json => match serde_json::to_string_pretty(&explanations) {
            Ok(text) => text,
            Err(error) => return refused(&[crate::error::Error::internal("cannot print the plan").with_source(error)]),
        },
        ExplainForm::Text => explanations.iter().map(text).collect::<Vec<_>>().join("\n"),
    };
    print(&format!("{}\n", scrub(&text)))
}

fn text(job: &Explanation) -> String {
    let mut out = vec![format!("{} ({})", job.job, job.mode), format!("  {}", job.flow)];
    out.extend(job.sources.iter().map(|source| format!("  source {}  {}", source.name, source.what)));
    out.extend(job.sinks.iter().map(|sink| format!("  sink   {}  {}", sink.name, sink.what)));
    let widest = |text: fn(&crate::deploy::Operator) -> &str, name: &str| {
        job.operators.iter().map(|o| text(o).chars().count().min(60)).chain([name.len()]).max().unwrap_or(0)
    };
    let (first, second, third) = (widest(|o| &o.operator, "operator"), widest(|o| &o.state, "state"), widest(|o| &o.bound, "bound"));
    out.push(format!("  {:<first$}  {:<second$}  {:<third$}  output", "operator", "state", "bound"));
    out.extend(job.operators.iter().map(|o| format!("  {:<first$}  {:<second$}  {:<third$}  {}", o.operator, o.state, o.bound, o.output)));
    out.push(format!("  columns: {}", job.columns));
    let settings = job.settings.iter().map(|setting| format!("{} = {} ({})", setting.key, setting.value, setting.origin)).collect::<Vec<_>>();
    out.push(format!("  settings: {}", settings.join(" · ")));
    out.extend(job.warnings.iter().map(|warning| format!("  warning: {warning}")));
    if let Some(plans) = &job.plans {
        out.push(format!("\nlogical plan\n{}\nphysical plan\n{}", plans.logical, plans.physical));
    }
    out.join("\n")
}
