//! Rows that have come, by key and in order.

use std::cell::OnceCell;
use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Int64Type};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::error::Result;
use datafusion::physical_expr_common::sort_expr::PhysicalSortExpr;

/// Rows of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::operators) struct Part {
    /// Number of the key.
    pub key: usize,
    /// Where its rows begin in the order.
    pub begin: usize,
    /// Where they end.
    pub end: usize,
    /// The key begins anew with them.
    pub fresh: bool,
}

/// Rows by key, in order within each.
#[derive(Debug)]
pub(super) struct Ordered {
    /// Numbers of the rows.
    pub rows: Vec<u32>,
    /// Which of them belong to which key.
    pub parts: Vec<Part>,
    /// Whether a row is not equal in order to the one before it.
    pub begins: Vec<bool>,
}

/// How rows compare.
enum Order {
    /// By one instant, ascending.
    Time(Int64Array),
    Rows(Rows),
    /// All are equal.
    None,
}

impl Order {
    fn of(order: &[PhysicalSortExpr], batch: &RecordBatch) -> Result<Self> {
        let column = |sort: &PhysicalSortExpr| sort.expr.evaluate(batch)?.into_array(batch.num_rows());
        let columns = order.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(match (order, columns.as_slice()) {
            ([], _) => Self::None,
            ([sort], [times]) if !sort.options.descending && times.null_count() == 0 && matches!(times.data_type(), DataType::Timestamp(..)) => {
                Self::Time(cast(times, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            _ => Self::Rows(encoded(&columns, order.iter().map(|sort| sort.options))?),
        })
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        match self {
            Self::Time(times) => times.value(a).cmp(&times.value(b)),
            Self::Rows(rows) => rows.row(a).cmp(&rows.row(b)),
            Self::None => Ordering::Equal,
        }
    }
}

fn encoded(columns: &[ArrayRef], options: impl Iterator<Item = SortOptions>) -> Result<Rows> {
    let fields = columns.iter().zip(options).map(|(column, options)| SortField::new_with_options(column.data_type().clone(), options));
    Ok(RowConverter::new(fields.collect())?.convert_columns(columns)?)
}

/// The values of rows, which decide where the order doesn't: rows that are the same in them can change places.
pub(super) fn by_value(batch: &RecordBatch) -> Result<Option<Rows>> {
    let comparable = |column: &&ArrayRef| RowConverter::supports_fields(&[SortField::new(column.data_type().clone())]);
    let columns: Vec<ArrayRef> = batch.columns().iter().filter(comparable).cloned().collect();
    if columns.is_empty() { Ok(None) } else { encoded(&columns, columns.iter().map(|_| SortOptions::default())).map(Some) }
}

impl Ordered {
    /// Orders rows of which the key is known by its number, of `count` keys.
    pub(super) fn new(batch: &RecordBatch, keys: &[usize], count: usize, order: &[PhysicalSortExpr]) -> Result<Self> {
        let (mut rows, parts) = by_key(keys, count);
        let order = Order::of(order, batch)?;
        let values: OnceCell<Option<Rows>> = OnceCell::new();
        let mut begins = vec![true; rows.len()];
        for part in &parts {
            let (rows, begins) = (&mut rows[part.begin..part.end], &mut begins[part.begin..part.end]);
            if !rows.is_sorted_by(|a, b| order.compare(*a, *b).is_le()) {
                rows.sort_by(|a, b| order.compare(*a, *b));
            }
            let mut first = 0;
            for at in 1..=rows.len() {
                if at < rows.len() && order.compare(rows[at - 1], rows[at]).is_eq() {
                    begins[at] = false;
                    continue;
                }
                if at - first > 1 {
                    let found = match values.get() {
                        Some(found) => found,
                        None => {
                            let found = by_value(batch)?;
                            values.get_or_init(|| found)
                        }
                    };
                    if let Some(values) = found {
                        rows[first..at].sort_by(|a, b| values.row(*a as usize).cmp(&values.row(*b as usize)));
                    }
                }
                first = at;
            }
        }
        Ok(Self { rows, parts, begins })
    }

    /// Cuts parts where more than `most` lies between two rows' times, or between the first one and the time that `last` has of the key.
    pub(super) fn cut(&mut self, times: &[i64], most: i64, last: impl Fn(usize) -> Option<i64>) {
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let mut before = last(part.key);
            let mut current = Part { end: part.begin, ..*part };
            for at in part.begin..part.end {
                let time = times[self.rows[at] as usize];
                if before.is_some_and(|before| time.saturating_sub(before) > most) {
                    parts.extend((current.end > current.begin).then_some(current));
                    current = Part { begin: at, end: at, key: part.key, fresh: true };
                }
                (current.end, before) = (at + 1, Some(time));
            }
            parts.push(current);
        }
        self.parts = parts;
    }

    /// For each row its place in the order.
    pub(super) fn places(&self) -> Vec<u32> {
        let mut places = vec![0; self.rows.len()];
        self.rows.iter().enumerate().for_each(|(place, row)| places[*row as usize] = place as u32);
        places
    }
}

/// Numbers of rows by key, each key's in their own order (a counting sort).
pub(in crate::operators) fn by_key(keys: &[usize], count: usize) -> (Vec<u32>, Vec<Part>) {
    const NONE: u32 = u32::MAX;
    let mut parts: Vec<Part> = Vec::new();
    let mut own: Vec<u32> = Vec::with_capacity(keys.len());
    // Few rows of many keys: a table of all keys would cost more than the rows.
    if keys.len() * 8 < count {
        let mut rows: Vec<u32> = (0..keys.len() as u32).collect();
        rows.sort_by_key(|row| keys[*row as usize]);
        for (at, row) in rows.iter().enumerate() {
            let key = keys[*row as usize];
            match parts.last_mut() {
                Some(part) if part.key == key => part.end = at + 1,
                _ => parts.push(Part { key, begin: at, end: at + 1, fresh: false }),
            }
        }
        return (rows, parts);
    }
    let mut numbers = vec![NONE; count];
    for key in keys {
        if numbers[*key] == NONE {
            numbers[*key] = parts.len() as u32;
            parts.push(Part { key: *key, begin: 0, end: 0, fresh: false });
        }
        own.push(numbers[*key]);
        parts[numbers[*key] as usize].end += 1;
    }
    let mut begin = 0;
    for part in &mut parts {
        (part.begin, part.end, begin) = (begin, begin, begin + part.end);
    }
    let mut rows = vec![0; keys.len()];
    for (row, part) in own.into_iter().enumerate() {
        let part = &mut parts[part as usize];
        rows[part.end] = row as u32;
        part.end += 1;
    }
    (rows, parts)
}
