//! Client properties by name. They are checked by the client library itself, which needs no broker for it.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::{Arc, OnceLock};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka_sys as sys;

use super::brokers::BrokerList;
use super::tokens::TokenEndpoint;
use crate::error::{Error, Result};

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
    pub(super) tokens: Option<Arc<TokenEndpoint>>,
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

    /// Sets a property unless it is set, in whatever spelling.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if !self.values.keys().any(|set| first_spelling(set) == first_spelling(name)) {
            self.set(name, value);
        }
    }

    /// Takes a property back.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// The value of a property that was set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Sets what a secure connection needs. SASL properties are left out without SASL, since the client would warn of them.
    pub fn secure(&mut self, security: &Security<'_>) {
        let protocol = security.protocol.unwrap_or("plaintext").to_ascii_lowercase();
        if protocol.contains("sasl") {
            let given = [("sasl.mechanisms", security.mechanism), ("sasl.username", security.username), ("sasl.password", security.password)];
            given.into_iter().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| self.set(name, value));
            self.tokens = security.tokens.clone();
        }
        let own_authorities = self.values.keys().any(|name| name.starts_with("ssl.ca.") || name == "ssl.certificate.pem");
        if protocol.contains("ssl") && !own_authorities {
            // The library is built with a TLS that does not know where systems keep their certificates.
            self.set("ssl.ca.location", "probe");
        }
        self.set("security.protocol", protocol);
    }

    /// Asks the client library whether it takes them, each for itself and all together; no broker is asked. `owner` is whose they are.
    ///
    /// **Errors**: it doesn't.
    pub fn check(&self, role: Role, owner: &str) -> Result<()> {
        if self.get("security.protocol").is_some_and(|protocol| protocol.starts_with("sasl"))
            && self.get("sasl.mechanisms").or(self.get("sasl.mechanism")).is_none()
        {
            return Err(Error::config(format!("'{owner}.sasl.mechanism' is missing"))
                .about(owner, "security.protocol")
                .with_help("set it to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"));
        }
        if let Some(other) = BrokerList::other_protocol(self.brokers(), self.get("security.protocol").unwrap_or("plaintext")) {
            let error = Error::setting(owner, "bootstrap.servers", format!(": '{other}://' is not what '{owner}.security.protocol' says"));
            return Err(error.with_help("leave the protocol of the address out"));
        }
        for (name, value) in &self.values {
            if let Err(PropertyFault::Value(reason)) = check_property(name, value) {
                // The library's texts quote values.
                let secret = ["password", "secret", "key", "token"].iter().any(|sign| name.contains(sign));
                let reason = if secret { "its value is refused by the Kafka client" } else { reason.trim() };
                return Err(Error::setting(owner, name, format!(": {reason}")));
            }
        }
        self.check_together(role).map_err(|reason| {
            let error = Error::config(format!("the Kafka client refuses the settings of '{owner}': {reason}"));
            match self.named_in(&reason) {
                Some(name) => error.about(owner, name),
                None => error,
            }
        })
    }

    /// The property that a text of the client library speaks of: it stands in backticks, or else as it is.
    fn named_in<'a>(&'a self, reason: &'a str) -> Option<&'a str> {
        let mut quoted = reason.split('`').skip(1).step_by(2);
        let words = || reason.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-')).map(|word| word.trim_end_matches('.'));
        let is_name = |name: &&str| name.contains('.') && self.values.contains_key(*name);
        quoted.find(|name| self.values.contains_key(*name)).or_else(|| words().find(is_name))
    }

    /// Makes a client that knows no broker, and ends it.
    fn check_together(&self, role: Role) -> Result<(), String> {
        let mut config = self.config();
        config.remove("bootstrap.servers");
        let native = config.create_native_config().map_err(|error| error.to_string())?;
        let kind = match role {
            Role::Consumer => sys::rd_kafka_type_t::RD_KAFKA_CONSUMER,
            Role::Producer => sys::rd_kafka_type_t::RD_KAFKA_PRODUCER,
        };
        let mut text = [0 as std::ffi::c_char; 512];
        // SAFETY: a copy of the configuration passes to the client, or is destroyed if there is none; the library writes at most the size of the buffer.
        unsafe {
            let conf = sys::rd_kafka_conf_dup(native.ptr());
            sys::rd_kafka_conf_set_log_cb(conf, None);
            let client = sys::rd_kafka_new(kind, conf, text.as_mut_ptr(), text.len());
            if client.is_null() {
                sys::rd_kafka_conf_destroy(conf);
                return Err(CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned());
            }
            sys::rd_kafka_destroy_flags(client, sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        }
        Ok(())
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
        // What `debug` asks for is below that.
        config.set_log_level(if self.values.contains_key("debug") { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
        config
    }
}

/// How a connection is secured.
#[derive(Clone, Debug, Default)]
pub struct Security<'a> {
    /// plaintext, ssl, sasl_plaintext or sasl_ssl.
    pub protocol: Option<&'a str>,
    /// SASL mechanism.
    pub mechanism: Option<&'a str>,
    /// User.
    pub username: Option<&'a str>,
    /// Password.
    pub password: Option<&'a str>,
    /// Where tokens come from, if the client library does not make them.
    pub tokens: Option<Arc<TokenEndpoint>>,
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
    // The library cuts numbers to 32 bits before it looks whether they are in range.
    if let Some(Property { range: Some((least, most)), .. }) = properties().iter().find(|property| property.name == name)
        && let Ok(number) = value.trim().parse::<i128>()
        && !(*least..=*most).contains(&number)
    {
        return Err(PropertyFault::Value(format!("{number} is not within {least} and {most}")));
    }
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

/// The name that all spellings of a property stand for.
pub(super) fn first_spelling(name: &str) -> &str {
    properties().iter().find(|property| property.name == name).and_then(|property| property.alias_of.as_deref()).unwrap_or(name)
}

/// The names of the client library's properties for a role, aliases among them.
pub fn properties_of(role: Role) -> &'static [String] {
    static CONSUMER: OnceLock<Vec<String>> = OnceLock::new();
    static PRODUCER: OnceLock<Vec<String>> = OnceLock::new();
    let names = |side: char| {
        let of_role = properties().iter().filter(|property| property.side == "*" || property.side.starts_with(side));
        of_role.map(|property| property.name.clone()).collect()
    };
    match role {
        Role::Consumer => CONSUMER.get_or_init(|| names('C')),
        Role::Producer => PRODUCER.get_or_init(|| names('P')),
    }
}

/// A property of the client library.
struct Property {
    name: String,
    /// C, P or *: which clients have it.
    side: String,
    /// Of numbers: the least and the greatest.
    range: Option<(i128, i128)>,
    /// The name that this one is another spelling of.
    alias_of: Option<String>,
}

/// The properties of the client library by name.
fn properties() -> &'static [Property] {
    static ALL: OnceLock<Vec<Property>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<Property> = table().lines().filter_map(row).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.dedup_by(|a, b| a.name == b.name && a.side == b.side);
        all
    })
}

/// A row of the library's table: name | C, P or * | range | default | …
fn row(line: &str) -> Option<Property> {
    let mut cells = line.split('|').map(str::trim);
    let (name, side, range) = (cells.next()?, cells.next()?, cells.next()?);
    let is_name = name.contains('.') || name.chars().all(|c| c.is_ascii_lowercase());
    let ends = range.split_once("..").and_then(|(least, most)| Some((least.trim().parse().ok()?, most.trim().parse().ok()?)));
    let alias_of = line.split("Alias for `").nth(1).and_then(|rest| rest.split('`').next());
    let is_row = is_name && !name.is_empty() && (side == "*" || side.starts_with(['C', 'P']));
    is_row.then(|| Property { name: name.to_owned(), side: side.to_owned(), range: ends, alias_of: alias_of.map(str::to_owned) })
}

/// The table of its properties that the library prints.
fn table() -> String {
    let mut text = std::ptr::null_mut();
    let mut length = 0;
    // SAFETY: the stream writes to memory that it allocates, which is valid once it is closed, and freed below.
    unsafe {
        let stream = libc::open_memstream(&mut text, &mut length);
        if stream.is_null() {
            return String::new();
        }
        sys::rd_kafka_conf_properties_show(stream.cast());
        libc::fclose(stream);
        let table = String::from_utf8_lossy(std::slice::from_raw_parts(text.cast::<u8>(), length)).into_owned();
        libc::free(text.cast());
        table
    }
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
        let has = |role: Role, name: &str| properties_of(role).iter().any(|known| known == name);
        assert!(has(Role::Consumer, "session.timeout.ms") && has(Role::Producer, "partitioner") && has(Role::Producer, "ssl.ca.location"));
        assert_eq!(
            ["retries", "message.send.max.retries", "max.in.flight", "bootstrap.servers"].map(first_spelling),
            ["message.send.max.retries", "message.send.max.retries", "max.in.flight.requests.per.connection", "metadata.broker.list"]
        );
        assert!(!has(Role::Producer, "session.timeout.ms") && !has(Role::Consumer, "compression.type"));
    }
}
