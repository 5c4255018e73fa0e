//! Functions over the rows of keys.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use datafusion::common::{DFSchemaRef, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore, Window};

use crate::operators::event_time::Timeline;
use crate::operators::over::{LookBack, Release};

/// How a function is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::planner) enum OverCall {
    /// `LAG` of the first argument.
    Lag {
        /// How many rows before.
        offset: usize,
        /// Where there is none.
        default: ScalarValue,
    },
    RowNumber,
    Rank,
    DenseRank,
    /// An aggregate of all rows so far.
    Running {
        /// With those that are equal in order.
        peers: bool,
    },
    /// By DataFusion, over rows of which as many are kept as it looks back at.
    Framed,
}

/// The functions as DataFusion planned them, with how and when they are computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::planner) struct OverNode {
    /// The rows, rewritten.
    pub input: LogicalPlan,
    /// When they come out.
    pub release: Release,
    /// How each function is computed.
    pub calls: Vec<OverCall>,
    /// What they look back at.
    pub look_back: LookBack,
    /// A key without rows for longer begins anew; microseconds.
    pub ttl: Option<i64>,
    /// What time it is for rows that come out as they come.
    pub clock: Option<Timeline>,
    /// Functions and output schema.
    pub window: Window,
}

impl OverNode {
    /// The functions, all over one partition and order.
    pub(in crate::planner) fn functions(&self) -> impl Iterator<Item = &WindowFunction> {
        self.window.window_expr.iter().filter_map(function_of)
    }
}

/// The function that an expression of a window node is.
pub(in crate::planner) fn function_of(expr: &Expr) -> Option<&WindowFunction> {
    match expr {
        Expr::Alias(alias) => function_of(&alias.expr),
        Expr::WindowFunction(function) => Some(function),
        _ => None,
    }
}

impl PartialOrd for OverNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl Hash for OverNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.input, &self.window).hash(state);
    }
}

impl UserDefinedLogicalNodeCore for OverNode {
    fn name(&self) -> &str {
        "Over"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.window.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Over: {}", self.window.window_expr.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { input: inputs.swap_remove(0), ..self.clone() })
    }
}
