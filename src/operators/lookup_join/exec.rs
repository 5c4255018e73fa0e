//! The plan node of a lookup join.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties, displayable};
use futures::{StreamExt, TryStreamExt, stream};

use super::handle::LookupHandle;
use super::kind::LookupKind;
use super::probe::{Pairs, Probe, filtered};
use super::table::{LookupTable, evaluate_keys, hash_keys};
use crate::operators::guard::{RowFaults, evaluate_guarded};
use crate::operators::plan_node::properties_over;

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
        for partition in 0..plan.properties().partitioning.partition_count() {
            let mut rows = plan.execute(partition, Arc::clone(&context))?;
            while let Some(batch) = rows.try_next().await? {
                held.try_grow(batch.get_array_memory_size())?;
                batches.push(batch);
            }
        }
        // They become one batch: for a while there are two of each row.
        held.try_grow(held.size())?;
        let reject = |error| self.faults.of_tables().reject("join condition", error);
        LookupTable::build(&schema, &batches, &self.spec.table_keys, self.spec.null_equals_null, &reject)?.holding(held)
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { stream: children.swap_remove(0), ..self.clone() }
    }

    /// The output for one batch of the stream.
    fn join(&self, table: &LookupTable, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut joined = Vec::with_capacity(1);
        let apply = |rows: &RecordBatch| self.join_rows(table, rows);
        let reject = |error| self.faults.reject("join condition", error);
        evaluate_guarded(batch, &apply, &reject, &mut joined)?;
        Ok(joined.into_iter().flatten().filter(|rows| rows.num_rows() > 0).collect())
    }

    fn join_rows(&self, table: &LookupTable, rows: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let keys = evaluate_keys(&self.spec.stream_keys, rows)?;
        let mut hashes = Vec::new();
        hash_keys(&keys, rows.num_rows(), &mut hashes)?;
        let mut probe = Probe::new(table, &keys, &hashes, rows.num_rows(), self.spec.null_equals_null);
        let mut pieces = Vec::with_capacity(1);
        // All pieces are computed before any match is remembered: a row that fails leaves no trace.
        while let Some(pairs) = probe.next_piece()? {
            pieces.push(self.residual(table, rows, pairs)?);
        }
        pieces.into_iter().map(|pairs| self.emit(table, rows, &keys, pairs)).collect()
    }

    fn residual(&self, table: &LookupTable, rows: &RecordBatch, pairs: Pairs) -> Result<Pairs> {
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

    fn emit(&self, table: &LookupTable, rows: &RecordBatch, keys: &[ArrayRef], pairs: Pairs) -> Result<RecordBatch> {
        let kind = self.spec.kind;
        let before = pairs.end - pairs.begin;
        if kind.remembers_matches() {
            let first_time = self.handle.mark(table, pairs.table.values().iter().copied());
            if kind == LookupKind::TableSemi {
                self.count(before, 0);
                self.count(0, first_time.len());
                return self.table_rows(table, &UInt32Array::from(first_time), None);
            }
        }
        match kind {
            LookupKind::Inner | LookupKind::KeepTable => self.pairs(table, rows, pairs, before),
            LookupKind::KeepStream | LookupKind::KeepBoth => {
                let pairs = with_unmatched(pairs);
                self.pairs(table, rows, pairs, before)
            }
            LookupKind::StreamSemi | LookupKind::StreamAnti | LookupKind::StreamMark => {
                let has = self.has_partner(table, keys, &pairs);
                let stream = rows.slice(pairs.begin, before);
                if kind == LookupKind::StreamMark {
                    let mut columns = stream.columns().to_vec();
                    columns.push(Arc::new(has));
                    return self.batch(columns, before);
                }
                let kept = arrow::compute::filter_record_batch(&stream, &has)?;
                self.count(before, kept.num_rows());
                self.batch(kept.columns().to_vec(), kept.num_rows())
            }
            LookupKind::TableSemi | LookupKind::TableAnti | LookupKind::TableMark => {
                if self.spec.null_aware {
                    let has_null = keys.iter().any(|key| key.slice(pairs.begin, before).null_count() > 0);
                    self.handle.saw_stream_rows(has_null);
                }
                self.count(before, 0);
                Ok(RecordBatch::new_empty(Arc::clone(&self.schema)))
            }
        }
    }

    /// For each stream row of the piece whether the semi, anti or mark condition holds (anti: that it has no partner).
    fn has_partner(&self, table: &LookupTable, keys: &[ArrayRef], pairs: &Pairs) -> BooleanArray {
        let anti = self.spec.kind == LookupKind::StreamAnti;
        let mut has = vec![false; pairs.end - pairs.begin];
        for row in pairs.stream.values() {
            has[*row as usize - pairs.begin] = true;
        }
        if !anti {
            return BooleanArray::from(has);
        }
        let empty = table.rows().num_rows() == 0;
        let without = has.iter().enumerate().map(|(at, has)| {
            // x NOT IN (empty) is true even for NULL; otherwise a NULL on either side makes it unknown.
            let unknown = self.spec.null_aware && !empty && (table.has_null_key() || keys.iter().any(|key| key.is_null(pairs.begin + at)));
            !has && !unknown
        });
        without.collect::<Vec<_>>().into()
    }

    fn pairs(&self, table: &LookupTable, rows: &RecordBatch, pairs: Pairs, before: usize) -> Result<RecordBatch> {
        let count = pairs.stream.len();
        self.count(before, count);
        // The usual case, each row with one partner: the stream's columns are handed on as they are.
        let untouched = count == rows.num_rows() && pairs.stream.values().iter().enumerate().all(|(at, row)| at == *row as usize);
        let mut stream = Vec::with_capacity(self.schema.fields().len());
        for column in rows.columns() {
            stream.push(if untouched { Arc::clone(column) } else { take(column, &pairs.stream, None)? });
        }
        let mut partner = Vec::with_capacity(table.rows().num_columns());
        for column in table.rows().columns() {
            partner.push(take(column, &pairs.table, None)?);
        }
        let columns = if self.spec.stream_is_left {
            stream.extend(partner);
            stream
        } else {
            partner.extend(stream);
            partner
        };
        self.batch(columns, count)
    }

    /// Rows of the table alone: with NULLs for the stream's columns, alone, or with a mark.
    fn table_rows(&self, table: &LookupTable, numbers: &UInt32Array, mark: Option<&[bool]>) -> Result<RecordBatch> {
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
    fn at_end(&self) -> Result<Vec<RecordBatch>> {
        if !self.spec.kind.emits_at_end() || !self.handle.is_last_epoch() {
            return Ok(Vec::new());
        }
        let table = self.handle.table()?;
        let matched = self.handle.matched(&table);
        let rows = if self.spec.kind == LookupKind::TableMark {
            let all = UInt32Array::from_iter_values(0..matched.len() as u32);
            self.table_rows(&table, &all, Some(&matched))?
        } else {
            let unmatched = (0u32..).zip(&matched).filter(|(row, matched)| !**matched && !self.is_unknown(&table, *row)).map(|(row, _)| row);
            self.table_rows(&table, &UInt32Array::from_iter_values(unmatched), None)?
        };
        self.count(0, rows.num_rows());
        Ok(if rows.num_rows() == 0 { Vec::new() } else { vec![rows] })
    }

    /// Whether `NOT IN` over the whole stream is unknown for a table row without partner: nothing is unknown about an empty stream, otherwise a NULL on either side makes it so.
    fn is_unknown(&self, table: &LookupTable, row: u32) -> bool {
        let (has_rows, has_null) = self.handle.stream_rows();
        self.spec.null_aware && has_rows && (has_null || table.keys().iter().any(|key| key.is_null(row as usize)))
    }

    fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    fn count(&self, before: usize, after: usize) {
        self.faults.counts().changed(before, after);
    }
}

/// Adds the stream rows without partner, in stream order, with no table row.
fn with_unmatched(pairs: Pairs) -> Pairs {
    let rows = pairs.end - pairs.begin;
    let mut stream = Vec::with_capacity(pairs.stream.len().max(rows));
    let mut table: Vec<Option<u32>> = Vec::with_capacity(stream.capacity());
    let mut at = 0;
    let found = pairs.stream.values();
    for row in pairs.begin..pairs.end {
        let row = row as u32;
        if found.get(at) != Some(&row) {
            stream.push(row);
            table.push(None);
        }
        while found.get(at) == Some(&row) {
            stream.push(row);
            table.push(Some(pairs.table.value(at)));
            at += 1;
        }
    }
    Pairs { stream: stream.into(), table: table.into(), ..pairs }
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
        let input = self.stream.execute(partition, context)?;
        let table = self.handle.table()?;
        let join = self.clone();
        let finish = self.clone();
        let rows = input
            .map(move |batch| {
                let rows = batch?;
                join.join(&table, &rows)
            })
            .chain(stream::once(async move { if last_partition { finish.at_end() } else { Ok(Vec::new()) } }))
            .flat_map(|result| match result {
                Ok(batches) => stream::iter(batches.into_iter().map(Ok).collect::<Vec<_>>()),
                Err(error) => stream::iter(vec![Err(error)]),
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
