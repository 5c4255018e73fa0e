//! Keys that are the client library's own: checked by it, before anything is opened.

use sql_extensions::nearest;

use super::properties::{ClientProperties, PropertyFault, Role, check_property, properties_of};
use crate::error::Error;
use crate::options::{KeyMap, MASK, Setting};

/// Properties that are ours to set, with the reason.
const OWN: [(&str, &str); 8] = [
    ("enable.auto.commit", "offsets are committed when every sink has made the rows durable"),
    ("enable.auto.offset.store", "offsets are committed when every sink has made the rows durable"),
    ("enable.partition.eof", "the reader needs it"),
    ("transactional.id", "transactions are begun by the engine"),
    ("plugin.library.paths", "it would load code into the engine"),
    ("log.queue", "the engine has a log of its own"),
    ("test.mock.num.brokers", "it is for tests of the library"),
    ("delivery.report.only.error", "the writer counts what was delivered"),
];

/// Takes what is left of the keys as client properties. `known` are the engine's keys, for finding the nearest name; `component` names the kind in messages. Properties of the other
/// role, which a common configuration file may hold, are left out.
pub fn client_properties(keys: &mut KeyMap, role: Role, known: &[&str], component: &str, errors: &mut Vec<Error>) -> ClientProperties {
    let mut properties = ClientProperties::default();
    let owner = keys.owner().to_owned();
    for (key, setting) in keys.take_leftover(errors) {
        let written = &setting.written;
        if let Some((_, reason)) = OWN.iter().find(|(own, _)| *own == key) {
            errors.push(setting.origin.blame_key(Error::config(format!("'{written}' can't be set: {reason}")).with_help("leave it out")));
            continue;
        }
        match check_property(&key, &setting.value) {
            Ok(()) if properties_of(role).contains(&key) => properties.set(&key, setting.value),
            Ok(()) => tracing::debug!("'{written}' is for the other end of a topic; left out"),
            Err(PropertyFault::Unknown) => errors.push(unknown(&setting, &key, &owner, known, role, component)),
            Err(PropertyFault::Value(reason)) => errors.push(wrong(&setting, keys.shown(&key, &setting) == MASK, &reason)),
        }
    }
    properties
}

fn unknown(setting: &Setting, key: &str, owner: &str, known: &[&str], role: Role, component: &str) -> Error {
    let names = properties_of(role);
    let near = nearest(key, known.iter().copied().chain(names.iter().map(String::as_str)));
    let suggestion = near.map(|near| format!("did you mean '{owner}.{near}'? ")).unwrap_or_default();
    let error = Error::config(format!("unknown key '{}'", setting.written));
    setting.origin.blame_key(error.with_help(format!("{suggestion}all keys: velo-sql options {component}; further ones are those of librdkafka")))
}

fn wrong(setting: &Setting, is_secret: bool, reason: &str) -> Error {
    // The library's texts quote values.
    let error = if is_secret {
        Error::config(format!("the value of '{}' is refused by the Kafka client", setting.written))
    } else {
        Error::config(format!("'{}': {}", setting.written, reason.trim()))
    };
    setting.origin.blame_value(error)
}
