//! Row groups that cannot satisfy a predicate, by the statistics in the footer.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicate;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::RowGroupMetaData;

use super::file::ParquetFile;
use crate::formats::adapt::Rejects;
use crate::formats::columnar_in::never_holds;

/// For each row group whether it may hold rows that satisfy `predicate` over `columns`, or rows that would be rejected (those must be seen and told).
pub(super) fn row_groups(file: &ParquetFile, predicate: &Arc<dyn PhysicalExpr>, columns: &SchemaRef, rejects: &Rejects) -> Vec<bool> {
    let groups = file.metadata.metadata().row_groups();
    let Rejects::NullsIn(no_nulls) = rejects else { return vec![true; groups.len()] };
    let statistics = Statistics { file, groups };
    // Leaving row groups out only saves time: without statistics to go by all of them are read.
    let pruned = match never_holds(predicate) {
        true => Ok(vec![false; groups.len()]),
        false => PruningPredicate::try_new(Arc::clone(predicate), Arc::clone(columns)).and_then(|predicate| predicate.prune(&statistics)),
    };
    let mut keep = match pruned {
        Ok(keep) if keep.len() == groups.len() => keep,
        Ok(_) => vec![true; groups.len()],
        Err(e) => {
            tracing::debug!(file = %file.name, error = %e, "row groups are not pruned");
            vec![true; groups.len()]
        }
    };
    for name in no_nulls {
        let counts = statistics.null_count_array(name);
        for (at, keep) in keep.iter_mut().enumerate() {
            *keep |= counts.as_ref().is_none_or(|counts| counts.is_null(at) || counts.value(at) > 0);
        }
    }
    keep
}

struct Statistics<'a> {
    file: &'a ParquetFile,
    groups: &'a [RowGroupMetaData],
}

impl Statistics<'_> {
    /// The statistics of a column that is not nested, if they can be relied on.
    fn converter(&self, name: &str) -> Option<(StatisticsConverter<'_>, usize)> {
        let schema = self.file.metadata.schema();
        if schema.field_with_name(name).ok()?.data_type().is_nested() {
            return None;
        }
        let converter = StatisticsConverter::try_new(name, schema, self.file.metadata.parquet_schema()).ok()?;
        let leaf = converter.parquet_column_index()?;
        Some((converter.with_missing_null_counts_as_zero(false), leaf))
    }

    /// A converter for least and greatest values. Not for floating point, where statistics leave NaN out but comparisons do not; not for 96-bit timestamps nor for
    /// statistics of the old kind, whose order is not defined.
    fn ordered(&self, name: &str) -> Option<StatisticsConverter<'_>> {
        let (converter, leaf) = self.converter(name)?;
        let sound = self.groups.iter().all(|group| {
            let column = group.columns().get(leaf);
            column.is_some_and(|column| {
                !matches!(column.column_type(), PhysicalType::FLOAT | PhysicalType::DOUBLE | PhysicalType::INT96)
                    && column.statistics().is_none_or(|statistics| !statistics.is_min_max_deprecated())
            })
        });
        (sound && !converter.arrow_field().data_type().is_floating()).then_some(converter)
    }

    fn null_count_array(&self, name: &str) -> Option<UInt64Array> {
        self.converter(name)?.0.row_group_null_counts(self.groups).ok()
    }
}

impl PruningStatistics for Statistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.ordered(&column.name)?.row_group_mins(self.groups).ok()
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.ordered(&column.name)?.row_group_maxes(self.groups).ok()
    }

    fn num_containers(&self) -> usize {
        self.groups.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        self.null_count_array(&column.name).map(|counts| Arc::new(counts) as ArrayRef)
    }

    fn row_counts(&self, _column: &Column) -> Option<ArrayRef> {
        Some(Arc::new(self.groups.iter().map(|group| u64::try_from(group.num_rows()).ok()).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
