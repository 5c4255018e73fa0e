//! Messages in batches, and what became of them. The bytes of a batch are handed over without a copy: they live until the last of its messages is settled.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_void};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, BinaryViewArray};
use rdkafka::client::Client;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaType};
use rdkafka_sys as sys;

use super::assignment::Assignment;
use super::cluster::settings_error;
use super::context::{Context, text};
use super::fault::{client_error, describe};
use super::properties::ClientProperties;
use crate::error::{Error, ErrorKind, Result};
use crate::stream::Health;

/// Slices of one buffer.
#[derive(Debug, Default)]
pub struct Payload {
    /// The bytes of all.
    pub bytes: Vec<u8>,
    /// Where each ends.
    pub ends: Vec<usize>,
    /// Bytes before each of these ends that are no part of it (the end of a line).
    pub gap: usize,
}

impl Payload {
    /// Number of slices.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One slice.
    pub fn get(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at] - self.gap]
    }
}

/// A header's name, and its values by message.
pub type HeaderColumn = (CString, BinaryViewArray);

/// Messages to send.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// The values.
    pub values: Payload,
    /// The keys; `None`: no message has one.
    pub keys: Option<BinaryViewArray>,
    /// Times in milliseconds since 1970; `None`: the time of sending. 0 within: likewise.
    pub timestamps: Option<Vec<i64>>,
    /// Headers.
    pub headers: Vec<HeaderColumn>,
}

/// A message that was not delivered.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// Its number in its batch.
    pub at: usize,
    /// Why.
    pub reason: String,
    /// It is refused for good; otherwise it can be sent again.
    pub refused: bool,
}

/// A batch that is settled: every message was delivered or is among `undelivered`.
#[derive(Debug)]
pub struct Delivery {
    /// The mark it was sent with.
    pub mark: u64,
    /// The messages, for sending some again.
    pub outgoing: Outgoing,
    /// What was not delivered.
    pub undelivered: Vec<Undelivered>,
}

/// A batch on its way. Messages carry its address.
struct InFlight {
    mark: u64,
    outgoing: Outgoing,
    left: usize,
    undelivered: Vec<Undelivered>,
}

/// A producer for one topic.
pub struct BatchProducer {
    topic: *mut sys::rd_kafka_topic_t,
    events: *mut sys::rd_kafka_queue_t,
    /// Batches of which something is under way, in order. They are boxes that were turned into pointers, since their messages carry their addresses.
    in_flight: VecDeque<*mut InFlight>,
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
        Ok(Self { topic, events, in_flight: VecDeque::new(), settled: Vec::new(), client })
    }

    /// Sends the messages numbered `which` (all of them for `None`); waits where the client's queue is full, calling `pause` meanwhile, which may give up with an error.
    pub fn send(&mut self, mark: u64, outgoing: Outgoing, which: Option<&[usize]>, mut pause: impl FnMut() -> Result<()>) -> Result<()> {
        let count = which.map_or(outgoing.values.len(), <[usize]>::len);
        let batch = Box::new(InFlight { mark, outgoing, left: count, undelivered: Vec::new() });
        if count == 0 {
            self.settle(*batch);
            return Ok(());
        }
        let address = Box::into_raw(batch);
        self.in_flight.push_back(address);
        for number in 0..count {
            let at = which.map_or(number, |which| which[number]);
            loop {
                // SAFETY: the batch is in `in_flight` and stays there until its last message is settled.
                let code = unsafe { self.produce(address, at) };
                match code {
                    Code::NoError => break,
                    Code::QueueFull => {
                        self.poll(Duration::from_millis(10));
                        pause()?;
                    }
                    code => {
                        // SAFETY: as above; no report comes for a message that was not taken.
                        unsafe { note(&mut *address, at, code, None) };
                        break;
                    }
                }
            }
        }
        self.collect();
        Ok(())
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
                if sys::rd_kafka_event_type(event) == sys::RD_KAFKA_EVENT_DR {
                    loop {
                        let count = sys::rd_kafka_event_message_array(event, messages.as_mut_ptr(), messages.len());
                        if count == 0 {
                            break;
                        }
                        for message in &messages[..count] {
                            self.report(&**message);
                        }
                    }
                    self.client.context().answered();
                } else if sys::rd_kafka_event_type(event) == sys::RD_KAFKA_EVENT_ERROR {
                    // A queue that gives events gives errors as such, too: the callback is not called.
                    self.client.context().fault(sys::rd_kafka_event_error(event), &text(sys::rd_kafka_event_error_string(event)));
                }
                sys::rd_kafka_event_destroy(event);
            }
        }
        self.collect();
    }

    /// # Safety
    /// The message is one of ours and was not reported before.
    unsafe fn report(&self, message: &sys::rd_kafka_message_t) {
        // SAFETY: the address is that of a batch in `in_flight`: this message is not settled yet.
        unsafe {
            let batch = &mut *message._private.cast::<InFlight>();
            let code = *(&raw const message.err).cast::<i32>();
            if code == 0 {
                batch.left -= 1;
                return;
            }
            // The value tells which message it is, since all values lie in one buffer.
            let offset = (message.payload as usize).wrapping_sub(batch.outgoing.values.bytes.as_ptr() as usize);
            let at = batch.outgoing.values.ends.partition_point(|end| *end <= offset).min(batch.outgoing.values.len().saturating_sub(1));
            // The other function for texts takes the value of a produced message for one.
            let text = sys::rd_kafka_message_produce_errstr(message);
            let text = (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().trim_start_matches("Broker: ").to_owned());
            let code = sys::rd_kafka_resp_err_t::try_from(code).map_or(Code::Unknown, Code::from);
            note(batch, at, code, text);
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

    /// Gives up everything that is under way and returns it as undelivered.
    pub fn give_up(mut self) -> Vec<Delivery> {
        self.purge();
        self.take_settled()
    }

    /// Has the library let go of what is under way, and waits some seconds for its reports.
    fn purge(&mut self) {
        // SAFETY: the client is alive. Purged messages are reported, too.
        unsafe { sys::rd_kafka_purge(self.client.native_ptr(), sys::RD_KAFKA_PURGE_F_QUEUE | sys::RD_KAFKA_PURGE_F_INFLIGHT) };
        for _ in 0..100 {
            if self.in_flight.is_empty() {
                break;
            }
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
    if columns.iter().all(|(_, values)| values.is_null(at)) {
        return std::ptr::null_mut();
    }
    // SAFETY: names and values are alive during the calls, which copy them.
    unsafe {
        let list = sys::rd_kafka_headers_new(columns.len());
        for (name, values) in columns {
            if values.is_valid(at) {
                let value = values.value(at);
                sys::rd_kafka_header_add(list, name.as_ptr(), -1, value.as_ptr().cast::<c_void>(), isize::try_from(value.len()).unwrap_or(0));
            }
        }
        list
    }
}

/// Takes note of a message that was not delivered.
fn note(batch: &mut InFlight, at: usize, code: Code, text: Option<String>) {
    batch.left -= 1;
    let refused = matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::UnknownTopic
            | Code::UnknownTopicOrPartition
            | Code::UnknownPartition
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::InvalidArgument
            | Code::PolicyViolation
    );
    batch.undelivered.push(Undelivered { at, reason: text.unwrap_or_else(|| describe(code)), refused });
}
