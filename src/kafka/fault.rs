//! The client's errors as ours.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::error::{Error, ErrorKind, Fault};

/// Causes that users know by other names than the client's.
const CAUSES: [(&str, &str); 6] = [
    ("Connection refused", "Connection refused"),
    ("Failed to resolve", "host name can't be resolved"),
    ("Connection timed out", "Connection timed out"),
    ("Network is unreachable", "Network is unreachable"),
    ("No route to host", "No route to host"),
    ("timed out", "no answer in time"),
];

/// Begins what the client says when it got no token.
const NO_TOKEN: &str = "Failed to acquire SASL OAUTHBEARER token: ";

/// What the client said last, without its own names for things.
pub(super) fn cause(reason: &str) -> String {
    if let Some((_, own)) = reason.split_once(NO_TOKEN) {
        return own.to_owned();
    }
    if let Some((_, plain)) = CAUSES.iter().find(|(sign, _)| reason.contains(sign)) {
        return (*plain).to_owned();
    }
    // `sasl_plaintext://host:1/bootstrap: SASL authentication error: …`
    match reason.find(": ") {
        Some(at) if reason[..at].contains("://") || reason[..at].contains(":9") || reason[..at].contains('/') => reason[at + 2..].to_owned(),
        _ => reason.to_owned(),
    }
}

/// Whether a reason says that the broker refused who we are: the user's to mend.
pub(super) fn refuses(reason: &str) -> bool {
    [super::tokens::REFUSES, "authentication", "Authentication", "certificate", "SSL handshake", "authorization", "Authorization"]
        .iter()
        .any(|sign| reason.contains(sign))
}

/// The error for brokers that did not answer; `reason` is what the client said last.
pub(super) fn unreachable(kind: ErrorKind, brokers: &str, waited: std::time::Duration, reason: Option<&str>) -> Error {
    let reason = reason.unwrap_or("no answer in time");
    let seconds = waited.as_secs_f64();
    if reason.contains(NO_TOKEN) {
        let fault = if refuses(reason) { Fault::User } else { Fault::External };
        return Error::new(kind, fault, cause(reason)).with_retry(fault == Fault::External).with_help("check sasl.oauthbearer.*");
    }
    if refuses(reason) {
        return Error::new(kind, Fault::User, cause(reason)).with_help(format!("{brokers} refused the connection; check security.protocol, sasl.* and ssl.*"));
    }
    Error::new(kind, Fault::External, cause(reason))
        .with_retry(true)
        .with_help(format!("{brokers} did not answer in {seconds} s; check bootstrap.servers, or raise 'connect.timeout'"))
}

/// Whether an error says that no broker answers.
pub fn is_unreachable(code: Code) -> bool {
    matches!(code, Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve)
}

/// An error of a client that was in the midst of `what`.
pub fn client_error(kind: ErrorKind, what: &str, error: &KafkaError) -> Error {
    let code = error.rdkafka_error_code();
    let text = code.map_or_else(|| error.to_string(), describe);
    let fault = match code {
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::Authentication
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::InvalidTopic
            | Code::UnknownPartition,
        ) => Fault::User,
        _ => Fault::External,
    };
    Error::new(kind, fault, format!("{what}: {text}")).with_retry(fault == Fault::External)
}

/// The client's sentence for a code.
pub(super) fn describe(code: Code) -> String {
    let shown = code.to_string();
    // `MessageSizeTooLarge (Broker: Message size too large)`
    let inner = shown.split_once('(').map_or(shown.as_str(), |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_start_matches("Broker: ").trim_start_matches("Local: ").to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn causes_are_in_the_words_of_the_system() {
        let refused = unreachable(
            ErrorKind::Source,
            "localhost:9",
            Duration::from_secs(10),
            Some("localhost:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)"),
        );
        assert_eq!((refused.message(), refused.fault()), ("Connection refused", Fault::External));
        let login =
            unreachable(ErrorKind::Source, "b:1", Duration::from_secs(1), Some("sasl_ssl://b:1/bootstrap: SASL authentication error: Authentication failed"));
        assert_eq!((login.message(), login.fault()), ("SASL authentication error: Authentication failed", Fault::User));
        assert_eq!(describe(Code::MessageSizeTooLarge), "Message size too large");
    }
}
