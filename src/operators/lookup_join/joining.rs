//! The rows of one execution, joined piece by piece: the next piece is made when the last one has been taken, so that what has many partners needs no memory for all of them.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::take;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::{Stream, TryStreamExt, stream};

use super::exec::LookupJoinExec;
use super::kind::LookupKind;
use super::probe::{PIECE, Pairs, Probe};
use super::table::{LookupTable, evaluate_keys};
use crate::operators::guard::evaluate_guarded;
use crate::operators::slice_bytes::{copied_bytes, slice_bytes};
use crate::unwind::guarded;

/// Bytes of the rows that are handed on at once, texts included; a piece of large rows is cut.
const OUTPUT_BYTES: usize = 8 << 20;
/// Rows that are handed on at once whatever their size.
const FEW_ROWS: usize = 1024;
/// What is taken of the memory without asking: not worth failing because another operator has taken all there is, which it will spill.
const LITTLE: usize = 1 << 20;

/// What `join` makes of the rows of `input`.
pub(super) fn joined(
    join: LookupJoinExec,
    table: Arc<LookupTable>,
    input: SendableRecordBatchStream,
    held: MemoryReservation,
) -> impl Stream<Item = Result<RecordBatch>> {
    let joining = Joining { join, table, probes: VecDeque::new(), found: VecDeque::new(), cutting: None, held };
    stream::try_unfold((joining, input), |(mut joining, mut input)| async move {
        loop {
            match joining.next()? {
                Some(rows) if rows.num_rows() > 0 => return Ok(Some((rows, (joining, input)))),
                Some(_) => {}
                None => match input.try_next().await? {
                    Some(batch) => joining.begin(&batch)?,
                    None => return Ok(None),
                },
            }
        }
    })
}

struct Joining {
    join: LookupJoinExec,
    table: Arc<LookupTable>,
    /// Rows of the present batch that are still to be joined.
    probes: VecDeque<(RecordBatch, Probe)>,
    /// Pieces whose pairs are known; none of their matches is remembered yet.
    found: VecDeque<Found>,
    cutting: Option<Cutting>,
    held: MemoryReservation,
}

struct Found {
    rows: RecordBatch,
    keys: Vec<ArrayRef>,
    pairs: Pairs,
}

/// Pairs that come out as rows, some at a time.
struct Cutting {
    rows: RecordBatch,
    pairs: Pairs,
    at: usize,
    step: usize,
}

impl Joining {
    /// Takes the next batch of the stream.
    fn begin(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut parts = Vec::with_capacity(1);
        let apply = |rows: &RecordBatch| Ok((rows.clone(), self.probe(rows)?));
        evaluate_guarded(batch, &apply, &|error| self.join.reject(error), &mut parts)?;
        self.probes.extend(parts);
        Ok(())
    }

    fn probe(&self, rows: &RecordBatch) -> Result<Probe> {
        let spec = self.join.spec();
        Probe::new(&self.table, evaluate_keys(&spec.stream_keys, rows)?, rows.num_rows(), spec.null_equals_null)
    }

    /// The next rows, `None` when the present batch is through.
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(cutting) = &mut self.cutting {
                match cutting.next(&self.join, &self.table)? {
                    Some(rows) => {
                        self.held.resize(cutting.pairs.memory_size() + copied_bytes(&rows));
                        return Ok(Some(rows));
                    }
                    None => self.cutting = None,
                }
            }
            if let Some(found) = self.found.pop_front() {
                return self.emit(found).map(Some);
            }
            self.held.free();
            if !self.find()? {
                return Ok(None);
            }
        }
    }

    /// Finds the pairs of the next piece; false if the present batch has none. A row that fails leaves no trace: its piece is halved until it stands alone, and matches are
    /// remembered when the pairs of their piece are known.
    fn find(&mut self) -> Result<bool> {
        let Some((rows, probe)) = self.probes.front_mut() else { return Ok(false) };
        let (join, table, begin) = (&self.join, &self.table, probe.at());
        let piece = guarded(|| probe.next_piece()?.map(|pairs| join.residual(table, rows, pairs)).transpose());
        match piece {
            Ok(Ok(None)) => {
                self.probes.pop_front();
            }
            Ok(Ok(Some(pairs))) => {
                let size = pairs.memory_size();
                if size > LITTLE {
                    self.held.try_resize(size)?;
                }
                self.found.push_back(Found { rows: rows.clone(), keys: probe.keys().to_vec(), pairs });
            }
            Ok(Err(_)) | Err(_) => {
                probe.skip_past(begin);
                let part = rows.slice(begin, probe.at() - begin);
                let mut found = Vec::new();
                let apply = |rows: &RecordBatch| self.find_all(rows);
                evaluate_guarded(&part, &apply, &|error| self.join.reject(error), &mut found)?;
                self.found.extend(found.into_iter().flatten());
            }
        }
        Ok(true)
    }

    fn find_all(&self, rows: &RecordBatch) -> Result<Vec<Found>> {
        let mut probe = self.probe(rows)?;
        let mut found = Vec::new();
        while let Some(pairs) = probe.next_piece()? {
            let pairs = self.join.residual(&self.table, rows, pairs)?;
            found.push(Found { rows: rows.clone(), keys: probe.keys().to_vec(), pairs });
        }
        Ok(found)
    }

    /// The output for a piece, or the beginning of it.
    fn emit(&mut self, found: Found) -> Result<RecordBatch> {
        let Found { rows, keys, pairs } = found;
        let (join, table, kind) = (&self.join, &self.table, self.join.kind());
        let before = pairs.end - pairs.begin;
        if kind.remembers_matches() {
            let first_time = join.handle().mark(table, pairs.table.values().iter().copied());
            if kind == LookupKind::TableSemi {
                join.count(before, 0);
                join.count(0, first_time.len());
                return join.table_rows(table, &UInt32Array::from(first_time), None);
            }
        }
        match kind {
            LookupKind::Inner | LookupKind::KeepTable | LookupKind::KeepStream | LookupKind::KeepBoth => {
                let pairs = if matches!(kind, LookupKind::KeepStream | LookupKind::KeepBoth) { with_unmatched(pairs) } else { pairs };
                join.count(before, pairs.stream.len());
                let step = step(&rows, table, pairs.stream.len());
                self.cutting = Some(Cutting { rows, pairs, at: 0, step });
                join.empty()
            }
            LookupKind::StreamSemi | LookupKind::StreamAnti | LookupKind::StreamMark => {
                let has = has_partner(join, table, &keys, &pairs);
                let stream = rows.slice(pairs.begin, before);
                if kind == LookupKind::StreamMark {
                    let mut columns = stream.columns().to_vec();
                    columns.push(Arc::new(has));
                    return join.batch(columns, before);
                }
                let kept = arrow::compute::filter_record_batch(&stream, &has)?;
                join.count(before, kept.num_rows());
                join.batch(kept.columns().to_vec(), kept.num_rows())
            }
            LookupKind::TableSemi | LookupKind::TableAnti | LookupKind::TableMark => {
                if join.spec().null_aware {
                    let has_null = keys.iter().any(|key| key.slice(pairs.begin, before).null_count() > 0);
                    join.handle().saw_stream_rows(has_null);
                }
                join.count(before, 0);
                join.empty()
            }
        }
    }
}

/// How many of so many pairs come out at a time.
fn step(rows: &RecordBatch, table: &LookupTable, pairs: usize) -> usize {
    if pairs <= FEW_ROWS {
        return FEW_ROWS;
    }
    let bytes = slice_bytes(rows) / rows.num_rows().max(1) + table.row_bytes();
    (OUTPUT_BYTES / bytes.max(1)).clamp(FEW_ROWS, PIECE)
}

impl Cutting {
    fn next(&mut self, join: &LookupJoinExec, table: &LookupTable) -> Result<Option<RecordBatch>> {
        let count = self.step.min(self.pairs.stream.len() - self.at);
        if count == 0 {
            return Ok(None);
        }
        let numbers = self.pairs.stream.slice(self.at, count);
        let partners = self.pairs.table.slice(self.at, count);
        self.at += count;
        // The usual case, each row with one partner: the stream's columns are handed on as they are.
        let first = numbers.value(0);
        let untouched = numbers.values().iter().zip(first..).all(|(row, expected)| *row == expected);
        let mut stream = Vec::with_capacity(join.width());
        for column in self.rows.columns() {
            stream.push(if untouched { column.slice(first as usize, count) } else { take(column, &numbers, None)? });
        }
        let mut partner = Vec::with_capacity(table.rows().num_columns());
        for column in table.rows().columns() {
            partner.push(take(column, &partners, None)?);
        }
        let columns = if join.spec().stream_is_left {
            stream.extend(partner);
            stream
        } else {
            partner.extend(stream);
            partner
        };
        join.batch(columns, count).map(Some)
    }
}

/// For each stream row of the piece whether the semi, anti or mark condition holds (anti: that it has no partner).
fn has_partner(join: &LookupJoinExec, table: &LookupTable, keys: &[ArrayRef], pairs: &Pairs) -> BooleanArray {
    let anti = join.kind() == LookupKind::StreamAnti;
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
        let unknown = join.spec().null_aware && !empty && (table.has_null_key() || keys.iter().any(|key| key.is_null(pairs.begin + at)));
        !has && !unknown
    });
    without.collect::<Vec<_>>().into()
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
