//! Relations and columns that can be named at a place of a statement.

use arrow::datatypes::DataType;

/// A column of a relation.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// `None` if it is not known without planning.
    pub(super) data_type: Option<DataType>,
    /// Whether `*` sees it.
    pub(super) visible: bool,
}

/// What stands in FROM.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// The name it is referred to by; empty if it has none.
    pub(super) name: String,
    /// `None` if they are not known without planning.
    pub(super) columns: Option<Vec<Column>>,
    /// Columns that `USING` leaves to the left side.
    pub(super) merged: Vec<String>,
}

/// What can be named in one SELECT.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) relations: Vec<Relation>,
    /// Names that SELECT gives, for the clauses that see them.
    pub(super) given: Vec<Column>,
}

impl Scope {
    /// Columns by whatever relation they belong to.
    fn columns(&self) -> impl Iterator<Item = &Column> {
        self.relations.iter().flat_map(|relation| relation.columns.iter().flatten()).chain(&self.given)
    }

    fn is_known(&self) -> bool {
        self.relations.iter().all(|relation| relation.columns.is_some())
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
    /// Perhaps a column of something that is not known.
    Perhaps,
    Nothing,
}

/// What a name matches among columns; `any_case`: also when case is ignored.
pub(super) fn find<'a>(columns: impl Iterator<Item = &'a Column> + Clone, name: &str, any_case: bool) -> Found {
    if let Some(column) = columns.clone().find(|column| column.name == name) {
        return Found::Exactly(column.data_type.clone());
    }
    let mut same: Vec<&Column> = Vec::new();
    for column in columns.filter(|column| any_case && column.name.eq_ignore_ascii_case(name)) {
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

/// The scopes around a place, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes(Vec<Scope>);

impl Scopes {
    pub(super) fn push(&mut self, scope: Scope) {
        self.0.push(scope);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// Names given by SELECT that the innermost scope sees from now on.
    pub(super) fn give(&mut self, given: Vec<Column>) {
        if let Some(scope) = self.0.last_mut() {
            scope.given = given;
        }
    }

    /// From the innermost outwards.
    fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter().rev()
    }

    /// What a bare name matches: as it is spelled in any scope, else when case is ignored in the innermost scope that has such a name.
    pub(super) fn column(&self, name: &str, any_case: bool) -> Found {
        for any_case in [false, any_case] {
            for scope in self.iter() {
                match find(scope.columns().collect::<Vec<_>>().into_iter(), name, any_case) {
                    Found::Nothing if scope.is_known() => {}
                    Found::Nothing => return Found::Perhaps,
                    found => return found,
                }
            }
        }
        Found::Nothing
    }

    /// The relation of a name; its spelling is that of the relation.
    pub(super) fn relation(&self, name: &str, any_case: bool) -> Option<&Relation> {
        let is = |relation: &&Relation, any_case: bool| relation.name == name || any_case && relation.name.eq_ignore_ascii_case(name);
        [false, any_case].into_iter().find_map(|any_case| self.iter().find_map(|scope| scope.relations.iter().find(|relation| is(relation, any_case))))
    }

    /// All names of columns that `*` would see, innermost scope first.
    pub(super) fn column_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for column in self.iter().flat_map(Scope::columns).filter(|column| column.visible) {
            if !names.contains(&column.name.as_str()) {
                names.push(column.name.as_str());
            }
        }
        names
    }

    /// All names of relations, innermost scope first.
    pub(super) fn relation_names(&self) -> Vec<&str> {
        self.iter().flat_map(|scope| &scope.relations).map(|relation| relation.name.as_str()).filter(|name| !name.is_empty()).collect()
    }

    /// The relations of the innermost scope.
    pub(super) fn innermost(&self) -> &[Relation] {
        self.0.last().map_or(&[], |scope| &scope.relations)
    }
}
