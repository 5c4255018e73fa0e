//! How many rows UNNEST will make of a row.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::physical_plan::unnest::ListUnnest;

/// Elements that are unnested at once; more only if they are of one row.
const MOST_ELEMENTS: usize = 65_536;

/// The first row after `begin` that is not unnested together with it.
pub(super) fn cut(batch: &RecordBatch, lists: &[ListUnnest], begin: usize) -> usize {
    let mut elements = 0usize;
    for row in begin..batch.num_rows() {
        let of_row = lists.iter().map(|list| count(batch.column(list.index_in_input_schema), list.depth, row, row + 1)).max().unwrap_or(1);
        elements = elements.saturating_add(of_row.max(1));
        if elements > MOST_ELEMENTS {
            return row.max(begin + 1);
        }
    }
    batch.num_rows()
}

/// Elements at a depth of the lists at `begin..end`.
fn count(lists: &ArrayRef, depth: usize, begin: usize, end: usize) -> usize {
    if depth == 0 {
        return end - begin;
    }
    let (elements, begin, end) = match lists.data_type() {
        DataType::List(_) => {
            let lists = lists.as_list::<i32>();
            let at = |row: usize| lists.value_offsets()[row] as usize;
            (lists.values(), at(begin), at(end))
        }
        DataType::LargeList(_) => {
            let lists = lists.as_list::<i64>();
            let at = |row: usize| lists.value_offsets()[row] as usize;
            (lists.values(), at(begin), at(end))
        }
        DataType::FixedSizeList(_, size) => {
            let size = usize::try_from(*size).unwrap_or(0);
            (lists.as_fixed_size_list().values(), begin * size, end * size)
        }
        _ => return end - begin,
    };
    count(elements, depth - 1, begin, end)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::ListArray;
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn long_lists_are_unnested_one_by_one() {
        let list = |length: usize| Some((0..length as i64).map(Some).collect::<Vec<_>>());
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([list(3), None, list(70_000), list(10), list(65_000), list(600)]);
        let batch = RecordBatch::try_from_iter([("list", Arc::new(lists) as ArrayRef)]).expect("a batch");
        let columns = [ListUnnest { index_in_input_schema: 0, depth: 1 }];
        let mut cuts = vec![0];
        while let Some(begin) = cuts.last().filter(|begin| **begin < batch.num_rows()) {
            cuts.push(cut(&batch, &columns, *begin));
        }
        assert_eq!(cuts, [0, 2, 3, 5, 6]);
    }
}
