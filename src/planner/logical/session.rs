//! Rows grouped by sessions of time.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::DFSchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::functions::SESSION_FUNCTIONS;
use crate::operators::session_aggregate::SessionTime;

/// A grouping of which at least one group is a call of `session`.
///
/// It is put in the place of DataFusion's `Aggregate` before the plan is optimised, in both modes, since no rule for that one holds here: which session a row belongs to depends on
/// other rows, so a condition on the session can't be tested below the grouping, and DISTINCT can't become one more group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::planner) struct SessionNode {
    /// The grouping as DataFusion planned it.
    pub aggregate: Aggregate,
    /// How far its instants have come; `None`: all rows come in one execution.
    pub time: Option<SessionTime>,
}

/// A call of `session`: its instant, its gap, and whether it stands for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::planner) struct SessionCall<'a> {
    /// What sessions are made of.
    pub instant: &'a Expr,
    /// Rows that are so far apart are not in one session.
    pub gap: &'a Expr,
    /// It is the end that is asked for, not the beginning.
    pub is_end: bool,
}

impl<'a> SessionCall<'a> {
    /// The call that a group is.
    pub(in crate::planner) fn of(group: &'a Expr) -> Option<Self> {
        match group {
            Expr::Alias(alias) => Self::of(&alias.expr),
            Expr::ScalarFunction(call) => {
                let [beginning, end] = SESSION_FUNCTIONS;
                let is_end = call.name() == end;
                match call.args.as_slice() {
                    [instant, gap] if is_end || call.name() == beginning => Some(Self { instant, gap, is_end }),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl SessionNode {
    /// Its calls of `session`.
    pub(in crate::planner) fn calls(&self) -> impl Iterator<Item = SessionCall<'_>> {
        self.aggregate.group_expr.iter().filter_map(SessionCall::of)
    }
}

impl PartialOrd for SessionNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl Hash for SessionNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.aggregate.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for SessionNode {
    fn name(&self) -> &str {
        "SessionAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.aggregate.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.aggregate.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.aggregate.group_expr.iter().chain(&self.aggregate.aggr_expr).cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let list = |expressions: &[Expr]| expressions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "SessionAggregate: groupBy=[[{}]], aggr=[[{}]]", list(&self.aggregate.group_expr), list(&self.aggregate.aggr_expr))
    }

    fn with_exprs_and_inputs(&self, mut expressions: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let aggregates = expressions.split_off(self.aggregate.group_expr.len());
        Ok(Self { aggregate: Aggregate::try_new(Arc::new(inputs.swap_remove(0)), expressions, aggregates)?, time: self.time.clone() })
    }

    /// A condition on keys alone may be tested on rows, if the keys are columns of these; one on anything else may not.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let groups = self.aggregate.group_expr.iter().map(Some).chain(std::iter::repeat(None));
        let fields = self.aggregate.schema.fields().iter().zip(groups);
        fields.filter(|(_, group)| !matches!(group, Some(Expr::Column(_)))).map(|(field, _)| field.name().clone()).collect()
    }

    /// None but those that its expressions name; whoever asks adds these.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![Vec::new()])
    }
}
