//! Hidden columns stay out of `*`, `t.*`, `NATURAL` and the column lists of aliases. Only statements that need hidden columns have them in their tables.

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Ident, JoinConstraint, JoinOperator, ObjectName, Query, ReplaceSelectElement, ReplaceSelectItem, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};
use sql_extensions::{constraint, visit_selects};

use super::joins;

/// The columns of a source.
pub(super) struct Columns {
    /// Those that `*` gives.
    pub visible: Vec<String>,
    /// Those that can only be named.
    pub hidden: Vec<&'static str>,
}

/// Keeps them out of every SELECT of a query. `columns` gives those of a source by its name.
pub(super) fn hide(query: &mut Query, columns: &dyn Fn(&str) -> Option<Columns>) {
    visit_selects(query, &mut |_, select| hide_in(select, columns));
}

/// Whether a `*` of a query has REPLACE.
pub(super) fn replaces(query: &Query) -> bool {
    let mut found = false;
    visit_selects(&mut query.clone(), &mut |_, select| {
        found |= select.projection.iter().any(|item| match item {
            SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => options.opt_replace.is_some(),
            _ => false,
        });
    });
    found
}

/// What stands in FROM: the name to qualify with, its columns if they are known, and the columns that USING leaves to the left side.
#[derive(Debug)]
struct Relation {
    name: Ident,
    visible: Option<Vec<String>>,
    hidden: Vec<&'static str>,
    merged: Vec<String>,
}

impl Relation {
    fn has(&self, name: &str) -> bool {
        self.visible.as_ref().is_some_and(|columns| columns.iter().any(|column| column == name)) && !self.merged.iter().any(|merged| merged == name)
    }
}

fn hide_in(select: &mut Select, columns: &dyn Fn(&str) -> Option<Columns>) {
    let mut relations = Vec::new();
    for from in &mut select.from {
        relations.extend(joined(from, columns));
    }
    for (number, relation) in relations.iter_mut().enumerate() {
        name_unnamed(relation.1, &mut relation.0, number);
    }
    let relations: Vec<Relation> = relations.into_iter().map(|(relation, _)| relation).collect();
    if relations.iter().all(|relation| relation.hidden.is_empty()) {
        return;
    }
    let mut items = Vec::with_capacity(select.projection.len());
    for mut item in std::mem::take(&mut select.projection) {
        match &mut item {
            SelectItem::Wildcard(options) => {
                let mut with_hidden = relations.iter().filter(|relation| !relation.hidden.is_empty());
                match (with_hidden.next(), with_hidden.next()) {
                    // Their names are clear without the table's.
                    (Some(only), None) => exclude(options, &only.hidden),
                    _ => {
                        items.extend(split(options, &relations));
                        continue;
                    }
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let named = name.0.last().and_then(|part| part.as_ident());
                if let Some(relation) = relations.iter().find(|relation| named.is_some_and(|named| named.value == relation.name.value)) {
                    exclude(options, &relation.hidden);
                }
            }
            _ => {}
        }
        items.push(item);
    }
    select.projection = items;
}

/// Adds columns to those that a wildcard leaves out.
fn exclude(options: &mut WildcardAdditionalOptions, names: &[impl AsRef<str>]) {
    let mut all: Vec<Ident> = match options.opt_exclude.take() {
        Some(ExcludeSelectItem::Single(name)) => vec![name],
        Some(ExcludeSelectItem::Multiple(names)) => names,
        None => Vec::new(),
    };
    // A user may have left one out by name.
    let excepted = options.opt_except.iter().flat_map(|except| std::iter::once(&except.first_element).chain(&except.additional_elements));
    let known: Vec<String> = all.iter().chain(excepted).map(|name| name.value.clone()).collect();
    all.extend(names.iter().map(|name| quoted(name.as_ref())).filter(|name| !known.contains(&name.value)));
    if !all.is_empty() {
        options.opt_exclude = Some(ExcludeSelectItem::Multiple(all));
    }
}

/// `*` as one wildcard for each relation; what its options name goes to the relation that has it, else to the first whose columns are not known.
fn split(options: &WildcardAdditionalOptions, relations: &[Relation]) -> Vec<SelectItem> {
    let whose = |name: &str| {
        relations.iter().position(|relation| relation.has(name)).or_else(|| relations.iter().position(|relation| relation.visible.is_none())).unwrap_or(0)
    };
    let mut parts: Vec<WildcardAdditionalOptions> = relations.iter().map(|_| WildcardAdditionalOptions::default()).collect();
    let excluded = match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => vec![name],
        Some(ExcludeSelectItem::Multiple(names)) => names.iter().collect(),
        None => Vec::new(),
    };
    let excepted = options.opt_except.iter().flat_map(|except| std::iter::once(&except.first_element).chain(&except.additional_elements));
    for name in excluded.into_iter().chain(excepted) {
        exclude(&mut parts[whose(&name.value)], &[&name.value]);
    }
    for element in options.opt_replace.iter().flat_map(|replace| &replace.items) {
        let items: &mut Vec<Box<ReplaceSelectElement>> =
            &mut parts[whose(&element.column_name.value)].opt_replace.get_or_insert_with(|| ReplaceSelectItem { items: Vec::new() }).items;
        items.push(element.clone());
    }
    let item = |(relation, mut part): (&Relation, WildcardAdditionalOptions)| {
        exclude(&mut part, &relation.hidden);
        exclude(&mut part, &relation.merged);
        // What else there is DataFusion does not know, and says so.
        let part = WildcardAdditionalOptions { opt_ilike: options.opt_ilike.clone(), opt_rename: options.opt_rename.clone(), ..part };
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![relation.name.clone()])), part)
    };
    relations.iter().zip(parts).map(item).collect()
}

/// The relations that a FROM item shows, each with its place in the syntax tree.
fn joined<'a>(from: &'a mut TableWithJoins, columns: &dyn Fn(&str) -> Option<Columns>) -> Vec<(Relation, &'a mut Option<TableAlias>)> {
    let mut relations = factor(&mut from.relation, columns);
    for join in &mut from.joins {
        let mut right = factor(&mut join.relation, columns);
        let merged = merged(&mut join.join_operator, &relations, &right);
        right.iter_mut().for_each(|(relation, _)| relation.merged.extend(merged.iter().cloned()));
        relations = joins::shown(&join.join_operator, relations, right);
    }
    relations
}

fn factor<'a>(factor: &'a mut TableFactor, columns: &dyn Fn(&str) -> Option<Columns>) -> Vec<(Relation, &'a mut Option<TableAlias>)> {
    let relation = |name: Ident, visible, hidden| Relation { name, visible, hidden, merged: Vec::new() };
    match factor {
        TableFactor::Table { name, alias, args: None, .. } => {
            let Some(table) = name.0.last().and_then(|part| part.as_ident()).cloned() else { return Vec::new() };
            let name = alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.clone());
            let Some(Columns { visible, hidden }) = columns(&table.value) else { return vec![(relation(name, None, Vec::new()), alias)] };
            let mut visible = Some(visible);
            if let Some(alias) = alias.as_mut().filter(|alias| !alias.columns.is_empty()) {
                let given: Vec<String> = alias.columns.iter().map(|column| column.name.value.clone()).collect();
                if visible.as_ref().is_some_and(|visible| visible.len() == given.len()) {
                    alias.columns.extend(hidden.iter().map(|name| TableAliasColumnDef { name: quoted(name), data_type: None }));
                }
                visible = Some(given);
            }
            vec![(relation(name, visible, hidden), alias)]
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } => joined(table_with_joins, columns),
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => {
            let name = alias.as_ref().map_or_else(|| Ident::new(""), |alias| alias.name.clone());
            vec![(relation(name, None, Vec::new()), alias)]
        }
        _ => Vec::new(),
    }
}

/// Gives a relation without a name one, so that its columns can be called.
fn name_unnamed(alias: &mut Option<TableAlias>, relation: &mut Relation, number: usize) {
    if relation.name.value.is_empty() {
        relation.name = quoted(&format!("_from_{number}"));
        *alias = Some(TableAlias { explicit: true, name: relation.name.clone(), columns: Vec::new() });
    }
}

type Placed<'a> = (Relation, &'a mut Option<TableAlias>);

/// The columns a join merges; NATURAL becomes USING where the columns are known, so that hidden ones don't take part.
fn merged(operator: &mut JoinOperator, left: &[Placed<'_>], right: &[Placed<'_>]) -> Vec<String> {
    let Some(constraint) = constraint(operator) else { return Vec::new() };
    let known = |side: &[Placed<'_>]| side.iter().map(|(relation, _)| relation.visible.clone()).collect::<Option<Vec<_>>>().map(|all| all.concat());
    if matches!(constraint, JoinConstraint::Natural)
        && let (Some(left), Some(right)) = (known(left), known(right))
    {
        let both: Vec<String> = right.into_iter().filter(|name| left.contains(name)).collect();
        *constraint = joins::using(&both);
        return both;
    }
    match constraint {
        JoinConstraint::Using(names) => joins::used(names),
        _ => Vec::new(),
    }
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}
