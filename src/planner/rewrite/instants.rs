//! Expressions of instants that differ from a column by a constant.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator, TryCast};

use crate::operators::event_time::Bins;

const MICROS_OF_DAY: i128 = 86_400_000_000;

/// Sums and differences of columns and constants. Microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Linear<'a> {
    /// Columns with their factors.
    pub terms: Vec<(&'a Column, i64)>,
    /// The constant.
    pub offset: i64,
    /// Nothing is lost below a microsecond.
    pub exact: bool,
}

impl<'a> Linear<'a> {
    fn constant(offset: i64, exact: bool) -> Self {
        Self { terms: Vec::new(), offset, exact }
    }

    /// Adds another one, `factor` (1 or -1) times.
    pub(super) fn plus(mut self, other: Self, factor: i64) -> Option<Self> {
        self.terms.extend(other.terms.into_iter().map(|(column, own)| (column, own * factor)));
        let offset = self.offset.checked_add(other.offset.checked_mul(factor)?)?;
        Some(Self { terms: self.terms, offset, exact: self.exact && other.exact })
    }
}

/// The sum that an expression is.
pub(super) fn linear(expr: &Expr) -> Option<Linear<'_>> {
    match expr {
        Expr::Column(column) => Some(Linear { terms: vec![(column, 1)], offset: 0, exact: true }),
        Expr::Alias(alias) => linear(&alias.expr),
        Expr::Literal(value, _) => constant(value).map(|(offset, exact)| Linear::constant(offset, exact)),
        Expr::Cast(Cast { expr, data_type }) | Expr::TryCast(TryCast { expr, data_type }) => {
            let inner = linear(expr)?;
            match data_type {
                DataType::Timestamp(TimeUnit::Microsecond, _) | DataType::Interval(_) | DataType::Duration(TimeUnit::Microsecond) => Some(inner),
                DataType::Timestamp(..) | DataType::Duration(_) => Some(Linear { exact: false, ..inner }),
                _ => None,
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let factor = match op {
                Operator::Plus => 1,
                Operator::Minus => -1,
                _ => return None,
            };
            linear(left)?.plus(linear(right)?, factor)
        }
        _ => None,
    }
}

/// The column that an expression differs from by a constant, and the constant.
pub(super) fn shift_of(expr: &Expr) -> Option<(&Column, i64)> {
    let linear = linear(expr)?;
    match linear.terms.as_slice() {
        [(column, 1)] => Some((column, linear.offset - i64::from(!linear.exact))),
        _ => None,
    }
}

/// Windows of time: when they begin, and how long they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// When they begin.
    pub bins: Bins,
    /// How long they are; microseconds.
    pub size: i64,
}

/// A constant difference of times in whole microseconds.
pub(super) fn constant_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(value, _) => constant(value).and_then(|(micros, exact)| exact.then_some(micros)),
        _ => None,
    }
}

/// The instant of a call that is a window's beginning (or beginnings), and the window.
pub(super) fn window_of(call: &ScalarFunction) -> Option<(&Expr, Window)> {
    let every = |size: i64, origin: i64| (size > 0).then_some(Window { bins: Bins { size, origin }, size });
    match (call.func.name(), call.args.as_slice()) {
        ("tumble", [instant, size]) => Some((instant, every(constant_of(size)?, 0)?)),
        ("hop", [instant, slide, size]) => {
            let (slide, size) = (constant_of(slide)?, constant_of(size)?);
            (slide > 0 && size > 0).then_some((instant, Window { bins: Bins { size: slide, origin: 0 }, size }))
        }
        ("date_bin", [size, instant]) => Some((instant, every(constant_of(size)?, 0)?)),
        ("date_bin", [size, instant, origin]) => {
            let Expr::Literal(origin, _) = origin else { return None };
            Some((instant, every(constant_of(size)?, instant_of(origin)?)?))
        }
        ("date_trunc", [part, instant]) => {
            let Expr::Literal(part, _) = part else { return None };
            let (size, origin) = match part.try_as_str().flatten()?.to_ascii_lowercase().as_str() {
                "second" => (1_000_000, 0),
                "minute" => (60_000_000, 0),
                "hour" => (3_600_000_000, 0),
                "day" => (86_400_000_000, 0),
                // The first Monday since 1970.
                "week" => (7 * 86_400_000_000, 4 * 86_400_000_000),
                _ => return None,
            };
            Some((instant, every(size, origin)?))
        }
        _ => None,
    }
}

fn instant_of(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::TimestampSecond(Some(count), _) => count.checked_mul(1_000_000),
        ScalarValue::TimestampMillisecond(Some(count), _) => count.checked_mul(1_000),
        ScalarValue::TimestampMicrosecond(Some(count), _) => Some(*count),
        ScalarValue::TimestampNanosecond(Some(count), _) if count % 1000 == 0 => Some(count / 1000),
        _ => None,
    }
}

/// A constant difference of times, and whether nothing is lost below a microsecond. Months have no constant length.
fn constant(value: &ScalarValue) -> Option<(i64, bool)> {
    let micros = |nanos: i128| i64::try_from(nanos.div_euclid(1000)).ok().map(|micros| (micros, nanos.rem_euclid(1000) == 0));
    match value {
        ScalarValue::IntervalMonthDayNano(Some(interval)) if interval.months == 0 => {
            micros(i128::from(interval.days) * MICROS_OF_DAY * 1000 + i128::from(interval.nanoseconds))
        }
        ScalarValue::IntervalDayTime(Some(interval)) => micros((i128::from(interval.days) * MICROS_OF_DAY + i128::from(interval.milliseconds) * 1000) * 1000),
        ScalarValue::DurationSecond(Some(count)) => micros(i128::from(*count) * 1_000_000_000),
        ScalarValue::DurationMillisecond(Some(count)) => micros(i128::from(*count) * 1_000_000),
        ScalarValue::DurationMicrosecond(Some(count)) => micros(i128::from(*count) * 1_000),
        ScalarValue::DurationNanosecond(Some(count)) => micros(i128::from(*count)),
        _ => None,
    }
}
