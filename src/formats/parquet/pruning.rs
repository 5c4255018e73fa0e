//! Which row groups can hold rows that satisfy a predicate.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicate;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

/// For each row group whether it may hold a row for which the predicate (over `schema`) is true. Any doubt counts as yes.
pub(super) fn possible_row_groups(predicate: Option<&Arc<dyn PhysicalExpr>>, schema: &SchemaRef, metadata: &ArrowReaderMetadata) -> Vec<bool> {
    let groups = metadata.metadata().num_row_groups();
    let Some(predicate) = predicate else { return vec![true; groups] };
    let statistics = GroupStatistics { schema, metadata };
    let pruned = PruningPredicate::try_new(Arc::clone(predicate), Arc::clone(schema)).and_then(|pruning| pruning.prune(&statistics));
    match pruned {
        Ok(possible) if possible.len() == groups => possible,
        // Not every predicate can be told from minimum and maximum; then all is read.
        _ => vec![true; groups],
    }
}

struct GroupStatistics<'a> {
    schema: &'a SchemaRef,
    metadata: &'a ArrowReaderMetadata,
}

impl GroupStatistics<'_> {
    /// Statistics of a column whose type in the file is that of the table; of any other nothing is known.
    fn converter(&self, column: &Column) -> Option<StatisticsConverter<'_>> {
        let wanted = self.schema.field_with_name(&column.name).ok()?;
        let found = self.metadata.schema().field_with_name(&column.name).ok()?;
        if wanted.data_type() != found.data_type() {
            return None;
        }
        StatisticsConverter::try_new(&column.name, self.metadata.schema(), self.metadata.parquet_schema()).ok()
    }
}

impl PruningStatistics for GroupStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.converter(column)?.row_group_mins(self.metadata.metadata().row_groups()).ok()
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.converter(column)?.row_group_maxes(self.metadata.metadata().row_groups()).ok()
    }

    fn num_containers(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts = self.converter(column)?.row_group_null_counts(self.metadata.metadata().row_groups()).ok()?;
        Some(Arc::new(counts))
    }

    fn row_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts = self.converter(column)?.row_group_row_counts(self.metadata.metadata().row_groups()).ok()??;
        Some(Arc::new(counts))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
