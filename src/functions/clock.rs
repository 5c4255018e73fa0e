//! `now()`, `current_timestamp`, `current_date`, `current_time`, `today()`.
//!
//! DataFusion folds these to a constant when a statement is planned, which would freeze a streaming job at the moment it was started. These are volatile and read the clock of
//! the epoch: one value for all rows and expressions of an epoch; in batch mode the clock is set once.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::clock::EpochClock;

const NANOS_OF_DAY: i64 = 86_400 * 1_000_000_000;

/// What a clock function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Instant,
    Date,
    Time,
}

#[derive(Debug)]
struct ClockFunction {
    name: &'static str,
    aliases: Vec<String>,
    part: Part,
    clock: Arc<EpochClock>,
    signature: Signature,
}

impl PartialEq for ClockFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.clock, &other.clock)
    }
}

impl Eq for ClockFunction {}

impl std::hash::Hash for ClockFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

pub(super) fn functions(clock: &Arc<EpochClock>) -> Vec<ScalarUDF> {
    [("now", &["current_timestamp"][..], Part::Instant), ("current_date", &["today"][..], Part::Date), ("current_time", &[][..], Part::Time)]
        .into_iter()
        .map(|(name, aliases, part)| {
            ScalarUDF::from(ClockFunction {
                name,
                aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
                part,
                clock: Arc::clone(clock),
                signature: Signature::nullary(Volatility::Volatile),
            })
        })
        .collect()
}

impl ScalarUDFImpl for ClockFunction {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.part {
            Part::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Part::Date => DataType::Date32,
            Part::Time => DataType::Time64(TimeUnit::Microsecond),
        })
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let nanos = self.clock.nanos();
        Ok(ColumnarValue::Scalar(match self.part {
            Part::Instant => ScalarValue::TimestampMicrosecond(Some(nanos.div_euclid(1_000)), Some("UTC".into())),
            // Days since 1970 of any i64 number of nanoseconds fit 32 bits.
            Part::Date => ScalarValue::Date32(i32::try_from(nanos.div_euclid(NANOS_OF_DAY)).ok()),
            Part::Time => ScalarValue::Time64Microsecond(Some(nanos.rem_euclid(NANOS_OF_DAY) / 1_000)),
        }))
    }
}
