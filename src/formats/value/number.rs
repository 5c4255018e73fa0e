//! Integers, decimals and floating point from text.

use arrow::datatypes::i256;

/// A decimal number taken apart: `±digits · 10^exponent`, digits without leading zeros.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// Takes a number apart in the grammar of JSON, a leading `+` and missing whole digits (`.5`) allowed for CSV. `None` if it is not a number.
fn parts(text: &[u8]) -> Option<Parts<'_>> {
    let (negative, rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let whole_end = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let (whole, mut rest) = rest.split_at(whole_end);
    let mut fraction: &[u8] = &[];
    if let Some((b'.', after)) = rest.split_first() {
        let end = after.iter().position(|b| !b.is_ascii_digit()).unwrap_or(after.len());
        (fraction, rest) = after.split_at(end);
        if fraction.is_empty() {
            return None;
        }
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut exponent = 0i64;
    if let Some((b'e' | b'E', after)) = rest.split_first() {
        let (sign, digits) = match after.split_first()? {
            (b'-', digits) => (-1, digits),
            (b'+', digits) => (1, digits),
            _ => (1, after),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // An exponent past this is out of every type's range anyway.
        exponent = sign * digits.iter().fold(0i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(100_000));
        rest = &[];
    }
    rest.is_empty().then_some(Parts { negative, whole, fraction, exponent })
}

/// A whole number; `1.0` and `1e2` are whole numbers too. `None` if it is none or does not fit 128 bits.
pub(in crate::formats) fn parse_integer(text: &[u8]) -> Option<i128> {
    // The usual case: up to 18 digits, which can't overflow 64 bits.
    let (negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, text),
    };
    if digits.len() <= 18 && !digits.is_empty() {
        let mut value = 0i64;
        let mut plain = true;
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            plain &= digit <= 9;
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        }
        if plain {
            return Some(i128::from(if negative { -value } else { value }));
        }
    }
    parse_decimal128(text, 0)
}

/// `text · 10^scale` as a whole number; `None` if it is not a number, has more digits after the point than `scale` (zeros apart), or does not fit 128 bits.
pub(in crate::formats) fn parse_decimal128(text: &[u8], scale: i8) -> Option<i128> {
    scaled(text, scale, i128::checked_mul, i128::checked_add, |digit| digit.into(), i128::checked_neg)
}

/// As [`parse_decimal128`], in 256 bits.
pub(in crate::formats) fn parse_decimal256(text: &[u8], scale: i8) -> Option<i256> {
    scaled(text, scale, i256::checked_mul, i256::checked_add, |digit| i256::from_i128(digit.into()), i256::checked_neg)
}

fn scaled<T: Copy + Default>(
    text: &[u8],
    scale: i8,
    mul: impl Fn(T, T) -> Option<T>,
    add: impl Fn(T, T) -> Option<T>,
    from: impl Fn(u8) -> T,
    neg: impl Fn(T) -> Option<T>,
) -> Option<T> {
    let parts = parts(text)?;
    let ten = from(10);
    // Digits up to this place after the point count; those beyond must be zeros.
    let places = parts.exponent + i64::from(scale);
    let mut value = T::default();
    let mut nonzero = false;
    let digits = parts.whole.iter().chain(parts.fraction);
    let kept = parts.whole.len() as i64 + places;
    for (at, byte) in digits.enumerate() {
        let digit = byte - b'0';
        if (at as i64) < kept {
            value = add(mul(value, ten)?, from(digit))?;
            nonzero |= digit != 0;
        } else if digit != 0 {
            return None;
        }
    }
    let missing = kept - (parts.whole.len() + parts.fraction.len()) as i64;
    if nonzero {
        for _ in 0..missing {
            value = mul(value, ten)?;
        }
    }
    if parts.negative { neg(value) } else { Some(value) }
}

/// Powers of ten that a double holds exactly.
const EXACT: [f64; 23] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

/// The double nearest to a number; `None` if it is not a number or is beyond the largest double. With up to 15 digits and a small exponent one multiplication or division of
/// exact doubles is correctly rounded (W. D. Clinger, "How to read floating point numbers accurately", 1990); else the standard library does it.
pub(in crate::formats) fn parse_float(text: &[u8]) -> Option<f64> {
    let parts = parts(text)?;
    let digits = parts.whole.len() + parts.fraction.len();
    let power = parts.exponent - parts.fraction.len() as i64;
    if digits <= 15 && (-22..=22).contains(&power) {
        let mantissa = parts.whole.iter().chain(parts.fraction).fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0')) as f64;
        let value = if power < 0 { mantissa / EXACT[usize::try_from(-power).ok()?] } else { mantissa * EXACT[usize::try_from(power).ok()?] };
        return Some(if parts.negative { -value } else { value });
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Digits {
    /// Digits before the point if it is written without exponent.
    pub whole: usize,
    /// Digits after it.
    pub fraction: usize,
    /// It is written with a point.
    pub has_point: bool,
    /// It is written with an exponent.
    pub has_exponent: bool,
}

/// The digits of a number; `None` if it is not a number.
pub(in crate::formats) fn digits(text: &[u8]) -> Option<Digits> {
    let parts = parts(text)?;
    let count = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
    Some(Digits {
        whole: count(parts.whole.len() as i64 + parts.exponent),
        fraction: count(parts.fraction.len() as i64 - parts.exponent),
        has_point: !parts.fraction.is_empty(),
        has_exponent: text.iter().any(|byte| matches!(byte, b'e' | b'E')),
    })
}

/// Whether a number keeps its digits as a double. A whole number must be one exactly. One with a point or an exponent and at most 17 digits does: so many tell any two doubles
/// apart, and programs print so many; with more it must be written in the same digits again.
pub(in crate::formats) fn keeps_digits(text: &[u8]) -> bool {
    if text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
        return parse_integer(text).is_some_and(|value| (value as f64) as i128 == value);
    }
    let Some(parts) = parts(text) else { return false };
    let (digits, last) = significant(&parts);
    if digits.clone().count() <= 17 {
        return true;
    }
    let Some(value) = parse_float(text) else { return false };
    let mut buffer = zmij::Buffer::new();
    self::parts(buffer.format(value).as_bytes()).is_some_and(|again| {
        let (again, last_again) = significant(&again);
        last == last_again && digits.eq(again)
    })
}

/// The digits from the first to the last that is not zero, and the power of ten of the last.
fn significant<'a>(parts: &Parts<'a>) -> (impl Iterator<Item = &'a u8> + Clone + use<'a>, i64) {
    let all = parts.whole.iter().chain(parts.fraction);
    let total = parts.whole.len() + parts.fraction.len();
    let leading = all.clone().take_while(|digit| **digit == b'0').count();
    let trailing = all.clone().rev().take_while(|digit| **digit == b'0').count().min(total - leading);
    (all.skip(leading).take(total - leading - trailing), parts.exponent - parts.fraction.len() as i64 + trailing as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_exact_or_refused() {
        let parse = |text: &str| parse_integer(text.as_bytes());
        assert_eq!(parse("9223372036854775807"), Some(i128::from(i64::MAX)));
        assert_eq!(parse("-9223372036854775808"), Some(i128::from(i64::MIN)));
        assert_eq!(parse("1.0"), Some(1));
        assert_eq!(parse("1e2"), Some(100));
        assert_eq!(parse("1200e-2"), Some(12));
        for text in ["", "-", "1.5", "1e-1", "12,5", "0x10", "1_000", "--1", "1e", "1.", "99999999999999999999999999999999999999999", "1e400"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_never_lose_a_digit() {
        let parse = |text: &str| parse_decimal128(text.as_bytes(), 10);
        assert_eq!(parse("1234567890123456789012345678.0123456789"), Some(12345678901234567890123456780123456789));
        assert_eq!(parse("0.1"), Some(1_000_000_000));
        assert_eq!(parse("-0.00000000010"), Some(-1));
        assert_eq!(parse("0e99999"), Some(0));
        for text in ["0.00000000001", "1e30", "12,5", "abc", ".", "NaN"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_decimal256(b"1.5", 1), Some(i256::from_i128(15)));
    }

    #[test]
    fn digits_that_a_double_would_change_are_known() {
        for text in [
            "0.1",
            "1e400",
            "0.30000000000000004",
            "0.10000000000000001",
            "123456789012345",
            "9007199254740992",
            "100000000000000000000",
            "1.5e300",
            "0",
            "-0.0",
        ] {
            assert!(keeps_digits(text.as_bytes()), "{text}");
        }
        for text in ["9223372036854775807", "9007199254740993", "0.1000000000000000055511151231257827", "1234567890.12345678", "x"] {
            assert!(!keeps_digits(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_keep_their_digits_where_a_double_holds_them(value in any::<i64>()) {
            prop_assert_eq!(keeps_digits(value.to_string().as_bytes()), (value as f64) as i128 == i128::from(value));
        }

        #[test]
        fn floats_are_read_as_the_standard_library_reads_them(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            for text in [format!("{value:?}"), format!("{value:e}")] {
                prop_assert_eq!(parse_float(text.as_bytes()).map(f64::to_bits), Some(value.to_bits()), "{}", text);
            }
        }

        #[test]
        fn short_floats_are_read_exactly(whole in 0u64..1_000_000, fraction in "[0-9]{1,9}", exponent in -30i32..30) {
            let text = format!("{whole}.{fraction}e{exponent}");
            prop_assert_eq!(parse_float(text.as_bytes()).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }

        #[test]
        fn integers_come_back(value in any::<i64>()) {
            prop_assert_eq!(parse_integer(value.to_string().as_bytes()), Some(i128::from(value)));
        }
    }
}
