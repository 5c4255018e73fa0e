//! `NOT IN (SELECT …)` where the optimiser's joins would forget that NULL makes it unknown. In both modes such a form is refused, since its rows would be wrong without a word.
//!
//! As a condition of its own it becomes an anti join that knows NULL. Two forms don't: within an `OR`, where it becomes a mark that is only true or false, and with a condition on
//! both queries, where the join looks for NULLs among all rows of the inner query instead of those that the condition leaves.

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{Case, InSubquery};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Join, LogicalPlan, Operator};

use crate::error::Error;

/// Looks at every condition of a plan that is not optimised yet.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::Filter(filter) => Conditions { schema: filter.input.schema() }.check(&filter.predicate, Some(false), true)?,
            LogicalPlan::Join(Join { left, right, filter: Some(filter), .. }) => {
                Conditions { schema: &left.schema().join(right.schema())? }.check(filter, Some(false), true)?;
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

struct Conditions<'a> {
    schema: &'a DFSchema,
}

impl Conditions<'_> {
    /// `null_as`: what NULL may be taken for without changing the rows, if anything: false, or true below a NOT. `alone`: this becomes a condition of its own.
    fn check(&self, expression: &Expr, null_as: Option<bool>, alone: bool) -> Result<()> {
        match expression {
            Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
                // NOT (a OR b) is NOT a AND NOT b.
                let alone = alone && null_as == Some(*op == Operator::Or);
                self.check(left, null_as, alone)?;
                self.check(right, null_as, alone)
            }
            Expr::Not(inner) => self.check(inner, null_as.map(|value| !value), alone),
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => self.check(inner, Some(false), false),
            Expr::Case(Case { expr: None, when_then_expr, else_expr }) => {
                for (when, then) in when_then_expr {
                    self.check(when, Some(false), false)?;
                    self.check(then, null_as, false)?;
                }
                else_expr.iter().try_for_each(|other| self.check(other, null_as, false))
            }
            Expr::InSubquery(subquery) => self.check_subquery(subquery, null_as, alone),
            other => {
                other.apply_children(|child| self.check(child, None, false).map(|()| TreeNodeRecursion::Continue))?;
                Ok(())
            }
        }
    }

    fn check_subquery(&self, subquery: &InSubquery, null_as: Option<bool>, alone: bool) -> Result<()> {
        // The mark of a row that is not found is false.
        if null_as == Some(subquery.negated) || !self.may_be_null(subquery)? {
            return Ok(());
        }
        if !alone {
            return Err(refused("NOT IN (SELECT …) within OR or another expression would take NULL for a value that is not there"));
        }
        if !subquery.subquery.outer_ref_columns.is_empty() {
            return Err(refused(CORRELATED));
        }
        Ok(())
    }

    fn may_be_null(&self, subquery: &InSubquery) -> Result<bool> {
        let inner = subquery.subquery.subquery.schema().fields();
        Ok(subquery.expr.nullable(self.schema)? || inner.iter().any(|field| field.is_nullable()))
    }
}

/// What is said of a `NOT IN` with a condition on both queries.
pub(super) const CORRELATED: &str = "NOT IN (SELECT …) whose query names columns of the query around it can't be carried out";

/// What to write instead.
pub(super) const INSTEAD: &str =
    "write NOT EXISTS (SELECT … WHERE <inner column> = <outer column>), for which NULL is just not there, or declare the columns NOT NULL in '<source>.schema'";

fn refused(what: &str) -> DataFusionError {
    DataFusionError::External(Box::new(Error::sql(what).with_help(INSTEAD)))
}
