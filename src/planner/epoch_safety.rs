//! Refuses what may not be executed again and again. Default-deny: an operator that is not on the list is refused, whatever it says of itself, since most of DataFusion's operators
//! give silently wrong rows when a plan is executed once per epoch (a `LIMIT 10` would let ten rows through in *each* epoch).

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

use crate::error::{Error, Result};

/// Operators that yield the same rows for any cut of their input into epochs. Each is here because it works row by row, or because it is ours and keeps its state between epochs.
pub(super) const ALLOWED: [&str; 10] = [
    "SourceExec",
    "GuardedFilterExec",
    "GuardedProjectionExec",
    "LookupJoinExec",
    "StreamLimitExec",
    "OnceExec",
    "UnionExec",
    "UnnestExec",
    "CountedExec",
    // Hands batches on as they are, with a yield now and then.
    "CooperativeExec",
];

/// Whether every operator of a plan works row by row and counts the rows that it drops or adds.
pub(super) fn is_row_wise(plan: &Arc<dyn ExecutionPlan>) -> bool {
    ALLOWED.contains(&plan.name()) && plan.children().into_iter().all(is_row_wise)
}

/// What to write instead of the form that an operator stands for.
fn advice(operator: &str) -> &'static str {
    const BATCH: &str = "run it over bounded sources with 'execution.mode' = 'batch'";
    match operator {
        "AggregateExec" => "GROUP BY, aggregate functions and DISTINCT would see one epoch only; run it over bounded sources with 'execution.mode' = 'batch'",
        "SortExec" | "PartialSortExec" | "SortPreservingMergeExec" => {
            "ORDER BY would sort one epoch only; leave it out, or run it over bounded sources with 'execution.mode' = 'batch'"
        }
        "GlobalLimitExec" | "LocalLimitExec" => {
            "this LIMIT would count in each epoch anew; put it at the end of the statement, or use 'execution.mode' = 'batch'"
        }
        "HashJoinExec" | "NestedLoopJoinExec" | "CrossJoinExec" | "SortMergeJoinExec" | "SymmetricHashJoinExec" | "PiecewiseMergeJoinExec" => {
            "this join would forget one epoch's rows in the next; let one side be a bounded table, or use 'execution.mode' = 'batch'"
        }
        "WindowAggExec" | "BoundedWindowAggExec" => "OVER (…) would see one epoch only; run it over bounded sources with 'execution.mode' = 'batch'",
        "RecursiveQueryExec" | "WorkTableExec" => {
            "a recursive query would begin anew in each epoch; run it over bounded sources with 'execution.mode' = 'batch'"
        }
        _ => BATCH,
    }
}

/// Checks a plan for stream mode.
pub(super) fn check(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    if !ALLOWED.contains(&plan.name()) {
        return Err(Error::sql(format!("this statement can't be run as a stream: {} gives other rows when its input comes in pieces", plan.name()))
            .with_help(advice(plan.name())));
    }
    plan.children().into_iter().try_for_each(check)
}

#[cfg(test)]
mod tests {
    use std::any::Any;
    use std::fmt;

    use arrow::datatypes::Schema;
    use datafusion::execution::{SendableRecordBatchStream, TaskContext};
    use datafusion::physical_plan::{DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, PlanProperties, empty::EmptyExec};

    use super::*;

    /// All operators of DataFusion 53.1, and those of them that may stand above a stream with the golden case that shows it.
    const OPERATORS: [(&str, Option<&str>); 33] = [
        ("AggregateExec", None),
        ("AnalyzeExec", None),
        ("AsyncFuncExec", None),
        ("BoundedWindowAggExec", None),
        ("BufferExec", None),
        ("CoalesceBatchesExec", None),
        ("CoalescePartitionsExec", None),
        ("CooperativeExec", Some("select_star")),
        ("CrossJoinExec", None),
        ("DataSinkExec", None),
        ("DataSourceExec", None),
        ("EmptyExec", None),
        ("ExplainExec", None),
        ("FilterExec", None),
        ("GlobalLimitExec", None),
        ("HashJoinExec", None),
        ("InterleaveExec", None),
        ("LazyMemoryExec", None),
        ("LocalLimitExec", None),
        ("NestedLoopJoinExec", None),
        ("PartialSortExec", None),
        ("PiecewiseMergeJoinExec", None),
        ("PlaceholderRowExec", None),
        ("ProjectionExec", None),
        ("RecursiveQueryExec", None),
        ("RepartitionExec", None),
        ("SortExec", None),
        ("SortMergeJoinExec", None),
        ("SortPreservingMergeExec", None),
        ("SymmetricHashJoinExec", None),
        ("UnionExec", Some("union_all")),
        ("UnnestExec", Some("unnest")),
        ("WindowAggExec", None),
    ];

    #[derive(Debug)]
    struct Named(&'static str, Arc<PlanProperties>);

    impl DisplayAs for Named {
        fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl ExecutionPlan for Named {
        fn name(&self) -> &str {
            self.0
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

    #[test]
    fn the_list_is_of_the_version_in_use() {
        assert_eq!(datafusion::DATAFUSION_VERSION, "53.1.0", "look through the operators of the new version before this is changed");
    }

    #[test]
    fn each_operator_is_allowed_with_a_case_or_refused_with_advice() {
        let properties = Arc::clone(EmptyExec::new(Arc::new(Schema::empty())).properties());
        for (name, case) in OPERATORS {
            let plan: Arc<dyn ExecutionPlan> = Arc::new(Named(name, Arc::clone(&properties)));
            match (check(&plan), case) {
                (Ok(()), Some(case)) => {
                    let query = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case).join("query.sql");
                    assert!(query.exists(), "{name} is allowed, but its case {case} is not there");
                }
                (Err(error), None) => {
                    assert!(error.message().starts_with(&format!("this statement can't be run as a stream: {name} gives")), "{error}");
                    assert!(error.help().is_some_and(|help| help.contains("'execution.mode' = 'batch'")), "{error}");
                }
                (Ok(()), None) => panic!("{name} is allowed without a case that shows that it may be"),
                (Err(error), Some(_)) => panic!("{name} has a case, but is refused: {error}"),
            }
        }
    }

    #[test]
    fn the_advice_names_the_form() {
        for (name, form) in [
            ("AggregateExec", "GROUP BY"),
            ("SortExec", "ORDER BY"),
            ("GlobalLimitExec", "LIMIT"),
            ("HashJoinExec", "join"),
            ("WindowAggExec", "OVER"),
            ("RecursiveQueryExec", "recursive"),
        ] {
            assert!(advice(name).contains(form), "{name}: {}", advice(name));
        }
    }
}
