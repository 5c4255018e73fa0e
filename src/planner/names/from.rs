//! What a FROM adds to a scope.

use datafusion::sql::sqlparser::ast::{Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Spanned, TableAlias, TableFactor, TableWithJoins};

use super::query::as_columns;
use super::scope::{Column, Found, Relation, Scope, find};
use super::{Resolver, known, place};

/// The columns of a relation whose alias may name them anew.
pub(super) fn renamed(columns: Option<Vec<Column>>, alias: &TableAlias) -> Option<Vec<Column>> {
    let mut names = alias.columns.iter();
    columns.map(|columns| {
        let renamed = |column: Column| match names.next() {
            Some(name) => Column { name: name.name.value.clone(), ..column },
            None => column,
        };
        columns.into_iter().map(renamed).collect()
    })
}

impl Resolver<'_> {
    /// The scope of a SELECT.
    pub(super) fn from(&mut self, from: &mut [TableWithJoins]) -> Scope {
        let mut scope = Scope::default();
        for item in from {
            let relations = self.joined(item, &scope.relations);
            scope.relations.extend(relations);
        }
        scope
    }

    /// The relations of an item of FROM; `before` are those of the items before it, which LATERAL sees.
    fn joined(&mut self, item: &mut TableWithJoins, before: &[Relation]) -> Vec<Relation> {
        let mut relations = self.factor(&mut item.relation, before);
        for join in &mut item.joins {
            let seen: Vec<Relation> = before.iter().chain(&relations).cloned().collect();
            let mut right = self.factor(&mut join.relation, &seen);
            match constraint(&mut join.join_operator) {
                Some(JoinConstraint::On(condition)) => {
                    self.scopes.push(Scope { relations: relations.iter().chain(&right).cloned().collect(), given: Vec::new() });
                    self.names_in(condition);
                    self.scopes.pop();
                }
                Some(JoinConstraint::Using(columns)) => {
                    for name in columns.iter_mut().filter_map(last_ident) {
                        self.using(name, &relations, &right);
                        right.iter_mut().for_each(|relation| relation.merged.push(name.value.clone()));
                    }
                }
                Some(JoinConstraint::Natural) => {
                    let own = |relation: &Relation| relation.columns.iter().flatten().map(|column| column.name.clone()).collect::<Vec<_>>();
                    let left: Vec<String> = relations.iter().flat_map(own).collect();
                    right.iter_mut().for_each(|relation| relation.merged.extend(left.iter().cloned()));
                }
                Some(JoinConstraint::None) | None => {}
            }
            relations.extend(right);
        }
        relations
    }

    fn factor(&mut self, factor: &mut TableFactor, before: &[Relation]) -> Vec<Relation> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => vec![self.table(name, alias.as_ref())],
            TableFactor::Derived { subquery, alias, lateral, .. } => {
                if *lateral {
                    self.scopes.push(Scope { relations: before.to_vec(), given: Vec::new() });
                }
                let columns = as_columns(self.query(subquery));
                if *lateral {
                    self.scopes.pop();
                }
                match alias {
                    Some(alias) => vec![Relation { name: alias.name.value.clone(), columns: renamed(columns, alias), merged: Vec::new() }],
                    None => vec![Relation { name: String::new(), columns, merged: Vec::new() }],
                }
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let relations = self.joined(table_with_joins, before);
                match alias {
                    // Which columns it has then is left to DataFusion.
                    Some(alias) => vec![Relation { name: alias.name.value.clone(), columns: None, merged: Vec::new() }],
                    None => relations,
                }
            }
            TableFactor::Table { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. } => {
                let name = alias.as_ref().map(|alias| alias.name.value.clone()).unwrap_or_default();
                vec![Relation { name, columns: None, merged: Vec::new() }]
            }
            _ => vec![Relation { name: String::new(), columns: None, merged: Vec::new() }],
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Relation {
        let last = name.0.last().and_then(ObjectNamePart::as_ident).map(|ident| ident.value.clone()).unwrap_or_default();
        if name.0.len() > 1 {
            self.fault(place(name.span()), format!("table '{name}' not found"), Some(format!("a source has a name without dots: {last}")));
        }
        let cte = self.ctes.iter().rev().find(|(cte, _)| name.0.len() == 1 && *cte == last).map(|(_, columns)| columns.clone());
        let columns = cte.unwrap_or_else(|| {
            let column = |(name, data_type, visible)| Column { name, data_type: Some(data_type), visible };
            (self.columns_of)(&last).map(|columns| columns.into_iter().map(column).collect())
        });
        match alias {
            Some(alias) => Relation { name: alias.name.value.clone(), columns: renamed(columns, alias), merged: Vec::new() },
            None => Relation { name: last, columns, merged: Vec::new() },
        }
    }

    /// A column of `USING`, which both sides must have, spelled alike.
    fn using(&mut self, name: &mut Ident, left: &[Relation], right: &[Relation]) {
        if left.iter().chain(right).any(|relation| relation.columns.is_none()) {
            return;
        }
        let any_case = name.quote_style.is_none();
        let mut spellings = Vec::new();
        for side in [left, right] {
            let columns: Vec<&Column> = side.iter().flat_map(|relation| relation.columns.iter().flatten()).collect();
            match find(columns.iter().copied(), &name.value, any_case) {
                Found::Exactly(_) => spellings.push(name.value.clone()),
                Found::InCase(spelling, _) => spellings.push(spelling),
                Found::Several(names) => {
                    self.fault(place(name.span), format!("'{}' matches {} only when case is ignored", name.value, names.join(" and ")), None);
                    return;
                }
                Found::Nothing | Found::Perhaps => {
                    let visible: Vec<&str> = columns.iter().filter(|column| column.visible).map(|column| column.name.as_str()).collect();
                    let side = side.iter().map(|relation| format!("'{}'", relation.name)).collect::<Vec<_>>().join(" or ");
                    let help = known(&name.value, &visible);
                    self.fault(place(name.span), format!("column '{}' not found in {side}", name.value), Some(help));
                    return;
                }
            }
        }
        if let [first, second] = spellings.as_slice() {
            if first != second {
                let message = format!("USING needs one name on both sides, and '{}' is called {first} and {second}", name.value);
                self.fault(place(name.span), message, Some(format!("write ON <table>.{first} = <table>.{second}")));
            } else if name.value != *first {
                name.value.clone_from(first);
                self.names.respelled = true;
            }
        }
    }
}

/// The last part of a name, if it is one.
pub(super) fn last_ident(name: &mut ObjectName) -> Option<&mut Ident> {
    match name.0.last_mut()? {
        ObjectNamePart::Identifier(ident) => Some(ident),
        ObjectNamePart::Function(_) => None,
    }
}

/// The constraint of a join that has one; one of CROSS JOIN is no join's condition, but holds names, too.
fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::CrossJoin(constraint) => Some(constraint),
        other => sql_extensions::constraint(other),
    }
}
