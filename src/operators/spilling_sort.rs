//! A sort that goes to disk within a limit of memory, however long its texts are. DataFusion does the sorting; it is given rows that it can count.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use super::slice_bytes::{compacted, slice_bytes};
use super::source_slot::{SlotInput, SourceExec};
use crate::freed::GivingBack;

/// The part of a limit of memory that a batch may take: a merge keeps four of each of its inputs, and one pass over all of them is faster than several over some.
const BATCH_PART: usize = 64;
/// Rows of the smallest batches, even if they are extremely long.
const FEW_ROWS: usize = 16;
/// Rows that are looked at to know how long they are, or so many bytes of them.
const SAMPLE_ROWS: usize = 1024;
const SAMPLE_BYTES: usize = 1 << 20;
/// Bytes of a row that may follow shorter ones.
const LONG_ROW: usize = 1024;

/// Sorts by `keys`.
///
/// Views share buffers: a merge would make batches whose rows keep the buffers of all its inputs, write each of these buffers to disk with each batch, and ask for as much memory to read it back. So texts are copied below
/// the sort, and become views again above it. Batches have as many rows as fit, not always the same number.
#[derive(Clone, Debug)]
pub struct SpillingSortExec {
    input: Arc<dyn ExecutionPlan>,
    keys: LexOrdering,
    /// Columns while they are sorted.
    owned: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl SpillingSortExec {
    /// Takes the place of `sort`, which has no limit.
    pub fn instead_of(sort: &SortExec) -> Self {
        let schema = sort.input().schema();
        let fields: Vec<FieldRef> = schema.fields().iter().map(owned).collect();
        let owned = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        Self { input: Arc::clone(sort.input()), keys: sort.expr().clone(), owned, properties: Arc::clone(sort.properties()) }
    }

    /// The sort of `rows`, which have the columns of `owned`.
    fn sort(&self, rows: SlotInput) -> Result<SortExec> {
        let (schema, columns) = (self.input.schema(), self.owned.fields().len());
        let keys = self.keys.iter().map(|key| Ok(PhysicalSortExpr::new(over_owned(&key.expr, &schema)?, key.options))).collect::<Result<Vec<_>>>()?;
        let leaf = SourceExec::new(Arc::from("sorted"), (0..columns).collect(), Arc::clone(&self.owned), Some(0));
        leaf.slot().fill(rows);
        Ok(SortExec::new(LexOrdering::new(keys).unwrap_or_else(|| self.keys.clone()), Arc::new(leaf)))
    }
}

/// The field with texts that are not views.
fn owned(field: &FieldRef) -> FieldRef {
    let inner = |inner: &FieldRef| Some(owned(inner)).filter(|new| !Arc::ptr_eq(new, inner));
    let changed = match field.data_type() {
        // Offsets of 32 bits would not do for a batch of extremely long texts.
        DataType::Utf8View => Some(DataType::LargeUtf8),
        DataType::BinaryView => Some(DataType::LargeBinary),
        DataType::List(item) => inner(item).map(DataType::List),
        DataType::LargeList(item) => inner(item).map(DataType::LargeList),
        DataType::Struct(fields) => {
            let new: Vec<FieldRef> = fields.iter().map(owned).collect();
            new.iter().zip(fields).any(|(new, old)| !Arc::ptr_eq(new, old)).then(|| DataType::Struct(new.into()))
        }
        _ => None,
    };
    changed.map_or_else(|| Arc::clone(field), |data_type| Arc::new(Field::clone(field).with_data_type(data_type)))
}

/// The key over the columns of `schema` as they are while they are sorted. Texts compare alike in both types; anything else is computed of the types that it was planned for.
fn over_owned(key: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    if key.as_any().is::<Column>() {
        return Ok(Arc::clone(key));
    }
    let back = |node: Arc<dyn PhysicalExpr>| {
        let Some(field) = node.as_any().downcast_ref::<Column>().and_then(|column| schema.fields().get(column.index())) else {
            return Ok(Transformed::no(node));
        };
        Ok(if Arc::ptr_eq(&owned(field), field) {
            Transformed::no(node)
        } else {
            Transformed::yes(Arc::new(CastExpr::new(node, field.data_type().clone(), None)))
        })
    };
    Arc::clone(key).transform_up(back).data()
}

fn recast(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// How large batches may be.
#[derive(Clone, Copy)]
struct Fit {
    limit: Option<usize>,
    most_rows: usize,
}

impl Fit {
    fn of(context: &TaskContext) -> Self {
        let limit = match context.memory_pool().memory_limit() {
            MemoryLimit::Finite(limit) => Some(limit),
            MemoryLimit::Infinite | MemoryLimit::Unknown => None,
        };
        Self { limit, most_rows: context.session_config().batch_size() }
    }

    /// Rows of a batch if so many take so many bytes.
    fn rows(self, rows: usize, bytes: usize) -> usize {
        let Some(limit) = self.limit else { return self.most_rows };
        let each = (bytes / rows.max(1)).max(1);
        (limit / BATCH_PART / each).clamp(FEW_ROWS.min(self.most_rows), self.most_rows)
    }
}

/// The batch in pieces that fit, each made when it is wanted. They share nothing with each other, so that each counts for itself.
fn pieces(batch: RecordBatch, fit: Fit, schema: SchemaRef) -> impl Iterator<Item = Result<RecordBatch>> {
    let (all, rows) = (batch.num_rows(), fit.rows(batch.num_rows(), slice_bytes(&batch)));
    (0..all).step_by(rows).map(move |start| {
        if rows >= all {
            return recast(&batch, &schema);
        }
        let chosen = UInt32Array::from_iter_values((start..all.min(start + rows)).filter_map(|row| u32::try_from(row).ok()));
        recast(&take_record_batch(&batch, &chosen)?, &schema)
    })
}

impl DisplayAs for SpillingSortExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpillingSortExec: expr=[{}]", self.keys)
    }
}

impl ExecutionPlan for SpillingSortExec {
    fn name(&self) -> &str {
        "SpillingSortExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0), ..Self::clone(&self) }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut input = self.input.execute(partition, Arc::clone(&context))?;
        let (node, schema, fit) = (self.clone(), self.schema(), Fit::of(&context));
        let giving_back = GivingBack::begin();
        let sorted = async move {
            let (mut sample, mut rows, mut bytes) = (Vec::new(), 0, 0);
            while rows < SAMPLE_ROWS && bytes < SAMPLE_BYTES {
                let Some(batch) = input.next().await.transpose()? else { break };
                rows += batch.num_rows();
                bytes += slice_bytes(&batch);
                // A filter may have left few rows, whose views keep all that was read.
                sample.push(compacted(batch)?);
            }
            let rows = fit.rows(rows, bytes).min(fit.rows(1, LONG_ROW));
            // No piece is larger than what the sort hands on: the rest of it would come when the memory is full.
            let (owned, fit) = (Arc::clone(&node.owned), Fit { most_rows: rows, ..fit });
            let cut = stream::iter(sample.into_iter().map(Ok)).chain(input).map_ok(move |batch| stream::iter(pieces(batch, fit, Arc::clone(&owned))));
            let sort = node.sort(SlotInput::Stream(cut.try_flatten().boxed()))?;
            let config = context.session_config().clone().with_batch_size(rows);
            // The keys hold their functions themselves.
            let own = TaskContext::new(context.task_id(), context.session_id(), config, HashMap::new(), HashMap::new(), HashMap::new(), context.runtime_env());
            sort.execute(0, Arc::new(own))
        };
        let views = Arc::clone(&schema);
        let rows = stream::once(sorted).try_flatten().and_then(move |batch| {
            let _until_the_end = &giving_back;
            std::future::ready(recast(&batch, &views))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
