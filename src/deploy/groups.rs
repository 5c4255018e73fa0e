//! Consumer groups. One group shares what it reads out among its readers; two sources of a script that are to have all of it need groups of their own.

use crate::config::{BoundSource, BoundStatement, SourceInput};
use crate::sources::SourceConnector;
use crate::sources::kafka::SourceIdentity;

/// A source that may have a group.
struct Reader<'a> {
    statement: &'a BoundStatement,
    name: &'a str,
    connector: &'a SourceConnector,
}

impl<'a> Reader<'a> {
    fn of(statement: &'a BoundStatement, source: &'a BoundSource) -> Option<Self> {
        match &source.input {
            SourceInput::Connector(connector) => Some(Self { statement, name: &source.name, connector }),
            SourceInput::Chained(_) | SourceInput::Unknown => None,
        }
    }

    fn group(&self) -> Option<String> {
        self.connector.group(&self.statement.name, self.statement.statement.name.is_some())
    }

    /// Whether both would share something out.
    fn shares(&self, other: &Self) -> bool {
        let group = self.group();
        let (own, others) = (self.connector.places(self.name), other.connector.places(other.name));
        group.is_some() && group == other.group() && own.iter().any(|place| others.iter().any(|other| place.may_meet(other)))
    }
}

/// Whose source it is, among those of its script: the statement has the number `at` and the source the number `index`.
pub(super) fn identity(statements: &[Option<BoundStatement>], at: usize, index: usize) -> Option<SourceIdentity> {
    let statement = statements.get(at)?.as_ref()?;
    let source = Reader::of(statement, statement.sources.get(index)?)?;
    let within = |statement: &'_ BoundStatement, count: usize| {
        statement.sources.iter().take(count).filter_map(|other| Reader::of(statement, other)).any(|other| source.shares(&other))
    };
    let twin = if within(statement, index) {
        Some(source.name.to_owned())
    } else if statements[..at].iter().flatten().any(|other| within(other, usize::MAX)) {
        Some(format!("{}-{}", statement.name, source.name))
    } else {
        None
    };
    Some(SourceIdentity { job: statement.name.clone(), named: statement.statement.name.is_some(), twin })
}
