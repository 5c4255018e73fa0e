//! Moves batches into files.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::format::{OpenFile, SinkFormat};
use super::lock::OutputLock;
use super::names::FileNames;
use super::options::Rotation;
use super::output::{Output, OutputOptions, io_error, make_folders};
use super::partitions::Partitioning;
use super::path_template::FileMoment;
use super::progress::{Losses, Progress};
use super::temporary::Temporary;
use crate::clock::EpochClock;
use crate::error::{Error, Result};
use crate::ids::Epoch;
use crate::stream::{DataWriter, WriteReport};

/// Files that are open at the same time; with more partitions the one that was written to longest ago is closed, and begins a further file when it is needed again.
pub(super) const MOST_OPEN: usize = 64;
/// Bytes that all open files of a sink together may hold in memory.
pub(super) const MOST_BUFFERED: u64 = 96 << 20;

/// When files are closed and how many are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rolling {
    pub rotation: Option<Rotation>,
    pub size: Option<u64>,
    pub interval: Option<Duration>,
    pub max_files: Option<usize>,
}

/// What a writer is made of.
pub(super) struct FileWriter {
    pub names: FileNames,
    pub partitioning: Partitioning,
    pub format: SinkFormat,
    pub output: OutputOptions,
    pub rolling: Rolling,
    pub clock: Arc<EpochClock>,
    /// Held as long as anything is written, if files in place don't hold it.
    pub lock: Option<OutputLock>,
    /// The open files, by folder.
    pub files: HashMap<String, Current>,
    /// Complete files that have no name yet, in the order in which they were completed.
    pub complete: Vec<Complete>,
    /// Folders in which nothing is left of runs that died.
    pub swept: HashSet<PathBuf>,
    pub losses: Losses,
    pub last_ended: Epoch,
    pub uses: u64,
    /// Bytes that all open files together may hold in memory; beyond that the largest row groups are ended early.
    pub most_buffered: u64,
    pub closing: bool,
}

/// An open file.
pub(super) struct Current {
    pub file: OpenFile,
    path: PathBuf,
    begun: DateTime<Utc>,
    progress: Progress,
    last_use: u64,
    /// It stands, in place, for what it replaces.
    shown: bool,
}

/// A file that gets its name when the epochs of all its rows have ended: a batch that fails has no result.
pub(super) struct Complete {
    temporary: Temporary,
    folder: String,
    path: PathBuf,
    progress: Progress,
}

/// The rows of a batch that go to one folder.
struct Part {
    folder: String,
    rows: RecordBatch,
    encoded: Option<Vec<u8>>,
    /// Rows that the format can express.
    count: u64,
}

impl FileWriter {
    /// Begins the first file, so that a path that can't be written is known at the start and a result without rows is a file without rows. Where there may be many files only
    /// the folder is made.
    pub(super) fn prepare(&mut self) -> Result<()> {
        let moment = self.moment(1);
        self.names.find_replaced(moment);
        if !self.names.many() {
            return self.begin("", 0);
        }
        let first = self.names.template("").path(moment);
        make_folders(&first)?;
        self.sweep(&first);
        Ok(())
    }

    fn moment(&self, batch: Epoch) -> FileMoment {
        FileMoment { begun: self.now(), batch, number: 0 }
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.clock.nanos())
    }

    /// Removes what runs that died have left in the folder of a file.
    fn sweep(&mut self, path: &Path) {
        let folder = path.parent().unwrap_or(Path::new(""));
        if self.lock.as_ref().is_some_and(OutputLock::is_exclusive) && self.swept.insert(folder.to_owned()) {
            self.output.temporaries.remove_dead(folder);
        }
    }

    /// Begins the period of a rotation.
    fn period(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let length = match self.rolling.rotation {
            Some(Rotation::Hourly) => TimeDelta::hours(1),
            Some(Rotation::Daily) => TimeDelta::days(1),
            None => return DateTime::UNIX_EPOCH,
        };
        at.duration_trunc(length).unwrap_or(at)
    }

    fn is_over(&self, file: &Current, now: DateTime<Utc>) -> bool {
        self.period(file.begun) != self.period(now)
            || self.rolling.size.is_some_and(|size| file.file.length() >= size)
            || self.rolling.interval.is_some_and(|interval| (now - file.begun).to_std().is_ok_and(|age| age >= interval))
    }

    /// Closes the files whose time or size is reached.
    fn close_over(&mut self) -> Result<()> {
        let now = self.now();
        self.close_where(|writer, file| writer.is_over(file, now))
    }

    /// Closes files, as many as can be. Losses are noted; the first file that may be closed later is the error.
    fn close_where(&mut self, over: impl Fn(&Self, &Current) -> bool) -> Result<()> {
        let mut names: Vec<String> = self.files.iter().filter(|(_, file)| over(self, file)).map(|(name, _)| name.clone()).collect();
        names.sort();
        let mut result = Ok(());
        for name in names {
            result = result.and(self.close_file(&name));
        }
        result
    }

    /// Closes a file. While the rows of one in place can't be written it stays open, so that trying again finds them.
    fn close_file(&mut self, folder: &str) -> Result<()> {
        let Some(current) = self.files.get(folder) else { return Ok(()) };
        // Of many files none is empty, and an empty member need not be appended.
        if current.progress.rows == 0 && (self.names.many() || self.output.append && !self.output.in_place() && current.path.exists()) {
            self.discard(folder);
            return Ok(());
        }
        self.sync_file(folder)?;
        self.show(folder);
        let Some(current) = self.files.remove(folder) else { return Ok(()) };
        let (path, progress) = (current.path, current.progress);
        match current.file.close() {
            Ok(None) => {}
            Ok(Some(temporary)) => self.complete.push(Complete { temporary, folder: folder.to_owned(), path, progress }),
            Err(error) => self.losses.file(error, &path, progress),
        }
        Ok(())
    }

    /// Lets go of a file without rows.
    fn discard(&mut self, folder: &str) {
        if let Some(mut current) = self.files.remove(folder)
            && current.file.in_place().is_some()
            && std::fs::metadata(&current.path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
        {
            let _stays_empty = std::fs::remove_file(&current.path);
        }
    }

    /// Makes a file in place durable. One that can't be mended is lost.
    fn sync_file(&mut self, folder: &str) -> Result<()> {
        let Some(current) = self.files.get_mut(folder) else { return Ok(()) };
        let Some(file) = current.file.in_place() else { return Ok(()) };
        match file.sync() {
            Ok(()) => current.progress.made_durable(),
            Err(error) if error.retry() => return Err(error),
            Err(error) => self.lose(folder, error),
        }
        Ok(())
    }

    /// A file that can't be completed: its rows are gone, and later ones begin a new one.
    fn lose(&mut self, folder: &str, error: Error) {
        if let Some(current) = self.files.remove(folder) {
            self.losses.file(error, &current.path, current.progress);
        }
    }

    /// A file in place has rows: what it stands for goes.
    fn show(&mut self, folder: &str) {
        let Some(current) = self.files.get_mut(folder) else { return };
        if !current.shown && current.file.in_place().is_some() {
            current.shown = true;
            self.names.remove_replaced();
            self.remove_surplus(folder);
        }
    }

    fn remove_surplus(&self, folder: &str) {
        if let Some(most) = self.rolling.max_files {
            let open: Vec<&Path> = self.files.values().map(|file| file.path.as_path()).collect();
            self.names.remove_surplus(folder, most, &open);
        }
    }

    /// Gives complete files their names, those whose epochs have ended with `ended`.
    fn name_complete(&mut self, ended: Epoch) {
        let mut folders = HashSet::new();
        let (ready, waiting) = std::mem::take(&mut self.complete).into_iter().partition(|file| file.progress.newest <= ended);
        self.complete = waiting;
        for Complete { temporary, folder, path, progress } in ready {
            match temporary.take_name() {
                Ok(()) => {
                    self.names.taken(&path);
                    folders.insert(folder);
                }
                Err(error) => self.losses.file(io_error(&path, error), &path, progress),
            }
        }
        if !folders.is_empty() {
            self.names.remove_replaced();
            folders.iter().for_each(|folder| self.remove_surplus(folder));
        }
    }

    fn begin(&mut self, folder: &str, epoch: Epoch) -> Result<()> {
        if self.files.len() >= MOST_OPEN
            && let Some(oldest) = self.files.iter().min_by_key(|(_, file)| file.last_use).map(|(name, _)| name.clone())
        {
            self.close_file(&oldest)?;
        }
        let (path, moment) = self.names.next(folder, self.moment(epoch));
        self.sweep(&path);
        let output = Output::create(&path, &self.output, &self.format.header())?;
        let mut file = OpenFile::new(output, &self.format, &self.partitioning.schema)?;
        if file.in_place().is_some() {
            self.names.taken(&path);
        }
        self.names.begun(folder, moment);
        self.files.insert(folder.to_owned(), Current { file, path, begun: moment.begun, progress: Progress::default(), last_use: self.uses, shown: false });
        Ok(())
    }

    fn parts(&self, batch: &RecordBatch, report: &mut WriteReport) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        for (folder, rows) in self.partitioning.split(batch, &mut report.rejected)? {
            let mut count = rows.num_rows() as u64;
            let encoded = match &self.format {
                SinkFormat::Text(encoder) => {
                    let encoded = encoder.encode(&rows)?;
                    count -= encoded.rejected.len() as u64;
                    report.rejected.extend(encoded.rejected);
                    Some(encoded.bytes)
                }
                SinkFormat::Columnar(_) => None,
            };
            if count > 0 {
                parts.push(Part { folder, rows, encoded, count });
            }
        }
        Ok(parts)
    }

    /// Opens what the rows need before any of them is taken, so that a folder that can't be written stops the whole batch. Of more folders than files may be open, only the folders
    /// are made.
    fn open_all(&mut self, parts: &[Part], epoch: Epoch) -> Result<()> {
        if parts.len() > MOST_OPEN {
            let moment = self.moment(epoch);
            return parts.iter().try_for_each(|part| make_folders(&self.names.template(&part.folder).path(moment)));
        }
        self.uses += 1;
        for part in parts {
            if let Some(current) = self.files.get_mut(&part.folder) {
                current.last_use = self.uses;
            }
        }
        parts.iter().try_for_each(|part| if self.files.contains_key(&part.folder) { Ok(()) } else { self.begin(&part.folder, epoch) })
    }

    /// Writes rows to their file. An error means that nothing of them was taken and that trying again may help; other faults are losses.
    fn write_part(&mut self, part: &Part, epoch: Epoch, report: &mut WriteReport) -> Result<()> {
        if !self.files.contains_key(&part.folder) {
            self.begin(&part.folder, epoch)?;
        }
        self.uses += 1;
        let Some(current) = self.files.get_mut(&part.folder) else { return Err(Error::internal("a file that was just begun is missing")) };
        current.last_use = self.uses;
        match current.file.write(&part.rows, part.encoded.as_deref()) {
            Ok(rejected) => {
                current.progress.took(epoch, part.count.saturating_sub(rejected.len() as u64));
                report.rejected.extend(rejected);
                Ok(())
            }
            Err(error) if error.retry() => Err(error),
            Err(error) => {
                current.progress.took(epoch, part.count);
                self.lose(&part.folder, error);
                Ok(())
            }
        }
    }

    /// What each file held before a batch, for taking the batch back.
    fn marks(&self, parts: &[Part]) -> Vec<(String, u64, Progress)> {
        parts.iter().filter_map(|part| self.files.get(&part.folder).map(|file| (part.folder.clone(), file.file.length(), file.progress))).collect()
    }

    fn undo(&mut self, marks: Vec<(String, u64, Progress)>) {
        for (folder, length, progress) in marks {
            if let Some(current) = self.files.get_mut(&folder)
                && let Some(file) = current.file.in_place()
            {
                file.cut(length);
                current.progress = progress;
            }
        }
    }

    /// Ends row groups early until the open files hold half of what they may.
    fn bound_memory(&mut self) {
        let mut buffered: Vec<(u64, String)> = self.files.iter().map(|(folder, file)| (file.file.buffered(), folder.clone())).collect();
        let mut total: u64 = buffered.iter().map(|(bytes, _)| bytes).sum();
        if total <= self.most_buffered {
            return;
        }
        buffered.sort();
        while let Some((bytes, folder)) = buffered.pop().filter(|_| total > self.most_buffered / 2) {
            total -= bytes;
            if let Some(Err(error)) = self.files.get_mut(&folder).map(|current| current.file.spill()) {
                self.lose(&folder, error);
            }
        }
    }

    /// Losses come before what may be tried again, since they are told once.
    fn settle(&mut self, result: Result<()>) -> Result<()> {
        self.losses.fault.take().map_or(result, Err)
    }
}

#[async_trait]
impl DataWriter for FileWriter {
    async fn write(&mut self, epoch: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        self.close_over()?;
        self.name_complete(self.last_ended);
        let mut report = WriteReport::default();
        if batch.num_rows() > 0 {
            let parts = self.parts(batch, &mut report)?;
            self.open_all(&parts, epoch)?;
            let mut marks = if parts.len() <= MOST_OPEN && self.output.in_place() { self.marks(&parts) } else { Vec::new() };
            for part in &parts {
                let Err(error) = self.write_part(part, epoch, &mut report) else {
                    if !self.files.contains_key(&part.folder) {
                        // The loss is settled, so the rest of the batch is, too.
                        marks.clear();
                    }
                    continue;
                };
                if !marks.is_empty() {
                    self.undo(marks);
                    return Err(error);
                }
                self.losses.rows(error, epoch, part.count);
            }
            parts.iter().for_each(|part| self.show(&part.folder));
            self.bound_memory();
        }
        report.failed = self.losses.fault.take();
        Ok(report)
    }

    async fn end_epoch(&mut self, epoch: Epoch) -> Result<()> {
        self.last_ended = epoch;
        let closed = if self.names.template.per_batch() { self.close_where(|_, _| true) } else { Ok(()) };
        self.name_complete(self.last_ended);
        // Readers that follow the file see the rows now, not when the buffer is full.
        let closed = closed.and_then(|()| self.files.values_mut().filter_map(|current| current.file.in_place()).try_for_each(|file| file.flush()));
        self.settle(closed)
    }

    async fn sync(&mut self) -> Result<()> {
        let mut result = self.close_over();
        self.name_complete(self.last_ended);
        let many = self.names.many();
        let folders: Vec<String> = self.files.iter().filter(|(_, file)| !many || file.progress.rows > 0).map(|(folder, _)| folder.clone()).collect();
        for folder in folders {
            result = result.and(self.sync_file(&folder));
        }
        self.settle(result)
    }

    fn acked(&self) -> Epoch {
        let files = self.files.values().map(|file| &file.progress).chain(self.complete.iter().map(|file| &file.progress));
        let first = files.filter_map(|progress| progress.pending).chain(self.losses.since).min();
        first.map_or(self.last_ended, |first| first.saturating_sub(1).min(self.last_ended))
    }

    fn take_lost(&mut self) -> Option<u64> {
        if self.closing {
            // What could not be closed will not be tried again.
            for (_, current) in self.files.drain() {
                self.losses.count(current.progress);
            }
        }
        Some(self.losses.take())
    }

    fn abandon(&mut self) -> Option<u64> {
        for complete in self.complete.drain(..) {
            self.losses.count(complete.progress);
        }
        self.closing = true;
        self.take_lost()
    }

    async fn close(&mut self) -> Result<()> {
        self.closing = true;
        let closed = self.close_where(|_, _| true);
        self.name_complete(Epoch::MAX);
        let closed = self.settle(closed);
        if closed.is_ok() {
            self.names.remove_replaced();
        }
        closed
    }
}
