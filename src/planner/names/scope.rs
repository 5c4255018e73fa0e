//! Relations and columns that can be named at a place of a statement.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::DataType;

use super::known;

/// A column of a relation.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// `None` if it is not known without planning.
    pub(super) data_type: Option<DataType>,
    /// Whether `*` sees it.
    pub(super) visible: bool,
}

/// The columns of a relation, found by name.
#[derive(Debug, Default)]
pub(super) struct Columns {
    list: Vec<Column>,
    exact: HashMap<String, usize>,
    /// By the name in small letters.
    lower: HashMap<String, Vec<usize>>,
}

impl FromIterator<Column> for Columns {
    fn from_iter<I: IntoIterator<Item = Column>>(columns: I) -> Self {
        let mut all = Self { list: columns.into_iter().collect(), ..Self::default() };
        for (at, column) in all.list.iter().enumerate() {
            all.exact.entry(column.name.clone()).or_insert(at);
            all.lower.entry(column.name.to_ascii_lowercase()).or_default().push(at);
        }
        all
    }
}

impl Columns {
    /// In order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Column> {
        self.list.iter()
    }

    /// The names that `*` sees.
    pub(super) fn visible_names(&self) -> Vec<&str> {
        self.list.iter().filter(|column| column.visible).map(|column| column.name.as_str()).collect()
    }

    fn exactly(&self, name: &str) -> Option<&Column> {
        self.exact.get(name).map(|at| &self.list[*at])
    }

    fn in_any_case(&self, name: &str) -> impl Iterator<Item = &Column> {
        self.lower.get(&name.to_ascii_lowercase()).into_iter().flatten().map(|at| &self.list[*at])
    }

    /// What a name matches; `any_case`: also when case is ignored.
    pub(super) fn find(&self, name: &str, any_case: bool) -> Found {
        match self.exactly(name) {
            Some(column) => Found::Exactly(column.data_type.clone()),
            None if any_case => one_of(self.in_any_case(name)),
            None => Found::Nothing,
        }
    }
}

/// What columns that match when case is ignored come to.
fn one_of<'a>(columns: impl Iterator<Item = &'a Column>) -> Found {
    let mut same: Vec<&Column> = Vec::new();
    for column in columns {
        if !same.iter().any(|known| known.name == column.name) {
            same.push(column);
        }
    }
    match same.as_slice() {
        [] => Found::Nothing,
        [column] => Found::InCase(column.name.clone(), column.data_type.clone()),
        several => Found::Several(several.iter().map(|column| column.name.clone()).collect()),
    }
}

/// What stands in FROM.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// The name it is referred to by; empty if it has none.
    pub(super) name: String,
    /// `None` if they are not known without planning.
    pub(super) columns: Option<Arc<Columns>>,
    /// Columns that `USING` leaves to the left side.
    pub(super) merged: Vec<String>,
}

impl Relation {
    pub(super) fn new(name: impl Into<String>, columns: Option<Arc<Columns>>) -> Self {
        Self { name: name.into(), columns, merged: Vec::new() }
    }
}

/// What a name matches among the columns of relations.
pub(super) fn find(relations: &[Relation], name: &str, any_case: bool) -> Found {
    let columns = || relations.iter().filter_map(|relation| relation.columns.as_ref());
    match columns().find_map(|columns| columns.exactly(name)) {
        Some(column) => Found::Exactly(column.data_type.clone()),
        None if any_case => one_of(columns().flat_map(|columns| columns.in_any_case(name))),
        None => Found::Nothing,
    }
}

/// What can be named in one SELECT.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) relations: Vec<Relation>,
    /// Names that SELECT gives, for the clauses that see them.
    pub(super) given: Option<Arc<Columns>>,
}

impl Scope {
    pub(super) fn of(relations: Vec<Relation>) -> Self {
        Self { relations, given: None }
    }

    fn is_known(&self) -> bool {
        self.relations.iter().all(|relation| relation.columns.is_some())
    }

    /// The columns of the relations, and those given.
    fn all(&self) -> impl Iterator<Item = &Arc<Columns>> {
        self.relations.iter().filter_map(|relation| relation.columns.as_ref()).chain(&self.given)
    }

    fn find(&self, name: &str, any_case: bool) -> Found {
        if any_case {
            return one_of(self.all().flat_map(|columns| columns.in_any_case(name)));
        }
        let has =
            |relation: &&Relation| !relation.merged.iter().any(|merged| merged == name) && relation.columns.as_ref().is_some_and(|c| c.exactly(name).is_some());
        let owners: Vec<&str> = self.relations.iter().filter(has).map(|relation| relation.name.as_str()).collect();
        let given = self.given.as_ref().is_some_and(|given| given.exactly(name).is_some());
        if owners.len() > 1 && !given && self.is_known() {
            return Found::Ambiguous(owners.into_iter().map(str::to_owned).collect());
        }
        let found = self.all().find_map(|columns| columns.exactly(name));
        found.map_or(Found::Nothing, |column| Found::Exactly(column.data_type.clone()))
    }
}

/// What a name matches.
#[derive(Debug)]
pub(super) enum Found {
    /// Spelled as it is; with its type.
    Exactly(Option<DataType>),
    /// One name in another case.
    InCase(String, Option<DataType>),
    /// Several, each in another case.
    Several(Vec<String>),
    /// A column of each of these relations.
    Ambiguous(Vec<String>),
    /// Perhaps a column of something that is not known.
    Perhaps,
    Nothing,
}

/// The scopes around a place, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    open: Vec<Scope>,
    /// How often names that are near have been looked for.
    helped: Cell<usize>,
}

/// Most faults for which the nearest name is looked for; more than are told.
const MOST_HELPED: usize = 40;

impl Scopes {
    pub(super) fn push(&mut self, scope: Scope) {
        self.open.push(scope);
    }

    pub(super) fn pop(&mut self) {
        self.open.pop();
    }

    /// Names given by SELECT that the innermost scope sees from now on.
    pub(super) fn give(&mut self, given: Option<Arc<Columns>>) {
        if let Some(scope) = self.open.last_mut() {
            scope.given = given;
        }
    }

    /// From the innermost outwards.
    fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.open.iter().rev()
    }

    /// What a bare name matches: as it is spelled in any scope, else when case is ignored in the innermost scope that has such a name, else perhaps something that is not known.
    pub(super) fn column(&self, name: &str, any_case: bool) -> Found {
        for any_case in if any_case { &[false, true][..] } else { &[false] } {
            for scope in self.iter() {
                match scope.find(name, *any_case) {
                    Found::Nothing => {}
                    found => return found,
                }
            }
        }
        if self.iter().all(Scope::is_known) { Found::Nothing } else { Found::Perhaps }
    }

    /// The relation of a name; its spelling is that of the relation.
    pub(super) fn relation(&self, name: &str, any_case: bool) -> Option<&Relation> {
        let is = |relation: &&Relation, any_case: bool| relation.name == name || any_case && relation.name.eq_ignore_ascii_case(name);
        [false, any_case].into_iter().find_map(|any_case| self.iter().find_map(|scope| scope.relations.iter().find(|relation| is(relation, any_case))))
    }

    /// All names of columns that `*` would see, innermost scope first.
    pub(super) fn column_names(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.iter().flat_map(Scope::all).flat_map(|columns| columns.visible_names()).filter(|name| seen.insert(*name)).collect()
    }

    /// All names of relations, innermost scope first.
    pub(super) fn relation_names(&self) -> Vec<&str> {
        self.iter().flat_map(|scope| &scope.relations).map(|relation| relation.name.as_str()).filter(|name| !name.is_empty()).collect()
    }

    /// The name that is nearest and all there are, unless enough has been told already.
    pub(super) fn help<'a>(&self, name: &str, names: impl FnOnce() -> Vec<&'a str>) -> Option<String> {
        self.helped.set(self.helped.get() + 1);
        (self.helped.get() <= MOST_HELPED).then(|| known(name, &names()))
    }

    /// The relations of the innermost scope.
    pub(super) fn innermost(&self) -> &[Relation] {
        self.open.last().map_or(&[], |scope| &scope.relations)
    }
}
