//! Two streams joined by key and by time.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use datafusion::common::DFSchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::operators::event_time::Timeline;
use crate::operators::interval_join::TimeBounds;

/// The join as DataFusion planned it, with what was found about the times of its sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::planner) struct IntervalJoinNode {
    /// The left side, rewritten.
    pub left: LogicalPlan,
    /// The right side, rewritten.
    pub right: LogicalPlan,
    /// Columns with their times.
    pub columns: (usize, usize),
    /// How far these have come.
    pub timelines: (Timeline, Timeline),
    /// Which differences of time make a pair.
    pub bounds: TimeBounds,
    /// Conditions beyond keys and time.
    pub rest: Option<Expr>,
    /// Keys, type and output schema.
    pub join: Join,
}

impl PartialOrd for IntervalJoinNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl Hash for IntervalJoinNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.left, &self.right, self.columns, self.bounds, &self.rest, &self.join).hash(state);
    }
}

impl UserDefinedLogicalNodeCore for IntervalJoinNode {
    fn name(&self) -> &str {
        "IntervalJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.join.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "IntervalJoin: {}", self.join.join_type)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let right = inputs.swap_remove(1);
        Ok(Self { left: inputs.swap_remove(0), right, ..self.clone() })
    }
}
