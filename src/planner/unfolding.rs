//! Expressions that grow while a statement is planned, with each level of nesting to twice their size: the optimiser writes `BETWEEN` and `COALESCE` out, a condition that is pushed
//! below a projection takes in what each of its columns stands for, and DataFusion's CASE holds its branches twice. The size is measured before every rule, at every node: a condition
//! that would get too large stays where it is, all else that does is refused.

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::sessions;
use crate::error::{Error, ErrorKind, Fault};

/// Parts that the optimiser may add to those that were written; an unoptimised build takes a second for them.
const MOST_ADDED: u64 = 10_000;
/// Parts of the expressions as they are executed.
const MOST_EXECUTED: u64 = 400_000;
/// Parts of a node up to which a condition is pushed below a projection.
const MOST_PUSHED: u64 = 1_000;

/// Analyses and optimises a plan as the session does, within the limits.
pub(super) fn optimize(state: &SessionState, plan: &LogicalPlan) -> Result<LogicalPlan> {
    let size = whole(plan)?;
    let limits = Limits { unfolded: size.written.saturating_add(MOST_ADDED) };
    limits.check(size)?;
    let analyzed = state.analyzer().execute_and_check(plan.clone(), &state.options(), |_, _| {})?;
    let analyzed = sessions::separate(analyzed)?;
    let limited = |rule: &Arc<dyn OptimizerRule + Send + Sync>| Arc::new(Limited { rule: Arc::clone(rule), limits }) as _;
    let optimizer = Optimizer::with_rules(state.optimizer().rules.iter().map(limited).collect());
    let optimized = optimizer.optimize(analyzed, state, |_, _| {})?;
    limits.check(whole(&optimized)?)?;
    Ok(optimized)
}

/// How many parts expressions have.
#[derive(Clone, Copy, Default)]
struct Size {
    /// As they are.
    written: u64,
    /// With BETWEEN and COALESCE written out.
    unfolded: u64,
    /// As DataFusion executes them.
    executed: u64,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.written = self.written.saturating_add(other.written);
        self.unfolded = self.unfolded.saturating_add(other.unfolded);
        self.executed = self.executed.saturating_add(other.executed);
    }

    /// Adds what is repeated.
    fn repeat(&mut self, operands: &[Self]) {
        for operand in operands {
            self.unfolded = self.unfolded.saturating_add(operand.unfolded);
            self.executed = self.executed.saturating_add(operand.executed);
        }
    }
}

/// The size of all expressions of a plan.
fn whole(plan: &LogicalPlan) -> Result<Size> {
    let mut size = Size::default();
    plan.apply_with_subqueries(|node| {
        size.add(at(node)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(size)
}

/// The size of the expressions of one node.
fn at(node: &LogicalPlan) -> Result<Size> {
    let mut size = Size::default();
    node.apply_expressions(|expr| {
        size.add(of(expr)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(size)
}

/// The size of the expressions of a node and those directly below it.
fn around(node: &LogicalPlan) -> Result<Size> {
    let mut size = at(node)?;
    for input in node.inputs() {
        size.add(at(input)?);
    }
    Ok(size)
}

fn of(expr: &Expr) -> Result<Size> {
    let mut operands = Vec::new();
    expr.apply_children(|operand| {
        operands.push(of(operand)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut size = Size { written: 1, unfolded: 1, executed: 1 };
    operands.iter().for_each(|operand| size.add(*operand));
    let mut case = matches!(expr, Expr::Case(_));
    match expr {
        Expr::Between(_) => size.repeat(&operands[..operands.len().min(1)]),
        Expr::ScalarFunction(call) => match call.name() {
            // `CASE WHEN a IS NOT NULL THEN a ELSE b END`
            "coalesce" | "nvl" => {
                case = true;
                size.repeat(&operands[..operands.len().saturating_sub(1)]);
            }
            "nvl2" => case = true,
            _ => {}
        },
        _ => {}
    }
    if case {
        size.executed = size.executed.saturating_mul(2);
    }
    Ok(size)
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    unfolded: u64,
}

impl Limits {
    fn check(self, size: Size) -> Result<()> {
        let most = if size.unfolded > self.unfolded {
            self.unfolded
        } else if size.executed > MOST_EXECUTED {
            MOST_EXECUTED
        } else {
            return Ok(());
        };
        let error = Error::new(ErrorKind::Limit, Fault::User, format!("the expressions of this statement unfold to more than {most} parts"))
            .with_help("nested CASE, COALESCE and BETWEEN repeat what they hold: nest less, or split the statement");
        Err(DataFusionError::External(Box::new(error)))
    }
}

/// A rule of the optimiser that looks at the size first.
#[derive(Debug)]
struct Limited {
    rule: Arc<dyn OptimizerRule + Send + Sync>,
    limits: Limits,
}

impl OptimizerRule for Limited {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if self.name() == "push_down_filter" && matches!(plan, LogicalPlan::Filter(_)) {
            let before = around(&plan)?.unfolded;
            let pushed = self.rule.rewrite(plan.clone(), config)?;
            let after = around(&pushed.data)?.unfolded;
            return Ok(if after > before.max(MOST_PUSHED) { Transformed::no(plan) } else { pushed });
        }
        let size = if self.apply_order().is_some() { at(&plan)? } else { whole(&plan)? };
        self.limits.check(size)?;
        self.rule.rewrite(plan, config)
    }
}
