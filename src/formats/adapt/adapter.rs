//! Whole batches: rows with values that do not fit are rejected, never changed.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::convert::{Misfit, convert, relaxed};
use super::plan;
use crate::error::{Error, ErrorKind, Fault, Result};

/// A row that does not fit the columns of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its index in the batch.
    pub row: usize,
    /// Names the field and its value.
    pub reason: String,
}

/// A batch in the columns of the table.
#[derive(Debug)]
pub struct Adapted {
    /// The rows that fit, in order.
    pub rows: RecordBatch,
    /// The others, by ascending index; each row once.
    pub rejected: Vec<RejectedRow>,
}

/// Turns batches of a file into batches of a table whose columns have the same names.
#[derive(Clone, Debug)]
pub struct Adapter {
    table: SchemaRef,
    sources: Vec<Option<usize>>,
    identity: bool,
    rejects: Rejects,
}

/// Which rows an [`Adapter`] may reject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejects {
    /// Those with a NULL in one of these columns; none if there is no such column.
    NullsIn(Vec<String>),
    /// Any: it takes the values to know.
    Any,
}

impl Adapter {
    /// Plans for a file of columns `file` (normal types) and a table of columns `table`. Columns of the file that the table does not have are left out; a nullable
    /// column that the file does not have is NULL.
    ///
    /// **Errors**: types that differ in meaning, and a missing column that is NOT NULL. They do not name the file.
    pub fn new(file: &Schema, table: &SchemaRef) -> Result<Self> {
        let mut identity = file.fields().len() == table.fields().len();
        let mut sources = Vec::with_capacity(table.fields().len());
        let mut nulls = Vec::new();
        let mut same_types = true;
        for (at, column) in table.fields().iter().enumerate() {
            let Ok(source) = file.index_of(column.name()) else {
                if !column.is_nullable() {
                    return Err(conflict(format!("the file has no column '{}', which is NOT NULL", column.name())));
                }
                identity = false;
                sources.push(None);
                continue;
            };
            let found = file.field(source);
            plan::check(found.data_type(), column.data_type(), column.name()).map_err(conflict)?;
            if found.is_nullable() && !column.is_nullable() {
                nulls.push(column.name().clone());
            }
            same_types &= found.data_type() == column.data_type();
            identity &= source == at;
            sources.push(Some(source));
        }
        identity &= same_types && nulls.is_empty();
        let rejects = if same_types { Rejects::NullsIn(nulls) } else { Rejects::Any };
        Ok(Self { table: Arc::clone(table), sources, identity, rejects })
    }

    /// Whether batches pass unchanged, so that no row can be rejected.
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Which rows may be rejected.
    pub fn rejects(&self) -> &Rejects {
        &self.rejects
    }

    /// Turns one batch.
    ///
    /// **Errors**: only what a plan that was found possible can't do after all.
    pub fn adapt(&self, batch: &RecordBatch) -> Result<Adapted> {
        if self.identity {
            let rows = self.batch(batch.columns().to_vec(), batch.num_rows()).map_err(|e| conflict(e.to_string()))?;
            return Ok(Adapted { rows, rejected: Vec::new() });
        }
        self.convert(batch).map_err(|e| conflict(e.to_string()))
    }

    fn convert(&self, batch: &RecordBatch) -> Result<Adapted, ArrowError> {
        let mut misfits: Vec<Misfit> = Vec::new();
        let count = batch.num_rows();
        let fields = self.table.fields();
        let columns = fields.iter().zip(&self.sources).map(|(field, source)| match source {
            Some(source) => convert(batch.column(*source), field.data_type(), field.is_nullable(), field.name(), &mut misfits),
            None => Ok(new_null_array(&relaxed(field.data_type()), count)),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
        let loose: Vec<Field> = fields.iter().zip(&columns).map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let mut rows = RecordBatch::try_new_with_options(Arc::new(Schema::new(loose)), columns, &options)?;
        // A stable sort: of several misfits of a row the first column's is told.
        misfits.sort_by_key(|misfit| misfit.row);
        misfits.dedup_by_key(|misfit| misfit.row);
        if !misfits.is_empty() {
            let mut keep = vec![true; count];
            for misfit in &misfits {
                if let Some(kept) = keep.get_mut(misfit.row) {
                    *kept = false;
                }
            }
            rows = filter_record_batch(&rows, &BooleanArray::from(keep))?;
        }
        let exact = rows.columns().iter().zip(fields).map(|(column, field)| restrict(column, field.data_type())).collect::<Result<Vec<_>, _>>()?;
        let rows = self.batch(exact, rows.num_rows())?;
        let rejected = misfits.into_iter().map(|misfit| RejectedRow { row: misfit.row, reason: misfit.reason }).collect();
        Ok(Adapted { rows, rejected })
    }

    fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new_with_options(Arc::clone(&self.table), columns, &RecordBatchOptions::new().with_row_count(Some(rows)))
    }
}

/// Puts back the NOT NULL of nested fields, now that no row breaks it.
fn restrict(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == to { Ok(Arc::clone(column)) } else { cast(column, to) }
}

fn conflict(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Source, Fault::User, message).with_help("declare the columns as they are in the file")
}
