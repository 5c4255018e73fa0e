//! DataFusion's settings and functions.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::exact::{ExactLiterals, InstantType};
use crate::clock::EpochClock;
use crate::error::{Error, Result};
use crate::functions;
use crate::operators::counted_lists::CountedLists;

/// Rows of a batch inside plans.
pub(super) const PLAN_BATCH_ROWS: usize = 8192;

/// A session for one job; `own`: functions of the application.
pub(super) fn session(clock: &Arc<EpochClock>, memory: Option<&Arc<dyn MemoryPool>>, own: &[Arc<ScalarUDF>]) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(PLAN_BATCH_ROWS)
        .with_information_schema(false)
        // Exchanges would reorder rows and spawn tasks in every epoch.
        .with_round_robin_repartition(false)
        .with_repartition_file_scans(false)
        // Only the textual form reaches the three specific switches; filters that one execution learnt would be wrong in the next.
        .set_bool("datafusion.optimizer.enable_dynamic_filter_pushdown", false)
        .set_bool("datafusion.optimizer.enable_piecewise_merge_join", false)
        // A symmetric join keeps its state in one execution only: matches across epochs would be lost without a word.
        .set_bool("datafusion.optimizer.allow_symmetric_joins_without_pruning", false)
        // Identifiers keep their spelling.
        .set_bool("datafusion.sql_parser.enable_ident_normalization", false)
        // `0.1` is a tenth, not the double next to it.
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true)
        .set_bool("datafusion.sql_parser.collect_spans", true);
    config.options_mut().execution.time_zone = Some("+00:00".to_owned());
    let runtime = RuntimeEnvBuilder::new();
    let runtime = match memory {
        Some(pool) => runtime.with_memory_pool(Arc::clone(pool)),
        None => runtime,
    };
    let runtime = runtime.build_arc().map_err(|error| Error::internal("cannot set up the runtime").with_source(error))?;
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(ExactLiterals)];
    rules.extend(Analyzer::new().rules);
    // Sources take no conditions, so the logical plan has each of them where it can be; these rules would push them below projections whatever they grow to.
    let physical = PhysicalOptimizer::new().rules.into_iter().filter(|rule| !rule.name().starts_with("FilterPushdown")).collect();
    let builder = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
    let builder = builder.with_type_planner(Arc::new(InstantType));
    let mut state = builder.with_analyzer_rules(rules).with_physical_optimizer_rules(physical).build();
    for function in functions::all(clock) {
        state.register_udf(Arc::new(function)).map_err(|error| Error::internal("cannot register a function").with_source(error))?;
    }
    let known: Vec<_> = functions::bounded(|name| state.scalar_functions().get(name).cloned()).collect();
    for function in known {
        state.register_udf(Arc::new(function)).map_err(|error| Error::internal("cannot register a function").with_source(error))?;
    }
    for function in own {
        state
            .register_udf(Arc::clone(function))
            .map_err(|error| Error::internal(format!("cannot register function '{}'", function.name())).with_source(error))?;
    }
    for function in functions::aggregates().into_iter().chain([AggregateUDF::from(CountedLists::default())]) {
        state.register_udaf(Arc::new(function)).map_err(|error| Error::internal("cannot register a function").with_source(error))?;
    }
    Ok(state)
}

/// The one task context of a job.
pub fn task_context(state: &SessionState) -> Arc<TaskContext> {
    SessionContext::new_with_state(state.clone()).task_ctx()
}
