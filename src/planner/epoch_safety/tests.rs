//! Every operator there is: allowed with a golden case in which it stands above a stream, or refused in just these words.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};

use arrow::datatypes::{Schema, TimeUnit};
use datafusion::datasource::sink::DataSinkExec;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::output_requirements::OutputRequirementExec;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::async_func::AsyncFuncExec;
use datafusion::physical_plan::buffer::BufferExec;
#[allow(deprecated, reason = "it is still there")]
use datafusion::physical_plan::coalesce_batches::CoalesceBatchesExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::explain::ExplainExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PiecewiseMergeJoinExec, SortMergeJoinExec, SymmetricHashJoinExec};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::partial_sort::PartialSortExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::work_table::WorkTableExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, PlanProperties};
use sql_extensions::StreamingSqlParser;

use super::*;
use crate::clock::EpochClock;
use crate::error::Script;
use crate::formats::schema_text;
use crate::operators::guard::RowFaults;
use crate::planner::{ExecutionMode, PlanRequest, TableInput, plan_job};

macro_rules! names {
    ($($operator:ty),* $(,)?) => { [$(<$operator as ExecutionPlan>::static_name()),*] };
}

/// The operators of DataFusion 53.1: all types of its crates physical-plan, physical-optimizer, datasource, catalog and core that implement `ExecutionPlan`, those of their tests
/// left out. The compiler knows them, so that none is named that is no more.
#[allow(deprecated, reason = "one of them is")]
fn operators() -> Vec<&'static str> {
    let mut names = names![
        AggregateExec,
        AnalyzeExec,
        AsyncFuncExec,
        BoundedWindowAggExec,
        BufferExec,
        CoalesceBatchesExec,
        CoalescePartitionsExec,
        CooperativeExec,
        CrossJoinExec,
        DataSinkExec,
        DataSourceExec,
        EmptyExec,
        ExplainExec,
        FilterExec,
        GlobalLimitExec,
        HashJoinExec,
        InterleaveExec,
        LazyMemoryExec,
        LocalLimitExec,
        NestedLoopJoinExec,
        OutputRequirementExec,
        PartialSortExec,
        PiecewiseMergeJoinExec,
        PlaceholderRowExec,
        ProjectionExec,
        RecursiveQueryExec,
        RepartitionExec,
        SortExec,
        SortMergeJoinExec,
        SortPreservingMergeExec,
        StreamingTableExec,
        SymmetricHashJoinExec,
        UnionExec,
        UnnestExec,
        WindowAggExec,
        WorkTableExec,
    ]
    .to_vec();
    // Private to the crate catalog.
    names.push("DmlResultExec");
    names
}

/// The allowed operators, ours and DataFusion's, and a golden case whose plan holds each above a stream. The case is run in all cuts by the golden tests.
const CASES: [(&str, &str); ALLOWED.len()] = [
    ("SourceExec", "select_star"),
    ("GuardedFilterExec", "in_list"),
    ("GuardedProjectionExec", "select_columns"),
    ("LookupJoinExec", "join_left"),
    ("StreamLimitExec", "limit"),
    ("OnceExec", "union_all_with_values"),
    ("UnionExec", "union_all"),
    ("UnnestExec", "unnest"),
    ("CountedExec", "unnest"),
    ("IntervalJoinExec", "within_inner"),
    ("WindowAggregateExec", "window_tumble"),
    ("OverExec", "over_lag"),
    ("UpdateAggregateExec", "updates_by_key"),
    ("SessionAggregateExec", "window_session"),
];

/// What is said of each of the others.
const REFUSALS: &str = include_str!("refusals.txt");

#[derive(Debug)]
struct Named(String, Arc<PlanProperties>);

impl DisplayAs for Named {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ExecutionPlan for Named {
    fn name(&self) -> &str {
        &self.0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.1
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> datafusion::error::Result<SendableRecordBatchStream> {
        Ok(Box::pin(EmptyRecordBatchStream::new(self.schema())))
    }
}

fn check_named(name: &str) -> Result<()> {
    let properties = Arc::clone(EmptyExec::new(Arc::new(Schema::empty())).properties());
    let plan: Arc<dyn ExecutionPlan> = Arc::new(Named(name.to_owned(), properties));
    check(&plan)
}

#[test]
fn the_list_is_of_the_version_in_use() {
    assert_eq!(datafusion::DATAFUSION_VERSION, "53.1.0", "look through the operators of the new version before this is changed");
}

#[test]
fn whatever_is_not_allowed_is_refused_in_these_words() {
    let mut found = Vec::new();
    for name in operators().into_iter().chain(["SomebodysExec"]) {
        match check_named(name) {
            Ok(()) => assert!(ALLOWED.contains(&name), "{name} is let through"),
            Err(error) => found.push(format!("{name}\n  {}\n  {}\n", error.message(), error.help().unwrap_or_default())),
        }
    }
    found.sort();
    assert_eq!(found.concat(), REFUSALS);
}

#[test]
fn an_operator_below_an_allowed_one_is_refused_too() {
    let properties = Arc::clone(EmptyExec::new(Arc::new(Schema::empty())).properties());
    let named = |name: &str| -> Arc<dyn ExecutionPlan> { Arc::new(Named(name.to_owned(), Arc::clone(&properties))) };
    let union = |below: &str| UnionExec::try_new(vec![named("SourceExec"), named(below)]).unwrap();
    assert!(check(&union("SourceExec")).is_ok() && is_row_wise(&union("SourceExec")));
    assert!(check(&union("SortExec")).is_err() && !is_row_wise(&union("SortExec")));
}

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case)
}

/// The names of the operators of a golden case's stream plan.
async fn operators_of(case: &str) -> Vec<String> {
    let text = std::fs::read_to_string(golden(case).join("query.sql")).unwrap();
    let script = Arc::new(Script { name: case.to_owned(), text });
    let statement = StreamingSqlParser::new().parse(&script.text).unwrap();
    let event_time = |key: &str| statement.with.iter().find(|entry| entry.key == format!("{key}.event_time")).map(|entry| entry.value.clone());
    let table = |key: &str, columns: &str| TableInput {
        name: Arc::from(key),
        schema: Arc::new(schema_text::parse(columns).unwrap()),
        unbounded: false,
        bytes: 1000,
        event_time: event_time(key),
        event_time_unit: TimeUnit::Millisecond,
        refresh_interval: None,
        metadata: &[],
        is_stream: false,
        column_times: Vec::new(),
    };
    let tables: Vec<_> = statement.with.iter().filter_map(|entry| Some(table(entry.key.strip_suffix(".schema")?, &entry.value))).collect();
    let (clock, faults) = (Arc::new(EpochClock::system()), Arc::new(RowFaults::new(false)));
    let request = PlanRequest {
        script: &script,
        statement: &statement,
        tables: &tables,
        mode: ExecutionMode::Stream,
        clock: &clock,
        faults: &faults,
        carry: false,
        state_ttl: None,
        results: Default::default(),
        memory: None,
        functions: &[],
    };
    let mut names = Vec::new();
    let mut plans = vec![plan_job(request).await.unwrap().root];
    while let Some(plan) = plans.pop() {
        names.push(plan.name().to_owned());
        plans.extend(plan.children().into_iter().cloned());
    }
    names
}

#[tokio::test]
async fn each_allowed_operator_stands_in_the_plan_of_its_case() {
    for ((name, case), allowed) in CASES.into_iter().zip(ALLOWED) {
        assert_eq!(name, allowed, "a case for each allowed operator, in order");
        assert!(check_named(name).is_ok());
        let is_streamed = !std::fs::read_to_string(golden(case).join("query.sql")).unwrap().contains("modes: batch\n");
        assert!(is_streamed && golden(case).join("expected.jsonl").exists(), "{case} is run as a stream");
        let found = operators_of(case).await;
        assert!(found.iter().any(|found| found == name), "{case} has {found:?} and no {name}");
    }
}
