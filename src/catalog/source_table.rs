//! A source as a table of DataFusion.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::operators::source_slot::SourceExec;

/// How the rows of a source reach the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAs {
    /// In epochs.
    Stream,
    /// As a whole; the estimated size in bytes chooses the build side of joins.
    Table {
        /// Estimated bytes.
        bytes: usize,
    },
}

/// A source (or the output of an earlier statement). `scan` makes the leaf; no filter and no limit is taken, since readers are opened after planning and a row that a filter
/// drops must still be counted.
#[derive(Debug)]
pub struct SourceTable {
    name: Arc<str>,
    schema: SchemaRef,
    read_as: ReadAs,
    unbounded: bool,
}

impl SourceTable {
    /// `schema`: the columns of the source, then the hidden ones that the statement names. `unbounded`: the source may never end, so it cannot be read as a table.
    pub fn new(name: Arc<str>, schema: SchemaRef, read_as: ReadAs, unbounded: bool) -> Self {
        Self { name, schema, read_as, unbounded }
    }

    /// The same source read as a whole.
    pub fn as_table(&self, bytes: usize) -> Self {
        Self { name: Arc::clone(&self.name), schema: Arc::clone(&self.schema), read_as: ReadAs::Table { bytes }, unbounded: self.unbounded }
    }

    /// Name of the source.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether it may never end.
    pub fn is_unbounded(&self) -> bool {
        self.unbounded
    }
}

#[async_trait]
impl TableProvider for SourceTable {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(&self, _: &dyn Session, projection: Option<&Vec<usize>>, _: &[Expr], _: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&columns)?);
        let bytes = match self.read_as {
            ReadAs::Stream => None,
            ReadAs::Table { bytes } => Some(bytes),
        };
        Ok(Arc::new(SourceExec::new(Arc::clone(&self.name), columns, schema, bytes)))
    }
}
