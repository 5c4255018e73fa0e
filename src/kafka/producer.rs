//! Messages in batches, and what became of them. The bytes of a batch are handed over without a copy: they live until the last of its messages is settled.

use std::collections::VecDeque;
use std::ffi::{CString, c_void};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::Array;
use rdkafka::client::Client;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaType};
use rdkafka_sys as sys;

use super::assignment::Assignment;
use super::cluster::settings_error;
use super::context::Context;
use super::fault::{client_error, describe};
use super::outgoing::{Cause, Delivery, HeaderColumn, Outgoing, Undelivered};
use super::properties::ClientProperties;
use crate::error::{Error, ErrorKind, Result};
use crate::stream::Health;

/// The client's own bound of requests and messages.
const REQUEST_BYTES: usize = 1_000_000;
/// How long a client that is ended is given to report what it has let go of.
const LAST_REPORTS: Duration = Duration::from_secs(5);

/// A batch on its way. Messages carry its address.
struct InFlight {
    mark: u64,
    outgoing: Outgoing,
    /// The messages to send; `None`: all.
    which: Option<Vec<usize>>,
    /// How many of them the client has, in order.
    handed: usize,
    /// How many are not settled.
    left: usize,
    undelivered: Vec<Undelivered>,
}

/// A producer for one topic.
pub struct BatchProducer {
    topic: *mut sys::rd_kafka_topic_t,
    events: *mut sys::rd_kafka_queue_t,
    /// Batches of which something is under way, in order. They are boxes that were turned into pointers, since their messages carry their addresses.
    in_flight: VecDeque<*mut InFlight>,
    /// Those of them that the client does not have wholly, since its queue is full.
    waiting: VecDeque<*mut InFlight>,
    /// Most bytes of a request to one partition.
    batch_size: usize,
    /// When a broker answered last, or messages were sent after nothing was under way.
    progress: Instant,
    settled: Vec<Delivery>,
    client: Client<Context>,
}

// SAFETY: the client library is thread-safe, and batches in flight are touched by the owner of the producer only.
unsafe impl Send for BatchProducer {}

impl BatchProducer {
    /// Connects lazily.
    pub fn open(properties: &ClientProperties, topic: &str, place: String, health: Arc<Health>) -> Result<Self> {
        let mut properties = properties.clone();
        // A missing topic is created by us, or not at all.
        properties.set_default("allow.auto.create.topics", "false");
        let config = properties.config();
        let native = config.create_native_config().map_err(|error| client_error(ErrorKind::Sink, "client settings", &error))?;
        let context = Context::new(place, health, Assignment::default()).with_tokens(properties.tokens.clone());
        context.register(native.ptr());
        // SAFETY: the configuration is alive.
        unsafe { sys::rd_kafka_conf_set_events(native.ptr(), sys::RD_KAFKA_EVENT_DR) };
        let client = Client::new(&config, native, RDKafkaType::RD_KAFKA_PRODUCER, context).map_err(|error| settings_error(ErrorKind::Sink, &error))?;
        Context::renew_tokens(&client);
        let name = CString::new(topic).map_err(|_| Error::config(format!("'{topic}' is not the name of a topic")))?;
        // SAFETY: client and name are alive; topic and queue are destroyed before the client.
        let (topic, events) =
            unsafe { (sys::rd_kafka_topic_new(client.native_ptr(), name.as_ptr(), std::ptr::null_mut()), sys::rd_kafka_queue_get_main(client.native_ptr())) };
        if topic.is_null() {
            return Err(Error::config(format!("'{}' is not the name of a topic", name.to_string_lossy())));
        }
        let number = |name| properties.get(name).and_then(|text| text.parse().ok()).unwrap_or(REQUEST_BYTES);
        let batch_size = number("batch.size").min(number("message.max.bytes"));
        Ok(Self { topic, events, in_flight: VecDeque::new(), waiting: VecDeque::new(), batch_size, progress: Instant::now(), settled: Vec::new(), client })
    }

    /// Connects now, waiting at most `wait`; if no broker answers in time that is for later. An idempotent client asks for its id when brokers tell of themselves, otherwise half a second later, and when they do so for
    /// the first time it goes over to the addresses that they tell.
    pub fn connect(&self, wait: Duration) {
        // SAFETY: the topic keeps its name.
        let name = super::context::text(unsafe { sys::rd_kafka_topic_name(self.topic) });
        let told = (0..2).all(|_| self.client.fetch_metadata(Some(&name), wait / 2).is_ok());
        if !told {
            tracing::debug!("{}: not connected yet", self.client.context().place);
        }
    }

    /// Takes the messages numbered `which` (all of them for `None`). Those that the client's queue has no room for wait; every [`Self::poll`] hands over what it can.
    pub fn send(&mut self, mark: u64, outgoing: Outgoing, which: Option<Vec<usize>>) {
        if self.is_idle() {
            self.progress = Instant::now();
        }
        let left = which.as_ref().map_or(outgoing.values.len(), Vec::len);
        let batch = Box::into_raw(Box::new(InFlight { mark, outgoing, which, handed: 0, left, undelivered: Vec::new() }));
        self.in_flight.push_back(batch);
        self.waiting.push_back(batch);
        self.hand_over();
        self.collect();
    }

    /// Whether messages wait for room in the client's queue.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Settles the messages that wait as undelivered.
    pub fn drop_waiting(&mut self, reason: &str) {
        for batch in self.waiting.drain(..) {
            // SAFETY: the batch is in `in_flight`: what waits is not settled.
            let batch = unsafe { &mut *batch };
            for number in batch.handed..batch.count() {
                let at = batch.number(number);
                batch.note(at, reason.to_owned(), Cause::TimedOut);
            }
            batch.handed = batch.count();
        }
        self.collect();
    }

    fn hand_over(&mut self) {
        while let Some(address) = self.waiting.front().copied() {
            // SAFETY: the batch is in `in_flight` and stays there until its last message is settled.
            unsafe {
                while (*address).handed < (*address).count() {
                    let at = (*address).number((*address).handed);
                    match self.produce(address, at) {
                        Code::NoError => {}
                        Code::QueueFull => return,
                        // No report comes for a message that was not taken.
                        code => {
                            let cure = if code == Code::MessageSizeTooLarge { "; raise 'message.max.bytes' of the sink" } else { "" };
                            (*address).note(at, format!("the client refuses it: {}{cure}", describe(code)), Cause::of(code));
                        }
                    }
                    (*address).handed += 1;
                }
            }
            self.waiting.pop_front();
        }
    }

    /// # Safety
    /// `batch` is alive, and stays so until the message is settled.
    unsafe fn produce(&self, batch: *mut InFlight, at: usize) -> Code {
        use sys::rd_kafka_vtype_t as Kind;
        // SAFETY: see above. The library copies key and headers; the value is read until the message is settled.
        unsafe {
            let outgoing = &(*batch).outgoing;
            let value = outgoing.values.get(at);
            let mut arguments: [sys::rd_kafka_vu_t; 7] = std::mem::zeroed();
            let mut count = 0;
            let mut add = |kind: Kind, fill: &dyn Fn(&mut sys::rd_kafka_vu_s__bindgen_ty_1)| {
                arguments[count].vtype = kind;
                fill(&mut arguments[count].u);
                count += 1;
            };
            add(Kind::RD_KAFKA_VTYPE_RKT, &|u| u.rkt = self.topic);
            add(Kind::RD_KAFKA_VTYPE_VALUE, &|u| {
                u.mem = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: value.as_ptr().cast_mut().cast(), size: value.len() }
            });
            add(Kind::RD_KAFKA_VTYPE_OPAQUE, &|u| u.ptr = batch.cast());
            add(Kind::RD_KAFKA_VTYPE_MSGFLAGS, &|u| u.i = 0);
            if let Some(key) = outgoing.keys.as_ref().filter(|keys| keys.is_valid(at)).map(|keys| keys.value(at)) {
                add(Kind::RD_KAFKA_VTYPE_KEY, &|u| {
                    u.mem = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: key.as_ptr().cast_mut().cast(), size: key.len() }
                });
            }
            if let Some(times) = &outgoing.timestamps {
                add(Kind::RD_KAFKA_VTYPE_TIMESTAMP, &|u| u.i64_ = times[at]);
            }
            let headers = headers(&outgoing.headers, at);
            if !headers.is_null() {
                add(Kind::RD_KAFKA_VTYPE_HEADERS, &|u| u.headers = headers);
            }
            let error = sys::rd_kafka_produceva(self.client.native_ptr(), arguments.as_ptr(), count);
            if error.is_null() {
                return Code::NoError;
            }
            let code = Code::from(sys::rd_kafka_error_code(error));
            sys::rd_kafka_error_destroy(error);
            if !headers.is_null() {
                sys::rd_kafka_headers_destroy(headers);
            }
            code
        }
    }

    /// Takes in the delivery reports that are there; waits for the first at most `wait`.
    pub fn poll(&mut self, wait: Duration) {
        let mut wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        let mut messages: [*const sys::rd_kafka_message_t; 256] = [std::ptr::null(); 256];
        loop {
            // SAFETY: the queue is alive; an event is destroyed once, after the messages in it were read.
            unsafe {
                let event = sys::rd_kafka_queue_poll(self.events, wait);
                if event.is_null() {
                    break;
                }
                wait = 0;
                match sys::rd_kafka_event_type(event) {
                    sys::RD_KAFKA_EVENT_DR => {
                        let mut answered = false;
                        loop {
                            let count = sys::rd_kafka_event_message_array(event, messages.as_mut_ptr(), messages.len());
                            if count == 0 {
                                break;
                            }
                            for message in &messages[..count] {
                                answered |= self.report(&**message);
                            }
                        }
                        if answered {
                            self.progress = Instant::now();
                            self.client.context().answered();
                        }
                    }
                    sys::RD_KAFKA_EVENT_ERROR => {
                        let reason = super::context::text(sys::rd_kafka_event_error_string(event));
                        self.client.context().fault(sys::rd_kafka_event_error(event), &reason);
                    }
                    _ => {}
                }
                sys::rd_kafka_event_destroy(event);
            }
        }
        self.hand_over();
        self.collect();
    }

    /// Takes note of what became of a message; tells whether a broker said it.
    ///
    /// # Safety
    /// The message is one of ours and was not reported before.
    unsafe fn report(&self, message: &sys::rd_kafka_message_t) -> bool {
        // SAFETY: the address is that of a batch in `in_flight`: this message is not settled yet.
        unsafe {
            let batch = &mut *message._private.cast::<InFlight>();
            let code = *(&raw const message.err).cast::<i32>();
            if code == 0 {
                batch.left -= 1;
                return true;
            }
            // The value tells which message it is, since all values lie in one buffer.
            let values = &batch.outgoing.values;
            let offset = (message.payload as usize).wrapping_sub(values.bytes.as_ptr() as usize);
            let at = values.ends.partition_point(|end| *end <= offset).min(values.len().saturating_sub(1));
            let known = sys::rd_kafka_resp_err_t::try_from(code).map_or(Code::Unknown, Code::from);
            // `rd_kafka_message_errstr` is for messages that were read: here it would give the value, which no NUL ends.
            let reason = match super::context::text(sys::rd_kafka_message_produce_errstr(message)) {
                text if text.is_empty() => describe(known),
                text => text,
            };
            let alone = self.batch_size <= 1 || message.len + message.key_len >= self.batch_size;
            let cause = if known == Code::MessageSizeTooLarge && !alone { Cause::RequestTooLarge } else { Cause::of(known) };
            let reason = if cause == Cause::Refused { format!("the broker refuses it: {reason}") } else { reason };
            batch.note(at, reason, cause);
            code > 0
        }
    }

    /// Moves the batches of which nothing is under way any more.
    fn collect(&mut self) {
        // SAFETY: the pointers are of live boxes.
        while let Some(at) = self.in_flight.iter().position(|batch| unsafe { (**batch).left } == 0) {
            if let Some(batch) = self.in_flight.remove(at) {
                // SAFETY: no message carries its address any more, and it was removed from the list.
                let batch = unsafe { Box::from_raw(batch) };
                self.settle(*batch);
            }
        }
    }

    fn settle(&mut self, batch: InFlight) {
        let InFlight { mark, outgoing, undelivered, .. } = batch;
        self.settled.push(Delivery { mark, outgoing, undelivered });
    }

    /// Learns that brokers are back when nothing is sent.
    pub fn look_for_brokers(&self) {
        Context::look_for_brokers(&self.client);
    }

    /// The batches that were settled since the last call.
    pub fn take_settled(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.settled)
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The least mark of the batches that are under way.
    pub fn first_mark(&self) -> Option<u64> {
        // SAFETY: the pointers are of live boxes.
        self.in_flight.iter().map(|batch| unsafe { (**batch).mark }).min()
    }

    /// The client can't go on; it has to be made anew.
    pub fn fatal(&self) -> Option<String> {
        self.client.fatal_error().map(|(_, text)| text)
    }

    /// Whether no broker answers, as far as is known.
    pub fn is_away(&self) -> bool {
        self.client.context().away().is_some()
    }

    /// Since when messages wait for brokers of which none answers, and why.
    pub fn away(&self) -> Option<(Instant, String)> {
        // A connection that was closed while there was nothing to send is no matter.
        let (since, reason) = self.client.context().away().filter(|_| !self.is_idle())?;
        Some((since.max(self.progress), reason))
    }

    /// Most bytes of a request to one partition.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Gives up everything that is under way and returns it as undelivered; and how many messages by mark the client did not let go of, which can't be sent again.
    pub fn give_up(mut self) -> (Vec<Delivery>, Vec<(u64, usize)>) {
        self.drop_waiting("given up");
        self.purge();
        // SAFETY: the pointers are of live boxes.
        let held = self.in_flight.iter().map(|batch| unsafe { ((**batch).mark, (**batch).left) }).collect();
        (self.take_settled(), held)
    }

    /// Has the library let go of what is under way, and waits some seconds for its reports.
    fn purge(&mut self) {
        let begun = Instant::now();
        while !self.in_flight.is_empty() && begun.elapsed() < LAST_REPORTS {
            // Again and again: a message that is on its way from a request that failed back to its partition's queue is in neither while the library looks.
            // SAFETY: the client is alive. Purged messages are reported, too.
            unsafe { sys::rd_kafka_purge(self.client.native_ptr(), sys::RD_KAFKA_PURGE_F_QUEUE | sys::RD_KAFKA_PURGE_F_INFLIGHT) };
            self.poll(Duration::from_millis(50));
        }
    }
}

impl Drop for BatchProducer {
    fn drop(&mut self) {
        // The values of messages under way are ours: the library must have let go of all of them before they are freed.
        if !self.in_flight.is_empty() {
            self.purge();
            // What is still held (a request that is being written) is leaked rather than freed under the client's hands.
        }
        // SAFETY: topic and queue are alive, and so is the client.
        unsafe {
            sys::rd_kafka_topic_destroy(self.topic);
            sys::rd_kafka_queue_destroy(self.events);
        }
    }
}

/// The headers of a message; NULL if it has none.
///
/// # Safety
/// The result is handed to the library or destroyed.
unsafe fn headers(columns: &[HeaderColumn], at: usize) -> *mut sys::rd_kafka_headers_t {
    let mut list: *mut sys::rd_kafka_headers_t = std::ptr::null_mut();
    let size = |bytes: &[u8]| isize::try_from(bytes.len()).unwrap_or(0);
    for column in columns {
        // SAFETY: names and values are alive during the calls, which copy them.
        column.each(at, |name, value| unsafe {
            if list.is_null() {
                list = sys::rd_kafka_headers_new(columns.len());
            }
            let (bytes, length) = value.map_or((std::ptr::null(), 0), |value| (value.as_ptr(), size(value)));
            sys::rd_kafka_header_add(list, name.as_ptr().cast(), size(name), bytes.cast::<c_void>(), length);
        });
    }
    list
}

impl InFlight {
    /// Number of messages to send.
    fn count(&self) -> usize {
        self.which.as_ref().map_or(self.outgoing.values.len(), Vec::len)
    }

    /// Number within the batch of the message that is sent in this place.
    fn number(&self, place: usize) -> usize {
        self.which.as_ref().map_or(place, |which| which[place])
    }

    /// Takes note of a message that was not delivered.
    fn note(&mut self, at: usize, reason: String, cause: Cause) {
        self.left -= 1;
        self.undelivered.push(Undelivered { at, reason, cause });
    }
}
