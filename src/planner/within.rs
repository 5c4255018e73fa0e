//! `WITHIN`: the event times of two joined rows differ by at most the interval, bounds included.
//!
//! The clause becomes a condition of the join, `r._event_time BETWEEN l._event_time - I AND l._event_time + I`, where `l` is the nearest relation on the left that the `ON` clause
//! names and that has an event time. A joined table without event time is a lookup that the clause does not bound.
//!
//! Joins of two endless streams that say nothing about time are bounded in the same way by `state.ttl`.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Interval, JoinConstraint, JoinOperator, ObjectName, Query, Select, TableFactor, TableWithJoins, Value, Visit, Visitor,
};
use sql_extensions::{SqlError, StreamStatement, WithinClause};
use std::ops::ControlFlow;
use std::time::Duration;

use super::within_using::{UsingBound, rename};
use crate::catalog::HiddenColumn;

/// A table that has event times.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    /// The column that holds them.
    pub time: String,
    /// Its visible columns.
    pub columns: Vec<String>,
    /// Whether it may never end.
    pub endless: bool,
}

/// Tables that have event times, by their names in `FROM`.
pub(super) type TimedTables<'a> = &'a dyn Fn(&str) -> Option<Timed>;

/// Adds the conditions to a query; those of joins with `USING` are returned.
pub(super) fn lower(query: &mut Query, within: &[WithinClause], timed: TimedTables<'_>) -> Result<Vec<UsingBound>, SqlError> {
    let mut bounds = Vec::new();
    StreamStatement::for_each_within(query, within, &mut |select: &mut Select, item, join, clause| match select.from.get_mut(item) {
        Some(from) => bound_joins(from, join, clause, timed, &mut bounds),
        None => Ok(()),
    })?;
    Ok(bounds)
}

/// A relation of a FROM item: the name it is referred to by, and its columns if it has an event time.
struct Relation {
    name: Ident,
    timed: Option<Timed>,
    is_table: bool,
}

fn relation(factor: &TableFactor, timed: TimedTables<'_>) -> Option<Relation> {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let table = name.0.last()?.as_ident()?;
            let timed = timed(&table.value);
            Some(Relation { name: alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.clone()), timed, is_table: true })
        }
        // A derived table has the event time only if it selects it; then its bound is written by hand.
        TableFactor::Derived { alias: Some(alias), .. } => Some(Relation { name: alias.name.clone(), timed: None, is_table: false }),
        _ => None,
    }
}

fn bound_joins(
    from: &mut TableWithJoins,
    only: Option<usize>,
    clause: &WithinClause,
    timed: TimedTables<'_>,
    bounds: &mut Vec<UsingBound>,
) -> Result<(), SqlError> {
    let mut left: Vec<Relation> = relation(&from.relation, timed).into_iter().collect();
    let mut bounded = false;
    for (at, join) in from.joins.iter_mut().enumerate() {
        let joined = relation(&join.relation, timed);
        if only.is_none_or(|only| only == at)
            && let Some(joined) = &joined
            && joined.timed.is_some()
            && let Some(constraint) = constraint(&mut join.join_operator)
            && let Some(nearest) = nearest(&left, constraint)
        {
            let bound = between(joined, nearest, clause.interval.to_duration());
            bounded |= bound_join(constraint, &mut join.relation, bound, bounds);
        }
        left.extend(joined);
    }
    if bounded { Ok(()) } else { Err(nothing_bounded(&left, clause)) }
}

/// Adds a condition to a join; whether it has a place for it.
fn bound_join(constraint: &mut JoinConstraint, relation: &mut TableFactor, bound: Expr, bounds: &mut Vec<UsingBound>) -> bool {
    match constraint {
        JoinConstraint::On(condition) => {
            let own = std::mem::replace(condition, Expr::Value(Value::Null.into()));
            *condition = Expr::BinaryOp { left: Box::new(Expr::Nested(Box::new(own))), op: BinaryOperator::And, right: Box::new(bound) };
            true
        }
        JoinConstraint::Using(_) => match rename(relation, bounds.len()) {
            Some((name, table)) => {
                bounds.push(UsingBound { name, table, condition: bound });
                true
            }
            None => false,
        },
        JoinConstraint::Natural | JoinConstraint::None => false,
    }
}

/// Bounds joins of two endless tables that say nothing about time: their times differ by at most `ttl`. The names of the pairs are returned.
pub(super) fn lower_open(query: &mut Query, ttl: Duration, timed: TimedTables<'_>, bounds: &mut Vec<UsingBound>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    sql_extensions::visit_selects(query, &mut |_, select| {
        for from in &mut select.from {
            let mut left: Vec<Relation> = relation(&from.relation, timed).into_iter().collect();
            for join in &mut from.joins {
                let joined = relation(&join.relation, timed);
                if let Some(joined) = &joined
                    && joined.timed.as_ref().is_some_and(|timed| timed.endless)
                    && let Some(constraint) = constraint(&mut join.join_operator)
                    && !says_time(constraint)
                    && let Some(nearest) = nearest(&left, constraint).filter(|nearest| nearest.timed.as_ref().is_some_and(|timed| timed.endless))
                {
                    let bound = between(joined, nearest, ttl);
                    if bound_join(constraint, &mut join.relation, bound, bounds) {
                        pairs.push((nearest.name.value.clone(), joined.name.value.clone()));
                    }
                }
                left.extend(joined);
            }
        }
    });
    pairs
}

/// Whether a condition is about times: by WITHIN, or by hand.
fn says_time(constraint: &JoinConstraint) -> bool {
    struct Intervals;
    impl Visitor for Intervals {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if matches!(expr, Expr::Interval(_)) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    matches!(constraint, JoinConstraint::On(condition) if condition.visit(&mut Intervals).is_break())
}

/// The nearest relation on the left that has an event time and that the join is about; else the nearest that has one.
fn nearest<'a>(left: &'a [Relation], constraint: &JoinConstraint) -> Option<&'a Relation> {
    let is_meant = |relation: &Relation| match constraint {
        JoinConstraint::On(condition) => names(condition).contains(&relation.name.value),
        JoinConstraint::Using(columns) => {
            let own = relation.timed.as_ref().map(|timed| timed.columns.as_slice()).unwrap_or_default();
            let name = |column: &ObjectName| column.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone());
            columns.iter().filter_map(name).any(|column| own.contains(&column))
        }
        JoinConstraint::Natural | JoinConstraint::None => false,
    };
    let timed = || left.iter().rev().filter(|relation| relation.timed.is_some());
    timed().find(|relation| is_meant(relation)).or_else(|| timed().next())
}

fn nothing_bounded(relations: &[Relation], clause: &WithinClause) -> SqlError {
    let untimed = |is_table: bool| {
        let names = relations.iter().filter(|relation| relation.timed.is_none() && relation.is_table == is_table);
        names.map(|relation| relation.name.value.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (tables, queries) = (untimed(true), untimed(false));
    let mut help = Vec::new();
    if !tables.is_empty() {
        help.push(format!("name the column that holds it: '<table>.event_time' = '<column>' (without one: {tables})"));
    }
    if !queries.is_empty() || help.is_empty() {
        help.push(format!("for a query in brackets{} write the bound by hand: … AND b.ts BETWEEN a.ts - INTERVAL … AND a.ts + INTERVAL …", of(&queries)));
    }
    SqlError::new("WITHIN bounds no join here: it needs an event time on both sides of one", clause.span).with_help(help.join("; "))
}

fn of(names: &str) -> String {
    if names.is_empty() { String::new() } else { format!(" ({names})") }
}

/// The constraint of a join that can be bounded.
fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Semi(_) | JoinOperator::RightSemi(_) | JoinOperator::Anti(_) | JoinOperator::RightAnti(_) => None,
        other => sql_extensions::constraint(other),
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
fn between(right: &Relation, left: &Relation, most: Duration) -> Expr {
    let time = |relation: &Relation| {
        let column = relation.timed.as_ref().map_or_else(|| HiddenColumn::EventTime.name().to_owned(), |timed| timed.time.clone());
        Expr::CompoundIdentifier(vec![relation.name.clone(), Ident::with_quote('"', column)])
    };
    let shifted = |op: BinaryOperator| Expr::BinaryOp { left: Box::new(time(left)), op, right: Box::new(interval(most)) };
    Expr::Between { expr: Box::new(time(right)), negated: false, low: Box::new(shifted(BinaryOperator::Minus)), high: Box::new(shifted(BinaryOperator::Plus)) }
}

fn interval(length: Duration) -> Expr {
    // Milliseconds are the smallest unit of the clause.
    let millis = length.as_millis();
    Expr::Interval(Interval {
        value: Box::new(Expr::Value(Value::SingleQuotedString(format!("{millis} milliseconds")).into())),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}
