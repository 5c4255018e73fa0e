//! Columns of instants, in the unit of watermarks.

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::error::{DataFusionError, Result};

/// Instants in microseconds.
///
/// **Errors**: the column holds no instants.
pub(in crate::operators) fn micros(column: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(column.as_primitive::<TimestampMicrosecondType>().clone()),
        DataType::Timestamp(_, zone) => {
            Ok(cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?.as_primitive::<TimestampMicrosecondType>().clone())
        }
        other => Err(DataFusionError::Internal(format!("times of type {other}"))),
    }
}
