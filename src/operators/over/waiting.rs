//! Rows whose time has not come.

use arrow::array::{Array, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use datafusion::error::Result;

/// Rows that wait, in pieces that are each in the order of their times. Small pieces are put together, so that there are few (as in a merge sort; each row is moved a logarithmic number of times).
#[derive(Default)]
pub(super) struct Waiting {
    pieces: Vec<Piece>,
    /// Rows without a time wait for the end.
    timeless: Vec<(RecordBatch, u64)>,
}

struct Piece {
    rows: RecordBatch,
    times: Vec<i64>,
    /// What has come out already.
    begin: usize,
    /// The epoch in which its first rows came.
    since: u64,
}

impl Piece {
    fn sorted(rows: RecordBatch, times: Vec<i64>, since: u64) -> Result<Self> {
        if times.is_sorted() {
            return Ok(Self { rows, times, begin: 0, since });
        }
        let mut order: Vec<u32> = (0..times.len() as u32).collect();
        order.sort_by_key(|row| times[*row as usize]);
        let times = order.iter().map(|row| times[*row as usize]).collect();
        Ok(Self { rows: take_record_batch(&rows, &UInt32Array::from(order))?, times, begin: 0, since })
    }

    fn len(&self) -> usize {
        self.times.len() - self.begin
    }

    fn rest(&self) -> RecordBatch {
        self.rows.slice(self.begin, self.len())
    }

    fn with(self, later: Self) -> Result<Self> {
        let times = [&self.times[self.begin..], &later.times[later.begin..]].concat();
        Self::sorted(concat_batches(self.rows.schema_ref(), &[self.rest(), later.rest()])?, times, self.since.min(later.since))
    }
}

impl Waiting {
    /// Adds rows with their times.
    pub(super) fn push(&mut self, rows: RecordBatch, times: &TimestampMicrosecondArray, epoch: u64) -> Result<()> {
        if times.null_count() == 0 {
            return self.push_timed(rows, times.values().to_vec(), epoch);
        }
        let (mut timed, mut others) = (Vec::new(), Vec::new());
        (0..times.len() as u32).for_each(|row| if times.is_valid(row as usize) { timed.push(row) } else { others.push(row) });
        self.timeless.push((take_record_batch(&rows, &UInt32Array::from(others))?, epoch));
        let own = timed.iter().map(|row| times.value(*row as usize)).collect();
        self.push_timed(take_record_batch(&rows, &UInt32Array::from(timed))?, own, epoch)
    }

    fn push_timed(&mut self, rows: RecordBatch, times: Vec<i64>, epoch: u64) -> Result<()> {
        if times.is_empty() {
            return Ok(());
        }
        let mut piece = Piece::sorted(rows, times, epoch)?;
        while let Some(last) = self.pieces.pop_if(|last| last.len() < 2 * piece.len()) {
            piece = last.with(piece)?;
        }
        self.pieces.push(piece);
        Ok(())
    }

    /// Takes out the rows before a time, in the order of their times.
    pub(super) fn take_before(&mut self, time: i64) -> Result<Option<RecordBatch>> {
        let mut out: Vec<(RecordBatch, Vec<i64>)> = Vec::new();
        for piece in &mut self.pieces {
            let end = piece.begin + piece.times[piece.begin..].partition_point(|own| *own < time);
            if end > piece.begin {
                out.push((piece.rows.slice(piece.begin, end - piece.begin), piece.times[piece.begin..end].to_vec()));
                piece.begin = end;
            }
            // What has come out is not kept for what has not.
            if piece.begin > piece.times.len() / 2 && piece.len() > 0 {
                let order = UInt32Array::from_iter_values(piece.begin as u32..piece.times.len() as u32);
                piece.rows = take_record_batch(&piece.rows, &order)?;
                piece.times.drain(..piece.begin);
                piece.begin = 0;
            }
        }
        self.pieces.retain(|piece| piece.len() > 0);
        let Some((first, _)) = out.first() else { return Ok(None) };
        if out.len() == 1 {
            return Ok(out.pop().map(|(rows, _)| rows));
        }
        let rows = concat_batches(first.schema_ref(), out.iter().map(|(rows, _)| rows))?;
        let times = out.into_iter().flat_map(|(_, times)| times).collect();
        Ok(Some(Piece::sorted(rows, times, 0)?.rows))
    }

    /// Takes out all rows, those without a time last.
    pub(super) fn take_all(&mut self) -> Result<Option<RecordBatch>> {
        let mut parts: Vec<RecordBatch> = std::mem::take(&mut self.pieces).into_iter().map(|piece| piece.rest()).collect();
        parts.extend(std::mem::take(&mut self.timeless).into_iter().map(|(rows, _)| rows));
        let Some(first) = parts.first() else { return Ok(None) };
        Ok(Some(concat_batches(first.schema_ref(), &parts)?))
    }

    /// Whether rows with such a time wait, now that those before `now` have come out.
    pub(super) fn waits(times: &TimestampMicrosecondArray, row: usize, now: i64) -> bool {
        times.is_null(row) || times.value(row) >= now
    }

    pub(super) fn rows(&self) -> usize {
        self.pieces.iter().map(Piece::len).sum::<usize>() + self.timeless.iter().map(|(rows, _)| rows.num_rows()).sum::<usize>()
    }

    pub(super) fn memory_size(&self) -> usize {
        let pieces = self.pieces.iter().map(|piece| piece.rows.get_array_memory_size() + piece.times.capacity() * size_of::<i64>());
        pieces.sum::<usize>() + self.timeless.iter().map(|(rows, _)| rows.get_array_memory_size()).sum::<usize>()
    }

    /// The epoch in which the oldest of the rows came.
    pub(super) fn since(&self) -> Option<u64> {
        self.pieces.iter().map(|piece| piece.since).chain(self.timeless.iter().map(|(_, since)| *since)).min()
    }
}
