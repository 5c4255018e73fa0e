//! Finds what a join says about the times of its two sides: `WITHIN`, which is a condition by then, or the same by hand, in ON or in WHERE, asymmetric, strict, turned round, with
//! casts between units. The optimiser has moved conditions of inner joins into the join, and has written BETWEEN out.

use std::collections::BTreeMap;

use datafusion::common::DFSchema;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Join, Operator};

use super::instants::linear;
use super::times::Times;
use crate::operators::interval_join::TimeBounds;

/// The bounds of a join.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Columns with the times of the left and of the right side.
    pub columns: (usize, usize),
    pub bounds: TimeBounds,
    /// Conditions that are not told by the bounds.
    pub rest: Option<Expr>,
}

/// One condition: the right time less the left one is at least (or at most) so much.
#[derive(Clone, Copy, Debug)]
struct Limit {
    columns: (usize, usize),
    lower: Option<i64>,
    upper: Option<i64>,
    /// It says no more than the limit does.
    exact: bool,
}

/// Which columns of the two sides hold times.
struct Sides<'a> {
    left: (&'a DFSchema, &'a Times),
    right: (&'a DFSchema, &'a Times),
}

/// The bounds, if there are some at both ends; `missing` stands in for the end that is not told.
pub(super) fn find(join: &Join, left: &Times, right: &Times, missing: Option<i64>) -> Option<Found> {
    let sides = Sides { left: (join.left.schema(), left), right: (join.right.schema(), right) };
    let conditions = join.filter.as_ref().map(|filter| split_conjunction(filter)).unwrap_or_default();
    let limits: Vec<Option<Limit>> = conditions.iter().map(|condition| sides.limit(condition)).collect();
    let equal = join.on.iter().filter_map(|(left, right)| sides.compare(left, Operator::Eq, right));
    let mut all: BTreeMap<(usize, usize), (Option<i64>, Option<i64>)> = BTreeMap::new();
    for limit in limits.iter().flatten().copied().chain(equal) {
        let (lower, upper) = all.entry(limit.columns).or_default();
        *lower = (*lower).max(limit.lower);
        *upper = match (*upper, limit.upper) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    let whole = all.iter().find_map(|(columns, (lower, upper))| Some((*columns, TimeBounds { lower: (*lower)?, upper: (*upper)? })));
    let (columns, bounds) = whole.or_else(|| {
        let missing = missing?;
        all.iter().find_map(|(columns, (lower, upper))| {
            let bounds = TimeBounds { lower: lower.unwrap_or(-missing), upper: upper.unwrap_or(missing) };
            (lower.is_some() || upper.is_some()).then_some((*columns, bounds))
        })
    })?;
    let told = |limit: &Option<Limit>| limit.is_some_and(|limit| limit.columns == columns && limit.exact);
    let rest = conditions.into_iter().zip(&limits).filter(|(_, limit)| !told(limit)).map(|(condition, _)| condition.clone());
    Some(Found { columns, bounds, rest: conjunction(rest) })
}

impl Sides<'_> {
    fn limit(&self, condition: &Expr) -> Option<Limit> {
        match condition {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => self.compare(left, *op, right),
            Expr::Between(Between { expr, negated: false, low, high }) => {
                let (low, high) = (self.compare(expr, Operator::GtEq, low)?, self.compare(expr, Operator::LtEq, high)?);
                let exact = low.exact && high.exact;
                (low.columns == high.columns).then(|| Limit { lower: low.lower.or(high.lower), upper: high.upper.or(low.upper), exact, ..low })
            }
            _ => None,
        }
    }

    fn compare(&self, one: &Expr, operator: Operator, other: &Expr) -> Option<Limit> {
        let sum = linear(one)?.plus(linear(other)?, -1)?;
        // Terms that cancel out (a.ts - a.ts) make no sense here, and are no pair of sides.
        let [(first, one), (second, other)] = sum.terms.as_slice() else { return None };
        let ((left, of_left), (right, of_right)) = match (self.left_time(first), self.right_time(second)) {
            (Some(left), Some(right)) => ((left, *one), (right, *other)),
            _ => ((self.left_time(second)?, *other), (self.right_time(first)?, *one)),
        };
        if of_left != -of_right || of_right.abs() != 1 {
            return None;
        }
        // right - left + offset, or the opposite of it, stands before the operator, and zero behind.
        let operator = if of_right == 1 { operator } else { operator.swap()? };
        let least = -sum.offset * of_right;
        let slack = i64::from(!sum.exact);
        let limit = |lower: Option<i64>, upper: Option<i64>| Some(Limit { columns: (left, right), lower, upper, exact: sum.exact });
        match operator {
            Operator::Eq => limit(Some(least - slack), Some(least + slack)),
            Operator::GtEq => limit(Some(least - slack), None),
            Operator::Gt => limit(Some(least + 1 - 2 * slack), None),
            Operator::LtEq => limit(None, Some(least + slack)),
            Operator::Lt => limit(None, Some(least - 1 + 2 * slack)),
            _ => None,
        }
    }

    fn left_time(&self, column: &datafusion::common::Column) -> Option<usize> {
        time(self.left, column)
    }

    fn right_time(&self, column: &datafusion::common::Column) -> Option<usize> {
        time(self.right, column)
    }
}

fn time((schema, times): (&DFSchema, &Times), column: &datafusion::common::Column) -> Option<usize> {
    let at = schema.maybe_index_of_column(column)?;
    times.of(at).map(|_| at)
}
