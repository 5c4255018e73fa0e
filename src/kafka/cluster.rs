//! Topics, partitions and offsets, asked of the brokers. Nothing is created by asking.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaType};
use rdkafka::{Offset, TopicPartitionList};
use rdkafka_sys as sys;

use super::assignment::{Assignment, PartitionId};
use super::context::{Context, text};
use super::fault::{client_error, describe, unreachable};
use super::properties::ClientProperties;
use crate::error::{Error, ErrorKind, Fault, Result, excerpt};
use crate::stream::Health;

/// The longest wait that the client can be told.
const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// Partitions of topics, by topic.
pub type Topics = BTreeMap<Arc<str>, Vec<i32>>;

/// A connection for questions.
pub struct Cluster {
    client: Client<Context>,
    properties: ClientProperties,
    kind: ErrorKind,
    timeout: Duration,
}

impl Cluster {
    /// Connects, within `timeout`; `kind` is that of errors.
    pub fn connect(properties: &ClientProperties, kind: ErrorKind, timeout: Duration) -> Result<Self> {
        let timeout = timeout.min(LONGEST_WAIT);
        let mut properties = properties.clone();
        // A client that reads never makes the broker create a topic.
        for other in ["transactional.id", "enable.idempotence", "group.id", "allow.auto.create.topics"] {
            properties.remove(other);
        }
        let config = properties.config();
        let native = config.create_native_config().map_err(|error| client_error(kind, "client settings", &error))?;
        let health = Arc::new(Health::default());
        let context = Context::new("kafka".to_owned(), Arc::clone(&health), Assignment::default()).quiet().with_tokens(properties.tokens.clone());
        context.register(native.ptr());
        let client = Client::new(&config, native, RDKafkaType::RD_KAFKA_CONSUMER, context).map_err(|error| settings_error(kind, &error))?;
        Context::renew_tokens(&client);
        let cluster = Self { client, properties, kind, timeout };
        let began = Instant::now();
        loop {
            // SAFETY: the client is alive; its callbacks only touch its context.
            unsafe { sys::rd_kafka_poll(cluster.client.native_ptr(), 0) };
            let left = timeout.saturating_sub(began.elapsed());
            // The call waits its whole time when something is wrong, and the reason comes with the next poll.
            match cluster.client.fetch_metadata(Some("velo-connect-probe"), left.clamp(Duration::from_millis(1), Duration::from_millis(200))) {
                Ok(_) => return Ok(cluster),
                Err(error) => {
                    let reason = health.last_error();
                    if left.is_zero() || reason.as_deref().is_some_and(super::fault::refuses) {
                        return Err(unreachable(kind, cluster.properties.brokers(), timeout, reason.as_deref()));
                    }
                    if error.rdkafka_error_code().is_some_and(|code| !super::fault::is_unreachable(code)) {
                        return Err(client_error(kind, "metadata", &error));
                    }
                }
            }
        }
    }

    /// The partitions of a topic; `None` if there is no such topic.
    pub fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>> {
        let began = Instant::now();
        loop {
            let metadata = self.client.fetch_metadata(Some(topic), self.timeout).map_err(|error| client_error(self.kind, topic, &error))?;
            let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
            match found.error().map(Code::from) {
                None => {
                    let mut partitions: Vec<i32> = found.partitions().iter().map(|partition| partition.id()).collect();
                    partitions.sort_unstable();
                    return Ok((!partitions.is_empty()).then_some(partitions));
                }
                Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => return Ok(None),
                // A topic that is being created has no leaders yet.
                Some(Code::LeaderNotAvailable) if began.elapsed() < self.timeout => std::thread::sleep(Duration::from_millis(50)),
                Some(code) => {
                    return Err(Error::new(self.kind, Fault::User, format!("topic '{topic}': {}", describe(code))));
                }
            }
        }
    }

    /// All topics, the brokers' own ones left out.
    pub fn topics(&self) -> Result<Topics> {
        let metadata = self.client.fetch_metadata(None, self.timeout).map_err(|error| client_error(self.kind, "topics", &error))?;
        let own = |name: &str| name.starts_with("__");
        Ok(metadata
            .topics()
            .iter()
            .filter(|topic| topic.error().is_none() && !own(topic.name()))
            .map(|topic| (Arc::from(topic.name()), topic.partitions().iter().map(|partition| partition.id()).collect()))
            .collect())
    }

    /// The first offset of a partition and the one after its last message.
    pub fn watermarks(&self, id: &PartitionId) -> Result<(i64, i64)> {
        self.client.fetch_watermarks(&id.topic, id.partition, self.timeout).map_err(|error| client_error(self.kind, &id.name(), &error))
    }

    /// For each partition the first offset at or after a time (milliseconds since 1970); the end of the partition if there is none.
    pub fn offsets_at(&self, ids: &[PartitionId], millis: i64) -> Result<BTreeMap<PartitionId, i64>> {
        let mut list = TopicPartitionList::with_capacity(ids.len());
        for id in ids {
            list.add_partition_offset(&id.topic, id.partition, Offset::Offset(millis)).map_err(|error| client_error(self.kind, &id.name(), &error))?;
        }
        let wait = i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: client and list are alive.
        let code: Code = unsafe { sys::rd_kafka_offsets_for_times(self.client.native_ptr(), list.ptr(), wait) }.into();
        if code != Code::NoError {
            return Err(client_error(self.kind, "offsets of a time", &rdkafka::error::KafkaError::Global(code)));
        }
        let mut offsets = BTreeMap::new();
        for id in ids {
            let found = list.find_partition(&id.topic, id.partition).map(|element| element.offset());
            let offset = match found {
                Some(Offset::Offset(offset)) => offset,
                _ => self.watermarks(id)?.1,
            };
            offsets.insert(id.clone(), offset);
        }
        Ok(offsets)
    }

    /// Has a group begin at these offsets; false if it has members, which go on where they are: the brokers let nobody else commit then.
    pub fn begin_group(&self, group: &str, offsets: &BTreeMap<PartitionId, i64>) -> Result<bool> {
        let mut config = self.properties.config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let what = format!("group '{group}'");
        let client: BaseConsumer = config.create().map_err(|error| client_error(self.kind, &what, &error))?;
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (id, offset) in offsets {
            list.add_partition_offset(&id.topic, id.partition, Offset::Offset(*offset)).map_err(|error| client_error(self.kind, &id.name(), &error))?;
        }
        let began = Instant::now();
        loop {
            match client.commit(&list, CommitMode::Sync) {
                Ok(()) => return Ok(true),
                Err(error) => match error.rdkafka_error_code() {
                    Some(Code::UnknownMemberId | Code::IllegalGeneration | Code::RebalanceInProgress) => return Ok(false),
                    // A group that is asked for the first time has no coordinator yet.
                    Some(Code::WaitingForCoordinator | Code::CoordinatorLoadInProgress | Code::CoordinatorNotAvailable | Code::NotCoordinator)
                        if began.elapsed() < self.timeout =>
                    {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    _ => return Err(client_error(self.kind, &what, &error)),
                },
            }
        }
    }

    /// Creates a topic; -1 leaves a number to the broker. The connection that asks is this one, with its tokens.
    pub fn create_topic(&self, topic: &str, partitions: i32, replication: i32) -> Result<()> {
        let what = format!("topic '{topic}' can't be created");
        let name = CString::new(topic).map_err(|_| Error::config(format!("'{topic}' is not the name of a topic")))?;
        let wait = i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX);
        let mut reason = [0 as c_char; 512];
        // SAFETY: the client is alive; what is made here is destroyed here, once, after the answer was read.
        let (code, told) = unsafe {
            let client = self.client.native_ptr();
            let mut new = sys::rd_kafka_NewTopic_new(name.as_ptr(), partitions, replication, reason.as_mut_ptr(), reason.len());
            if new.is_null() {
                return Err(Error::config(format!("{what}: {}", text(reason.as_ptr()))));
            }
            let options = sys::rd_kafka_AdminOptions_new(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS);
            sys::rd_kafka_AdminOptions_set_request_timeout(options, wait, reason.as_mut_ptr(), reason.len());
            let answers = sys::rd_kafka_queue_new(client);
            sys::rd_kafka_CreateTopics(client, &raw mut new, 1, options, answers);
            // It answers within the time of the request.
            let event = sys::rd_kafka_queue_poll(answers, -1);
            let mut code = sys::rd_kafka_event_error(event);
            let mut told = sys::rd_kafka_event_error_string(event);
            let mut count = 0;
            let result = sys::rd_kafka_event_CreateTopics_result(event);
            if !result.is_null() && code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                let topics = sys::rd_kafka_CreateTopics_result_topics(result, &mut count);
                if count > 0 {
                    code = sys::rd_kafka_topic_result_error(*topics);
                    told = sys::rd_kafka_topic_result_error_string(*topics);
                }
            }
            let told = text(told);
            sys::rd_kafka_event_destroy(event);
            sys::rd_kafka_queue_destroy(answers);
            sys::rd_kafka_AdminOptions_destroy(options);
            sys::rd_kafka_NewTopic_destroy(new);
            (Code::from(code), told)
        };
        match code {
            Code::NoError | Code::TopicAlreadyExists => Ok(()),
            code => {
                tracing::debug!("{what}: {told}");
                Err(client_error(self.kind, &what, &rdkafka::error::KafkaError::Global(code)))
            }
        }
    }
}

/// Checks that a text can be the name of a topic; `key` is where it was written.
pub fn check_topic(owner: &str, topic: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !topic.is_empty() && topic.len() <= 249 && topic != "." && topic != ".." && topic.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::setting(owner, "topic", format!(" = '{}' is not the name of a topic", excerpt(topic)))
        .with_help("names are of at most 249 letters, digits, '.', '_' and '-'"))
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cluster").field(&self.properties.brokers()).finish()
    }
}

/// Settings that are wrong together, which the client says when it is made.
pub(super) fn settings_error(kind: ErrorKind, error: &rdkafka::error::KafkaError) -> Error {
    let text = match error {
        rdkafka::error::KafkaError::ClientCreation(text) => text.clone(),
        other => other.to_string(),
    };
    Error::new(kind, Fault::User, format!("the Kafka client refuses its settings: {text}"))
}
