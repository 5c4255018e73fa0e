//! Columns of the queries around a subquery. A plan notes their types beside their names, and these may have changed.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ExprSchema};
use datafusion::logical_expr::Expr;

/// The columns of a query around a subquery, and of those around that.
#[derive(Clone, Copy)]
pub(super) struct Outer<'a> {
    pub schema: &'a DFSchema,
    pub around: Option<&'a Outer<'a>>,
}

/// Notes the type that an outer column has now.
pub(super) fn refresh(node: Expr, outer: Option<&Outer<'_>>) -> Transformed<Expr> {
    let Expr::OuterReferenceColumn(field, column) = node else { return Transformed::no(node) };
    let found = std::iter::successors(outer, |outer| outer.around).find_map(|outer| outer.schema.field_from_column(&column).ok());
    match found {
        Some(now) if now.data_type() != field.data_type() => {
            let field = Arc::new(field.as_ref().clone().with_data_type(now.data_type().clone()));
            Transformed::yes(Expr::OuterReferenceColumn(field, column))
        }
        _ => Transformed::no(Expr::OuterReferenceColumn(field, column)),
    }
}
