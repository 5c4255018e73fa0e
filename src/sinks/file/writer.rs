//! Moves batches into files.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::format::{OpenFile, SinkFormat};
use super::options::Rotation;
use super::output::{Output, OutputOptions, make_folders, remove_dead_temporaries};
use super::partitions::Partitioning;
use super::path_template::{FileMoment, PathTemplate};
use crate::clock::EpochClock;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::ids::Epoch;
use crate::stream::{DataWriter, WriteReport};

/// Files that are open at the same time; with more partitions the one that was written to longest ago is closed, and begins a further file when it is needed again.
const MOST_OPEN: usize = 64;

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
    pub template: PathTemplate,
    /// The folder above the partitions' folders.
    pub partition_root: Option<PathBuf>,
    /// Name of the files in those, without their numbers: `part.parquet`.
    pub partition_file: String,
    pub partitioning: Partitioning,
    pub format: SinkFormat,
    pub output: OutputOptions,
    pub rolling: Rolling,
    pub clock: Arc<EpochClock>,
    pub files: HashMap<String, Current>,
    /// Numbers of the files begun in each folder.
    pub numbers: HashMap<String, u64>,
    pub last_ended: Epoch,
    /// Set when files were lost: nothing later may be acknowledged.
    pub broken: Option<Epoch>,
    /// Files have numbers; each begins a new one.
    pub numbered: bool,
    /// Keep what earlier runs wrote.
    pub append: bool,
    pub uses: u64,
}

/// An open file.
pub(super) struct Current {
    file: OpenFile,
    path: PathBuf,
    begun: DateTime<Utc>,
    /// The epoch of the first row that is not durable.
    pending: Option<Epoch>,
    last_use: u64,
}

impl FileWriter {
    /// Begins the first file, so that a path that can't be written is known at the start and a result without rows is a file without rows. Where there may be many files only
    /// the folder is made.
    pub(super) fn prepare(&mut self) -> Result<()> {
        match &self.partition_root {
            Some(root) => make_folders(&root.join(&self.partition_file)),
            // Of many files none is to be empty.
            None if self.template.per_batch() || self.numbered => {
                let first = self.template.path(FileMoment { begun: self.now(), batch: 1, number: 1 });
                remove_dead_temporaries(&first);
                make_folders(&first)
            }
            None => self.begin("", 0),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.clock.nanos())
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

    fn close_where(&mut self, over: impl Fn(&Self, &Current) -> bool) -> Result<()> {
        let names: Vec<String> = self.files.iter().filter(|(_, file)| over(self, file)).map(|(name, _)| name.clone()).collect();
        names.iter().try_for_each(|name| self.close_file(name))
    }

    fn close_file(&mut self, folder: &str) -> Result<()> {
        // While its rows can't be written a file in place stays open, so that trying again finds them.
        if let Some(file) = self.files.get_mut(folder).and_then(|current| current.file.in_place()) {
            file.sync()?;
        }
        let Some(current) = self.files.remove(folder) else { return Ok(()) };
        let (path, rows, pending) = (current.path, current.file.rows(), current.pending);
        current.file.close().map_err(|error| self.lost(error, &path, rows, pending))?;
        self.remove_oldest(folder);
        Ok(())
    }

    /// A file that could not be completed: its rows are gone, so nothing after them is acknowledged.
    fn lost(&mut self, error: Error, path: &std::path::Path, rows: u64, pending: Option<Epoch>) -> Error {
        if let Some(epoch) = pending {
            self.broken = Some(self.broken.map_or(epoch, |broken| broken.min(epoch)));
        }
        let error = error.with_retry(false);
        if rows == 0 { error } else { error.context(format!("{rows} rows of {} were not made durable", path.display())) }
    }

    fn folder_template(&self, folder: &str) -> PathTemplate {
        match &self.partition_root {
            Some(root) => PathTemplate::new(&root.join(folder).join(&self.partition_file).to_string_lossy(), self.rolling.rotation, true),
            None => self.template.clone(),
        }
    }

    fn begin(&mut self, folder: &str, epoch: Epoch) -> Result<()> {
        if self.files.len() >= MOST_OPEN
            && let Some(oldest) = self.files.iter().min_by_key(|(_, file)| file.last_use).map(|(name, _)| name.clone())
        {
            self.close_file(&oldest)?;
        }
        let begun = self.now();
        let template = self.folder_template(folder);
        let number = self.numbers.get(folder).map_or_else(|| self.first_number(&template), |last| last + 1);
        let path = template.path(FileMoment { begun, batch: epoch, number });
        let output = Output::create(&path, &self.output, &self.format.header())?;
        let file = OpenFile::new(output, &self.format, &self.partitioning.schema)?;
        self.numbers.insert(folder.to_owned(), number);
        self.files.insert(folder.to_owned(), Current { file, path, begun, pending: None, last_use: self.uses });
        Ok(())
    }

    /// The number of the first file of a name: after the ones that are kept, or 1, and then the old ones are taken away.
    fn first_number(&self, template: &PathTemplate) -> u64 {
        if !self.numbered {
            return 1;
        }
        let existing = matching(template);
        if self.append {
            let number = |path: &PathBuf| {
                let name = path.file_name()?.to_string_lossy().into_owned();
                let digits = name.rsplit('-').next()?.split('.').next()?.to_owned();
                digits.parse::<u64>().ok()
            };
            return existing.iter().filter_map(number).max().unwrap_or(0) + 1;
        }
        for path in existing {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!("cannot remove {}, which this run replaces: {error}", path.display());
            }
        }
        1
    }

    fn remove_oldest(&self, folder: &str) {
        let Some(most) = self.rolling.max_files else { return };
        let mut files: Vec<_> =
            matching(&self.folder_template(folder)).into_iter().map(|path| (std::fs::metadata(&path).and_then(|m| m.modified()).ok(), path)).collect();
        files.sort();
        let open: Vec<&PathBuf> = self.files.values().map(|file| &file.path).collect();
        let surplus = files.len().saturating_sub(most);
        for (_, path) in files.into_iter().filter(|(_, path)| !open.contains(&path)).take(surplus) {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!("cannot remove {}, which is beyond max_files: {error}", path.display());
            }
        }
    }

    /// Takes back what this call wrote into files that can be cut.
    fn undo(&mut self, marks: &[(String, u64)]) {
        for (folder, length) in marks {
            if let Some(file) = self.files.get_mut(folder).and_then(|current| current.file.in_place()) {
                file.cut(*length);
            }
        }
    }

    fn write_part(&mut self, folder: &str, rows: &RecordBatch, epoch: Epoch, report: &mut WriteReport, marks: &mut Vec<(String, u64)>) -> Result<()> {
        let encoded = match &self.format {
            SinkFormat::Text(encoder) => {
                let encoded = encoder.encode(rows)?;
                report.rejected.extend(encoded.rejected);
                Some(encoded.bytes)
            }
            SinkFormat::Columnar(_) => None,
        };
        if !self.files.contains_key(folder) {
            self.begin(folder, epoch)?;
        }
        self.uses += 1;
        let uses = self.uses;
        let Some(current) = self.files.get_mut(folder) else { return Err(Error::internal("a file that was just begun is missing")) };
        marks.push((folder.to_owned(), current.file.length()));
        current.last_use = uses;
        match current.file.write(rows, encoded.as_deref()) {
            Ok(rejected) => {
                report.rejected.extend(rejected);
                current.pending.get_or_insert(epoch);
                Ok(())
            }
            Err(error) if error.retry() => Err(error),
            Err(error) => {
                let Some(current) = self.files.remove(folder) else { return Err(error) };
                Err(self.lost(error, &current.path, current.file.rows(), current.pending.or(Some(epoch))))
            }
        }
    }
}

fn matching(template: &PathTemplate) -> Vec<PathBuf> {
    glob::glob(&template.pattern()).map(|paths| paths.flatten().collect()).unwrap_or_default()
}

#[async_trait]
impl DataWriter for FileWriter {
    async fn write(&mut self, epoch: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        if self.broken.is_some() {
            return Err(Error::new(ErrorKind::Sink, Fault::External, "an earlier file could not be completed"));
        }
        let now = self.now();
        self.close_where(|writer, file| writer.is_over(file, now))?;
        let mut report = WriteReport::default();
        let mut marks = Vec::new();
        for (folder, rows) in self.partitioning.split(batch)? {
            if let Err(error) = self.write_part(&folder, &rows, epoch, &mut report, &mut marks) {
                self.undo(&marks);
                return Err(error);
            }
        }
        Ok(report)
    }

    async fn end_epoch(&mut self, epoch: Epoch) -> Result<()> {
        self.last_ended = epoch;
        if self.template.per_batch() {
            self.close_where(|_, _| true)?;
        }
        // Readers that follow the file see the rows now, not when the buffer is full.
        self.files.values_mut().filter_map(|current| current.file.in_place()).try_for_each(|file| file.flush())
    }

    async fn sync(&mut self) -> Result<()> {
        let now = self.now();
        self.close_where(|writer, file| writer.is_over(file, now))?;
        for current in self.files.values_mut() {
            if let Some(file) = current.file.in_place() {
                file.sync()?;
                current.pending = None;
            }
        }
        Ok(())
    }

    fn acked(&self) -> Epoch {
        let pending = self.files.values().filter_map(|file| file.pending).chain(self.broken).min();
        pending.map_or(self.last_ended, |first| (first - 1).min(self.last_ended))
    }

    async fn close(&mut self) -> Result<()> {
        self.close_where(|_, _| true)
    }
}
