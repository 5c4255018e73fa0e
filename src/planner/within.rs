//! `WITHIN`: the event times of two joined rows differ by at most the interval, bounds included.
//!
//! The clause becomes a condition of the join, `r._event_time BETWEEN l._event_time - I AND l._event_time + I`, where `l` is the nearest relation on the left that the `ON` clause
//! names and that has an event time. A joined table without event time is a lookup that the clause does not bound.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Interval, JoinConstraint, JoinOperator, ObjectName, Query, Select, TableFactor, TableWithJoins, Value, Visit, Visitor,
};
use sql_extensions::{SqlError, StreamStatement, WithinClause};
use std::ops::ControlFlow;

use super::within_using::{UsingBound, rename};
use crate::catalog::HiddenColumn;

/// The visible columns of a table (by its name in `FROM`) that has an event time.
pub(super) type TimedColumns<'a> = &'a dyn Fn(&str) -> Option<Vec<String>>;

/// Adds the conditions to a query; those of joins with `USING` are returned.
pub(super) fn lower(query: &mut Query, within: &[WithinClause], timed: TimedColumns<'_>) -> Result<Vec<UsingBound>, SqlError> {
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
    timed: Option<Vec<String>>,
    is_table: bool,
}

fn relation(factor: &TableFactor, timed: TimedColumns<'_>) -> Option<Relation> {
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
    timed: TimedColumns<'_>,
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
            let bound = between(&joined.name, &nearest.name, clause);
            match constraint {
                JoinConstraint::On(condition) => {
                    let own = std::mem::replace(condition, Expr::Value(Value::Null.into()));
                    *condition = Expr::BinaryOp { left: Box::new(Expr::Nested(Box::new(own))), op: BinaryOperator::And, right: Box::new(bound) };
                    bounded = true;
                }
                JoinConstraint::Using(_) => {
                    if let Some((name, table)) = rename(&mut join.relation, bounds.len()) {
                        bounds.push(UsingBound { name, table, condition: bound });
                        bounded = true;
                    }
                }
                JoinConstraint::Natural | JoinConstraint::None => {}
            }
        }
        left.extend(joined);
    }
    if bounded { Ok(()) } else { Err(nothing_bounded(&left, clause)) }
}

/// The nearest relation on the left that has an event time and that the join is about; else the nearest that has one.
fn nearest<'a>(left: &'a [Relation], constraint: &JoinConstraint) -> Option<&'a Relation> {
    let is_meant = |relation: &Relation| match constraint {
        JoinConstraint::On(condition) => names(condition).contains(&relation.name.value),
        JoinConstraint::Using(columns) => {
            let own = relation.timed.as_deref().unwrap_or_default();
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
