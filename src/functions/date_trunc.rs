//! `date_trunc()` that reckons in microseconds, where DataFusion's goes through nanoseconds and overflows before 1677 and after 2262.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate};
use datafusion::common::ScalarValue;
use datafusion::common::types::{NativeType, logical_date, logical_string};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::datetime;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    Coercion, ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, TypeSignatureClass, Volatility,
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// DataFusion's `date_trunc`; that of microseconds in UTC is our own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateTrunc {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl DateTrunc {
    pub(super) fn new() -> Self {
        let part = || Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
        let also = vec![TypeSignatureClass::Native(logical_string()), TypeSignatureClass::Native(logical_date())];
        let instant = Coercion::new_implicit(TypeSignatureClass::Timestamp, also, NativeType::Timestamp(TimeUnit::Microsecond, None));
        let time = Coercion::new_exact(TypeSignatureClass::Time);
        let forms = vec![TypeSignature::Coercible(vec![part(), instant]), TypeSignature::Coercible(vec![part(), time])];
        Self { inner: datetime::date_trunc(), signature: Signature::one_of(forms, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(part), instants] = args.args.as_slice() else { return self.inner.invoke_with_args(args) };
        let part = part.try_as_str().flatten().and_then(Part::of);
        match (part, instants.data_type()) {
            (Some(part), DataType::Timestamp(TimeUnit::Microsecond, zone)) if zone.as_deref().is_none_or(|zone| matches!(zone, "UTC" | "+00:00")) => {
                Ok(match instants {
                    ColumnarValue::Array(instants) => ColumnarValue::Array(truncate_all(instants, part)?),
                    ColumnarValue::Scalar(instant) => ColumnarValue::Scalar(ScalarValue::try_from_array(&truncate_all(&instant.to_array()?, part)?, 0)?),
                })
            }
            _ => self.inner.invoke_with_args(args),
        }
    }
}

/// What is left of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Parts of this many microseconds.
    Fixed(i64),
    Week,
    /// Months, so many of them.
    Months(u32),
}

impl Part {
    fn of(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "microsecond" => Self::Fixed(1),
            "millisecond" => Self::Fixed(1_000),
            "second" => Self::Fixed(SECOND),
            "minute" => Self::Fixed(60 * SECOND),
            "hour" => Self::Fixed(3_600 * SECOND),
            "day" => Self::Fixed(DAY),
            "week" => Self::Week,
            "month" => Self::Months(1),
            "quarter" => Self::Months(3),
            "year" => Self::Months(12),
            _ => return None,
        })
    }

    /// The beginning of the part that an instant is in, if microseconds reach it.
    fn truncate(self, micros: i64) -> Option<i64> {
        match self {
            Self::Fixed(length) => micros.checked_sub(micros.rem_euclid(length)),
            Self::Week => {
                // 1970 began on a Thursday.
                let days = micros.div_euclid(DAY);
                (days - (days + 3).rem_euclid(7)).checked_mul(DAY)
            }
            Self::Months(count) => {
                let date = DateTime::from_timestamp_micros(micros)?.date_naive();
                let month = date.month0() / count * count + 1;
                let begin = NaiveDate::from_ymd_opt(date.year(), month, 1)?;
                begin.signed_duration_since(DateTime::UNIX_EPOCH.date_naive()).num_days().checked_mul(DAY)
            }
        }
    }
}

fn truncate_all(instants: &ArrayRef, part: Part) -> Result<ArrayRef> {
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let truncate = |micros| part.truncate(micros).ok_or_else(|| DataFusionError::Execution(format!("date_trunc() of {micros} microseconds is out of range")));
    let truncated: TimestampMicrosecondArray = instants.try_unary(truncate)?;
    Ok(Arc::new(truncated.with_timezone_opt(instants.timezone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_far_and_early_instants() {
        let micros = |text: &str| DateTime::parse_from_rfc3339(text).expect("an instant").timestamp_micros();
        for (instant, part, begin) in [
            ("9999-12-31T23:59:59.999999Z", "millisecond", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999999Z", "second", "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59.999999Z", "MINUTE", "9999-12-31T23:59:00Z"),
            ("9999-12-31T23:59:59.999999Z", "hour", "9999-12-31T23:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "day", "9999-12-31T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "week", "9999-12-27T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "month", "9999-12-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "quarter", "9999-10-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "year", "9999-01-01T00:00:00Z"),
            ("0001-02-03T04:05:06.7Z", "week", "0001-01-29T00:00:00Z"),
            ("0001-02-03T04:05:06.7Z", "day", "0001-02-03T00:00:00Z"),
            ("0001-02-03T04:05:06.7Z", "quarter", "0001-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.999999Z", "hour", "1969-12-31T23:00:00Z"),
        ] {
            assert_eq!(Part::of(part).and_then(|part| part.truncate(micros(instant))), Some(micros(begin)), "{instant} {part}");
        }
        assert_eq!(Part::of("century"), None);
        for part in ["day", "week", "month"] {
            assert_eq!(Part::of(part).and_then(|part| part.truncate(i64::MIN)), None, "{part}");
        }
    }
}
