//! Addresses of brokers, as the client library reads them; what it would drop, or take for another address, is refused.

use std::fmt;
use std::net::Ipv6Addr;

use crate::options::{OptionValue, register_secret};

/// The protocols that may stand before an address.
const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

/// Brokers to ask first: at least one, `host` or `host:port`, separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerList(String);

impl BrokerList {
    /// The list as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first protocol that stands before an address and is not this one: the client would leave that address out.
    pub(super) fn other_protocol<'a>(list: &'a str, protocol: &str) -> Option<&'a str> {
        let named = list.split(',').filter_map(|broker| Some(broker.trim().split_once("://")?.0));
        named.into_iter().find(|named| !named.eq_ignore_ascii_case(protocol))
    }
}

impl fmt::Display for BrokerList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OptionValue for BrokerList {
    const TYPE: &'static str = "brokers";
    const EXAMPLE: &'static str = "kafka1:9092,kafka2:9092";

    fn parse(text: &str) -> Result<Self, String> {
        // The client skips empty elements, as a variable without a value leaves them behind.
        let mut brokers = text.split(',').map(str::trim).filter(|broker| !broker.is_empty()).peekable();
        if brokers.peek().is_none() {
            return Err("expected host:port, several separated by commas".to_owned());
        }
        brokers.try_for_each(check).map(|()| Self(text.to_owned()))
    }
}

fn check(broker: &str) -> Result<(), String> {
    let address = match broker.split_once("://") {
        Some((protocol, address)) if PROTOCOLS.iter().any(|known| known.eq_ignore_ascii_case(protocol)) => address,
        Some(_) => return Err(format!("expected host:port, without a protocol or after one of {}", PROTOCOLS.join(", "))),
        None => broker,
    };
    if let Some(end) = address.rfind('@') {
        // Neither the text nor the password by itself is to be told.
        register_secret(&address[..=end]);
        address[..end].split_once(':').into_iter().for_each(|(_, password)| register_secret(password));
        return Err("expected host:port; user and password are set by 'sasl.username' and 'sasl.password'".to_owned());
    }
    let (host, port) = match address.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, rest))) => {
            // `fe80::1%eth0` has the name of an interface behind it.
            if host.split('%').next().is_none_or(|host| host.parse::<Ipv6Addr>().is_err()) {
                return Err("expected an IPv6 address between [ and ]".to_owned());
            }
            let port = rest.strip_prefix(':');
            if port.is_none() && !rest.is_empty() {
                return Err("expected :port behind ]".to_owned());
            }
            (host, port)
        }
        Some(None) => return Err("the [ is never closed".to_owned()),
        None => match address.split_once(':') {
            Some((_, rest)) if rest.contains(':') => return Err("expected host:port, several separated by commas; an IPv6 address stands in [ ]".to_owned()),
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    if host.is_empty() {
        return Err("expected host:port, found no host".to_owned());
    }
    if !address.starts_with('[') && !host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        return Err("expected host:port, several separated by commas".to_owned());
    }
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if port.is_some_and(|port| !is_port(port)) { Err("expected a port from 1 to 65535 behind the host".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::scrub;

    #[test]
    fn addresses_are_taken_as_the_client_takes_them() {
        for text in ["a:9092", "a", "a:1,b:2", " a:1 , b_2.c-d:65535,", "[::1]:9092", "[fe80::1%eth0]", "PLAINTEXT://h:1", "sasl_ssl://h", "127.0.0.1:1"] {
            assert_eq!(BrokerList::parse(text).map(|list| list.0), Ok(text.to_owned()));
        }
        for (text, expected) in [
            ("", "expected host:port, several separated by commas"),
            (" ", "expected host:port, several"),
            (",", "expected host:port, several"),
            (":9092", "expected host:port, found no host"),
            ("h:abc", "expected a port from 1 to 65535"),
            ("h:", "expected a port"),
            ("h:+1", "expected a port"),
            ("h:0", "expected a port"),
            ("h:99999", "expected a port"),
            ("ok:1,h:99999", "expected a port"),
            ("http://h:1", "expected host:port, without a protocol or after one of plaintext, "),
            ("://h:1", "expected host:port, without a protocol"),
            ("PLAINTEXT://h:1/x", "expected a port"),
            ("a b:1", "expected host:port, several"),
            ("h:1;i:2", "expected host:port, several"),
            ("::1", "expected host:port, several separated by commas; an IPv6 address stands in [ ]"),
            ("[::1", "the [ is never closed"),
            ("[h]:1", "expected an IPv6 address"),
            ("[::1]x", "expected :port behind ]"),
        ] {
            let told = BrokerList::parse(text).expect_err(text);
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_refused_and_not_told() {
        let told = BrokerList::parse("bob:hunter9w@h:9092").expect_err("refused");
        assert!(told.contains("'sasl.username'"), "{told}");
        assert_eq!(scrub("'bob:hunter9w@h:9092' hunter9w"), "'****h:9092' ****");
    }

    #[test]
    fn addresses_of_another_protocol_are_found() {
        assert_eq!(BrokerList::other_protocol("a:1, SSL://b:1", "plaintext"), Some("SSL"));
        assert_eq!(BrokerList::other_protocol("a:1, SSL://b:1", "ssl"), None);
    }
}
