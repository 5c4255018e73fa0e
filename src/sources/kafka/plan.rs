//! The partitions of a reader, and from where to where.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::bounds::Place;
use super::options::{KafkaSourceOptions, OffsetReset};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::kafka::{Begin, Cluster, PartitionId, Wanted};
use crate::stream::Position;

/// The topics of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TopicList {
    /// By name.
    Names(Vec<String>),
    /// All that match a regular expression, which begins with `^`.
    Pattern(String),
}

impl TopicList {
    /// From the value of `topic`.
    pub(super) fn parse(text: &str) -> Self {
        if text.trim_start().starts_with('^') {
            return Self::Pattern(text.trim().to_owned());
        }
        Self::Names(text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
    }

    /// As written.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Names(names) => names.join(", "),
            Self::Pattern(pattern) => pattern.clone(),
        }
    }

    /// What a group subscribes to.
    pub(super) fn subscription(&self) -> Vec<String> {
        match self {
            Self::Names(names) => names.clone(),
            Self::Pattern(pattern) => vec![pattern.clone()],
        }
    }

    /// All partitions there are at present.
    ///
    /// **Errors**: a topic that is named does not exist.
    pub(super) fn partitions(&self, cluster: &Cluster) -> Result<Vec<PartitionId>> {
        let ids = |topic: &str, partitions: Vec<i32>| {
            let topic: Arc<str> = Arc::from(topic);
            partitions.into_iter().map(move |partition| PartitionId { topic: Arc::clone(&topic), partition })
        };
        let mut found = Vec::new();
        match self {
            Self::Names(names) => {
                for name in names {
                    let partitions = cluster.partitions(name)?.ok_or_else(|| missing(name))?;
                    found.extend(ids(name, partitions));
                }
            }
            Self::Pattern(pattern) => {
                let pattern = regex::Regex::new(pattern).map_err(|error| Error::config(format!("'{pattern}' is not a regular expression: {error}")))?;
                for (topic, partitions) in cluster.topics()? {
                    if pattern.is_match(&topic) {
                        found.extend(ids(&topic, partitions));
                    }
                }
            }
        }
        Ok(found)
    }
}

fn missing(topic: &str) -> Error {
    Error::new(ErrorKind::Source, Fault::User, format!("topic '{topic}' does not exist"))
        .with_help("check 'topic', or create it; a source never creates topics")
}

/// What a reader does.
#[derive(Clone, Debug)]
pub(super) struct ReadPlan {
    pub wanted: Wanted,
    pub begin: Begin,
    /// For a bounded read: the offset of each partition at which it is done.
    pub ends: Option<BTreeMap<PartitionId, i64>>,
    /// Partitions that come while it runs are taken in by us, since no group does it.
    pub discovers: bool,
}

/// Plans a reader that goes on after `resume`.
pub(super) fn plan(
    options: &KafkaSourceOptions,
    topics: &TopicList,
    commits: bool,
    cluster: &dyn Fn() -> Result<Cluster>,
    resume: &Position,
) -> Result<ReadPlan> {
    let resumed: BTreeMap<PartitionId, i64> =
        resume.offsets.iter().filter_map(|(name, offset)| Some((PartitionId::parse(name)?, i64::try_from(*offset).ok()?))).collect();
    if options.until.is_none() && commits {
        // The group knows where to go on.
        return Ok(ReadPlan { wanted: Wanted::Subscribe(topics.subscription()), begin: resumed, ends: None, discovers: false });
    }
    let cluster = cluster()?;
    let partitions = topics.partitions(&cluster)?;
    let from = match (&options.start, options.auto_offset_reset, &options.until) {
        (Some(place), ..) => place.clone(),
        (None, OffsetReset::Latest, None) => Place::Latest,
        (None, ..) => Place::Earliest,
    };
    let ends = options.until.as_ref().map(|until| offsets(until, &partitions, &cluster, true)).transpose()?;
    let mut begins = offsets(&from, &partitions, &cluster, false)?;
    begins.extend(resumed);
    let list = partitions.into_iter().filter_map(|id| begins.get(&id).map(|offset| (id.clone(), *offset))).collect();
    Ok(ReadPlan { wanted: Wanted::Assign(list), begin: Begin::new(), discovers: ends.is_none(), ends })
}

/// Where a group begins if `start` says so: it is committed before the group has members, once a run. From then on the group knows best, whoever reads a partition.
#[derive(Default)]
pub(super) struct GroupStart {
    done: Mutex<bool>,
}

impl GroupStart {
    /// Moves the group, unless that was done.
    pub(super) fn once(&self, options: &KafkaSourceOptions, topics: &TopicList, group: &str, cluster: &dyn Fn() -> Result<Cluster>) -> Result<()> {
        let mut done = self.done.lock();
        let Some(place) = options.start.as_ref().filter(|_| !*done) else { return Ok(()) };
        let cluster = cluster()?;
        let offsets = offsets(place, &topics.partitions(&cluster)?, &cluster, false)?;
        if !cluster.begin_group(group, &offsets)? {
            tracing::warn!(
                "group '{group}' has members: another instance, or one that died less than 'session.timeout.ms' ago. 'start' moves nothing then; it goes on where the group is"
            );
        }
        *done = true;
        Ok(())
    }
}

/// The offset of a place in each partition. One that a list of offsets does not name is read from its beginning, `to_the_end`.
fn offsets(place: &Place, partitions: &[PartitionId], cluster: &Cluster, to_the_end: bool) -> Result<BTreeMap<PartitionId, i64>> {
    match place {
        Place::Earliest => partitions.iter().map(|id| Ok((id.clone(), cluster.watermarks(id)?.0))).collect(),
        Place::Latest => partitions.iter().map(|id| Ok((id.clone(), cluster.watermarks(id)?.1))).collect(),
        Place::Time(millis) => cluster.offsets_at(partitions, *millis),
        Place::Offsets(wanted) => partitions
            .iter()
            .map(|id| {
                let (low, high) = cluster.watermarks(id)?;
                let other = if to_the_end { high } else { low };
                Ok((id.clone(), wanted.get(&id.partition).map_or(other, |offset| (*offset).clamp(low, high))))
            })
            .collect(),
    }
}
