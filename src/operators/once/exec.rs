//! The plan node of a branch that has no stream in it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::Boundedness;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, PlanProperties, displayable};
use futures::TryStreamExt;

use crate::operators::changes::{Changes, Saved, last};
use crate::operators::guard::RowFaults;
use crate::operators::plan_node::properties;

/// How often a branch has been executed.
#[derive(Debug, Default)]
pub struct Executed(AtomicUsize);

/// Name of the saved table.
const TIMES: &str = "times";

impl Saved for Executed {
    fn track(&self) {}

    fn changes(&self) -> Result<Changes> {
        let mut changes = Changes::default();
        changes.add_numbers(TIMES, &[i64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(i64::MAX)])?;
        Ok(changes)
    }

    fn restore(&self, changes: &Changes) -> Result<()> {
        if let Some([times]) = changes.numbers(TIMES).as_deref() {
            self.0.store(usize::try_from(*times).unwrap_or(usize::MAX), Ordering::Relaxed);
        }
        Ok(())
    }

    fn fold(&self, all: &mut dyn Iterator<Item = crate::error::Result<Changes>>) -> crate::error::Result<Changes> {
        last(all)
    }
}

/// Yields what a bounded plan yields the first time it is executed, and nothing afterwards: the `VALUES` branch of a `UNION ALL` with a stream. Its plan is not a child, so it is
/// not reset with every epoch.
#[derive(Debug)]
pub struct OnceExec {
    plan: Arc<dyn ExecutionPlan>,
    faults: Arc<RowFaults>,
    executed: Arc<Executed>,
    properties: Arc<PlanProperties>,
}

impl OnceExec {
    /// Emits `plan` once; its rows are counted as added ones, since no source has them.
    pub fn new(plan: Arc<dyn ExecutionPlan>, faults: Arc<RowFaults>) -> Self {
        let partitions = plan.properties().partitioning.partition_count();
        let properties = properties(plan.schema(), partitions, Boundedness::Unbounded { requires_infinite_memory: false });
        Self { plan, faults, executed: Arc::default(), properties }
    }

    /// How often it was executed, for saving it.
    pub fn executed(&self) -> &Arc<Executed> {
        &self.executed
    }
}

impl DisplayAs for OnceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = displayable(self.plan.as_ref()).indent(false).to_string();
        write!(f, "OnceExec: [{}]", plan.trim().lines().map(str::trim).collect::<Vec<_>>().join(" <- "))
    }
}

impl ExecutionPlan for OnceExec {
    fn name(&self) -> &str {
        "OnceExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        // Partitions are executed in order, one time each per epoch.
        let first_epoch = self.executed.0.fetch_add(1, Ordering::Relaxed) < self.properties.partitioning.partition_count();
        if !first_epoch {
            return Ok(Box::pin(EmptyRecordBatchStream::new(self.schema())));
        }
        let faults = Arc::clone(&self.faults);
        let rows = self.plan.execute(partition, context)?.inspect_ok(move |batch| faults.counts().changed(0, batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
