//! A stream joined with a table.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::common::DFSchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, UserDefinedLogicalNodeCore};

/// The join as DataFusion planned it, with the stream as its only input; the table's plan stays inside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::planner) struct LookupJoinNode {
    /// The side whose rows come in epochs, rewritten.
    pub stream: LogicalPlan,
    /// The side that is loaded.
    pub table: Arc<LogicalPlan>,
    /// Whether the stream is the left side of `join`.
    pub stream_is_left: bool,
    /// Keys, filter, type and output schema.
    pub join: Join,
}

impl PartialOrd for LookupJoinNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for LookupJoinNode {
    fn name(&self) -> &str {
        "LookupJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.stream]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.join.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "LookupJoin: {}", self.join.join_type)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { stream: inputs.swap_remove(0), ..self.clone() })
    }
}
