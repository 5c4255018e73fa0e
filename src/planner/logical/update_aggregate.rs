//! Rows grouped without a window of time.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use datafusion::common::DFSchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::operators::event_time::Timeline;

/// The grouping as DataFusion planned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::planner) struct UpdateAggregateNode {
    /// The rows, rewritten.
    pub input: LogicalPlan,
    /// How far the time of the rows has come, and the column that holds it, if there is one.
    pub time: Option<(Option<usize>, Timeline)>,
    /// Which of the groups is a window, if one is, and how far that has come.
    pub window: Option<(usize, Timeline)>,
    /// A group without rows for longer begins anew; microseconds.
    pub ttl: Option<i64>,
    /// Groups, aggregates and output schema.
    pub aggregate: Aggregate,
}

impl PartialOrd for UpdateAggregateNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl Hash for UpdateAggregateNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.input, self.ttl, &self.aggregate).hash(state);
    }
}

impl UserDefinedLogicalNodeCore for UpdateAggregateNode {
    fn name(&self) -> &str {
        "UpdateAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.aggregate.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("UpdateAggregate")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { input: inputs.swap_remove(0), ..self.clone() })
    }
}
