//! Which partitions a consumer owns, and how far each may be committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::{Offset, TopicPartitionList};

use crate::stream::Position;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionId {
    /// Topic.
    pub topic: Arc<str>,
    /// Number.
    pub partition: i32,
}

impl PartitionId {
    /// As in positions and metrics: `orders:3`.
    pub fn name(&self) -> Arc<str> {
        Arc::from(format!("{}:{}", self.topic, self.partition))
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        let (topic, partition) = name.rsplit_once(':')?;
        Some(Self { topic: Arc::from(topic), partition: partition.parse().ok()? })
    }
}

/// Where partitions begin that a group assigns, if it is not where the group is.
pub type Begin = BTreeMap<PartitionId, i64>;

/// The partitions of a consumer. Offsets are committed for partitions that it owns and only forward, so that what another member has committed is never taken back.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    /// For the first assignment.
    begin: Begin,
    /// By name: the first offset read since the partition was assigned, and the last one committed.
    owned: BTreeMap<Arc<str>, Owned>,
    /// Up to which everything is durable in all sinks.
    durable: Position,
    /// Partitions that were taken away since somebody asked.
    gone: Vec<Arc<str>>,
}

#[derive(Debug)]
struct Owned {
    id: PartitionId,
    first: Option<i64>,
    committed: Option<i64>,
}

impl Assignment {
    pub(super) fn new(begin: Begin) -> Self {
        Self { begin, ..Self::default() }
    }

    /// A partition was assigned; the offset to begin with, if it is not the committed one.
    pub(super) fn assigned(&mut self, id: PartitionId) -> Option<Offset> {
        self.owned.insert(id.name(), Owned { id: id.clone(), first: None, committed: None });
        // Once it has been read from there, the group knows better.
        self.begin.remove(&id).map(Offset::Offset)
    }

    /// A partition was taken away.
    pub(super) fn revoked(&mut self, id: &PartitionId) {
        let name = id.name();
        self.owned.remove(&name);
        self.gone.push(name);
    }

    /// The partitions that were taken away since the last call.
    pub(super) fn take_gone(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.gone)
    }

    /// The partitions it owns.
    pub(super) fn owned(&self) -> impl Iterator<Item = &PartitionId> {
        self.owned.values().map(|owned| &owned.id)
    }

    /// A message of a partition was read; false if the partition is not owned (any more).
    pub(super) fn reads(&mut self, name: &str, offset: i64) -> bool {
        let Some(owned) = self.owned.get_mut(name) else { return false };
        owned.first.get_or_insert(offset);
        true
    }

    /// Everything up to `position` is durable.
    pub(super) fn durable(&mut self, position: &Position) {
        self.durable.merge(position);
    }

    /// The offsets to commit now, and takes note that they are.
    pub(super) fn take_commits(&mut self) -> Option<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (name, owned) in &mut self.owned {
            let Some(offset) = self.durable.offsets.get(name).and_then(|offset| i64::try_from(*offset).ok()) else { continue };
            // What was read before the partition was assigned (again) is somebody else's to commit.
            let own = owned.first.is_some_and(|first| offset > first);
            if own && owned.committed.is_none_or(|committed| offset > committed) {
                owned.committed = Some(offset);
                let _in_range = list.add_partition_offset(&owned.id.topic, owned.id.partition, Offset::Offset(offset));
            }
        }
        (list.count() > 0).then_some(list)
    }

    /// A commit has failed: its offsets are tried again with the next ones.
    pub(super) fn not_committed(&mut self) {
        self.owned.values_mut().for_each(|owned| owned.committed = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(partition: i32) -> PartitionId {
        PartitionId { topic: Arc::from("t"), partition }
    }

    fn commits(assignment: &mut Assignment) -> Vec<(i32, Option<i64>)> {
        assignment.take_commits().map(|list| list.elements().iter().map(|e| (e.partition(), e.offset().to_raw())).collect()).unwrap_or_default()
    }

    #[test]
    fn offsets_are_committed_once_and_only_of_owned_partitions() {
        let mut assignment = Assignment::default();
        assert_eq!(assignment.assigned(id(0)), None);
        assignment.reads(&id(0).name(), 10);
        assignment.durable(&Position::of(&id(0).name(), 10));
        assert_eq!(commits(&mut assignment), [], "nothing of it is durable yet");
        let mut position = Position::of(&id(0).name(), 15);
        position.set(&id(1).name(), 9);
        assignment.durable(&position);
        assert_eq!(commits(&mut assignment), [(0, Some(15))]);
        assert_eq!(commits(&mut assignment), []);
        assignment.not_committed();
        assert_eq!(commits(&mut assignment), [(0, Some(15))]);
        assignment.revoked(&id(0));
        assignment.durable(&Position::of(&id(0).name(), 20));
        assert_eq!(commits(&mut assignment), []);
        // Another member has read up to 30 meanwhile: our 20 must not take that back.
        assignment.assigned(id(0));
        assignment.reads(&id(0).name(), 30);
        assert_eq!(commits(&mut assignment), []);
    }

    #[test]
    fn a_begin_holds_for_the_first_assignment_only() {
        let mut assignment = Assignment::new(BTreeMap::from([(id(1), 7)]));
        assert_eq!(assignment.assigned(id(0)), None);
        assert_eq!(assignment.assigned(id(1)), Some(Offset::Offset(7)));
        assignment.revoked(&id(1));
        assert_eq!(assignment.assigned(id(1)), None);
    }
}
