//! Decimals on their way into a schema.

use arrow::array::{ArrayRef, AsArray, Decimal256Array};
use arrow::compute::cast;
use arrow::datatypes::{DECIMAL256_MAX_PRECISION, DataType, i256};
use arrow::error::ArrowError;

use super::default::put_counted;
use super::put::rescaled;

/// Decimals, and what they become.
#[derive(Debug)]
pub(super) struct Decimals {
    pub(super) values: Decimal256Array,
    pub(super) precision: u8,
    pub(super) scale: i8,
    size: Option<usize>,
    /// The least number with too many digits; `None`: no value has as many.
    bound: Option<i256>,
}

impl Decimals {
    /// For an array of decimals or whole numbers.
    pub(super) fn new(array: &ArrayRef, (precision, scale): (u8, i8), size: Option<usize>) -> Result<Self, ArrowError> {
        let (own_precision, own) = match array.data_type() {
            DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => (*precision, *scale),
            _ => (DECIMAL256_MAX_PRECISION, 0),
        };
        let values = cast(array, &DataType::Decimal256(DECIMAL256_MAX_PRECISION, own))?.as_primitive().clone();
        let fits = own == scale && own_precision <= precision;
        let bound = if fits { None } else { i256::from_i128(10).checked_pow(u32::from(precision)) };
        Ok(Self { values, precision, scale, size, bound })
    }

    /// The value of a row as the schema has it; `None` if it does not fit.
    pub(super) fn get(&self, row: usize) -> Option<i256> {
        let value = self.values.value(row);
        let Some(bound) = self.bound else { return Some(value) };
        rescaled(value, self.values.scale(), self.scale).filter(|value| *value < bound && *value > -bound)
    }

    /// Appends a value; false if it does not fit the size.
    pub(super) fn put(&self, value: i256, out: &mut Vec<u8>) -> bool {
        put_decimal(value, self.size, out)
    }
}

/// Appends a number in two's complement, the highest byte first, in as few bytes as it takes or in `size` bytes; false if they are too few.
fn put_decimal(value: i256, size: Option<usize>, out: &mut Vec<u8>) -> bool {
    let whole = value.to_be_bytes();
    let fill = if value < i256::ZERO { 0xff } else { 0u8 };
    let mut skip = 0;
    while skip < 31 && whole[skip] == fill && (whole[skip + 1] ^ fill) & 0x80 == 0 {
        skip += 1;
    }
    let bytes = &whole[skip..];
    match size {
        None => put_counted(bytes, out),
        Some(size) if bytes.len() <= size => {
            out.extend(std::iter::repeat_n(fill, size - bytes.len()));
            out.extend_from_slice(bytes);
        }
        Some(_) => return false,
    }
    true
}
