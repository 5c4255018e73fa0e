//! Halving a batch until the rows that fail stand alone.

use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};

use crate::unwind::guarded;

/// Applies `evaluate` to `batch`. If it fails, applies it to both halves, and so on; a single row that fails goes to `reject`, whose error ends everything. Results come in
/// row order. Costs one evaluation when nothing fails, and about 2·log2(rows) more for each failing row.
pub(crate) fn evaluate_guarded<T>(
    batch: &RecordBatch,
    evaluate: &dyn Fn(&RecordBatch) -> Result<T>,
    reject: &dyn Fn(DataFusionError) -> Result<()>,
    results: &mut Vec<T>,
) -> Result<()> {
    // Some functions panic at extreme values.
    let evaluated = guarded(|| evaluate(batch)).unwrap_or_else(|panic| Err(DataFusionError::Execution(format!("it can't be computed ({panic})"))));
    let error = match evaluated {
        Ok(result) => {
            results.push(result);
            return Ok(());
        }
        Err(error) => error,
    };
    // Depth is log2 of the batch, so recursion is safe.
    match batch.num_rows() {
        0 => Err(error),
        1 => reject(error),
        rows => {
            let half = rows / 2;
            evaluate_guarded(&batch.slice(0, half), evaluate, reject, results)?;
            evaluate_guarded(&batch.slice(half, rows - half), evaluate, reject, results)
        }
    }
}
