//! Rows grouped by a window of time.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use datafusion::common::DFSchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::operators::event_time::Timeline;

/// The grouping as DataFusion planned it, with the group that says when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::planner) struct WindowAggregateNode {
    /// The rows, rewritten.
    pub input: LogicalPlan,
    /// Which of the groups is the window.
    pub window: usize,
    /// How far it has come.
    pub timeline: Timeline,
    /// Groups, aggregates and output schema.
    pub aggregate: Aggregate,
}

impl PartialOrd for WindowAggregateNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl Hash for WindowAggregateNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.input, self.window, &self.aggregate).hash(state);
    }
}

impl UserDefinedLogicalNodeCore for WindowAggregateNode {
    fn name(&self) -> &str {
        "WindowAggregate"
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
        write!(f, "WindowAggregate: window={}", self.window)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { input: inputs.swap_remove(0), ..self.clone() })
    }
}
