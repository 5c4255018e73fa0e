//! Where reading begins and ends, as written.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};

use crate::options::OptionValue;

/// A place in every partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first message.
    Earliest,
    /// Behind the present last one.
    Latest,
    /// The first message at or after a time, in milliseconds since 1970.
    Time(i64),
    /// Offsets by partition number.
    Offsets(BTreeMap<i32, i64>),
}

impl OptionValue for Place {
    const TYPE: &'static str = "place in a topic";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "earliest" => return Ok(Self::Earliest),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        let expected = || "expected earliest, latest, a timestamp (2024-01-05T10:00:00Z, or milliseconds since 1970), or offsets (0:1500,1:2000)".to_owned();
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Self::Time).map_err(|_| expected());
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
            return Ok(Self::Time(time.timestamp_millis()));
        }
        if let Some(midnight) = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0)) {
            return Ok(Self::Time(midnight.and_utc().timestamp_millis()));
        }
        let pair = |part: &str| {
            let (partition, offset) = part.split_once(':')?;
            let offset: i64 = offset.trim().parse().ok().filter(|offset| *offset >= 0)?;
            Some((partition.trim().parse().ok().filter(|partition| *partition >= 0)?, offset))
        };
        let pairs: Option<Vec<(i32, i64)>> = text.split(',').map(pair).collect();
        let mut offsets = BTreeMap::new();
        for (partition, offset) in pairs.ok_or_else(expected)? {
            if offsets.insert(partition, offset).is_some() {
                return Err(format!("partition {partition} is named twice"));
            }
        }
        Ok(Self::Offsets(offsets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_in_every_spelling() {
        assert_eq!(Place::parse(" Earliest "), Ok(Place::Earliest));
        assert_eq!(Place::parse("latest"), Ok(Place::Latest));
        let at = Place::Time(1_704_448_800_000);
        for text in ["2024-01-05T10:00:00Z", "2024-01-05 11:00:00+01:00", "1704448800000"] {
            assert_eq!(Place::parse(text), Ok(at.clone()), "{text}");
        }
        assert_eq!(Place::parse("2024-01-05"), Ok(Place::Time(1_704_412_800_000)));
        assert_eq!(Place::parse("0:15, 3:7"), Ok(Place::Offsets(BTreeMap::from([(0, 15), (3, 7)]))));
        for text in ["", "now", "0:", "-1:5", "0:-5", "2024-13-01", "0:1,0:2"] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
    }
}
