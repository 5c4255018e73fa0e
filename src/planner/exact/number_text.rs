//! Numbers in text, digit by digit.

/// Most digits of a DECIMAL.
const MOST_DIGITS: usize = 38;

/// A number that a DECIMAL holds as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    /// All digits, without the point.
    pub unscaled: i128,
    /// How many digits there are.
    pub precision: u8,
    /// How many of them stand behind the point.
    pub scale: u8,
}

/// What a text is as a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// A DECIMAL or whole number.
    Exact(Exact),
    /// One with more digits, or further from the point, than a DECIMAL has; its nearest DOUBLE.
    Double(f64),
}

/// Reads `-12.50` or `1.5e3`, with blanks around it; `None` for what is no number.
pub(super) fn parse(text: &str) -> Option<Number> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !is_digits(digits) {
            return None;
        }
    }
    // An exponent of that many digits fits no DECIMAL anyway.
    let exponent = exponent.map_or(Some(0), |exponent| exponent.parse::<i32>().ok());
    match exponent.and_then(|exponent| exact(whole, fraction, exponent)) {
        Some(number) => Some(Number::Exact(Exact { unscaled: if negative { -number.unscaled } else { number.unscaled }, ..number })),
        None => text.parse().ok().map(Number::Double),
    }
}

fn exact(whole: &str, fraction: &str, exponent: i32) -> Option<Exact> {
    let written = format!("{whole}{fraction}");
    let mut digits = written.trim_start_matches('0').to_owned();
    let mut scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
    if digits.is_empty() {
        // Zero keeps the places that were written.
        scale = scale.clamp(0, 38);
    } else if scale < 0 {
        let zeros = usize::try_from(-scale).ok()?;
        if digits.len().checked_add(zeros)? > MOST_DIGITS {
            return None;
        }
        digits.extend(std::iter::repeat_n('0', zeros));
        scale = 0;
    }
    let scale = usize::try_from(scale).ok()?;
    let precision = digits.len().max(scale).max(1);
    if precision > MOST_DIGITS {
        return None;
    }
    let unscaled = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some(Exact { unscaled, precision: u8::try_from(precision).ok()?, scale: u8::try_from(scale).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_digit_by_digit() {
        let exact = |unscaled, precision, scale| Some(Number::Exact(Exact { unscaled, precision, scale }));
        for (text, number) in [
            ("10", exact(10, 2, 0)),
            (" -0010.50 ", exact(-1050, 4, 2)),
            ("+.5", exact(5, 1, 1)),
            ("5.", exact(5, 1, 0)),
            ("0", exact(0, 1, 0)),
            ("0.00", exact(0, 2, 2)),
            ("1e1", exact(10, 2, 0)),
            ("1.5E3", exact(1500, 4, 0)),
            ("1.5e-3", exact(15, 4, 4)),
            ("0e100", exact(0, 1, 0)),
            ("99999999999999999999999999999999999999", exact(10i128.pow(38) - 1, 38, 0)),
            ("1e38", Some(Number::Double(1e38))),
            ("-1e300", Some(Number::Double(-1e300))),
            ("1e-39", Some(Number::Double(1e-39))),
            ("1e99999999999", Some(Number::Double(f64::INFINITY))),
            ("", None),
            ("-", None),
            (".", None),
            ("x", None),
            ("1x", None),
            ("1e", None),
            ("1e1.5", None),
            ("1 0", None),
            ("--1", None),
            ("NaN", None),
            ("é", None),
        ] {
            assert_eq!(parse(text), number, "{text}");
        }
    }
}
