//! What a FROM adds to a scope.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{
    Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Spanned, TableAlias, TableFactor, TableWithJoins, VisitMut,
};

use super::query::as_columns;
use super::scope::{Column, Columns, Found, Relation, Scope, find};
use super::{Resolver, known, place};
use crate::error::excerpt;
use crate::planner::joins;

/// The columns of a relation whose alias may name them anew.
pub(super) fn renamed(columns: Option<Arc<Columns>>, alias: &TableAlias) -> Option<Arc<Columns>> {
    if alias.columns.is_empty() {
        return columns;
    }
    let mut names = alias.columns.iter();
    let columns = columns?;
    let renamed = |column: &Column| match names.next() {
        Some(name) => Column { name: name.name.value.clone(), ..column.clone() },
        None => column.clone(),
    };
    Some(Arc::new(columns.iter().map(renamed).collect()))
}

/// The columns of something that only its alias names.
fn named_by(alias: &TableAlias) -> Option<Arc<Columns>> {
    let column = |name: &Ident| Column { name: name.value.clone(), data_type: None, visible: true };
    (!alias.columns.is_empty()).then(|| Arc::new(alias.columns.iter().map(|definition| column(&definition.name)).collect()))
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
                    self.scopes.push(Scope::of(relations.iter().chain(&right).cloned().collect()));
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
                    let own =
                        |relation: &Relation| relation.columns.iter().flat_map(|columns| columns.iter()).map(|column| column.name.clone()).collect::<Vec<_>>();
                    let left: Vec<String> = relations.iter().flat_map(own).collect();
                    right.iter_mut().for_each(|relation| relation.merged.extend(left.iter().cloned()));
                }
                Some(JoinConstraint::None) | None => {}
            }
            relations = joins::shown(&join.join_operator, relations, right);
        }
        relations
    }

    /// The names in the arguments of something in FROM, which see what stands before it.
    fn arguments(&mut self, arguments: &mut impl VisitMut, before: &[Relation]) {
        self.scopes.push(Scope::of(before.to_vec()));
        self.names_in(arguments);
        self.scopes.pop();
    }

    fn factor(&mut self, factor: &mut TableFactor, before: &[Relation]) -> Vec<Relation> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => vec![self.table(name, alias.as_ref())],
            TableFactor::Derived { subquery, alias, lateral, .. } => {
                if *lateral {
                    self.scopes.push(Scope::of(before.to_vec()));
                }
                let columns = as_columns(self.query(subquery));
                if *lateral {
                    self.scopes.pop();
                }
                match alias {
                    Some(alias) => vec![Relation::new(&alias.name.value, renamed(columns, alias))],
                    None => vec![Relation::new("", columns)],
                }
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let relations = self.joined(table_with_joins, before);
                match alias {
                    Some(alias) => {
                        let all: Option<Vec<&Arc<Columns>>> = relations.iter().map(|relation| relation.columns.as_ref()).collect();
                        let columns = all.map(|all| Arc::new(all.into_iter().flat_map(|columns| columns.iter()).cloned().collect::<Columns>()));
                        vec![Relation::new(&alias.name.value, renamed(columns, alias))]
                    }
                    None => relations,
                }
            }
            TableFactor::UNNEST { alias, array_exprs, .. } => {
                self.arguments(array_exprs, before);
                vec![unnamed(alias.as_ref())]
            }
            TableFactor::Function { alias, args, .. } => {
                self.arguments(args, before);
                vec![unnamed(alias.as_ref())]
            }
            TableFactor::TableFunction { alias, expr } => {
                self.arguments(expr, before);
                vec![unnamed(alias.as_ref())]
            }
            TableFactor::Table { alias, args: Some(args), .. } => {
                self.arguments(&mut args.args, before);
                vec![unnamed(alias.as_ref())]
            }
            _ => vec![Relation::new("", None)],
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Relation {
        let parts: Vec<&str> = name.0.iter().filter_map(ObjectNamePart::as_ident).map(|ident| ident.value.as_str()).collect();
        let last = parts.last().copied().unwrap_or_default();
        // DataFusion's own names of where all tables are.
        if !matches!(parts.as_slice(), [_] | ["public", _] | ["datafusion", "public", _]) {
            self.fault(
                place(name.span()),
                format!("table '{}' not found", excerpt(&name.to_string())),
                Some(format!("a source has a name without dots: {last}")),
            );
        }
        let cte = self.ctes.iter().rev().find(|(cte, _)| parts.len() == 1 && cte == last).map(|(_, columns)| columns.clone());
        let columns = cte.unwrap_or_else(|| {
            let column = |(name, data_type, visible)| Column { name, data_type: Some(data_type), visible };
            (self.known.columns)(last).map(|columns| Arc::new(columns.into_iter().map(column).collect()))
        });
        match alias {
            Some(alias) => Relation::new(&alias.name.value, renamed(columns, alias)),
            None => Relation::new(last, columns),
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
            match find(side, &name.value, any_case) {
                Found::Exactly(_) => spellings.push(name.value.clone()),
                Found::InCase(spelling, _) => spellings.push(spelling),
                Found::Several(names) => {
                    self.fault(place(name.span), format!("'{}' matches {} only when case is ignored", name.value, names.join(" and ")), None);
                    return;
                }
                Found::Nothing | Found::Perhaps | Found::Ambiguous(_) => {
                    let visible: Vec<&str> = side.iter().filter_map(|relation| relation.columns.as_ref()).flat_map(|columns| columns.visible_names()).collect();
                    let side = side.iter().map(|relation| format!("'{}'", relation.name)).collect::<Vec<_>>().join(" or ");
                    let help = known(&name.value, &visible);
                    self.fault(place(name.span), format!("column '{}' not found in {side}", excerpt(&name.value)), Some(help));
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

/// What only its alias names.
fn unnamed(alias: Option<&TableAlias>) -> Relation {
    alias.map_or_else(|| Relation::new("", None), |alias| Relation::new(&alias.name.value, named_by(alias)))
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
