//! Dates, times and timestamps in ISO 8601 from text.

use arrow::datatypes::TimeUnit;

/// Days since 1970-01-01 of a date in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// `YYYY-MM-DD` as days since 1970; impossible dates are refused.
pub(in crate::formats) fn parse_date(text: &[u8]) -> Option<i32> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&text[..4])?, digits(&text[5..7])?, digits(&text[8..])?);
    let possible = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days_of_month(year, month);
    possible.then(|| days_from_civil(year, month, day)).and_then(|days| i32::try_from(days).ok())
}

/// `HH:MM[:SS[.fraction]]` in nanoseconds of the day, and what follows it. Fractions finer than a nanosecond are refused unless they are zeros.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    if text.len() < 5 || text[2] != b':' {
        return None;
    }
    let (hour, minute) = (digits(&text[..2])?, digits(&text[3..5])?);
    let mut rest = &text[5..];
    let mut second = 0;
    let mut nanos = 0;
    if rest.first() == Some(&b':') {
        second = digits(rest.get(1..3)?)?;
        rest = &rest[3..];
        if matches!(rest.first(), Some(b'.' | b',')) {
            let end = rest[1..].iter().position(|b| !b.is_ascii_digit()).map_or(rest.len(), |end| end + 1);
            let fraction = &rest[1..end];
            if fraction.is_empty() || fraction.iter().skip(9).any(|b| *b != b'0') {
                return None;
            }
            nanos = (0..9).fold(0i64, |sum, at| sum * 10 + i64::from(fraction.get(at).map_or(0, |b| b - b'0')));
            rest = &rest[end..];
        }
    }
    let possible = hour < 24 && minute < 60 && second < 60;
    possible.then_some((((hour * 60 + minute) * 60 + second) * 1_000_000_000 + nanos, rest))
}

/// `HH:MM[:SS[.fraction]]` in microseconds of the day.
pub(in crate::formats) fn parse_time(text: &[u8]) -> Option<i64> {
    let (nanos, rest) = clock(text)?;
    (rest.is_empty() && nanos % 1_000 == 0).then_some(nanos / 1_000)
}

/// `YYYY-MM-DD[(T| )HH:MM[:SS[.fraction]][Z|±HH[:MM]]]` in `unit`s since 1970 UTC; no offset means UTC. Refused: what the unit can't express without loss, and an offset where
/// the column has no time zone.
pub(in crate::formats) fn parse_timestamp(text: &[u8], unit: TimeUnit, zoned: bool) -> Option<i64> {
    let days = i64::from(parse_date(text.get(..10)?)?);
    let mut nanos = 0;
    let mut offset = 0;
    if text.len() > 10 {
        if !matches!(text[10], b'T' | b't' | b' ') {
            return None;
        }
        let (time, rest) = clock(&text[11..])?;
        nanos = time;
        offset = match rest {
            [] => 0,
            _ if !zoned => return None,
            [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), zone @ ..] => {
                let minutes = match zone {
                    [h1, h2] => digits(&[*h1, *h2])? * 60,
                    [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => {
                        let minutes = digits(&[*m1, *m2])?;
                        if minutes >= 60 {
                            return None;
                        }
                        digits(&[*h1, *h2])? * 60 + minutes
                    }
                    _ => return None,
                };
                if minutes > 18 * 60 {
                    return None;
                }
                if *sign == b'-' { -minutes } else { minutes }
            }
            _ => return None,
        };
    }
    let seconds = days * 86_400 - offset * 60 + nanos / 1_000_000_000;
    let fraction = nanos % 1_000_000_000;
    let (per_second, nanos_per_unit) = match unit {
        TimeUnit::Second => (1, 1_000_000_000),
        TimeUnit::Millisecond => (1_000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1_000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    if fraction % nanos_per_unit != 0 {
        return None;
    }
    seconds.checked_mul(per_second)?.checked_add(fraction / nanos_per_unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_utc_microseconds() {
        let parse = |text: &str| parse_timestamp(text.as_bytes(), TimeUnit::Microsecond, true);
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2024-02-29 12:30:45.5"), Some(1_709_209_845_500_000));
        assert_eq!(parse("2024-02-29T14:30:45.500000+02:00"), Some(1_709_209_845_500_000));
        assert_eq!(parse("0001-01-01T00:00:00Z"), Some(-62_135_596_800_000_000));
        assert_eq!(parse("9999-12-31T23:59:59.999999Z"), Some(253_402_300_799_999_999));
        assert_eq!(parse("2024-01-05"), Some(1_704_412_800_000_000));
    }

    #[test]
    fn impossible_and_inexpressible_instants_are_refused() {
        let parse = |text: &str| parse_timestamp(text.as_bytes(), TimeUnit::Microsecond, true);
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-04-31T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00",
            "2024-01-01T00:00:00.0000001Z",
            "yesterday",
            "",
            "2024-01-01X00:00",
            "2024-01-01T00:00:00+99:00",
            "0000-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_timestamp(b"2024-01-01T00:00:00Z", TimeUnit::Microsecond, false), None);
        assert_eq!(parse_timestamp(b"9999-01-01T00:00:00Z", TimeUnit::Nanosecond, true), None);
    }

    #[test]
    fn every_day_of_400_years_is_one_after_the_day_before() {
        let mut last = days_from_civil(1799, 12, 31);
        for year in 1800..2200 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    assert_eq!(days_from_civil(year, month, day), last + 1, "{year}-{month}-{day}");
                    last += 1;
                }
            }
        }
    }

    #[test]
    fn times_have_microseconds() {
        assert_eq!(parse_time(b"23:59:59.999999"), Some(86_399_999_999));
        assert_eq!(parse_time(b"07:30"), Some(27_000_000_000));
        assert_eq!(parse_time(b"24:00"), None);
        assert_eq!(parse_time(b"07:30Z"), None);
    }
}
