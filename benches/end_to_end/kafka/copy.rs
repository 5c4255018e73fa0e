//! The baseline of the Kafka measures: a loop on the C API by hand that consumes batches and produces the same bytes again, with the longer queues of the two that were tried, which make it faster.

use std::ffi::{CStr, CString};

use rdkafka_sys as sys;

use super::broker::PARTITIONS;

const BATCH: usize = 1_000;
/// The partitioner decides.
const ANY_PARTITION: i32 = -1;
const SETTINGS: [(&str, &str); 5] = [
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "10000"),
    ("fetch.message.max.bytes", "4194304"),
    ("fetch.queue.backoff.ms", "2"),
    ("fetch.wait.max.ms", "100"),
];

/// A client; `settings` besides the servers.
unsafe fn client(kind: sys::rd_kafka_type_t, servers: &str, settings: &[(&str, &str)]) -> *mut sys::rd_kafka_t {
    // SAFETY: texts are alive during the calls; the configuration passes to the client.
    unsafe {
        let config = sys::rd_kafka_conf_new();
        let mut text = [0; 512];
        for (name, value) in [("bootstrap.servers", servers)].iter().chain(settings) {
            let (name, value) = (CString::new(*name).unwrap(), CString::new(*value).unwrap());
            let done = sys::rd_kafka_conf_set(config, name.as_ptr(), value.as_ptr(), text.as_mut_ptr(), text.len());
            assert!(done == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK, "{:?}", CStr::from_ptr(text.as_ptr()));
        }
        let client = sys::rd_kafka_new(kind, config, text.as_mut_ptr(), text.len());
        assert!(!client.is_null());
        client
    }
}

/// Copies `count` messages, keys included.
pub(crate) fn run(servers: &str, from: &str, to: &str, count: usize) {
    let (from, to) = (CString::new(from).unwrap(), CString::new(to).unwrap());
    let sending = [
        ("enable.idempotence", "true"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
        ("queue.buffering.max.messages", "200000"),
        ("queue.buffering.max.kbytes", "65536"),
        ("delivery.report.only.error", "true"),
    ];
    let reading: Vec<_> = SETTINGS.into_iter().chain([("group.id", "copy"), ("enable.auto.commit", "false")]).collect();
    // SAFETY: handles are alive until the process ends; a message is destroyed once, after its bytes were copied into the producer's queue.
    unsafe {
        let consumer = client(sys::rd_kafka_type_t::RD_KAFKA_CONSUMER, servers, &reading);
        sys::rd_kafka_poll_set_consumer(consumer);
        let list = sys::rd_kafka_topic_partition_list_new(PARTITIONS);
        for partition in 0..PARTITIONS {
            (*sys::rd_kafka_topic_partition_list_add(list, from.as_ptr(), partition)).offset = 0;
        }
        sys::rd_kafka_assign(consumer, list);
        let queue = sys::rd_kafka_queue_get_consumer(consumer);
        let producer = client(sys::rd_kafka_type_t::RD_KAFKA_PRODUCER, servers, &sending);
        let topic = sys::rd_kafka_topic_new(producer, to.as_ptr(), std::ptr::null_mut());
        let mut taken = vec![std::ptr::null_mut(); BATCH];
        let mut given: Vec<sys::rd_kafka_message_t> = Vec::with_capacity(BATCH);
        let mut copied = 0;
        while copied < count {
            let mut got = sys::rd_kafka_consume_batch_queue(queue, 0, taken.as_mut_ptr(), BATCH);
            if got == 0 {
                got = sys::rd_kafka_consume_batch_queue(queue, 100, taken.as_mut_ptr(), 1);
            }
            given.clear();
            for message in &taken[..got as usize] {
                let read = &**message;
                assert!(read.err == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
                let mut message: sys::rd_kafka_message_t = std::mem::zeroed();
                (message.payload, message.len, message.key, message.key_len) = (read.payload, read.len, read.key, read.key_len);
                given.push(message);
            }
            copied += given.len();
            while !given.is_empty() {
                let flags = sys::RD_KAFKA_MSG_F_COPY;
                let done = sys::rd_kafka_produce_batch(topic, ANY_PARTITION, flags, given.as_mut_ptr(), given.len() as i32);
                sys::rd_kafka_poll(producer, if (done as usize) < given.len() { 5 } else { 0 });
                given.retain(|message| message.err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
            }
            for message in &taken[..got as usize] {
                sys::rd_kafka_message_destroy(*message);
            }
        }
        let flushed = sys::rd_kafka_flush(producer, 60_000);
        assert!(flushed == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
    }
}
