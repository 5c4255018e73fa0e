//! What an application that embeds the engine adds to it: kinds of sources and sinks, tables, and settings of all statements.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::unknown_keys::{self, Told};
use crate::options::{KeyMap, Scope};
use crate::sinks::{RegisteredSink, SinkConnector, SinkKind};
use crate::sources::{RegisteredSource, SourceConnector, SourceKind};

/// What is added. The command line adds nothing.
#[derive(Clone, Debug, Default)]
pub struct Embedding {
    /// Kinds of sources, by name.
    pub sources: BTreeMap<String, Arc<dyn SourceKind>>,
    /// Kinds of sinks, by name.
    pub sinks: BTreeMap<String, Arc<dyn SinkKind>>,
    /// What statements read by its name without any setting: tables, and streams of other scripts.
    pub named: BTreeMap<String, Arc<dyn SourceKind>>,
    /// `bootstrap.servers` of Kafka sources and sinks that have none.
    pub brokers: Option<String>,
    /// Settings of jobs that have no other.
    pub job_settings: Vec<(String, String)>,
    /// Names of statements without one, by the place in their script; `query_<place from 1>` where there is none.
    pub names: Vec<String>,
}

/// A registered kind, as a value of `X.type` names it: `mine`, or with its role `mine_source`.
fn of_type<'a, T: ?Sized>(kinds: &'a BTreeMap<String, Arc<T>>, written: &str, role: Scope) -> Option<(&'a String, &'a Arc<T>)> {
    let written = written.trim();
    let simple = written.strip_suffix(role.as_str()).and_then(|rest| rest.strip_suffix('_'));
    kinds.iter().find(|(name, _)| name.eq_ignore_ascii_case(written) || simple.is_some_and(|simple| name.eq_ignore_ascii_case(simple)))
}

impl Embedding {
    /// The name of a statement that has none.
    pub(super) fn unnamed(&self, place: usize) -> String {
        self.names.get(place).cloned().unwrap_or_else(|| format!("query_{}", place + 1))
    }

    /// A source of a registered kind, still without its keys.
    pub(super) fn source(&self, written: &str) -> Option<SourceConnector> {
        let (kind, factory) = of_type(&self.sources, written, Scope::Source)?;
        Some(SourceConnector::Registered(RegisteredSource { kind: kind.clone(), factory: Arc::clone(factory), keys: BTreeMap::new() }))
    }

    /// A registered table or stream.
    pub(super) fn named(&self, name: &str) -> Option<SourceConnector> {
        let factory = Arc::clone(self.named.get(name)?);
        Some(SourceConnector::Registered(RegisteredSource { kind: "registered".to_owned(), factory, keys: BTreeMap::new() }))
    }

    /// A sink of a registered kind, still without its keys.
    pub(super) fn sink(&self, written: &str) -> Option<SinkConnector> {
        let (kind, factory) = of_type(&self.sinks, written, Scope::Sink)?;
        Some(SinkConnector::Registered(RegisteredSink { kind: kind.clone(), factory: Arc::clone(factory), keys: BTreeMap::new() }))
    }
}

/// Gives a source of a registered kind its keys; what is left is none of them.
pub(super) fn source_keys(source: RegisteredSource, map: &mut KeyMap, told: &mut Told) -> RegisteredSource {
    let keys = take(source.factory.keys(), &source.kind, Scope::Source, map, told);
    RegisteredSource { keys, ..source }
}

/// Likewise for a sink.
pub(super) fn sink_keys(sink: RegisteredSink, map: &mut KeyMap, told: &mut Told) -> RegisteredSink {
    let keys = take(sink.factory.keys(), &sink.kind, Scope::Sink, map, told);
    RegisteredSink { keys, ..sink }
}

fn take(known: &[&str], kind: &str, role: Scope, map: &mut KeyMap, told: &mut Told) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for leftover in map.take_leftover() {
        if !known.contains(&leftover.key.as_str()) {
            map.put_back(leftover);
            continue;
        }
        map.note(&leftover);
        match leftover.fault {
            Some(fault) => told.errors.push(fault),
            None => {
                keys.insert(leftover.key, leftover.setting.value);
            }
        }
    }
    unknown_keys::of_registered(map, known, &format!("{kind}_{}", role.as_str()), role, told);
    keys
}
