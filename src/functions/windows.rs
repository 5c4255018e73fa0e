//! Windows of time: `tumble(ts, size)` is the beginning of the one window that an instant belongs to, `hop(ts, slide, size)` the beginnings of all that it belongs to. Which session
//! an instant belongs to depends on other rows: `session(ts, gap)` is a mark for the planner, and never called.
//!
//! Windows of `tumble` and `hop` begin at multiples of their size (of their slide) since 1970-01-01, in UTC.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, TimestampMicrosecondArray, TimestampMicrosecondBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::error::Error;

/// Windows that one instant may belong to.
const MOST_WINDOWS: i64 = 10_000;

/// The functions that stand for the beginning of a session and for its end; the second one is for the planner only.
pub const SESSION_FUNCTIONS: [&str; 2] = ["session", "_session_end"];

pub(super) fn functions() -> [ScalarUDF; 4] {
    let signature = || Signature::user_defined(Volatility::Immutable);
    // No constant, even of constants.
    let session = |name| ScalarUDF::from(Session { name, signature: Signature::user_defined(Volatility::Volatile) });
    let [beginning, end] = SESSION_FUNCTIONS;
    [ScalarUDF::from(Tumble { signature: signature() }), ScalarUDF::from(Hop { signature: signature() }), session(beginning), session(end)]
}

/// The gap of a session in microseconds, from an expression.
pub fn session_gap(gap: &Expr) -> Result<i64> {
    match gap {
        Expr::Literal(value, _) => length("session", &ColumnarValue::Scalar(value.clone())),
        _ => Err(no_constant("session")),
    }
}

fn no_constant(name: &str) -> DataFusionError {
    refused(format!("a length of {name} is no constant"), "write it as INTERVAL '1' MINUTE")
}

fn refused(text: String, help: &str) -> DataFusionError {
    DataFusionError::External(Box::new(Error::sql(text).with_help(help)))
}

/// The types that a window function's arguments are brought to.
fn arguments(name: &str, form: &str, types: &[DataType], count: usize) -> Result<Vec<DataType>> {
    if types.len() != count {
        return Err(refused(format!("{name} has {} arguments, not {}", count, types.len()), form));
    }
    let instant = match &types[0] {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::Date32 | DataType::Date64 | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        other => return Err(refused(format!("{name} of a {other}, which is no instant"), form)),
    };
    Ok(std::iter::once(instant).chain((1..count).map(|_| DataType::Interval(IntervalUnit::MonthDayNano))).collect())
}

/// A length in microseconds.
fn length(name: &str, value: &ColumnarValue) -> Result<i64> {
    let ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(length))) = value else {
        return Err(no_constant(name));
    };
    if length.months != 0 {
        return Err(refused(
            format!("{name} can't have months or years: they have no fixed length"),
            "write days, or group by date_trunc('month', …) in a batch",
        ));
    }
    let nanos = i128::from(length.days) * 86_400_000_000_000 + i128::from(length.nanoseconds);
    match i64::try_from(nanos / 1000) {
        Ok(micros) if micros > 0 && nanos % 1000 == 0 => Ok(micros),
        _ => Err(refused(format!("a length of {name} must be longer than nothing, in whole microseconds"), "write it as INTERVAL '1' MINUTE")),
    }
}

/// Lengths that are wrong are told when the statement is planned.
fn check_lengths(name: &str, args: &ReturnFieldArgs<'_>) -> Result<()> {
    let constants = args.scalar_arguments.iter().skip(1).copied().flatten();
    constants.filter(|value| !value.is_null()).try_for_each(|value| length(name, &ColumnarValue::Scalar(value.clone())).map(|_| ()))
}

fn instants(value: &ColumnarValue, rows: usize) -> Result<TimestampMicrosecondArray> {
    Ok(value.clone().into_array(rows)?.as_primitive::<TimestampMicrosecondType>().clone())
}

/// The multiple of `size` at or before an instant.
fn floor(instant: i64, size: i64) -> i64 {
    instant.div_euclid(size).saturating_mul(size)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Tumble {
    signature: Signature,
}

impl ScalarUDFImpl for Tumble {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        "tumble"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        arguments("tumble", "write tumble(ts, INTERVAL '1' MINUTE)", types, 2)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        check_lengths("tumble", &args)?;
        Ok(Arc::new(Field::new("tumble", args.arg_fields[0].data_type().clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [instant, size] = args.args.as_slice() else { return Err(DataFusionError::Internal("tumble".to_owned())) };
        let size = length("tumble", size)?;
        let instants = instants(instant, args.number_rows)?;
        let zone = instants.timezone().map(Arc::<str>::from);
        let begins: TimestampMicrosecondArray = instants.unary(|instant| floor(instant, size));
        Ok(ColumnarValue::Array(Arc::new(begins.with_timezone_opt(zone))))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Hop {
    signature: Signature,
}

impl ScalarUDFImpl for Hop {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        "hop"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        arguments("hop", "write hop(ts, INTERVAL '10' SECONDS, INTERVAL '1' MINUTE): how often a window begins, and how long it is", types, 3)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(types[0].clone(), true))))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        check_lengths("hop", &args)?;
        let beginnings = self.return_type(&[args.arg_fields[0].data_type().clone()])?;
        Ok(Arc::new(Field::new("hop", beginnings, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [instant, slide, size] = args.args.as_slice() else { return Err(DataFusionError::Internal("hop".to_owned())) };
        let (slide, size) = (length("hop", slide)?, length("hop", size)?);
        if size / slide > MOST_WINDOWS {
            return Err(refused(
                format!("hop lets an instant belong to {} windows; at most {MOST_WINDOWS} are possible", size / slide),
                "let windows begin less often",
            ));
        }
        let instants = instants(instant, args.number_rows)?;
        let mut begins = TimestampMicrosecondBuilder::new();
        let mut counts = Vec::with_capacity(instants.len());
        for instant in &instants {
            let mut count = 0;
            if let Some(instant) = instant {
                let mut begin = floor(instant.saturating_sub(size), slide).saturating_add(slide);
                while begin <= instant {
                    begins.append_value(begin);
                    count += 1;
                    begin = begin.saturating_add(slide);
                }
            }
            counts.push(count);
        }
        let values: ArrayRef = Arc::new(begins.finish().with_timezone_opt(instants.timezone().map(Arc::<str>::from)));
        let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let nulls = instants.nulls().cloned().filter(|nulls: &NullBuffer| nulls.null_count() > 0);
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(counts), values, nulls)?)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Session {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for Session {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        arguments("session", "write session(ts, INTERVAL '30' SECONDS): how far apart rows are that are not in one session", types, 2)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        check_lengths("session", &args)?;
        Ok(Arc::new(Field::new(self.name, args.arg_fields[0].data_type().clone(), true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal("a session of one row".to_owned()))
    }
}
