//! What would be run.

use std::sync::Arc;

use datafusion::physical_expr_common::physical_expr::fmt_sql;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use serde::Serialize;

use super::prepare::PreparedJob;
use crate::operators::guard::{GuardedFilterExec, GuardedProjectionExec};
use crate::operators::interval_join::IntervalJoinExec;
use crate::operators::limit::StreamLimitExec;
use crate::operators::lookup_join::LookupJoinExec;
use crate::operators::over::{LookBack, OverExec, OverSpec, Release};
use crate::operators::session_aggregate::SessionAggregateExec;
use crate::operators::source_slot::SourceExec;
use crate::operators::update_aggregate::UpdateAggregateExec;
use crate::operators::window_aggregate::WindowAggregateExec;
use crate::planner::ExecutionMode;

/// A job, explained.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Name of the job.
    pub job: String,
    /// `stream` or `batch`.
    pub mode: &'static str,
    /// From the sources to the sinks, in one line.
    pub flow: String,
    /// Sources, described.
    pub sources: Vec<Described>,
    /// Sinks, described.
    pub sinks: Vec<Described>,
    /// Operators from the leaves to the root.
    pub operators: Vec<Operator>,
    /// Columns of the result.
    pub columns: String,
    /// Settings in force.
    pub settings: Vec<ExplainedSetting>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
    /// DataFusion's plans; filled on request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plans: Option<Plans>,
}

/// A source or a sink.
#[derive(Clone, Debug, Serialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// What it is.
    pub what: String,
}

/// An operator, what it remembers, and what bounds that.
#[derive(Clone, Debug, Serialize)]
pub struct Operator {
    /// What it does.
    pub operator: String,
    /// What it remembers between epochs.
    pub state: String,
    /// What bounds its memory.
    pub bound: String,
    /// What its output is.
    pub output: &'static str,
}

/// A setting, masked if it is a secret.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainedSetting {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where it came from.
    pub origin: String,
}

/// DataFusion's plans.
#[derive(Clone, Debug, Serialize)]
pub struct Plans {
    /// The optimised logical plan.
    pub logical: String,
    /// The physical plan.
    pub physical: String,
}

/// Explains a job; `verbose` adds DataFusion's plans.
pub fn explain(job: &PreparedJob, verbose: bool) -> Explanation {
    let plan = &job.spec.plan;
    let mut operators = Vec::new();
    let flow = describe(&plan.root, &mut operators);
    let sinks: Vec<Described> = job.spec.sinks.iter().map(|sink| Described { name: sink.sink.name().to_owned(), what: sink.sink.describe() }).collect();
    let ends = sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>().join(" | ");
    let setting =
        |setting: &crate::options::EffectiveSetting| ExplainedSetting { key: setting.key.clone(), value: setting.value.clone(), origin: setting.whence() };
    Explanation {
        job: job.spec.name.clone(),
        mode: match plan.mode {
            ExecutionMode::Stream => "stream",
            ExecutionMode::Batch => "batch",
        },
        flow: if ends.is_empty() { flow } else { format!("{flow} --> {ends}") },
        sources: job.spec.sources.iter().map(|source| Described { name: source.source.name().to_owned(), what: source.source.describe() }).collect(),
        sinks,
        operators,
        columns: crate::formats::schema_text::print(&crate::stream::visible(&plan.schema)),
        settings: job.settings.iter().map(setting).collect(),
        warnings: job.warnings.clone(),
        plans: verbose
            .then(|| Plans { logical: plan.logical.display_indent().to_string(), physical: displayable(plan.root.as_ref()).indent(false).to_string() }),
    }
}

fn operator(operators: &mut Vec<Operator>, operator: String, state: &str, bound: String) {
    operators.push(Operator { operator, state: state.to_owned(), bound, output: "append, final" });
}

/// A difference of times in words.
fn span(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let units = [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1)];
    let (unit, size) = units.into_iter().find(|(_, size)| micros >= *size && micros.is_multiple_of(*size)).unwrap_or(("s", 1_000_000));
    format!("{sign}{} {unit}", micros / size)
}

/// What is kept of each key's rows.
fn rows_of_keys(spec: &OverSpec) -> String {
    let LookBack { rows, span: time, first } = spec.look_back;
    let mut kept = Vec::new();
    kept.extend((rows > 0).then(|| format!("the last {rows} rows")));
    kept.extend(time.map(|time| format!("the rows of {}", span(time))));
    kept.extend((first > 0).then(|| format!("the first {first} rows")));
    let kept = if kept.is_empty() { "a value".to_owned() } else { kept.join(" and ") };
    match spec.ttl {
        Some(ttl) => format!("{kept} of each key, for {}", span(ttl)),
        None => format!("{kept} of each key; bound the keys by 'state.ttl'"),
    }
}

/// One line for a plan; operators with a meaning of their own are listed, the others stay in DataFusion's words.
fn describe(node: &Arc<dyn ExecutionPlan>, operators: &mut Vec<Operator>) -> String {
    let children: Vec<String> = node.children().into_iter().map(|child| describe(child, operators)).collect();
    let below = children.join(" + ");
    let any = node.as_any();
    if let Some(source) = any.downcast_ref::<SourceExec>() {
        return source.source().to_string();
    }
    if let Some(join) = any.downcast_ref::<LookupJoinExec>() {
        let mut inner = Vec::new();
        let table = describe(join.table(), &mut inner);
        operator(operators, format!("lookup join ({}) with {table}", join.sql_name()), "the table's rows", "size of the table".to_owned());
        return format!("{below} --lookup ({}) {table}", join.sql_name());
    }
    if let Some(join) = any.downcast_ref::<IntervalJoinExec>()
        && let [left, right] = children.as_slice()
    {
        let (kind, bounds) = (join.join().to_string().to_uppercase(), join.bounds());
        let what = format!("interval join ({kind}): the right row's time less the left row's from {} to {}", span(bounds.lower), span(bounds.upper));
        operator(
            operators,
            what,
            "the rows of both sides that may still find partners",
            format!("rows of {}", span(bounds.upper.saturating_sub(bounds.lower))),
        );
        return format!("({left} + {right}) --interval join ({kind}) {}", span(bounds.upper.max(bounds.lower.saturating_neg())));
    }
    if any.downcast_ref::<WindowAggregateExec>().is_some() {
        operator(operators, "GROUP BY of a window".to_owned(), "the groups of open windows", "windows that are not over yet".to_owned());
        return format!("{below} --group by window");
    }
    if let Some(groups) = any.downcast_ref::<UpdateAggregateExec>() {
        let bound = if groups.is_windowed() { Some("windows that are not over yet".to_owned()) } else { None };
        let bound = bound.unwrap_or_else(|| {
            groups.ttl().map_or("all groups; bound them by 'state.ttl'".to_owned(), |ttl| format!("groups that had a row in the last {}", span(ttl)))
        });
        let (operator, state) = (
            if groups.is_windowed() { "GROUP BY of a window, told as it changes" } else { "GROUP BY without a window" }.to_owned(),
            "a value of each aggregate for each group".to_owned(),
        );
        operators.push(Operator { operator, state, bound, output: "updates by key" });
        return format!("{below} --group by");
    }
    if let Some(over) = any.downcast_ref::<OverExec>() {
        let spec = over.spec();
        let (what, state, bound) = match &spec.release {
            Release::InOrder(_) => ("OVER, in the order of event time", "rows whose time has not come", rows_of_keys(spec)),
            Release::WholePartitions(..) => ("OVER windows of event time", "the rows of open windows", "windows that are not over yet".to_owned()),
            Release::AsTheyCome => ("OVER, as rows come", "what is looked back at", rows_of_keys(spec)),
        };
        operator(operators, what.to_owned(), state, bound);
        return format!("{below} --over");
    }
    if let Some(sessions) = any.downcast_ref::<SessionAggregateExec>() {
        let gap = span(sessions.gap());
        operator(operators, format!("GROUP BY of a session, gap {gap}"), "the groups of open sessions", format!("sessions that had a row in the last {gap}"));
        return format!("{below} --group by session ({gap})");
    }
    if let Some(filter) = any.downcast_ref::<GuardedFilterExec>() {
        operator(operators, format!("filter {}", fmt_sql(filter.predicate().as_ref())), "none", "–".to_owned());
        return format!("{below} --filter");
    }
    if any.downcast_ref::<GuardedProjectionExec>().is_some() {
        let columns = node.schema().fields().len();
        operator(operators, format!("project {columns} columns"), "none", "–".to_owned());
        return format!("{below} --project {columns} columns");
    }
    if any.downcast_ref::<StreamLimitExec>().is_some() {
        operator(operators, "limit".to_owned(), "a count", "8 bytes".to_owned());
        return format!("{below} --limit");
    }
    let name = node.name().trim_end_matches("Exec");
    match name {
        "Cooperative" | "Counted" | "CoalescePartitions" | "CoalesceBatches" => below,
        "Union" => format!("({below})"),
        _ => {
            operator(operators, name.to_owned(), "within one execution", "memory of the batch".to_owned());
            if below.is_empty() { name.to_owned() } else { format!("{below} --{name}") }
        }
    }
}
