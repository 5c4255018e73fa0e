//! The rows of a batch on their way in.

use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{filter_record_batch, take, take_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::hash_utils::create_hashes;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;

use crate::operators::event_time::micros;

/// Seeds of the key hash; hashes never leave the process.
const SEEDS: RandomState = RandomState::with_seeds(0x494e_5445, 0x5256_414c, 0x4a4f_494e, 0x5645_4c4f);

/// How the rows of a side are looked at: their key and their time.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    keys: Vec<Arc<dyn PhysicalExpr>>,
    time: usize,
    /// Columns of the rows as they are kept: those of the side, and behind them keys that are no columns.
    schema: SchemaRef,
    /// Where the keys are among them.
    key_columns: Vec<usize>,
    columns: usize,
}

/// Rows that can have partners, with what the index needs.
#[derive(Debug)]
pub(super) struct Arrival {
    pub rows: RecordBatch,
    pub times: Vec<i64>,
    pub hashes: Vec<u32>,
    /// Rows without key or time, with the columns of the side: nothing ever matches them.
    pub alone: Option<RecordBatch>,
    /// Rows whose result has been closed.
    pub late: usize,
}

impl Layout {
    pub(super) fn new(input: &SchemaRef, keys: Vec<Arc<dyn PhysicalExpr>>, time: usize) -> Result<Self> {
        let mut fields: Vec<Arc<Field>> = input.fields().iter().cloned().collect();
        let mut key_columns = Vec::with_capacity(keys.len());
        for key in &keys {
            match key.as_any().downcast_ref::<Column>() {
                Some(column) => key_columns.push(column.index()),
                None => {
                    key_columns.push(fields.len());
                    fields.push(Arc::new(Field::new(format!("key {}", fields.len()), key.data_type(input)?, true)));
                }
            }
        }
        Ok(Self { keys, time, schema: Arc::new(Schema::new(fields)), key_columns, columns: input.fields().len() })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn key_columns(&self) -> &[usize] {
        &self.key_columns
    }

    /// How many of the columns are those of the side.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Looks at rows; those whose time is before `late_below` are too late.
    pub(super) fn arrive(&self, batch: &RecordBatch, late_below: i64) -> Result<Arrival> {
        let mut columns = batch.columns().to_vec();
        for (key, at) in self.keys.iter().zip(&self.key_columns) {
            if *at >= self.columns {
                columns.push(key.evaluate(batch)?.into_array(batch.num_rows())?);
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        let times = micros(rows.column(self.time))?;
        let keys: Vec<&ArrayRef> = self.key_columns.iter().map(|at| rows.column(*at)).collect();
        let nowhere = times.null_count() > 0 || keys.iter().any(|key| key.null_count() > 0);
        let is_late = |time: i64| time < late_below;
        if !nowhere && !times.values().iter().any(|time| is_late(*time)) {
            return self.whole(rows, times.values());
        }
        let is_alone = |row: usize| times.is_null(row) || keys.iter().any(|key| key.is_null(row));
        let alone: BooleanArray = (0..rows.num_rows()).map(|row| Some(is_alone(row))).collect();
        let kept: Vec<u32> = (0..rows.num_rows()).filter(|row| !alone.value(*row) && !is_late(times.value(*row))).map(|row| row as u32).collect();
        let lonely = alone.true_count();
        let late = rows.num_rows() - kept.len() - lonely;
        let kept_times: Vec<i64> = kept.iter().map(|row| times.value(*row as usize)).collect();
        let kept = take_record_batch(&rows, &UInt32Array::from(kept))?;
        let alone = if lonely > 0 { Some(filter_record_batch(batch, &alone)?) } else { None };
        Ok(Arrival { alone, late, ..self.whole(kept, &kept_times)? })
    }

    /// Looks at rows again that have been kept before.
    pub(super) fn again(&self, rows: RecordBatch) -> Result<Arrival> {
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), rows.columns().to_vec())?;
        let times = micros(rows.column(self.time))?;
        self.whole(rows, times.values())
    }

    fn whole(&self, rows: RecordBatch, times: &[i64]) -> Result<Arrival> {
        let mut hashes = vec![0u64; rows.num_rows()];
        if !self.key_columns.is_empty() {
            let keys: Vec<ArrayRef> = self.key_columns.iter().map(|at| Arc::clone(rows.column(*at))).collect();
            create_hashes(&keys, &SEEDS, &mut hashes)?;
        }
        let hashes = hashes.into_iter().map(|hash| (hash ^ (hash >> 32)) as u32).collect();
        Ok(Arrival { rows, times: times.to_vec(), hashes, alone: None, late: 0 })
    }
}

impl Arrival {
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// The rows at `numbers`, with their times and hashes.
    pub(super) fn part(&self, numbers: &[u32]) -> Result<(RecordBatch, Vec<i64>, Vec<u32>)> {
        let places = UInt32Array::from(numbers.to_vec());
        let columns = self.rows.columns().iter().map(|column| take(column, &places, None)).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(numbers.len()));
        let rows = RecordBatch::try_new_with_options(self.rows.schema(), columns, &options)?;
        let times = numbers.iter().map(|row| self.times[*row as usize]).collect();
        let hashes = numbers.iter().map(|row| self.hashes[*row as usize]).collect();
        Ok((rows, times, hashes))
    }
}
