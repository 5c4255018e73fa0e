//! `*`, `t.*` and `NATURAL` in statements that name a hidden column: expanded here, so that the hidden columns stay out. (Statements that name none don't have them in their tables.)

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, TableFactor, WildcardAdditionalOptions,
};
use sql_extensions::visit_selects;

/// Expands the wildcards of every SELECT of a query. `columns` gives the visible columns of a table, by its name in `FROM`, or `None` if the name is not a source.
pub(super) fn expand(query: &mut Query, columns: &dyn Fn(&str) -> Option<Vec<String>>) {
    visit_selects(query, &mut |_, select| expand_select(select, columns));
}

/// What stands in FROM: the name to qualify with, its visible columns if it is a source, and the columns that USING leaves to the left side.
struct Relation {
    name: Ident,
    columns: Option<Vec<String>>,
    merged: Vec<String>,
}

fn expand_select(select: &mut Select, columns: &dyn Fn(&str) -> Option<Vec<String>>) {
    let mut relations: Vec<Relation> = Vec::new();
    for from in &mut select.from {
        relations.extend(relation(&from.relation, Vec::new(), columns));
        for join in &mut from.joins {
            let merged = merged_columns(&mut join.join_operator, &join.relation, &relations, columns);
            relations.extend(relation(&join.relation, merged, columns));
        }
    }
    let plain = |options: &WildcardAdditionalOptions| *options == WildcardAdditionalOptions::default();
    let mut items = Vec::with_capacity(select.projection.len());
    for item in std::mem::take(&mut select.projection) {
        match &item {
            SelectItem::Wildcard(options) if plain(options) && !relations.is_empty() => relations.iter().for_each(|r| expand_relation(r, true, &mut items)),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) if plain(options) => {
                match relations.iter().find(|r| name.0.last().and_then(|part| part.as_ident()).is_some_and(|ident| ident.value == r.name.value)) {
                    Some(relation) => expand_relation(relation, false, &mut items),
                    None => items.push(item),
                }
            }
            _ => items.push(item),
        }
    }
    select.projection = items;
}

fn relation(factor: &TableFactor, merged: Vec<String>, columns: &dyn Fn(&str) -> Option<Vec<String>>) -> Option<Relation> {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let table = name.0.last()?.as_ident()?.clone();
            let columns = columns(&table.value);
            Some(Relation { name: alias.as_ref().map_or(table, |alias| alias.name.clone()), columns, merged })
        }
        TableFactor::Derived { alias: Some(alias), .. } => Some(Relation { name: alias.name.clone(), columns: None, merged }),
        _ => None,
    }
}

/// The columns a join merges; NATURAL becomes USING, so that hidden columns don't take part.
fn merged_columns(operator: &mut JoinOperator, factor: &TableFactor, left: &[Relation], columns: &dyn Fn(&str) -> Option<Vec<String>>) -> Vec<String> {
    let (JoinOperator::Join(constraint)
    | JoinOperator::Inner(constraint)
    | JoinOperator::Left(constraint)
    | JoinOperator::LeftOuter(constraint)
    | JoinOperator::Right(constraint)
    | JoinOperator::RightOuter(constraint)
    | JoinOperator::FullOuter(constraint)) = operator
    else {
        return Vec::new();
    };
    if matches!(constraint, JoinConstraint::Natural)
        && let Some(right) = relation(factor, Vec::new(), columns).and_then(|r| r.columns)
    {
        let both: Vec<String> = right.into_iter().filter(|name| left.iter().any(|l| l.columns.as_ref().is_some_and(|own| own.contains(name)))).collect();
        *constraint = JoinConstraint::Using(both.iter().map(|name| ObjectName::from(vec![quoted(name)])).collect());
        return both;
    }
    match constraint {
        JoinConstraint::Using(names) => names.iter().filter_map(|name| Some(name.0.last()?.as_ident()?.value.clone())).collect(),
        _ => Vec::new(),
    }
}

fn expand_relation(relation: &Relation, merge: bool, items: &mut Vec<SelectItem>) {
    match &relation.columns {
        Some(columns) => items.extend(
            columns
                .iter()
                .filter(|name| !merge || !relation.merged.contains(name))
                .map(|name| SelectItem::UnnamedExpr(Expr::CompoundIdentifier(vec![relation.name.clone(), quoted(name)]))),
        ),
        None => items.push(SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![relation.name.clone()])),
            WildcardAdditionalOptions::default(),
        )),
    }
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}
