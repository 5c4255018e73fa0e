//! Messages in batches, through the C API: no future and no allocation per message.

use std::collections::HashMap;
use std::ffi::{CStr, c_void};
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
use super::properties::ClientProperties;
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
    /// Ends of partitions are told, for a reader that goes no further.
    pub tells_ends: bool,
}

/// A message, for the time of a call.
pub struct Message<'a> {
    raw: &'a sys::rd_kafka_message_t,
}

fn bytes<'a>(pointer: *mut c_void, length: usize) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the library guarantees `length` bytes at a pointer that is not NULL, for as long as the message lives.
    Some(unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) })
}

impl Message<'_> {
    /// Offset in its partition.
    pub fn offset(&self) -> i64 {
        self.raw.offset
    }

    /// The value; `None` for a tombstone.
    pub fn payload(&self) -> Option<&[u8]> {
        bytes(self.raw.payload, self.raw.len)
    }

    /// The key.
    pub fn key(&self) -> Option<&[u8]> {
        bytes(self.raw.key, self.raw.key_len)
    }

    /// Milliseconds since 1970, if the message has a time.
    pub fn timestamp(&self) -> Option<i64> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        let time = unsafe { sys::rd_kafka_message_timestamp(self.raw, &mut kind) };
        (time >= 0).then_some(time)
    }

    /// Calls `take` with the name and value of each header, in order.
    pub fn headers(&self, mut take: impl FnMut(&CStr, Option<&[u8]>)) {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is alive, and so are the headers that it owns; the loop ends where there is no further header.
        unsafe {
            if sys::rd_kafka_message_headers(self.raw, &mut headers) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return;
            }
            for at in 0.. {
                let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
                if sys::rd_kafka_header_get_all(headers, at, &mut name, &mut value, &mut size) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return;
                }
                take(CStr::from_ptr(name), bytes(value.cast_mut(), size));
            }
        }
    }
}

/// What a poll gave, besides the messages.
#[derive(Debug, Default)]
pub struct Polled {
    /// Messages handed over.
    pub messages: usize,
    /// Partitions whose end was reached, by name, with the offset after their last record.
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
    /// By number: whether the partition was owned when the assignment had this version.
    owned: Vec<(u64, bool)>,
    /// How far partitions were read.
    progress: ReadProgress,
    client: Client<Context>,
    subscribes: bool,
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
        // The library takes an end for a message that was read, and after a pause goes on behind it: the message that has come there would be skipped.
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
            owned: Vec::new(),
            progress: ReadProgress::new(properties.get("auto.offset.reset") == Some("latest")),
            client,
            subscribes,
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
                    take(number, &self.partitions[number], &Message { raw });
                    polled.messages += 1;
                    if read.is_some_and(|(last, _)| last != number) {
                        self.progress.read(read, &self.partitions);
                    }
                    read = Some((number, raw.offset + 1));
                }
                (END_OF_PARTITION, Some(number)) => polled.ended.push((Arc::clone(&self.partitions[number].1), raw.offset)),
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
                        // SAFETY: topic handles live as long as the client.
                        let topic = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(raw.rkt)) }.to_string_lossy();
                        let id = PartitionId { topic: Arc::from(topic), partition: raw.partition };
                        let name = id.name();
                        self.partitions.push((id, name));
                        self.owned.push((u64::MAX, false));
                        self.numbers.insert(key, self.partitions.len() - 1);
                        self.partitions.len() - 1
                    }
                };
                self.last = Some((key, number));
                number
            }
        };
        let version = self.client.context().version();
        if self.owned[number].0 != version {
            let owned = self.client.context().assignment.lock().reads(&self.partitions[number].1, raw.offset);
            self.owned[number] = (version, owned);
        }
        self.owned[number].1.then_some(number)
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

    /// Stops fetching (what is queued may still come), so that the consumer can be polled while nobody takes messages.
    pub fn pause(&self, pause: bool) {
        let mut list = TopicPartitionList::new();
        for id in self.client.context().assignment.lock().owned() {
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
        // SAFETY: the queue is ours, and the client, which is destroyed later, is still alive.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) };
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

/// Partitions come or go.
unsafe extern "C" fn rebalance_callback(
    client: *mut sys::rd_kafka_t,
    code: sys::rd_kafka_resp_err_t,
    list: *mut sys::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: clients with this callback are made with a `Context`, and list and texts live during the callback.
    unsafe {
        let Some(context) = Context::of(opaque) else { return };
        // A member that gets no partition yet is given a list without elements.
        let elements: &mut [sys::rd_kafka_topic_partition_t] = match usize::try_from((*list).cnt) {
            Ok(count) if count > 0 && !(*list).elems.is_null() => std::slice::from_raw_parts_mut((*list).elems, count),
            _ => &mut [],
        };
        let cooperative = CStr::from_ptr(sys::rd_kafka_rebalance_protocol(client)).to_bytes() == b"COOPERATIVE";
        let id = |element: &sys::rd_kafka_topic_partition_t| PartitionId {
            topic: Arc::from(CStr::from_ptr(element.topic).to_string_lossy()),
            partition: element.partition,
        };
        let assigns = code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let error = {
            let mut assignment = context.assignment.lock();
            for element in elements.iter_mut() {
                if assigns {
                    if let Some(offset) = assignment.assigned(id(element)).and_then(Offset::to_raw) {
                        element.offset = offset;
                    }
                } else {
                    assignment.revoked(&id(element));
                }
            }
            drop(assignment);
            match (assigns, cooperative) {
                (true, true) => sys::rd_kafka_incremental_assign(client, list),
                (false, true) => sys::rd_kafka_incremental_unassign(client, list),
                (true, false) => {
                    sys::rd_kafka_assign(client, list);
                    std::ptr::null_mut()
                }
                (false, false) => {
                    sys::rd_kafka_assign(client, std::ptr::null());
                    std::ptr::null_mut()
                }
            }
        };
        context.changed();
        if !error.is_null() {
            tracing::warn!("{}: {}", context.place, CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy());
            sys::rd_kafka_error_destroy(error);
        }
        let count = elements.len();
        if count == 0 {
            return;
        }
        tracing::info!("{}: {count} partitions {}", context.place, if assigns { "assigned" } else { "revoked" });
    }
}

/// Offsets were committed, or not.
unsafe extern "C" fn commit_callback(
    _: *mut sys::rd_kafka_t,
    code: sys::rd_kafka_resp_err_t,
    _: *mut sys::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: as above.
    let Some(context) = (unsafe { Context::of(opaque) }) else { return };
    match Code::from(code) {
        Code::NoError | Code::NoOffset => {}
        code => {
            context.assignment.lock().not_committed();
            context.note(&format!("offsets were not committed: {}; they are committed again with the next ones", describe(code)));
        }
    }
}
