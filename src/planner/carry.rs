//! Key and event time of the record that a row came from, carried along to sinks that can use them. They are ordinary columns at the end of the SELECT list, so every operator
//! treats them right; sinks that don't ask for them never see them.

use datafusion::sql::sqlparser::ast::{Expr, GroupByExpr, Ident, Query, SelectItem, SetExpr, TableFactor};

use super::job_plan::TableInput;
use crate::catalog::HiddenColumn;
use crate::stream::{Carried, MetadataColumn};

/// Adds the columns to a query whose rows come one by one from a source that has them; false if it has none or is of another form.
pub(super) fn add(query: &mut Query, tables: &[TableInput]) -> bool {
    let SetExpr::Select(select) = query.body.as_mut() else { return false };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(expressions, modifiers) if expressions.is_empty() && modifiers.is_empty());
    if select.distinct.is_some() || grouped || select.having.is_some() {
        return false;
    }
    let factors = select.from.iter().flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let has_key = |name: &str| tables.iter().any(|table| &*table.name == name && table.metadata.contains(&MetadataColumn::KeyBytes));
    let Some(relation) = factors.into_iter().find_map(|factor| relation_of(factor, &has_key)) else { return false };
    for (column, carried) in [(HiddenColumn::Metadata(MetadataColumn::KeyBytes), Carried::Key), (HiddenColumn::EventTime, Carried::Time)] {
        let parts = vec![relation.clone(), Ident::with_quote('"', column.name())];
        select.projection.push(SelectItem::ExprWithAlias { expr: Expr::CompoundIdentifier(parts), alias: Ident::with_quote('"', carried.name()) });
    }
    true
}

/// The name by which a source with keys is known in `FROM`.
fn relation_of(factor: &TableFactor, has_key: &dyn Fn(&str) -> bool) -> Option<Ident> {
    let TableFactor::Table { name, alias, .. } = factor else { return None };
    let table = name.0.last()?.as_ident()?;
    has_key(&table.value).then(|| alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.clone()))
}
