//! Values as text: the forms that [`super::Column`] reads back.

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array, GenericBinaryArray, Int8Array, Int16Array,
    Int32Array, Int64Array, LargeStringArray, StringArray, StringViewArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::ScalarBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::error::{Error, Result};

/// A column of plain (not nested) values, its type settled once for all rows.
#[derive(Debug)]
pub(in crate::formats) enum Scalar {
    Null,
    Boolean(BooleanArray),
    Int8(Int8Array),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    UInt8(UInt8Array),
    UInt16(UInt16Array),
    UInt32(UInt32Array),
    UInt64(UInt64Array),
    Float32(Float32Array),
    Float64(Float64Array),
    Decimal128(Decimal128Array, i8),
    Decimal256(Decimal256Array, i8),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Binary(GenericBinaryArray<i64>),
    Date(Date32Array),
    /// Values and their unit.
    Time(ScalarBuffer<i64>, TimeUnit),
    /// Values, unit, and whether they are instants (or local times).
    Instant(ScalarBuffer<i64>, TimeUnit, bool),
}

/// What stands around a value in a format that tells texts and numbers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Quoting {
    /// A number or Boolean, as it is.
    Bare,
    /// A number, but its text is a word if it is not finite.
    Float,
    /// A text that never needs escapes.
    Plain,
    /// Any text.
    Text,
}

impl Scalar {
    /// Whether values of a type can be written as plain text.
    pub(in crate::formats) fn supports(data_type: &DataType) -> bool {
        use DataType as T;
        match data_type {
            T::Null | T::Boolean | T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => true,
            T::Date32 | T::Date64 | T::Time32(_) | T::Time64(_) | T::Timestamp(..) | T::Duration(_) | T::Interval(_) => true,
            T::Dictionary(_, value) => Self::supports(value),
            other => other.is_numeric(),
        }
    }

    /// The values of a column.
    pub(in crate::formats) fn new(array: &ArrayRef) -> Result<Self> {
        use arrow::array::AsArray;
        let primitive = || Error::internal(format!("a column of type {} has other values", array.data_type()));
        let any = array.as_any();
        macro_rules! typed {
            ($variant:ident) => {
                Self::$variant(any.downcast_ref().cloned().ok_or_else(primitive)?)
            };
        }
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => typed!(Boolean),
            DataType::Int8 => typed!(Int8),
            DataType::Int16 => typed!(Int16),
            DataType::Int32 => typed!(Int32),
            DataType::Int64 => typed!(Int64),
            DataType::UInt8 => typed!(UInt8),
            DataType::UInt16 => typed!(UInt16),
            DataType::UInt32 => typed!(UInt32),
            DataType::UInt64 => typed!(UInt64),
            DataType::Float32 => typed!(Float32),
            DataType::Float64 => typed!(Float64),
            DataType::Decimal128(_, scale) => Self::Decimal128(any.downcast_ref().cloned().ok_or_else(primitive)?, *scale),
            DataType::Decimal256(_, scale) => Self::Decimal256(any.downcast_ref().cloned().ok_or_else(primitive)?, *scale),
            DataType::Utf8 => typed!(Text),
            DataType::LargeUtf8 => typed!(LargeText),
            DataType::Utf8View => typed!(TextView),
            DataType::LargeBinary => typed!(Binary),
            DataType::Date32 => typed!(Date),
            DataType::Time64(unit) => {
                let values = match unit {
                    TimeUnit::Nanosecond => array.as_primitive::<Time64NanosecondType>().values().clone(),
                    _ => array.as_primitive::<Time64MicrosecondType>().values().clone(),
                };
                Self::Time(values, *unit)
            }
            DataType::Timestamp(unit, zone) => {
                let values = match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values().clone(),
                    TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values().clone(),
                    TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values().clone(),
                    TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values().clone(),
                };
                Self::Instant(values, *unit, zone.is_some())
            }
            other => {
                let near = match other {
                    DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::LargeBinary,
                    DataType::Time32(_) => DataType::Time64(TimeUnit::Microsecond),
                    DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
                    DataType::Float16 => DataType::Float32,
                    DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
                    DataType::Dictionary(_, value) => value.as_ref().clone(),
                    // Spans of time have no type in the formats; the text is arrow's.
                    _ => DataType::Utf8View,
                };
                let array =
                    cast(array, &near).map_err(|error| Error::internal(format!("a column of type {other} can't be written as text")).with_source(error))?;
                return Self::new(&array);
            }
        })
    }

    /// What stands around its values.
    pub(in crate::formats) fn quoting(&self) -> Quoting {
        match self {
            Self::Float32(_) | Self::Float64(_) => Quoting::Float,
            Self::Text(_) | Self::LargeText(_) | Self::TextView(_) => Quoting::Text,
            Self::Binary(_) | Self::Date(_) | Self::Time(..) | Self::Instant(..) => Quoting::Plain,
            _ => Quoting::Bare,
        }
    }

    /// The text of a text column's value.
    #[inline]
    pub(in crate::formats) fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(values) => Some(values.value(row)),
            Self::LargeText(values) => Some(values.value(row)),
            Self::TextView(values) => Some(values.value(row)),
            _ => None,
        }
    }

    /// Whether the value is a floating-point number that is not finite.
    #[inline]
    pub(in crate::formats) fn is_not_finite(&self, row: usize) -> bool {
        match self {
            Self::Float32(values) => !values.value(row).is_finite(),
            Self::Float64(values) => !values.value(row).is_finite(),
            _ => false,
        }
    }
}

/// Appends the text of a value that is not NULL.
#[inline]
pub(in crate::formats) fn write_scalar(scalar: &Scalar, row: usize, out: &mut Vec<u8>) {
    fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
    fn float(value: f64, text: &str, out: &mut Vec<u8>) {
        let text = if value.is_nan() {
            "NaN"
        } else if value == f64::INFINITY {
            "Infinity"
        } else if value == f64::NEG_INFINITY {
            "-Infinity"
        } else {
            text
        };
        out.extend_from_slice(text.as_bytes());
    }
    match scalar {
        Scalar::Null => {}
        Scalar::Boolean(values) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
        Scalar::Int8(values) => integer(values.value(row), out),
        Scalar::Int16(values) => integer(values.value(row), out),
        Scalar::Int32(values) => integer(values.value(row), out),
        Scalar::Int64(values) => integer(values.value(row), out),
        Scalar::UInt8(values) => integer(values.value(row), out),
        Scalar::UInt16(values) => integer(values.value(row), out),
        Scalar::UInt32(values) => integer(values.value(row), out),
        Scalar::UInt64(values) => integer(values.value(row), out),
        Scalar::Float32(values) => float(values.value(row).into(), zmij::Buffer::new().format(values.value(row)), out),
        Scalar::Float64(values) => float(values.value(row), zmij::Buffer::new().format(values.value(row)), out),
        Scalar::Decimal128(values, scale) => decimal(itoa::Buffer::new().format(values.value(row)), *scale, out),
        Scalar::Decimal256(values, scale) => decimal(&values.value(row).to_string(), *scale, out),
        Scalar::Text(values) => out.extend_from_slice(values.value(row).as_bytes()),
        Scalar::LargeText(values) => out.extend_from_slice(values.value(row).as_bytes()),
        Scalar::TextView(values) => out.extend_from_slice(values.value(row).as_bytes()),
        Scalar::Binary(values) => {
            let start = out.len();
            let bytes = values.value(row);
            out.resize(start + bytes.len().div_ceil(3) * 4, 0);
            // The space is exactly what base64 with padding takes.
            let _ = BASE64.encode_slice(bytes, &mut out[start..]);
        }
        Scalar::Date(values) => date(values.value(row).into(), out),
        Scalar::Time(values, unit) => clock(values[row], *unit, out),
        Scalar::Instant(values, unit, zoned) => instant(values[row], *unit, *zoned, out),
    }
}

/// A whole number's text with a point `scale` digits before its end.
fn decimal(digits: &str, scale: i8, out: &mut Vec<u8>) {
    let digits = match digits.strip_prefix('-') {
        Some(rest) => {
            out.push(b'-');
            rest
        }
        None => digits,
    };
    let digits = digits.as_bytes();
    let Ok(scale) = usize::try_from(scale) else {
        out.extend_from_slice(digits);
        if digits != b"0" {
            out.resize(out.len() + usize::from(scale.unsigned_abs()), b'0');
        }
        return;
    };
    if scale == 0 {
        out.extend_from_slice(digits);
        return;
    }
    if digits.len() <= scale {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits);
    } else {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

fn two(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

/// `YYYY-MM-DD`; years that don't have four digits are written with a sign, as ISO 8601 wants. After H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn date(days: i64, out: &mut Vec<u8>) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if (0..=9999).contains(&year) {
        two(year / 100, out);
        two(year % 100, out);
    } else {
        out.extend_from_slice(format!("{year:+05}").as_bytes());
    }
    out.push(b'-');
    two(month, out);
    out.push(b'-');
    two(day, out);
}

const fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// `HH:MM:SS` with 0, 3, 6 or 9 digits of a second, as few as hold the value.
fn clock(of_day: i64, unit: TimeUnit, out: &mut Vec<u8>) {
    let per_second = per_second(unit);
    // A number that was cast to TIME may be outside of the day.
    let of_day = of_day.rem_euclid(per_second * 86_400);
    let (seconds, fraction) = (of_day / per_second, of_day % per_second);
    two(seconds / 3_600, out);
    out.push(b':');
    two(seconds / 60 % 60, out);
    out.push(b':');
    two(seconds % 60, out);
    let nanos = fraction * (1_000_000_000 / per_second);
    if nanos == 0 {
        return;
    }
    out.push(b'.');
    let groups = [nanos / 1_000_000, nanos / 1_000 % 1_000, nanos % 1_000];
    let last = groups.iter().rposition(|group| *group != 0).unwrap_or(0);
    for group in &groups[..=last] {
        out.push(b'0' + (group / 100) as u8);
        two(group % 100, out);
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction]`, with `Z` if it is an instant.
fn instant(value: i64, unit: TimeUnit, zoned: bool, out: &mut Vec<u8>) {
    let per_day = per_second(unit) * 86_400;
    date(value.div_euclid(per_day), out);
    out.push(b'T');
    clock(value.rem_euclid(per_day), unit, out);
    if zoned {
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::value::{parse_date, parse_timestamp};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn decimals_keep_all_digits_of_their_scale() {
        for (digits, scale, expected) in [("150", 2, "1.50"), ("-5", 2, "-0.05"), ("0", 3, "0.000"), ("12", 0, "12"), ("12", -2, "1200"), ("-100", 2, "-1.00")]
        {
            assert_eq!(written(|out| decimal(digits, scale, out)), expected);
        }
    }

    #[test]
    fn instants_have_as_few_digits_as_hold_the_value() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_709_209_845_500_000, "2024-02-29T12:30:45.500Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00Z"),
        ] {
            assert_eq!(written(|out| instant(micros, TimeUnit::Microsecond, true, out)), expected);
        }
    }

    #[test]
    fn times_keep_their_nanoseconds() {
        let text = |array: ArrayRef| {
            let scalar = Scalar::new(&array).expect("text");
            (0..array.len()).map(|row| written(|out| write_scalar(&scalar, row, out))).collect::<Vec<_>>()
        };
        assert_eq!(text(std::sync::Arc::new(arrow::array::Time64NanosecondArray::from(vec![1, 43_200_000_000_000]))), ["00:00:00.000000001", "12:00:00"]);
        assert_eq!(text(std::sync::Arc::new(arrow::array::Time64MicrosecondArray::from(vec![1]))), ["00:00:00.000001"]);
        assert_eq!(text(std::sync::Arc::new(arrow::array::Time32MillisecondArray::from(vec![1]))), ["00:00:00.001"]);
        let outside = arrow::array::Time64NanosecondArray::from(vec![-1, i64::MIN, i64::MAX]);
        assert_eq!(text(std::sync::Arc::new(outside)), ["23:59:59.999999999", "00:12:43.145224192", "23:47:16.854775807"]);
    }

    proptest! {
        #[test]
        fn instants_come_back(micros in -62_135_596_800_000_000i64..253_402_300_800_000_000) {
            let text = written(|out| instant(micros, TimeUnit::Microsecond, true, out));
            prop_assert_eq!(parse_timestamp(text.as_bytes(), TimeUnit::Microsecond, true), Some(micros));
        }

        #[test]
        fn dates_come_back(days in -719_162i32..2_932_897) {
            let text = written(|out| date(days.into(), out));
            prop_assert_eq!(parse_date(text.as_bytes()), Some(days));
        }
    }
}
