//! Which parts of a plan read sources, and whether they may never end.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNodeRecursion};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::logical_expr::{LogicalPlan, TableScan};

use crate::catalog::SourceTable;

/// What a plan reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Any source at all.
    pub sources: bool,
    /// One that may never end.
    pub unbounded: bool,
}

/// Looks at all scans of a plan, those in subqueries included.
pub(super) fn reads(plan: &LogicalPlan) -> Result<Reads> {
    let mut reads = Reads::default();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let unbounded = with_source_table(scan, SourceTable::is_unbounded)?;
            reads.sources |= unbounded.is_some();
            reads.unbounded |= unbounded == Some(true);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(reads)
}

/// The name of the first source that may never end.
pub(super) fn first_unbounded(plan: &LogicalPlan) -> Result<Option<Arc<str>>> {
    let mut name = None;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(Some(found)) = with_source_table(scan, |table| table.is_unbounded().then(|| Arc::clone(table.name())))?
        {
            name = Some(found);
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(name)
}

/// The plan with its sources read as a whole.
pub(super) fn read_as_table(plan: LogicalPlan, bytes: usize) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let Some(table) = with_source_table(scan, |table| table.as_table(bytes))? else { return Ok(Transformed::no(node)) };
        let source = provider_as_source(Arc::new(table));
        Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan.clone() })))
    })
    .data()
}

fn with_source_table<T>(scan: &TableScan, ask: impl FnOnce(&SourceTable) -> T) -> Result<Option<T>> {
    let provider = source_as_provider(&scan.source)?;
    Ok(provider.as_any().downcast_ref::<SourceTable>().map(ask))
}
