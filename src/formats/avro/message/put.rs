//! Binary values into columns under construction. What does not fit is refused, never changed.

use arrow::datatypes::{DataType, TimeUnit, i256, validate_decimal256_precision};

use crate::formats::value::{Column, Data, Misfit};

type Put = Result<(), Misfit>;

fn fitted<T, U: TryFrom<T>>(value: T) -> Result<U, Misfit> {
    U::try_from(value).map_err(|_| Misfit::Type)
}

/// A whole number, into a column of numbers.
#[inline]
pub(super) fn integer(column: &mut Column, value: i128) -> Put {
    match &mut column.data {
        Data::Int64(values) => values.push(fitted(value)?),
        Data::Int32(values) => values.push(fitted(value)?),
        Data::Int16(values) => values.push(fitted(value)?),
        Data::Int8(values) => values.push(fitted(value)?),
        Data::UInt64(values) => values.push(fitted(value)?),
        Data::UInt32(values) => values.push(fitted(value)?),
        Data::UInt16(values) => values.push(fitted(value)?),
        Data::UInt8(values) => values.push(fitted(value)?),
        Data::Float64(values) => {
            let float = value as f64;
            (float as i128 == value).then_some(()).ok_or(Misfit::Type)?;
            values.push(float);
        }
        Data::Float32(values) => {
            let float = value as f32;
            (float as i128 == value).then_some(()).ok_or(Misfit::Type)?;
            values.push(float);
        }
        Data::Decimal128(..) | Data::Decimal256(..) => return unscaled(column, i256::from_i128(value), 0),
        _ => return Err(Misfit::Type),
    }
    column.set_valid();
    Ok(())
}

/// A floating-point number.
#[inline]
pub(super) fn float(column: &mut Column, value: f64) -> Put {
    match &mut column.data {
        Data::Float64(values) => values.push(value),
        Data::Float32(values) => {
            let narrow = value as f32;
            (f64::from(narrow) == value || value.is_nan()).then_some(()).ok_or(Misfit::Type)?;
            values.push(narrow);
        }
        _ => return Err(Misfit::Type),
    }
    column.set_valid();
    Ok(())
}

/// Days since 1970.
pub(super) fn date(column: &mut Column, days: i32) -> Put {
    let Data::Date(values) = &mut column.data else { return Err(Misfit::Type) };
    values.push(days);
    column.set_valid();
    Ok(())
}

/// A time of day in units of `factor` microseconds.
pub(super) fn time(column: &mut Column, value: i64, factor: i64) -> Put {
    const DAY: i64 = 86_400_000_000;
    let Data::Time(values) = &mut column.data else { return Err(Misfit::Type) };
    values.push(value.checked_mul(factor).filter(|micros| (0..DAY).contains(micros)).ok_or(Misfit::Type)?);
    column.set_valid();
    Ok(())
}

/// Units since 1970.
#[inline]
pub(super) fn instant(column: &mut Column, value: i64, unit: TimeUnit) -> Put {
    let Data::Instant(values, own, _) = &mut column.data else { return Err(Misfit::Type) };
    values.push(in_unit(value, unit, *own).ok_or(Misfit::Type)?);
    column.set_valid();
    Ok(())
}

/// A time in another unit, if it is a whole number of it.
#[inline]
pub(super) fn in_unit(value: i64, from: TimeUnit, to: TimeUnit) -> Option<i64> {
    let per_second = |unit: TimeUnit| match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000i64,
    };
    let (from, to) = (per_second(from), per_second(to));
    if to >= from { value.checked_mul(to / from) } else { Some(value / (from / to)).filter(|_| value % (from / to) == 0) }
}

/// Bytes as they are.
pub(super) fn bytes(column: &mut Column, bytes: &[u8]) -> Put {
    let Data::Binary(offsets, values) = &mut column.data else { return Err(Misfit::Type) };
    let end = i32::try_from(values.len() + bytes.len()).map_err(|_| Misfit::Type)?;
    values.extend_from_slice(bytes);
    offsets.push(end);
    column.set_valid();
    Ok(())
}

/// A number of so many decimal places in two's complement, the highest byte first.
pub(super) fn decimal(column: &mut Column, bytes: &[u8], scale: i8) -> Put {
    let value = big_endian(bytes).ok_or(Misfit::Type)?;
    match column.data_type() {
        data_type if data_type.is_integer() => integer(column, rescaled(value, scale, 0).and_then(i256::to_i128).ok_or(Misfit::Type)?),
        DataType::Decimal128(..) | DataType::Decimal256(..) => unscaled(column, value, scale),
        _ => Err(Misfit::Type),
    }
}

/// A number in two's complement, the highest byte first; `None` if it has more than 256 bits.
pub(super) fn big_endian(bytes: &[u8]) -> Option<i256> {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let fill = if negative { 0xff } else { 0 };
    if let Some(narrow) = 16usize.checked_sub(bytes.len()) {
        let mut whole = [fill; 16];
        whole[narrow..].copy_from_slice(bytes);
        return Some(i256::from_i128(i128::from_be_bytes(whole)));
    }
    let extra = bytes.len().saturating_sub(32);
    let (above, kept) = bytes.split_at(extra);
    let sign_kept = kept.first().is_some_and(|byte| (byte & 0x80 != 0) == negative);
    if above.iter().any(|byte| *byte != fill) || extra > 0 && !sign_kept {
        return None;
    }
    let mut whole = [fill; 32];
    whole[32 - kept.len()..].copy_from_slice(kept);
    Some(i256::from_be_bytes(whole))
}

/// The same number with other decimal places, if it has no more of them.
pub(super) fn rescaled(value: i256, from: i8, to: i8) -> Option<i256> {
    let power = i256::from_i128(10).checked_pow(u32::from(from.abs_diff(to)))?;
    if to >= from { value.checked_mul(power) } else { (value.checked_rem(power)? == i256::ZERO).then(|| value.checked_div(power)).flatten() }
}

fn unscaled(column: &mut Column, value: i256, from: i8) -> Put {
    match &mut column.data {
        Data::Decimal128(values, precision, scale) => {
            let value = if from == *scale { Some(value) } else { rescaled(value, from, *scale) };
            let value = value.and_then(i256::to_i128).ok_or(Misfit::Type)?;
            if value.unsigned_abs() >= 10u128.pow(u32::from(*precision)) {
                return Err(Misfit::Type);
            }
            values.push(value);
        }
        Data::Decimal256(values, precision, scale) => {
            let value = rescaled(value, from, *scale).ok_or(Misfit::Type)?;
            validate_decimal256_precision(value, *precision, *scale).map_err(|_| Misfit::Type)?;
            values.push(value);
        }
        _ => return Err(Misfit::Type),
    }
    column.set_valid();
    Ok(())
}
