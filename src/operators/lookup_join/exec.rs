//! The plan node of a lookup join.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties, displayable};
use futures::{StreamExt, TryStreamExt, stream};

use super::handle::LookupHandle;
use super::joining::joined;
use super::kind::LookupKind;
use super::probe::{PIECE, Pairs, filtered};
use super::table::LookupTable;
use crate::operators::guard::RowFaults;
use crate::operators::plan_node::properties_over;
use crate::operators::slice_bytes::{Kept, compacted, copied_bytes};

/// A side of the join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The rows of the epoch.
    Stream,
    /// The table.
    Table,
}

/// Conditions beyond key equality, over a batch made of some columns of both sides.
#[derive(Clone, Debug)]
pub struct ResidualFilter {
    /// The condition, over `schema`.
    pub expression: Arc<dyn PhysicalExpr>,
    /// Which columns of which side it reads, in the order of `schema`.
    pub columns: Vec<(Side, usize)>,
    /// Schema of those columns.
    pub schema: SchemaRef,
}

/// What the planner knows about a lookup join.
#[derive(Clone, Debug)]
pub struct LookupSpec {
    /// What is emitted.
    pub kind: LookupKind,
    /// Key expressions over the stream's columns.
    pub stream_keys: Vec<Arc<dyn PhysicalExpr>>,
    /// Key expressions over the table's columns, one for each of the stream's.
    pub table_keys: Vec<Arc<dyn PhysicalExpr>>,
    /// Further conditions.
    pub residual: Option<ResidualFilter>,
    /// Whether the stream's columns come first in the output.
    pub stream_is_left: bool,
    /// Whether NULL keys match NULL keys.
    pub null_equals_null: bool,
    /// `NOT IN`, with one key: a NULL among the keys of the inner side leaves nothing, and outer rows with a NULL key are left out unless the inner side is empty.
    pub null_aware: bool,
}

/// Joins the rows of each epoch with a table that stays in memory; the stream is never the build side. Within one epoch and over all epochs the output follows stream order,
/// and table order for partners of one row.
///
/// **Shapes**: the columns of both sides in SQL order for pairs; those of one side for semi and anti joins, with a Boolean `mark` at the end for mark joins.
/// **Errors**: a row whose key or condition fails goes to the job's [`RowFaults`], or to those of its tables.
#[derive(Clone, Debug)]
pub struct LookupJoinExec {
    stream: Arc<dyn ExecutionPlan>,
    table: Arc<dyn ExecutionPlan>,
    spec: Arc<LookupSpec>,
    handle: Arc<LookupHandle>,
    faults: Arc<RowFaults>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl LookupJoinExec {
    /// Joins `stream` with what `table` yields. `table` is not a child: it is executed by [`Self::read_table`], not in every epoch.
    pub fn new(stream: Arc<dyn ExecutionPlan>, table: Arc<dyn ExecutionPlan>, spec: LookupSpec, schema: SchemaRef, faults: Arc<RowFaults>) -> Self {
        let properties = properties_over(Arc::clone(&schema), &stream);
        Self { stream, table, spec: Arc::new(spec), handle: Arc::default(), faults, schema, properties }
    }

    /// The plan of the table.
    pub fn table(&self) -> &Arc<dyn ExecutionPlan> {
        &self.table
    }

    /// The same join with another plan of its table.
    pub fn with_table(&self, table: Arc<dyn ExecutionPlan>) -> Self {
        Self { table, ..self.clone() }
    }

    /// What is emitted.
    pub fn kind(&self) -> LookupKind {
        self.spec.kind
    }

    /// The join's name as SQL has it.
    pub fn sql_name(&self) -> &'static str {
        self.spec.kind.sql_name(self.spec.stream_is_left)
    }

    /// The join's state.
    pub fn handle(&self) -> &Arc<LookupHandle> {
        &self.handle
    }

    /// Executes the table's plan, whose slots have been filled; [`LookupHandle::load`] makes the result the present version.
    pub async fn read_table(&self, context: Arc<TaskContext>) -> Result<LookupTable> {
        let plan = Arc::clone(&self.table);
        let schema = plan.schema();
        let mut batches = Vec::new();
        let held = MemoryConsumer::new("lookup table").register(context.memory_pool());
        let (mut kept, mut copied) = (Kept::default(), 0);
        for partition in 0..plan.properties().partitioning.partition_count() {
            let mut rows = plan.execute(partition, Arc::clone(&context))?;
            while let Some(batch) = rows.try_next().await? {
                let batch = compacted(batch)?;
                held.try_grow(batch.columns().iter().map(|column| kept.add(column)).sum())?;
                copied += copied_bytes(&batch);
                batches.push(batch);
            }
        }
        // They become one batch: for a while there are two of each row, but not of long texts.
        held.try_grow(copied)?;
        let reject = |error| self.faults.of_tables().reject("join condition", error);
        LookupTable::build(&schema, &batches, &self.spec.table_keys, self.spec.null_equals_null, &reject)?.holding(held)
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { stream: children.swap_remove(0), ..self.clone() }
    }

    /// A row of the stream whose key or condition fails.
    pub(super) fn reject(&self, error: DataFusionError) -> Result<()> {
        self.faults.reject("join condition", error)
    }

    pub(super) fn spec(&self) -> &LookupSpec {
        &self.spec
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.schema.fields().len()
    }

    /// Drops the pairs for which the further conditions do not hold.
    pub(super) fn residual(&self, table: &LookupTable, rows: &RecordBatch, pairs: Pairs) -> Result<Pairs> {
        let Some(residual) = &self.spec.residual else { return Ok(pairs) };
        if pairs.stream.is_empty() {
            return Ok(pairs);
        }
        let columns = residual
            .columns
            .iter()
            .map(|(side, index)| match side {
                Side::Stream => take(rows.column(*index), &pairs.stream, None),
                Side::Table => take(table.rows().column(*index), &pairs.table, None),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let count = pairs.stream.len();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&residual.schema), columns, &options)?;
        let keep = residual.expression.evaluate(&batch)?.into_array(count)?;
        let keep = as_boolean_array(&keep)?;
        Ok(Pairs { stream: filtered(&pairs.stream, keep)?, table: filtered(&pairs.table, keep)?, ..pairs })
    }

    /// Rows of the table alone: with NULLs for the stream's columns, alone, or with a mark.
    pub(super) fn table_rows(&self, table: &LookupTable, numbers: &UInt32Array, mark: Option<&[bool]>) -> Result<RecordBatch> {
        let count = numbers.len();
        let mut columns = table.rows().columns().iter().map(|column| take(column, numbers, None)).collect::<Result<Vec<_>, _>>()?;
        if self.spec.kind.emits_pairs() {
            let nulls: Vec<ArrayRef> = self.stream.schema().fields().iter().map(|field| new_null_array(field.data_type(), count)).collect();
            if self.spec.stream_is_left {
                columns.splice(0..0, nulls);
            } else {
                columns.extend(nulls);
            }
        }
        if let Some(mark) = mark {
            columns.push(Arc::new(BooleanArray::from(mark.to_vec())));
        }
        self.batch(columns, count)
    }

    /// What comes out when the stream has ended.
    fn at_end(&self) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        let (mut numbers, mut marks) = (UInt32Array::from(Vec::<u32>::new()), None);
        let emits = self.spec.kind.emits_at_end() && self.handle.is_last_epoch();
        let table = self.handle.table()?;
        if emits {
            let matched = self.handle.matched(&table);
            if self.spec.kind == LookupKind::TableMark {
                numbers = UInt32Array::from_iter_values(0..matched.len() as u32);
                marks = Some(matched);
            } else {
                let unmatched = (0u32..).zip(&matched).filter(|(row, matched)| !**matched && !self.is_unknown(&table, *row)).map(|(row, _)| row);
                numbers = UInt32Array::from_iter_values(unmatched);
            }
            self.count(0, numbers.len());
        }
        let join = self.clone();
        Ok((0..numbers.len()).step_by(PIECE).map(move |at| {
            let part = numbers.slice(at, PIECE.min(numbers.len() - at));
            join.table_rows(&table, &part, marks.as_ref().map(|marks| &marks[at..at + part.len()]))
        }))
    }

    /// Whether `NOT IN` over the whole stream is unknown for a table row without partner: nothing is unknown about an empty stream, otherwise a NULL on either side makes it so.
    fn is_unknown(&self, table: &LookupTable, row: u32) -> bool {
        let (has_rows, has_null) = self.handle.stream_rows();
        self.spec.null_aware && has_rows && (has_null || table.keys().iter().any(|key| key.is_null(row as usize)))
    }

    pub(super) fn empty(&self) -> Result<RecordBatch> {
        Ok(RecordBatch::new_empty(Arc::clone(&self.schema)))
    }

    pub(super) fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    pub(super) fn count(&self, before: usize, after: usize) {
        self.faults.counts().changed(before, after);
    }
}

impl DisplayAs for LookupJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on: Vec<String> = self.spec.stream_keys.iter().zip(&self.spec.table_keys).map(|(stream, table)| format!("{stream} = {table}")).collect();
        write!(f, "LookupJoinExec: {}, on=[{}]", self.spec.kind.as_str(), on.join(", "))?;
        if let Some(residual) = &self.spec.residual {
            write!(f, ", filter={}", residual.expression)?;
        }
        let table = displayable(self.table.as_ref()).indent(false).to_string();
        write!(f, ", table=[{}]", table.trim().lines().map(str::trim).collect::<Vec<_>>().join(" <- "))
    }
}

impl ExecutionPlan for LookupJoinExec {
    fn name(&self) -> &str {
        "LookupJoinExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.stream]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        check_if_same_properties!(self, children);
        let stream = children.swap_remove(0);
        let properties = properties_over(Arc::clone(&self.schema), &stream);
        Ok(Arc::new(Self { stream, properties, ..self.as_ref().clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let last_partition = partition + 1 == self.properties.partitioning.partition_count();
        let held = MemoryConsumer::new("pairs of a lookup join").register(context.memory_pool());
        let input = self.stream.execute(partition, context)?;
        let finish = self.clone();
        let at_end = stream::once(async move { if last_partition { finish.at_end().map(Some) } else { Ok(None) } });
        let at_end = at_end.map_ok(|rows| stream::iter(rows.into_iter().flatten())).try_flatten();
        let rows = joined(self.clone(), self.handle.table()?, input, held).chain(at_end);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
