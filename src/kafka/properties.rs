//! Client properties by name. They are checked by the client library itself, which needs no broker for it.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka_sys as sys;

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads.
    Consumer,
    /// Writes.
    Producer,
}

/// The properties of a client.
#[derive(Clone, Default)]
pub struct ClientProperties {
    values: BTreeMap<String, String>,
}

impl std::fmt::Debug for ClientProperties {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl ClientProperties {
    /// Sets a property.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Sets a property unless it is set.
    pub fn set_default(&mut self, name: &str, value: &str) {
        self.values.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// The value of a property that was set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The brokers to ask first.
    pub fn brokers(&self) -> &str {
        self.get("bootstrap.servers").unwrap_or_default()
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in &self.values {
            config.set(name, value);
        }
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }
}

/// What is wrong with a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyFault {
    /// No client has it.
    Unknown,
    /// The value can't be used; why.
    Value(String),
}

/// Asks the client library about one property.
///
/// **Errors**: it does not know the name, or does not take the value.
pub fn check_property(name: &str, value: &str) -> Result<(), PropertyFault> {
    let (Ok(c_name), Ok(c_value)) = (CString::new(name), CString::new(value)) else { return Err(PropertyFault::Value("it holds a NUL byte".to_owned())) };
    let mut text = [0 as std::ffi::c_char; 512];
    // SAFETY: the configuration is destroyed below; the library writes at most the size of the buffer, with a NUL at its end.
    let (result, text) = unsafe {
        let conf = sys::rd_kafka_conf_new();
        let result = sys::rd_kafka_conf_set(conf, c_name.as_ptr(), c_value.as_ptr(), text.as_mut_ptr(), text.len());
        sys::rd_kafka_conf_destroy(conf);
        (result, CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned())
    };
    match result {
        sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
        sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN => Err(PropertyFault::Unknown),
        sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_INVALID => Err(PropertyFault::Value(text)),
    }
}

/// The names of the client library's properties that have a default, for finding the nearest one.
pub fn property_names() -> Vec<String> {
    let mut names = Vec::new();
    // SAFETY: the arrays live until they are freed, and hold name and value in turn.
    unsafe {
        let conf = sys::rd_kafka_conf_new();
        let mut count = 0;
        let dump = sys::rd_kafka_conf_dump(conf, &mut count);
        names.extend((0..count).step_by(2).map(|at| CStr::from_ptr(*dump.add(at)).to_string_lossy().into_owned()));
        sys::rd_kafka_conf_dump_free(dump, count);
        sys::rd_kafka_conf_destroy(conf);
        let topic = sys::rd_kafka_topic_conf_new();
        let dump = sys::rd_kafka_topic_conf_dump(topic, &mut count);
        names.extend((0..count).step_by(2).map(|at| CStr::from_ptr(*dump.add(at)).to_string_lossy().into_owned()));
        sys::rd_kafka_conf_dump_free(dump, count);
        sys::rd_kafka_topic_conf_destroy(topic);
    }
    // Properties without a default are not in the dump.
    const UNSET: [&str; 18] = [
        "bootstrap.servers",
        "group.id",
        "group.instance.id",
        "client.rack",
        "sasl.username",
        "sasl.password",
        "sasl.mechanisms",
        "sasl.oauthbearer.config",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.cipher.suites",
        "ssl.keystore.location",
        "ssl.keystore.password",
    ];
    names.extend(UNSET.map(str::to_owned));
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_says_what_it_knows() {
        assert_eq!(check_property("fetch.min.bytes", "32768"), Ok(()));
        assert_eq!(check_property("sasl.mechanism", "PLAIN"), Ok(()), "an alias");
        assert_eq!(check_property("max.poll.records", "500"), Err(PropertyFault::Unknown));
        assert!(matches!(check_property("fetch.min.bytes", "many"), Err(PropertyFault::Value(_))));
        let names = property_names();
        assert!(names.iter().any(|name| name == "session.timeout.ms") && names.iter().any(|name| name == "partitioner") && names.len() > 100);
    }
}
