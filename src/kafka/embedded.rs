//! A broker inside this process: the client library's mock cluster. It speaks the protocol over a port of this machine, keeps about 5 MiB of each partition, and has no
//! transactions, users or encryption. For the demo and for tests.

use std::ffi::{CStr, CString};

use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::types::RDKafkaType;
use rdkafka_sys as sys;

use crate::error::{Error, Result};

/// A running broker; it ends when dropped.
pub struct EmbeddedBroker {
    cluster: *mut sys::rd_kafka_mock_cluster_t,
    count: i32,
    /// Keeps the cluster's threads.
    _client: Client<DefaultClientContext>,
}

// SAFETY: the functions of the mock cluster take its lock.
unsafe impl Send for EmbeddedBroker {}
// SAFETY: as above.
unsafe impl Sync for EmbeddedBroker {}

impl EmbeddedBroker {
    /// Starts `brokers` brokers on free ports.
    pub fn start(brokers: u8) -> Result<Self> {
        let failed = |text: String| Error::internal(format!("the embedded Kafka can't be started: {text}"));
        let config = ClientConfig::new();
        let native = config.create_native_config().map_err(|error| failed(error.to_string()))?;
        let client = Client::new(&config, native, RDKafkaType::RD_KAFKA_PRODUCER, DefaultClientContext).map_err(|error| failed(error.to_string()))?;
        // SAFETY: the client is alive and outlives the cluster.
        let cluster = unsafe { sys::rd_kafka_mock_cluster_new(client.native_ptr(), i32::from(brokers)) };
        if cluster.is_null() {
            return Err(failed("no port is free".to_owned()));
        }
        // SAFETY: the cluster is alive. Members of a group need not wait for each other here.
        unsafe { sys::rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0) };
        Ok(Self { cluster, count: i32::from(brokers), _client: client })
    }

    /// The value for `bootstrap.servers`.
    pub fn brokers(&self) -> String {
        // SAFETY: the text lives as long as the cluster.
        unsafe { CStr::from_ptr(sys::rd_kafka_mock_cluster_bootstraps(self.cluster)) }.to_string_lossy().into_owned()
    }

    /// Takes all brokers down, or up again; messages stay.
    pub fn set_down(&self, down: bool) {
        for broker in 1..=self.count {
            // SAFETY: the cluster is alive.
            let _always_known =
                unsafe { if down { sys::rd_kafka_mock_broker_set_down(self.cluster, broker) } else { sys::rd_kafka_mock_broker_set_up(self.cluster, broker) } };
        }
    }

    /// Answers the next requests that bring messages with these error codes of the protocol, one each.
    pub fn refuse_next(&self, codes: &[i32]) {
        const PRODUCE: i16 = 0;
        let codes: Vec<sys::rd_kafka_resp_err_t> = codes.iter().filter_map(|code| sys::rd_kafka_resp_err_t::try_from(*code).ok()).collect();
        // SAFETY: cluster and codes are alive during the call, which copies the codes.
        unsafe { sys::rd_kafka_mock_push_request_errors_array(self.cluster, PRODUCE, codes.len(), codes.as_ptr()) };
    }

    /// Creates a topic; one that is there stays as it is.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<()> {
        let name = CString::new(topic).map_err(|_| Error::config(format!("'{topic}' is not the name of a topic")))?;
        // SAFETY: cluster and name are alive.
        let code = unsafe { sys::rd_kafka_mock_topic_create(self.cluster, name.as_ptr(), partitions, 1) };
        match code {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR | sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS => Ok(()),
            code => Err(Error::internal(format!("topic '{topic}' can't be created in the embedded Kafka: {}", super::fault::describe(code.into())))),
        }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        // SAFETY: the client that keeps the cluster is dropped afterwards.
        unsafe { sys::rd_kafka_mock_cluster_destroy(self.cluster) };
    }
}
