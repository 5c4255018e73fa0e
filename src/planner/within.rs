//! `WITHIN`: the event times of two joined rows differ by at most the interval, bounds included.
//!
//! The clause becomes a condition of the join, `r._event_time BETWEEN l._event_time - I AND l._event_time + I`, where `l` is the nearest relation on the left that the `ON` clause
//! names and that has an event time. A joined table without event time is a lookup that the clause does not bound.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Interval, JoinConstraint, JoinOperator, Query, Select, TableFactor, TableWithJoins, Value, Visit, Visitor,
};
use sql_extensions::{SqlError, StreamStatement, WithinClause};
use std::ops::ControlFlow;

use crate::catalog::HiddenColumn;

/// Adds the conditions to a query. `has_event_time` tells whether a table (by its name in `FROM`) has an event time.
pub(super) fn lower(query: &mut Query, within: &[WithinClause], has_event_time: &dyn Fn(&str) -> bool) -> Result<(), SqlError> {
    StreamStatement::for_each_within(query, within, &mut |select: &mut Select, item, join, clause| match select.from.get_mut(item) {
        Some(from) => bound_joins(from, join, clause, has_event_time),
        None => Ok(()),
    })
}

/// A relation of a FROM item: the name it is referred to by, and whether it has an event time.
struct Relation {
    name: Ident,
    timed: bool,
}

fn relation(factor: &TableFactor, has_event_time: &dyn Fn(&str) -> bool) -> Option<Relation> {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let table = name.0.last()?.as_ident()?;
            let timed = has_event_time(&table.value);
            Some(Relation { name: alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.clone()), timed })
        }
        // A derived table has the event time only if it selects it; then its bound is written by hand.
        TableFactor::Derived { alias: Some(alias), .. } => Some(Relation { name: alias.name.clone(), timed: false }),
        _ => None,
    }
}

fn bound_joins(from: &mut TableWithJoins, only: Option<usize>, clause: &WithinClause, has_event_time: &dyn Fn(&str) -> bool) -> Result<(), SqlError> {
    let mut left: Vec<Relation> = relation(&from.relation, has_event_time).into_iter().collect();
    let mut bounded = false;
    for (at, join) in from.joins.iter_mut().enumerate() {
        let joined = relation(&join.relation, has_event_time);
        if only.is_none_or(|only| only == at)
            && let Some(joined) = &joined
            && joined.timed
            && let Some(condition) = condition(&mut join.join_operator)
        {
            let named = names(condition);
            let nearest = left.iter().rev().find(|l| l.timed && named.contains(&l.name.value)).or_else(|| left.iter().rev().find(|l| l.timed));
            if let Some(nearest) = nearest {
                let own = std::mem::replace(condition, Expr::Value(Value::Null.into()));
                *condition = Expr::BinaryOp {
                    left: Box::new(Expr::Nested(Box::new(own))),
                    op: BinaryOperator::And,
                    right: Box::new(between(&joined.name, &nearest.name, clause)),
                };
                bounded = true;
            }
        }
        left.extend(joined);
    }
    if bounded {
        return Ok(());
    }
    let untimed: Vec<&str> = left.iter().filter(|relation| !relation.timed).map(|relation| relation.name.value.as_str()).collect();
    Err(SqlError::new("WITHIN bounds no join here: it needs an event time on both sides of one", clause.span)
        .with_help(format!("name the column that holds it: '<table>.event_time' = '<column>' (without one: {})", untimed.join(", "))))
}

fn condition(operator: &mut JoinOperator) -> Option<&mut Expr> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on))
        | JoinOperator::Left(JoinConstraint::On(on))
        | JoinOperator::LeftOuter(JoinConstraint::On(on))
        | JoinOperator::Right(JoinConstraint::On(on))
        | JoinOperator::RightOuter(JoinConstraint::On(on))
        | JoinOperator::FullOuter(JoinConstraint::On(on))
        | JoinOperator::LeftSemi(JoinConstraint::On(on))
        | JoinOperator::LeftAnti(JoinConstraint::On(on)) => Some(on),
        _ => None,
    }
}

/// Relation names that a condition mentions.
fn names(condition: &Expr) -> Vec<String> {
    struct Names(Vec<String>);
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::CompoundIdentifier(parts) = expr
                && let [relation, ..] = parts.as_slice()
            {
                self.0.push(relation.value.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(Vec::new());
    let _ = condition.visit(&mut names);
    names.0
}

/// `r._event_time BETWEEN l._event_time - I AND l._event_time + I`
fn between(right: &Ident, left: &Ident, clause: &WithinClause) -> Expr {
    let time = |relation: &Ident| Expr::CompoundIdentifier(vec![relation.clone(), Ident::new(HiddenColumn::EventTime.name())]);
    let shifted = |op: BinaryOperator| Expr::BinaryOp { left: Box::new(time(left)), op, right: Box::new(interval(clause)) };
    Expr::Between { expr: Box::new(time(right)), negated: false, low: Box::new(shifted(BinaryOperator::Minus)), high: Box::new(shifted(BinaryOperator::Plus)) }
}

fn interval(clause: &WithinClause) -> Expr {
    // Milliseconds are the smallest unit of the clause.
    let millis = clause.interval.to_duration().as_millis();
    Expr::Interval(Interval {
        value: Box::new(Expr::Value(Value::SingleQuotedString(format!("{millis} milliseconds")).into())),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}
