//! Durations: `2000ms`, `5s`, or a bare number of milliseconds.

use std::time::Duration;

use super::OptionValue;

/// A duration; bare numbers are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub Duration);

impl Millis {
    /// The longest one, a hundred years: whatever counts time, in whatever unit, has room for it, and for what it is added to.
    pub(crate) const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);
}

impl OptionValue for Millis {
    const TYPE: &'static str = "duration";
    const EXAMPLE: &'static str = "30s";

    fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected a whole number with a unit (ns us ms s m h d); a bare number means milliseconds";
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(EXPECTED.to_owned());
        }
        let too_long = || format!("the duration is too long; expected at most {}d", Self::LONGEST.as_secs() / 86_400);
        let number: u64 = text[..digits].parse().map_err(|_| too_long())?;
        let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs).ok_or_else(too_long);
        let duration = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
            "" | "ms" => Duration::from_millis(number),
            "ns" => Duration::from_nanos(number),
            "us" => Duration::from_micros(number),
            "s" => seconds(1)?,
            "m" => seconds(60)?,
            "h" => seconds(3_600)?,
            "d" => seconds(86_400)?,
            _ => return Err(EXPECTED.to_owned()),
        };
        if duration > Self::LONGEST { Err(too_long()) } else { Ok(Self(duration)) }
    }
}

/// A duration that is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SomeMillis(pub Duration);

impl OptionValue for SomeMillis {
    const TYPE: &'static str = Millis::TYPE;
    const EXAMPLE: &'static str = Millis::EXAMPLE;
    const RANGE: (usize, usize) = (1, usize::MAX);

    fn parse(text: &str) -> Result<Self, String> {
        match Millis::parse(text)? {
            Millis(Duration::ZERO) => Err("expected more than 0".to_owned()),
            Millis(duration) => Ok(Self(duration)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, expected) in [
            ("2000ms", Duration::from_secs(2)),
            ("5000", Duration::from_secs(5)),
            ("5 s", Duration::from_secs(5)),
            ("3M", Duration::from_secs(180)),
            ("1h", Duration::from_secs(3_600)),
            ("2d", Duration::from_secs(172_800)),
            ("7us", Duration::from_micros(7)),
            ("9ns", Duration::from_nanos(9)),
            ("36500d", Millis::LONGEST),
        ] {
            assert_eq!(Millis::parse(text), Ok(Millis(expected)), "{text}");
        }
    }

    #[test]
    fn fractions_negatives_and_unknown_units_are_refused() {
        for text in ["", "ms", "-5s", "1.5s", "5 fortnights", "99999999999999999999", "18446744073709551615d", "213503982334601d", "36501d"] {
            assert!(Millis::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bare_numbers_are_milliseconds(n in 0u64..Millis::LONGEST.as_millis() as u64) {
            prop_assert_eq!(Millis::parse(&n.to_string()), Ok(Millis(Duration::from_millis(n))));
            prop_assert_eq!(Millis::parse(&format!("{n}ms")), Millis::parse(&n.to_string()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,20}") {
            let _ = Millis::parse(&text);
        }
    }
}
