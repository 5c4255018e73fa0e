//! Rows of a source as the leaves of a plan want them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, RecordBatchOptions, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};

use super::source_clock::RowPartitions;
use crate::catalog::HiddenColumn;
use crate::clock::system_nanos;
use crate::error::{Error, Result};
use crate::operators::guard::{RowFaults, evaluate_guarded};
use crate::planner::{LeafColumn, LeafPlan};
use crate::stream::row_width;
use crate::stream::{Health, MetadataColumn, ReadRequest};

/// Where the times of rows, and their topics and partitions, are among what is read.
#[derive(Clone, Copy, Debug)]
struct Timed {
    time: Option<usize>,
    partition: Option<(usize, usize)>,
}

/// Rows of a source, for each of its leaves, and their times if somebody goes by them.
#[derive(Debug)]
pub(super) struct LeafRows {
    /// In the order of the leaves.
    pub batches: Vec<RecordBatch>,
    /// Event times.
    pub times: Option<TimestampMicrosecondArray>,
    /// The partitions that the rows come from.
    pub partitions: Option<RowPartitions>,
}

/// The columns that the leaves of one source need together, and how each leaf gets its own.
#[derive(Debug)]
pub(super) struct SourceFeed {
    /// Indices into the source's schema, ascending.
    pub columns: Vec<usize>,
    /// What else is asked of the source, after those.
    pub metadata: Vec<MetadataColumn>,
    /// Conditions of the one leaf, over `columns`, that a reader may use to skip rows.
    pub pruning: Option<Arc<dyn PhysicalExpr>>,
    event_time: Option<Arc<dyn PhysicalExpr>>,
    /// Whether somebody goes by its time, and where that and the partition are among what is read, if they are columns.
    timed: Option<Timed>,
    leaves: Vec<LeafFeed>,
    width: usize,
    faults: Arc<RowFaults>,
}

#[derive(Debug)]
struct LeafFeed {
    plan: LeafPlan,
    picks: Vec<Pick>,
}

#[derive(Clone, Copy, Debug)]
enum Pick {
    Column(usize),
    EventTime,
    IngestTime,
}

impl SourceFeed {
    /// A feed for the leaves of one source with columns `schema`; `event_time` is an expression over them. Without one the time that the source `offers` counts. `timed`: somebody goes
    /// by the source's time. `whole`: rows come with all columns, since no reader chooses some.
    pub(super) fn new(
        schema: &SchemaRef,
        leaves: Vec<LeafPlan>,
        event_time: Option<&Arc<dyn PhysicalExpr>>,
        offers: &[MetadataColumn],
        timed: bool,
        whole: bool,
        faults: Arc<RowFaults>,
    ) -> Result<Self> {
        let wants_event_time = timed || leaves.iter().any(|leaf| leaf.columns.contains(&LeafColumn::Hidden(HiddenColumn::EventTime)));
        let event_time = event_time.filter(|_| wants_event_time);
        let visible = leaves.iter().flat_map(|leaf| &leaf.columns).filter_map(|column| match column {
            LeafColumn::Source(index) => Some(*index),
            LeafColumn::Hidden(_) => None,
        });
        let of_time = event_time.into_iter().flat_map(collect_columns).map(|column| column.index());
        let others = 0..if whole { schema.fields().len() } else { 0 };
        let mut columns: Vec<usize> = visible.chain(of_time).chain(others).collect();
        columns.sort_unstable();
        columns.dedup();
        let internal = |error: arrow::error::ArrowError| Error::internal("a leaf has a column that its source does not have").with_source(error);
        let read = Arc::new(schema.project(&columns).map_err(internal)?);
        let reassigned = |expression: &Arc<dyn PhysicalExpr>| reassign_expr_columns(Arc::clone(expression), &read);
        let event_time = event_time.map(reassigned).transpose().map_err(|error| Error::internal("an event time that can't be evaluated").with_source(error))?;
        let pruning = match leaves.as_slice() {
            [only] => only.predicate.as_ref().filter(|predicate| all_read(predicate, &read)).and_then(|predicate| reassigned(predicate).ok()),
            _ => None,
        };
        let own_time = wants_event_time && event_time.is_none() && offers.contains(&MetadataColumn::Timestamp);
        let named = leaves.iter().flat_map(|leaf| &leaf.columns).filter_map(|column| match column {
            LeafColumn::Hidden(HiddenColumn::Metadata(column)) => Some(*column),
            _ => None,
        });
        let partitions = [MetadataColumn::Topic, MetadataColumn::Partition];
        let has_partitions = timed && partitions.iter().all(|column| offers.contains(column));
        let of_partition = partitions.into_iter().filter(|_| has_partitions);
        let mut metadata: Vec<MetadataColumn> = named.chain(own_time.then_some(MetadataColumn::Timestamp)).chain(of_partition).collect();
        metadata.sort_unstable();
        metadata.dedup();
        let place = |wanted: MetadataColumn| metadata.binary_search(&wanted).map(|at| columns.len() + at);
        let picks = |leaf: &LeafPlan| {
            let pick = |column: &LeafColumn| match column {
                LeafColumn::Source(index) => columns.binary_search(index).map(Pick::Column).map_err(|_| Error::internal("a leaf's column is not read")),
                LeafColumn::Hidden(HiddenColumn::Metadata(wanted)) => {
                    place(*wanted).map(Pick::Column).map_err(|_| Error::internal("a leaf's column is not read"))
                }
                LeafColumn::Hidden(HiddenColumn::EventTime) => match place(MetadataColumn::Timestamp).ok().filter(|_| own_time) {
                    Some(at) => Ok(Pick::Column(at)),
                    None => Ok(Pick::EventTime),
                },
                LeafColumn::Hidden(HiddenColumn::IngestTime) => Ok(Pick::IngestTime),
            };
            leaf.columns.iter().map(pick).collect::<Result<Vec<_>>>()
        };
        let leaves = leaves.iter().map(|leaf| Ok(LeafFeed { picks: picks(leaf)?, plan: leaf.clone() })).collect::<Result<Vec<_>>>()?;
        let partition = || Some((place(MetadataColumn::Topic).ok()?, place(MetadataColumn::Partition).ok()?));
        let timed =
            timed.then(|| Timed { time: place(MetadataColumn::Timestamp).ok().filter(|_| own_time), partition: partition().filter(|_| has_partitions) });
        Ok(Self { columns, metadata, pruning, event_time, timed, leaves, width: row_width(&read), faults })
    }

    /// What is asked of the source's reader.
    pub(super) fn request(&self, batch_rows: usize, parallelism: usize, health: &Arc<Health>) -> ReadRequest {
        ReadRequest {
            columns: self.columns.clone(),
            metadata: self.metadata.clone(),
            health: Arc::clone(health),
            batch_rows,
            parallelism,
            pruning: self.pruning.clone(),
        }
    }

    /// The bytes that a row takes as it is read, whatever is in it.
    pub(super) fn row_width(&self) -> usize {
        self.width
    }

    /// The leaves.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &LeafPlan> {
        self.leaves.iter().map(|leaf| &leaf.plan)
    }

    /// Takes note that rows go to several leaves: each of them counts as if it had been read.
    pub(super) fn count_copies(&self, rows: usize) {
        let copies = self.leaves.len().saturating_sub(1) * rows;
        self.faults.counts().changed(0, copies);
    }

    /// The rows for each leaf, in the order of [`Self::leaves`]. Rows whose event time can't be computed go to the job's failing rows.
    pub(super) fn leaf_rows(&self, rows: &RecordBatch) -> Result<LeafRows> {
        let (rows, event_times) = self.event_times(rows)?;
        let (mut times, mut partitions) = (None, None);
        let mut event_times = event_times;
        if let Some(Timed { time, partition }) = self.timed {
            let column = match time {
                Some(at) => Arc::clone(rows.column(at)),
                // One time for all leaves: without an event time of its own a record's time is its arrival.
                None => Arc::clone(event_times.get_or_insert_with(|| arrival(rows.num_rows()))),
            };
            times = column.as_any().downcast_ref::<TimestampMicrosecondArray>().cloned();
            partitions = partition.and_then(|(topic, number)| {
                let topics = rows.column(topic).as_any().downcast_ref::<StringViewArray>().cloned()?;
                Some(RowPartitions { topics, numbers: rows.column(number).as_any().downcast_ref::<Int32Array>().cloned()? })
            });
        }
        let batches = self.leaves.iter().map(|leaf| leaf.batch(&rows, event_times.as_ref())).collect::<Result<_>>()?;
        Ok(LeafRows { batches, times, partitions })
    }

    /// The rows for each leaf alone.
    pub(super) fn leaf_batches(&self, rows: &RecordBatch) -> Result<Vec<RecordBatch>> {
        Ok(self.leaf_rows(rows)?.batches)
    }

    /// The event times, and the rows that have one (or NULL).
    fn event_times(&self, rows: &RecordBatch) -> Result<(RecordBatch, Option<ArrayRef>)> {
        let Some(expression) = &self.event_time else { return Ok((rows.clone(), None)) };
        let mut parts = Vec::with_capacity(1);
        let evaluate = |part: &RecordBatch| Ok((part.clone(), expression.evaluate(part)?.into_array(part.num_rows())?));
        let reject = |error| self.faults.reject("event time", error);
        evaluate_guarded(rows, &evaluate, &reject, &mut parts).map_err(|error| super::execution_error(&error))?;
        if let [only] = parts.as_mut_slice() {
            return Ok((only.0.clone(), Some(Arc::clone(&only.1))));
        }
        let internal = |error: arrow::error::ArrowError| Error::internal("rows can't be put together").with_source(error);
        let batches: Vec<RecordBatch> = parts.iter().map(|(rows, _)| rows.clone()).collect();
        let times: Vec<&dyn arrow::array::Array> = parts.iter().map(|(_, times)| times.as_ref()).collect();
        let rows = arrow::compute::concat_batches(&rows.schema(), &batches).map_err(internal)?;
        let times = if times.is_empty() {
            arrow::array::new_empty_array(HiddenColumn::EventTime.field().data_type())
        } else {
            arrow::compute::concat(&times).map_err(internal)?
        };
        Ok((rows, Some(times)))
    }
}

/// The present time, for each of some rows.
fn arrival(rows: usize) -> ArrayRef {
    let micros = system_nanos() / 1_000;
    Arc::new(TimestampMicrosecondArray::from_value(micros, rows).with_timezone("UTC"))
}

/// Whether a predicate reads nothing but columns of the source.
fn all_read(predicate: &Arc<dyn PhysicalExpr>, read: &Schema) -> bool {
    collect_columns(predicate).iter().all(|column| read.index_of(column.name()).is_ok() && !HiddenColumn::is_name(column.name()))
}

impl LeafFeed {
    fn batch(&self, rows: &RecordBatch, event_times: Option<&ArrayRef>) -> Result<RecordBatch> {
        let now = || arrival(rows.num_rows());
        let pick = |pick: &Pick| match pick {
            Pick::Column(at) => Arc::clone(rows.column(*at)),
            // Without an event time of its own a record's time is its arrival.
            Pick::EventTime => event_times.cloned().unwrap_or_else(now),
            Pick::IngestTime => now(),
        };
        let columns = self.picks.iter().map(pick).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.plan.schema), columns, &options)
            .map_err(|error| Error::internal("rows don't fit their leaf").with_source(error))
    }
}
