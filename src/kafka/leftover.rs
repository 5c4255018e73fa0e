//! Keys that are the client library's own: checked by it, before anything is opened.

use super::properties::{ClientProperties, PropertyFault, Role, check_property, properties_of};
use crate::error::Error;
use crate::options::{KeyMap, Leftover, Setting};

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

/// Takes what is left of the keys as client properties; unknown ones stay in the map. Properties of the other role, which a common configuration file may hold, are left out.
pub fn client_properties(keys: &mut KeyMap, role: Role, errors: &mut Vec<Error>) -> ClientProperties {
    let mut properties = ClientProperties::default();
    for leftover in keys.take_leftover() {
        let (key, written) = (&leftover.key, &leftover.setting.written);
        if let Some((_, reason)) = OWN.iter().find(|(own, _)| own == key) {
            let error = Error::config(format!("'{written}' can't be set: {reason}")).with_help("leave it out");
            errors.push(leftover.setting.origin.blame_key(error));
            continue;
        }
        match (check_property(key, &leftover.setting.value), leftover.fault) {
            (Err(PropertyFault::Unknown), fault) => keys.put_back(Leftover { fault, ..leftover }),
            (_, Some(fault)) => errors.push(fault),
            (Ok(()), None) if properties_of(role).contains(key) => {
                properties.set(key, leftover.setting.value.clone());
                keys.note(&Leftover { fault: None, ..leftover });
            }
            (Ok(()), None) => tracing::debug!("'{written}' is for the other end of a topic; left out"),
            (Err(PropertyFault::Value(reason)), None) => errors.push(wrong(&leftover.setting, &leftover.shown, &reason)),
        }
    }
    properties
}

fn wrong(setting: &Setting, shown: &str, reason: &str) -> Error {
    // The library's texts quote values.
    let error = if shown == setting.value {
        Error::config(format!("'{}': {}", setting.written, reason.trim()))
    } else {
        Error::config(format!("the value of '{}' is refused by the Kafka client", setting.written))
    };
    setting.origin.blame_value(error)
}
