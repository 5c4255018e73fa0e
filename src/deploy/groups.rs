//! Consumer groups. One group shares what it reads out among its readers; two sources of a script that are to have all of it need groups of their own.

use crate::config::{BoundSource, BoundStatement, SourceInput};
use crate::sources::SourceConnector;
use crate::sources::kafka::SourceIdentity;

/// Begins the names of consumer groups where nobody says otherwise: `velo-streams-<job>`.
pub const GROUP_BASE: &str = "velo-streams";

/// A source that may have a group.
struct Reader<'a> {
    base: &'a str,
    statement: &'a BoundStatement,
    name: &'a str,
    connector: &'a SourceConnector,
}

impl<'a> Reader<'a> {
    fn of(base: &'a str, statement: &'a BoundStatement, source: &'a BoundSource) -> Option<Self> {
        match &source.input {
            SourceInput::Connector(connector) => Some(Self { base, statement, name: &source.name, connector }),
            SourceInput::Chained(_) | SourceInput::Unknown => None,
        }
    }

    fn group(&self) -> Option<String> {
        self.connector.group(self.base, &self.statement.name, self.statement.statement.name.is_some())
    }

    /// Whether both would share something out.
    fn shares(&self, other: &Self) -> bool {
        let group = self.group();
        let (own, others) = (self.connector.places(self.name), other.connector.places(other.name));
        group.is_some() && group == other.group() && own.iter().any(|place| others.iter().any(|other| place.may_meet(other)))
    }
}

/// Whose source it is, among those of its script: the statement has the number `at` and the source the number `index`. `base` begins the names of groups.
pub(super) fn identity(statements: &[Option<BoundStatement>], at: usize, index: usize, base: &str) -> Option<SourceIdentity> {
    let statement = statements.get(at)?.as_ref()?;
    let source = Reader::of(base, statement, statement.sources.get(index)?)?;
    let within = |statement: &'_ BoundStatement, count: usize| {
        statement.sources.iter().take(count).filter_map(|other| Reader::of(base, statement, other)).any(|other| source.shares(&other))
    };
    let twin = if within(statement, index) {
        Some(source.name.to_owned())
    } else if statements[..at].iter().flatten().any(|other| within(other, usize::MAX)) {
        Some(format!("{}-{}", statement.name, source.name))
    } else {
        None
    };
    Some(SourceIdentity { group_base: base.to_owned(), job: statement.name.clone(), named: statement.statement.name.is_some(), twin })
}
