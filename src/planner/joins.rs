//! What the constraint and the kind of a join say in the syntax tree.

use datafusion::sql::sqlparser::ast::{Ident, JoinConstraint, JoinOperator, ObjectName};

/// `USING` with these columns.
pub(super) fn using(names: &[String]) -> JoinConstraint {
    JoinConstraint::Using(names.iter().map(|name| ObjectName::from(vec![Ident::with_quote('"', name)])).collect())
}

/// The columns of a `USING`.
pub(super) fn used(names: &[ObjectName]) -> Vec<String> {
    names.iter().filter_map(|name| Some(name.0.last()?.as_ident()?.value.clone())).collect()
}

/// The relations that can be named after a join: a semi or anti join shows one side only.
pub(super) fn shown<T>(operator: &JoinOperator, mut left: Vec<T>, right: Vec<T>) -> Vec<T> {
    match operator {
        JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) => left,
        JoinOperator::RightSemi(_) | JoinOperator::RightAnti(_) => right,
        _ => {
            left.extend(right);
            left
        }
    }
}
