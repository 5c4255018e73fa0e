//! Candidates to pairs, pairs to rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr_common::datum::compare_op_for_nested;

use super::arrival::{Arrival, Layout};
use super::exec::Residual;
use super::kind::JoinSide;
use super::side::{Place, Side};
use crate::operators::guard::RowFaults;
use crate::unwind::guarded;

/// Candidates after which rows are handed out, so that one batch never makes an unbounded one.
const PIECE: usize = 65_536;

/// Rows that came, each with a row that is kept on the other side.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Numbers of the rows that came.
    pub came: Vec<u32>,
    pub kept: Vec<Place>,
}

impl Pairs {
    pub(super) fn len(&self) -> usize {
        self.came.len()
    }

    fn keep(&mut self, keep: &BooleanArray) {
        let holds = |at: usize| keep.is_valid(at) && keep.value(at);
        let mut at = 0;
        self.came.retain(|_| {
            at += 1;
            holds(at - 1)
        });
        at = 0;
        self.kept.retain(|_| {
            at += 1;
            holds(at - 1)
        });
    }
}

/// Finds pairs of what came with what is kept.
pub(super) struct Matcher<'a> {
    /// The side of the rows that came.
    pub side: JoinSide,
    pub came: &'a Layout,
    pub kept: &'a Layout,
    pub residual: Option<&'a Residual>,
    pub faults: &'a RowFaults,
}

impl Matcher<'_> {
    /// Calls `found` with pairs, piece by piece. `partners`: where the times of partners lie, relative to that of a row that came.
    pub(super) fn each_piece(
        &self,
        arrival: &Arrival,
        other: &mut Side,
        partners: (i64, i64),
        found: &mut dyn FnMut(&Pairs, &mut Side) -> Result<()>,
    ) -> Result<()> {
        let (Some(least), Some(greatest)) = (arrival.times.iter().min(), arrival.times.iter().max()) else { return Ok(()) };
        let buckets = other.within(least.saturating_add(partners.0), greatest.saturating_add(partners.1));
        let numbers: Vec<i64> = buckets.map(|(number, _)| number).collect();
        let mut left = numbers.as_slice();
        let mut row = 0;
        let mut pairs = Pairs::default();
        loop {
            while let [number, rest @ ..] = left
                && pairs.len() < PIECE
            {
                let Some(bucket) = other.bucket(*number) else { break };
                while row < arrival.len() && pairs.len() < PIECE {
                    let (time, hash) = (arrival.times[row], arrival.hashes[row]);
                    bucket.find(hash, time.saturating_add(partners.0), time.saturating_add(partners.1), |kept| {
                        pairs.came.push(row as u32);
                        pairs.kept.push(Place { bucket: *number, row: kept });
                    });
                    row += 1;
                }
                if row == arrival.len() {
                    (left, row) = (rest, 0);
                }
            }
            if pairs.len() == 0 {
                return Ok(());
            }
            self.verify(arrival, other, &mut pairs)?;
            self.apply_residual(arrival, other, &mut pairs)?;
            if pairs.len() > 0 {
                found(&pairs, other)?;
            }
            pairs.came.clear();
            pairs.kept.clear();
        }
    }

    /// Drops pairs whose keys only share a hash.
    fn verify(&self, arrival: &Arrival, other: &Side, pairs: &mut Pairs) -> Result<()> {
        for (came, kept) in self.came.key_columns().iter().zip(self.kept.key_columns()) {
            let came = take(arrival.rows.column(*came), &UInt32Array::from(pairs.came.clone()), None)?;
            let [kept] = other.take(&pairs.kept, std::iter::once(*kept))?.try_into().map_err(|_| DataFusionError::Internal("one key column".to_owned()))?;
            let same = if came.data_type().is_nested() { compare_op_for_nested(Operator::Eq, &came, &kept)? } else { eq(&came, &kept)? };
            if same.true_count() < same.len() {
                pairs.keep(&same);
            }
        }
        Ok(())
    }

    fn apply_residual(&self, arrival: &Arrival, other: &Side, pairs: &mut Pairs) -> Result<()> {
        let Some(residual) = self.residual.filter(|_| pairs.len() > 0) else { return Ok(()) };
        let came = UInt32Array::from(pairs.came.clone());
        let of_kept = residual.columns.iter().filter(|(side, _)| *side != self.side).map(|(_, column)| *column);
        let mut kept = other.take(&pairs.kept, of_kept)?.into_iter();
        let mut columns = Vec::with_capacity(residual.columns.len());
        for (side, column) in &residual.columns {
            columns.push(if *side == self.side {
                take(arrival.rows.column(*column), &came, None)?
            } else {
                kept.next().unwrap_or_else(|| new_null_array(residual.schema.field(0).data_type(), 0))
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(pairs.len()));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&residual.schema), columns, &options)?;
        let evaluate = |rows: &RecordBatch| -> Result<BooleanArray> {
            let holds = guarded(|| residual.expression.evaluate(rows))
                .unwrap_or_else(|panic| Err(DataFusionError::Execution(format!("it can't be computed ({panic})"))))?;
            Ok(as_boolean_array(&holds.into_array(rows.num_rows())?)?.clone())
        };
        let holds = match evaluate(&rows) {
            Ok(holds) => holds,
            // Pair by pair: those that fail are no pairs.
            Err(_) => {
                let mut holds = Vec::with_capacity(rows.num_rows());
                for at in 0..rows.num_rows() {
                    holds.push(match evaluate(&rows.slice(at, 1)) {
                        Ok(holds) => holds.is_valid(0) && holds.value(0),
                        Err(error) => {
                            self.faults.reject("join condition", error)?;
                            false
                        }
                    });
                }
                BooleanArray::from(holds)
            }
        };
        if holds.null_count() > 0 || holds.true_count() < holds.len() {
            pairs.keep(&holds);
        }
        Ok(())
    }
}

/// The rows of pairs, with the columns of both sides.
pub(super) fn joined(schema: &SchemaRef, matcher: &Matcher<'_>, arrival: &Arrival, other: &Side, pairs: &Pairs) -> Result<RecordBatch> {
    let came = UInt32Array::from(pairs.came.clone());
    // The usual case, each row with one partner: its columns are handed on as they are.
    let untouched = pairs.len() == arrival.len() && pairs.came.iter().enumerate().all(|(at, row)| at == *row as usize);
    let own = arrival.rows.columns().iter().take(matcher.came.columns());
    let own = own.map(|column| if untouched { Ok(Arc::clone(column)) } else { Ok(take(column, &came, None)?) }).collect::<Result<Vec<_>>>()?;
    let others = other.take(&pairs.kept, 0..matcher.kept.columns())?;
    let columns = match matcher.side {
        JoinSide::Left => [own, others].concat(),
        JoinSide::Right => [others, own].concat(),
    };
    batch(schema, columns, pairs.len())
}

/// Rows of one side by themselves: with NULLs for the other side, with a mark, or alone.
pub(super) fn single(schema: &SchemaRef, side: JoinSide, own: Vec<ArrayRef>, rows: usize, mark: Option<bool>) -> Result<RecordBatch> {
    let (all, count) = (schema.fields(), own.len());
    let columns = match mark {
        Some(mark) => [own, vec![Arc::new(BooleanArray::from(vec![mark; rows])) as ArrayRef]].concat(),
        None => {
            let nulls = |fields: &[Arc<arrow::datatypes::Field>]| fields.iter().map(|field| new_null_array(field.data_type(), rows)).collect::<Vec<_>>();
            match side {
                JoinSide::Left => [own, nulls(&all[count..])].concat(),
                JoinSide::Right => [nulls(&all[..all.len() - count]), own].concat(),
            }
        }
    };
    batch(schema, columns, rows)
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
