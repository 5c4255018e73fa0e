//! Messages in batches, through the C API: no future and no allocation per message.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::Client;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaType};
use rdkafka::{Offset, TopicPartitionList};
use rdkafka_sys as sys;

use super::assignment::{Assignment, Begin, PartitionId};
use super::cluster::settings_error;
use super::context::Context;
use super::fault::{client_error, describe};
use super::lag::ReadProgress;
use super::message::Message;
use super::properties::ClientProperties;
use super::rebalance::{commit_callback, rebalance_callback};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::stream::{Health, Position};

/// What is consumed.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The group shares the partitions of these topics out (`^…` is a pattern).
    Subscribe(Vec<String>),
    /// These partitions, from these offsets; nothing is committed.
    Assign(Vec<(PartitionId, i64)>),
}

/// How a consumer is made.
pub struct ConsumerOptions<'a> {
    /// Client properties; `group.id` among them.
    pub properties: &'a ClientProperties,
    /// Begins every line of the log.
    pub place: String,
    /// Where the state of the connection is told.
    pub health: Arc<Health>,
    /// What is consumed.
    pub wanted: &'a Wanted,
    /// Where partitions that the group assigns begin.
    pub begin: Begin,
    /// Ends of partitions are told. Not for groups, whose partitions come and go.
    pub tells_ends: bool,
}

/// What a poll gave, besides the messages.
#[derive(Debug, Default)]
pub struct Polled {
    /// Messages handed over.
    pub messages: usize,
    /// If that is told: partitions whose end was reached, by name, with the offset after their last record.
    pub ended: Vec<(Arc<str>, i64)>,
}

/// A consumer.
pub struct BatchConsumer {
    queue: *mut sys::rd_kafka_queue_t,
    slots: Vec<*mut sys::rd_kafka_message_t>,
    /// Partitions seen so far; their numbers stay.
    partitions: Vec<(PartitionId, Arc<str>)>,
    numbers: HashMap<(usize, i32), usize>,
    last: Option<((usize, i32), usize)>,
    /// By number.
    seen: Vec<Seen>,
    /// Kept, so that their addresses are not given to other topics.
    topics: Vec<*mut sys::rd_kafka_topic_t>,
    /// How far partitions were read.
    progress: ReadProgress,
    client: Client<Context>,
    subscribes: bool,
    /// The version of the assignment that was told last, and how many partitions it has.
    told: Option<(u64, usize)>,
    /// Topics may come and go.
    by_pattern: bool,
}

/// What is known of a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The version of the assignment for which the rest holds.
    version: Option<u64>,
    owned: bool,
    /// The offset after the last message, or where it begins.
    expected: Option<i64>,
    /// Its end was reached, so that it can't be paused and resumed any more (see [`BatchConsumer::open`]), or nothing more is wanted of it.
    ended: bool,
}

// SAFETY: the client library is thread-safe, and the slots are empty between calls.
unsafe impl Send for BatchConsumer {}

impl BatchConsumer {
    /// Connects lazily: faults of the connection come with the first polls.
    pub fn open(options: ConsumerOptions<'_>) -> Result<Self> {
        let mut properties = options.properties.clone();
        let subscribes = matches!(options.wanted, Wanted::Subscribe(_));
        // What is durable in the sinks is stored by us; the library commits what was stored, and when partitions are taken away.
        properties.set("enable.auto.offset.store", "false");
        properties.set("enable.auto.commit", if subscribes { "true" } else { "false" });
        // With it the library takes a partition whose end was reached to stand behind that end. Resumed after a rebalance or a pause, it would begin anew.
        properties.set("enable.partition.eof", options.tells_ends.to_string());
        let config = properties.config();
        let fault = |what: &str, error: &rdkafka::error::KafkaError| client_error(ErrorKind::Source, what, error);
        let native = config.create_native_config().map_err(|error| fault("client settings", &error))?;
        let context = Context::new(options.place, options.health, Assignment::new(options.begin)).with_tokens(properties.tokens.clone());
        context.register(native.ptr());
        // SAFETY: the configuration is alive; the functions match the declared types.
        unsafe {
            sys::rd_kafka_conf_set_rebalance_cb(native.ptr(), Some(rebalance_callback));
            sys::rd_kafka_conf_set_offset_commit_cb(native.ptr(), Some(commit_callback));
        }
        let client = Client::new(&config, native, RDKafkaType::RD_KAFKA_CONSUMER, context).map_err(|error| settings_error(ErrorKind::Source, &error))?;
        Context::renew_tokens(&client);
        // SAFETY: the client is alive; the queue is destroyed before it.
        let queue = unsafe {
            sys::rd_kafka_poll_set_consumer(client.native_ptr());
            sys::rd_kafka_queue_get_consumer(client.native_ptr())
        };
        if queue.is_null() {
            return Err(Error::internal("a Kafka consumer without a group"));
        }
        let mut consumer = Self {
            queue,
            slots: Vec::new(),
            partitions: Vec::new(),
            numbers: HashMap::new(),
            last: None,
            seen: Vec::new(),
            topics: Vec::new(),
            progress: ReadProgress::new(properties.get("auto.offset.reset") == Some("latest")),
            client,
            subscribes,
            told: None,
            by_pattern: matches!(options.wanted, Wanted::Subscribe(topics) if topics.iter().any(|topic| topic.starts_with('^'))),
        };
        consumer.start(options.wanted)?;
        Ok(consumer)
    }

    fn start(&mut self, wanted: &Wanted) -> Result<()> {
        let mut list = TopicPartitionList::new();
        let code = match wanted {
            Wanted::Subscribe(topics) => {
                topics.iter().for_each(|topic| {
                    list.add_topic_unassigned(topic);
                });
                // SAFETY: client and list are alive.
                unsafe { sys::rd_kafka_subscribe(self.client.native_ptr(), list.ptr()) }
            }
            Wanted::Assign(partitions) => return self.assign_more(partitions),
        };
        check(code, "subscribe")
    }

    /// Adds partitions to a consumer that is not subscribed.
    pub fn assign_more(&mut self, partitions: &[(PartitionId, i64)]) -> Result<()> {
        partitions.iter().for_each(|(id, offset)| self.progress.begins(id, *offset));
        let mut list = TopicPartitionList::new();
        for (id, offset) in partitions {
            let offset = Offset::from_raw(*offset);
            list.add_partition_offset(&id.topic, id.partition, offset).map_err(|error| client_error(ErrorKind::Source, &id.name(), &error))?;
        }
        let mut assignment = self.client.context().assignment.lock();
        partitions.iter().for_each(|(id, _)| {
            assignment.assigned(id.clone());
        });
        drop(assignment);
        self.client.context().changed();
        // SAFETY: client and list are alive; an error is destroyed once.
        unsafe {
            let error = sys::rd_kafka_incremental_assign(self.client.native_ptr(), list.ptr());
            if error.is_null() {
                return Ok(());
            }
            let code = sys::rd_kafka_error_code(error);
            sys::rd_kafka_error_destroy(error);
            check(code, "assign")
        }
    }

    /// Hands over at most `most` messages that are there, each with the number and the name of its partition; waits for the first one at most `wait`. Messages of partitions that
    /// were taken away in the meantime are left out. Callbacks run in here.
    ///
    /// **Errors**: the consumer can't go on, e.g. it is not allowed to read the topic.
    pub fn poll(&mut self, most: usize, wait: Duration, mut take: impl FnMut(usize, &(PartitionId, Arc<str>), &Message<'_>)) -> Result<Polled> {
        self.slots.resize(most.max(1), std::ptr::null_mut());
        // A call with a wait returns when its array is full, so only one message is waited for.
        let mut count = self.fetch(most.max(1), Duration::ZERO);
        if count == 0 && !wait.is_zero() {
            count = self.fetch(1, wait);
        }
        let mut polled = Polled::default();
        let mut failure = None;
        let mut read: Option<(usize, i64)> = None;
        for at in 0..count {
            let pointer = self.slots[at];
            // SAFETY: the library has filled the first `count` slots with live messages, which are destroyed below, once.
            let raw = unsafe { &*pointer };
            // A code that a newer broker made up is no value of the enumeration, so it is read as a number.
            // SAFETY: the field is a C int.
            let code = unsafe { *(&raw const (*pointer).err).cast::<i32>() };
            match (code, self.number(raw)) {
                (0, Some(number)) => {
                    if self.seen[number].expected != Some(raw.offset) {
                        self.tell_gap(number, raw.offset);
                    }
                    self.seen[number].expected = Some(raw.offset + 1);
                    take(number, &self.partitions[number], &Message { raw });
                    polled.messages += 1;
                    if read.is_some_and(|(last, _)| last != number) {
                        self.progress.read(read, &self.partitions);
                    }
                    read = Some((number, raw.offset + 1));
                }
                (END_OF_PARTITION, Some(number)) => {
                    if self.seen[number].expected.is_some_and(|expected| expected < raw.offset) {
                        self.tell_gap(number, raw.offset);
                    }
                    self.seen[number].expected = Some(raw.offset);
                    self.seen[number].ended = true;
                    let name = &self.partitions[number].1;
                    polled.ended.push((Arc::clone(name), raw.offset));
                }
                (0 | END_OF_PARTITION, None) => {}
                _ => failure = failure.or_else(|| self.failure(code, raw)),
            }
            // SAFETY: see above.
            unsafe { sys::rd_kafka_message_destroy(pointer) };
        }
        self.progress.read(read, &self.partitions);
        if polled.messages > 0 || !polled.ended.is_empty() {
            self.client.context().answered();
        }
        failure.map_or(Ok(polled), Err)
    }

    fn fetch(&mut self, most: usize, wait: Duration) -> usize {
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive and there are `most` slots.
        let count = unsafe { sys::rd_kafka_consume_batch_queue(self.queue, wait, self.slots.as_mut_ptr(), most) };
        usize::try_from(count).unwrap_or(0)
    }

    /// The number of a message's partition; `None` if the consumer does not own it any more.
    fn number(&mut self, raw: &sys::rd_kafka_message_t) -> Option<usize> {
        let key = (raw.rkt as usize, raw.partition);
        let number = match self.last {
            Some((last, number)) if last == key => number,
            _ => {
                if raw.rkt.is_null() {
                    return None;
                }
                let number = match self.numbers.get(&key) {
                    Some(number) => *number,
                    None => {
                        // SAFETY: the message keeps its topic.
                        let topic = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(raw.rkt)) }.to_string_lossy();
                        let id = PartitionId { topic: Arc::from(topic), partition: raw.partition };
                        let name = id.name();
                        self.partitions.push((id, name));
                        self.seen.push(Seen::default());
                        // SAFETY: client and name are alive; the handle is destroyed before the client.
                        self.topics.push(unsafe { sys::rd_kafka_topic_new(self.client.native_ptr(), sys::rd_kafka_topic_name(raw.rkt), std::ptr::null_mut()) });
                        self.numbers.insert(key, self.partitions.len() - 1);
                        self.partitions.len() - 1
                    }
                };
                self.last = Some((key, number));
                number
            }
        };
        let version = Some(self.client.context().version());
        if self.seen[number].version != version {
            self.look_at(number, raw.offset);
            self.seen[number].version = version;
        }
        self.seen[number].owned.then_some(number)
    }

    /// Partitions have come or gone: finds out about one of which there is a message.
    fn look_at(&mut self, number: usize, offset: i64) {
        let (id, name) = &self.partitions[number];
        let mut assignment = self.client.context().assignment.lock();
        for gone in assignment.take_gone() {
            self.progress.forget(&gone);
            let known = self.partitions.iter().position(|(_, known)| *known == gone);
            known.into_iter().for_each(|number| self.seen[number].expected = None);
        }
        let owned = assignment.reads(name, offset);
        let all: Vec<PartitionId> = assignment.owned().cloned().collect();
        drop(assignment);
        let seen = &mut self.seen[number];
        seen.owned = owned;
        if owned && seen.expected.is_none() {
            seen.expected = self.progress.expected(&self.client, id, &all, self.subscribes);
        }
    }

    /// A message does not follow the one before it. Gaps of compaction and transactions are nobody's loss; messages that the broker has removed unread are.
    fn tell_gap(&self, number: usize, offset: i64) {
        let Some(expected) = self.seen[number].expected else { return };
        let (id, name) = &self.partitions[number];
        let (mut low, mut high) = (-1, -1);
        let Ok(topic) = CString::new(&*id.topic) else { return };
        // SAFETY: client and name are alive. The offsets are those of the last answer, nobody is asked.
        unsafe { sys::rd_kafka_get_watermark_offsets(self.client.native_ptr(), topic.as_ptr(), id.partition, &mut low, &mut high) };
        let context = self.client.context();
        let text = if offset < expected {
            format!("{name}: message {offset} comes after {}; the topic was made anew or cut, and is read from there", expected - 1)
        } else if low > expected {
            format!(
                "{name}: up to {} messages are lost, offsets {expected} to {}: the broker removed them before they were read",
                offset - expected,
                offset - 1
            )
        } else {
            return;
        };
        context.health.note_error(&text);
        context.note(&text);
    }

    /// What an error in place of a message means: `None` if the client goes on by itself.
    fn failure(&self, code: i32, raw: &sys::rd_kafka_message_t) -> Option<Error> {
        // SAFETY: the text lives as long as the message.
        let text = unsafe { CStr::from_ptr(sys::rd_kafka_message_errstr(raw)) }.to_string_lossy().into_owned();
        let Ok(known) = sys::rd_kafka_resp_err_t::try_from(code) else {
            tracing::warn!("{}: {text}", self.client.context().place);
            return None;
        };
        let user = |message: String| Some(Error::new(ErrorKind::Source, Fault::User, message));
        match Code::from(known) {
            // Nothing is committed, so no right to the group is needed.
            Code::GroupAuthorizationFailed if !self.subscribes => {
                tracing::debug!("{}: {text}", self.client.context().place);
                None
            }
            Code::UnknownTopicOrPartition | Code::UnknownTopic if self.by_pattern => {
                self.client.context().note(&text);
                None
            }
            Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::ClusterAuthorizationFailed | Code::Authentication => user(text),
            Code::UnknownTopicOrPartition | Code::UnknownTopic => user(text),
            Code::AutoOffsetReset | Code::OffsetOutOfRange => user(format!("{text}; the messages from there on are gone"))
                .map(|error| error.with_help("set 'start' or 'auto.offset.reset' to say where to go on")),
            Code::Fatal => Some(Error::new(ErrorKind::Source, Fault::External, text).with_retry(true)),
            other => {
                self.client.context().note(&format!("{text} ({})", describe(other)));
                None
            }
        }
    }

    /// Partitions of a group in which records were passed that no reader is shown, since the last call: ends of transactions, and what was rolled back. With the offset after them.
    pub fn passed(&mut self) -> Vec<(Arc<str>, i64)> {
        let mut list = TopicPartitionList::new();
        let context = self.client.context();
        context.assignment.lock().owned().filter(|_| self.subscribes).for_each(|id| {
            list.add_partition(&id.topic, id.partition);
        });
        if list.count() == 0 {
            return Vec::new();
        }
        // SAFETY: client and list are alive. What was polled was handed over, so the position is behind it.
        unsafe { sys::rd_kafka_position(self.client.native_ptr(), list.ptr()) };
        let mut passed = Vec::new();
        for element in list.elements() {
            let Offset::Offset(position) = element.offset() else { continue };
            let name = PartitionId { topic: Arc::from(element.topic()), partition: element.partition() }.name();
            if let Some(before) = self.progress.passes(&name, position)
                && context.assignment.lock().reads(&name, before)
            {
                passed.push((name, position));
            }
        }
        passed
    }

    /// Everything up to `position` is durable in all sinks: may be committed.
    pub fn durable(&self, position: &Position) {
        if !self.subscribes {
            return;
        }
        let list = {
            let mut assignment = self.client.context().assignment.lock();
            assignment.durable(position);
            assignment.take_commits()
        };
        let Some(list) = list else { return };
        // SAFETY: client and list are alive. Partitions that were just taken away are refused one by one, which is right.
        let code = unsafe { sys::rd_kafka_offsets_store(self.client.native_ptr(), list.ptr()) };
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            tracing::debug!("{}: offsets not stored: {}", self.client.context().place, describe(code.into()));
        }
    }

    /// Nothing more is wanted of a partition.
    pub fn stop(&mut self, name: &str) {
        let Some(number) = self.partitions.iter().position(|(_, known)| **known == *name) else { return };
        self.seen[number].ended = true;
        let id = &self.partitions[number].0;
        let mut list = TopicPartitionList::new();
        list.add_partition(&id.topic, id.partition);
        // SAFETY: client and list are alive. If it fails, what is read is left out all the same.
        unsafe { sys::rd_kafka_pause_partitions(self.client.native_ptr(), list.ptr()) };
    }

    /// Stops fetching (what is queued may still come), so that the consumer can be polled while nobody takes messages.
    pub fn pause(&self, pause: bool) {
        let mut list = TopicPartitionList::new();
        let ended = |id: &PartitionId| self.partitions.iter().zip(&self.seen).any(|((known, _), seen)| seen.ended && known == id);
        for id in self.client.context().assignment.lock().owned().filter(|id| !ended(id)) {
            list.add_partition(&id.topic, id.partition);
        }
        // SAFETY: client and list are alive.
        let code = unsafe {
            if pause {
                sys::rd_kafka_pause_partitions(self.client.native_ptr(), list.ptr())
            } else {
                sys::rd_kafka_resume_partitions(self.client.native_ptr(), list.ptr())
            }
        };
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            tracing::debug!("{}: pause {pause}: {}", self.client.context().place, describe(code.into()));
        }
    }

    /// For each partition that is owned the messages that wait to be read, as far as the brokers have told.
    pub fn lag(&mut self) -> Vec<(Arc<str>, u64)> {
        let owned: Vec<PartitionId> = self.client.context().assignment.lock().owned().cloned().collect();
        self.progress.lag(&self.client, &owned, self.subscribes)
    }

    /// The partitions that are owned, if they are others than at the last call.
    pub fn new_partitions(&mut self) -> Option<Vec<PartitionId>> {
        let version = self.client.context().version();
        let assignment = self.client.context().assignment.lock();
        let told = Some((version, assignment.owned().count()));
        if self.told == told {
            return None;
        }
        self.told = told;
        Some(assignment.owned().cloned().collect())
    }

    /// Learns that brokers are back when there are no messages.
    pub fn look_for_brokers(&self) {
        Context::look_for_brokers(&self.client);
    }

    /// Commits what was stored and leaves the group.
    pub fn close(self) {
        // SAFETY: the client is alive; callbacks run in this call.
        let code = unsafe { sys::rd_kafka_consumer_close(self.client.native_ptr()) };
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            tracing::debug!("{}: close: {}", self.client.context().place, describe(code.into()));
        }
    }
}

impl Drop for BatchConsumer {
    fn drop(&mut self) {
        // SAFETY: queue and topics are ours, and the client, which is destroyed later, is still alive.
        unsafe {
            self.topics.iter().filter(|topic| !topic.is_null()).for_each(|topic| sys::rd_kafka_topic_destroy(*topic));
            sys::rd_kafka_queue_destroy(self.queue);
        }
    }
}

/// `RD_KAFKA_RESP_ERR__PARTITION_EOF`.
const END_OF_PARTITION: i32 = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF as i32;

fn check(code: sys::rd_kafka_resp_err_t, what: &str) -> Result<()> {
    match Code::from(code) {
        Code::NoError => Ok(()),
        code => Err(client_error(ErrorKind::Source, what, &rdkafka::error::KafkaError::Global(code))),
    }
}
