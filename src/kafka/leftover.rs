//! Keys that are the client library's own: checked by it, before anything is opened.

use super::properties::{ClientProperties, PropertyFault, Role, check_property, first_spelling, properties_of};
use crate::error::Error;
use crate::options::{KeyMap, Leftover, OptionDescriptor, Origin, Setting};

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
/// `options` have been taken: another spelling of one of them is refused.
pub fn client_properties(keys: &mut KeyMap, role: Role, options: &'static [OptionDescriptor], errors: &mut Vec<Error>) -> ClientProperties {
    let mut properties = ClientProperties::default();
    for leftover in in_force(keys.take_leftover(), errors) {
        let (key, written) = (&leftover.key, &leftover.setting.written);
        let is_same = |name: &str| name == key || first_spelling(name) == first_spelling(key);
        if let Some(option) = options.iter().find(|option| option.spellings().any(is_same)) {
            let error = Error::config(format!("'{written}' can't be set: it is another name for '{}.{}'", keys.owner(), option.key));
            errors.push(leftover.setting.origin.blame_key(error.with_help(format!("write '{}.{}'", keys.owner(), option.key))));
            continue;
        }
        if let Some((_, reason)) = OWN.iter().find(|(own, _)| is_same(own)) {
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
            // Nobody writes it there for another one to have it.
            (Ok(()), None) if matches!(leftover.setting.origin, Origin::Inline { .. } | Origin::CommandLine) => {
                keys.put_back(Leftover { fault: None, ..leftover })
            }
            (Ok(()), None) => tracing::debug!("'{written}' is for the other end of a topic; left out"),
            (Err(PropertyFault::Value(reason)), None) => errors.push(wrong(&leftover.setting, &leftover.shown, &reason)),
        }
    }
    properties
}

/// Of several spellings of one property the one that counts: that of the greater rank. Those of one rank are a fault if their values differ.
fn in_force(leftovers: Vec<Leftover>, errors: &mut Vec<Error>) -> Vec<Leftover> {
    let mut chosen: Vec<Leftover> = Vec::new();
    for leftover in leftovers {
        let same = |other: &&mut Leftover| first_spelling(&other.key) == first_spelling(&leftover.key);
        let Some(other) = chosen.iter_mut().find(same) else {
            chosen.push(leftover);
            continue;
        };
        let (new, old) = (&leftover.setting, &other.setting);
        if new.rank == old.rank && new.value != old.value {
            let error = Error::config(format!("'{}' and '{}' are spellings of one property and have different values", old.written, new.written));
            errors.push(new.origin.blame_key(error.with_help("keep one of them")));
        }
        if new.rank > old.rank {
            *other = leftover;
        }
    }
    chosen
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
