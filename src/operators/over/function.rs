//! What is computed, and when.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::window::{SlidingAggregateWindowExpr, WindowExpr};
use datafusion::physical_expr_common::sort_expr::PhysicalSortExpr;

use crate::operators::event_time::Timeline;

/// A function over the rows of a key. Its expressions are over the columns that [`OverSpec::read`] lists.
#[derive(Clone, Debug)]
pub enum Function {
    /// The value of the row so many before this one (`LAG`), or `default`.
    Lag {
        /// What is taken of that row.
        value: Arc<dyn PhysicalExpr>,
        /// How many rows before.
        offset: usize,
        /// The value where there is no such row.
        default: ScalarValue,
    },
    /// The number of the row, from 1.
    RowNumber,
    /// The number of the first of the rows that are equal in order.
    Rank,
    /// The same, without gaps.
    DenseRank,
    /// An aggregate of all rows up to this one.
    Running {
        /// The aggregate function.
        aggregate: Arc<AggregateFunctionExpr>,
        /// Its arguments.
        arguments: Vec<Arc<dyn PhysicalExpr>>,
        /// Which rows count.
        filter: Option<Arc<dyn PhysicalExpr>>,
        /// Whether the rows that are equal in order count together.
        peers: bool,
    },
    /// Any function over a frame, which is no longer than what is looked back at.
    Framed {
        /// As DataFusion computes it for a whole partition.
        function: Arc<dyn WindowExpr>,
        /// The aggregate that it is, if it has no FILTER.
        aggregate: Option<Arc<AggregateFunctionExpr>>,
        /// Whether an accumulator can be moved along the frames.
        slides: bool,
    },
}

impl Function {
    /// A function over frames; `filtered`: it has a FILTER.
    pub fn framed(function: Arc<dyn WindowExpr>, filtered: bool) -> Self {
        let sliding = function.as_any().downcast_ref::<SlidingAggregateWindowExpr>().filter(|_| !filtered);
        let aggregate = sliding.map(|aggregate| Arc::new(aggregate.get_aggregate_expr().clone()));
        let slides = aggregate.as_ref().is_none_or(|aggregate| can_be_moved(aggregate.fun().name())) && follow_each_other(function.get_window_frame());
        Self::Framed { function, aggregate, slides }
    }
}

/// Whether DataFusion's accumulators of a function can be moved along frames. Others take nothing back (`array_agg`), or are wrong where a frame has only NULLs (`min`, `avg`, `bit_xor` of 53.1).
pub fn can_be_moved(name: &str) -> bool {
    ["sum", "count"].contains(&name.to_lowercase().as_str())
}

/// Whether frames follow each other without leaving a row out between them. DataFusion moves accumulators along others, too, and takes back rows that it has never added (`get_aggregate_result_inside_range` of 53.1).
pub fn follow_each_other(frame: &WindowFrame) -> bool {
    let has_the_row = !matches!(frame.start_bound, WindowFrameBound::Following(_)) && !matches!(frame.end_bound, WindowFrameBound::Preceding(_));
    frame.units == WindowFrameUnits::Rows || has_the_row
}

/// What of the rows that have come out is looked at again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookBack {
    /// The last rows of each key.
    pub rows: usize,
    /// Rows of the last so many microseconds.
    pub span: Option<i64>,
    /// The first rows of each key.
    pub first: usize,
}

impl LookBack {
    /// What both look back at.
    pub fn and(self, other: Self) -> Self {
        Self { rows: self.rows.max(other.rows), span: self.span.max(other.span), first: self.first.max(other.first) }
    }

    /// Whether nothing is looked at again.
    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// When rows come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// When the time that they are ordered by has come.
    InOrder(Timeline),
    /// When the time that they are partitioned by, in the column with this number of the partition, is over.
    WholePartitions(usize, Timeline),
    /// At once; those of an epoch are put in order.
    AsTheyCome,
}

/// What the planner knows about functions over the same partition and order.
#[derive(Clone, Debug)]
pub struct OverSpec {
    /// `PARTITION BY`, over the input.
    pub keys: Vec<Arc<dyn PhysicalExpr>>,
    /// `ORDER BY`, over the input.
    pub order: Vec<PhysicalSortExpr>,
    /// When rows come out.
    pub release: Release,
    /// What is computed.
    pub functions: Vec<Function>,
    /// The columns of the input that functions read.
    pub read: Vec<usize>,
    /// What they look back at.
    pub look_back: LookBack,
    /// A key without rows for longer, in microseconds, begins anew.
    pub ttl: Option<i64>,
    /// What time it is for rows that come out as they come.
    pub clock: Option<Timeline>,
}
