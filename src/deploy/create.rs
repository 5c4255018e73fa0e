//! The sources and sinks of one statement. Nothing is created on disk.

use std::sync::Arc;

use super::offline::DeclaredSource;
use super::prepare::{Look, Note};
use crate::config::{BoundSource, BoundStatement, SourceInput};
use crate::error::{Error, ErrorKind, Result};
use crate::options::locate;
use crate::planner::TableInput;
use crate::runtime::{SinkSpec, SourceSpec};
use crate::sources::SourceConnector;
use crate::stream::{Boundedness, DataSource};

/// What is known of a statement before it is planned.
#[derive(Debug)]
pub(super) struct Created {
    /// Its sources that are no streams of the script.
    pub sources: Vec<SourceSpec>,
    /// Their columns.
    pub inputs: Vec<TableInput>,
    /// Its streams of the script, by the numbers of their statements.
    pub chained: Vec<(Arc<str>, usize)>,
    /// Its sinks that are right by themselves.
    pub sinks: Vec<SinkSpec>,
    /// Whether the columns of all sources are known, so that the statement can be planned.
    pub columns_known: bool,
    /// Sources whose columns can't be known offline.
    pub notes: Vec<Note>,
}

/// How a script is looked at.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// How closely.
    pub look: Look,
    /// Whether it will be refused anyway; then there is nothing to tell of what is right.
    pub refused: bool,
    /// Begins the names of consumer groups.
    pub group_base: &'a str,
    /// The key of encrypted files.
    pub key: Option<&'a str>,
}

/// Creates what can be created of the statement with the number `at`; faults are added.
pub(super) fn create(statements: &[Option<BoundStatement>], at: usize, view: View<'_>, faults: &mut Vec<Error>) -> Option<Created> {
    let statement = statements.get(at)?.as_ref()?;
    let mut created = Created { sources: Vec::new(), inputs: Vec::new(), chained: Vec::new(), sinks: Vec::new(), columns_known: true, notes: Vec::new() };
    for (index, bound) in statement.sources.iter().enumerate() {
        let source = match &bound.input {
            SourceInput::Chained(upstream) => {
                created.chained.push((Arc::from(bound.name.as_str()), *upstream));
                continue;
            }
            SourceInput::Unknown => None,
            // Another system is not asked, and what is read from a pipe is gone for the run that follows.
            SourceInput::Connector(connector)
                if view.look == Look::Offline && bound.declared.is_none() && (connector.is_remote() || connector.reads_pipe()) =>
            {
                created.notes.push(Note { source: bound.name.clone(), unchecked: columns_read(statement, &bound.name) });
                None
            }
            SourceInput::Connector(connector) => match create_source((statements, at), index, bound, connector, view) {
                Ok(source) => source,
                Err(error) if view.look == Look::Offline && bound.declared.is_none() && error.kind() == ErrorKind::Source => {
                    created.notes.push(Note { source: bound.name.clone(), unchecked: columns_read(statement, &bound.name) });
                    None
                }
                Err(error) => {
                    faults.push(error);
                    None
                }
            },
        };
        // What is declared is enough to find faults of the query, whatever is wrong with the source.
        match source.or_else(|| declared(bound)) {
            Some(source) => {
                created.inputs.push(table_input(bound, source.as_ref()));
                created.sources.push(SourceSpec { source, batch: bound.batch, failure: bound.failure, watermark: bound.shared.watermark() });
            }
            None => created.columns_known = false,
        }
    }
    for bound in &statement.sinks {
        match bound.connector.create(&bound.name, view.key) {
            Ok(sink) => created.sinks.push(SinkSpec { sink, failure: bound.failure }),
            Err(error) => faults.push(locate(error, &statement.settings, &statement.script, bound.span)),
        }
    }
    Some(created)
}

/// A source that is not looked at.
fn declared(bound: &BoundSource) -> Option<Arc<dyn DataSource>> {
    let schema = Arc::clone(bound.declared.as_ref()?);
    let (bounded, bytes, what, metadata) = match &bound.input {
        SourceInput::Connector(connector) => (connector.is_bounded(), connector.known_bytes(), connector.describe(), connector.metadata()),
        SourceInput::Chained(_) | SourceInput::Unknown => (true, 0, "unknown".to_owned(), &[][..]),
    };
    Some(Arc::new(DeclaredSource { name: bound.name.clone(), schema, bounded, bytes, what, metadata }))
}

/// Creates a source; `None` if its columns can't be trusted or need not be looked for.
fn create_source(
    (statements, at): (&[Option<BoundStatement>], usize),
    index: usize,
    bound: &BoundSource,
    connector: &SourceConnector,
    view: View<'_>,
) -> Result<Option<Arc<dyn DataSource>>> {
    if bound.declared.is_some() && matches!(view.look, Look::Declared | Look::Offline) {
        return Ok(None);
    }
    // Nobody is to wait for another system's answer if the start is refused anyway.
    if view.refused && connector.is_remote() {
        return Ok(None);
    }
    let Some((statement, identity)) = statements[at].as_ref().zip(super::groups::identity(statements, at, index, view.group_base)) else { return Ok(None) };
    let told = view.look == Look::Run && !view.refused;
    let label = format!("source_{index}_{}", bound.name);
    if told {
        tracing::info!("job '{}': Creating {} source {label}", statement.name, connector.kind());
    }
    // With a wrong setting the columns may be others than were meant; only whether there is something to read can be said.
    let columns = if bound.faulty { Some(Arc::new(arrow::datatypes::Schema::empty())) } else { bound.declared.clone() };
    let create = || connector.create(&bound.name, &identity, columns);
    let created = if view.refused { tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), create) } else { create() };
    match created {
        Ok(_) if bound.faulty => Ok(None),
        Ok(source) => {
            if told {
                tracing::info!("job '{}': Successfully created source {label} ({})", statement.name, source.describe());
            }
            Ok(Some(source))
        }
        Err(error) if bound.faulty && error.kind() != ErrorKind::Source => Ok(None),
        Err(error) if error.kind() == ErrorKind::Config => Err(locate(error, &statement.settings, &statement.script, bound.span)),
        Err(error) => Err(error
            .context(format!("Job '{}' failed to create data sources: Failed to create source '{label}'", statement.name))
            .or_at(&statement.script, bound.span)),
    }
}

/// The number of columns that a statement names of a source; `None` if it has a `*`, which takes all of them.
fn columns_read(statement: &BoundStatement, source: &str) -> Option<usize> {
    let analysis = sql_extensions::QueryAnalyzer::new(statement.name.clone()).analyze(&statement.statement).ok()?;
    let only = analysis.required_sources.len() == 1;
    let alias = analysis.required_sources.iter().find(|known| known.name == source).and_then(|known| known.alias.clone());
    let own = |relation: Option<&str>| relation.map_or(only, |relation| relation == source || alias.as_deref() == Some(relation));
    let count = analysis.referenced_columns.iter().filter(|column| own(column.relation.as_deref())).count();
    (count > 0).then_some(count)
}

fn table_input(bound: &BoundSource, source: &dyn DataSource) -> TableInput {
    TableInput {
        name: Arc::from(bound.name.as_str()),
        schema: source.schema(),
        unbounded: source.boundedness() == Boundedness::Unbounded,
        bytes: usize::try_from(source.estimated_bytes()).unwrap_or(usize::MAX),
        event_time: bound.shared.event_time.clone(),
        event_time_unit: bound.shared.event_time_unit.0,
        refresh_interval: bound.shared.refresh_interval.map(|interval| interval.0),
        metadata: source.metadata(),
        is_stream: false,
        column_times: Vec::new(),
    }
}
