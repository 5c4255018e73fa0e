//! The files that a sink may write.

use std::path::Path;

use super::options::{Codec, FileSinkOptions};
use super::partitions::folder_beginning;
use super::path_template::PathTemplate;
use crate::formats::FormatName;
use crate::stream::{PathPattern, Place};

impl FileSinkOptions {
    /// The format: the key's, or the one that the path's suffix stands for.
    pub(super) fn file_format(&self) -> FormatName {
        self.format.or_else(|| FormatName::from_path(&self.path)).unwrap_or(FormatName::Json)
    }

    /// Whether files are begun anew by size or age.
    pub(super) fn rolls(&self) -> bool {
        self.roll_size.is_some() || self.roll_interval.is_some()
    }

    /// The names of the files, or of the folder of the partitions' folders.
    pub(super) fn template(&self) -> PathTemplate {
        PathTemplate::new(&self.path, self.rotation, self.rolls())
    }

    /// The folder of the partitions' folders.
    pub(super) fn partitions_root(&self) -> &str {
        self.path.trim_end_matches('/')
    }

    /// The name of a partition's files, without their numbers: `part.jsonl.gz`.
    pub(super) fn partition_file(&self) -> String {
        let format = self.file_format();
        let suffix = match format {
            FormatName::Json | FormatName::JsonLines => "jsonl",
            other => other.as_str(),
        };
        let outer = match self.text_compression() {
            Codec::Gzip if !format.readable_when_closed() => ".gz",
            Codec::Zstd if !format.readable_when_closed() => ".zst",
            _ => "",
        };
        format!("part.{suffix}{outer}")
    }

    /// What it writes.
    pub fn place(&self) -> Place {
        let template = match &self.partition_columns {
            None => self.template(),
            Some(_) => PathTemplate::new(self.partitions_root(), None, false),
        };
        if template.is_plain() && self.partition_columns.is_none() {
            return Place::file(Path::new(&*self.path));
        }
        // Only folders without placeholders can be links that are there already.
        let (folder, _) = template.fixed_folder();
        let mut pattern = PathPattern::below(Path::new(&folder));
        template.without_fixed_folder().add_to(&mut pattern);
        for column in self.partition_columns.iter().flat_map(|columns| &columns.0) {
            pattern.text(&format!("/{}", folder_beginning(column)));
            pattern.any_in_name();
        }
        if self.partition_columns.is_some() {
            pattern.text("/");
            PathTemplate::new(&self.partition_file(), self.rotation, true).add_to(&mut pattern);
        }
        Place::Files { pattern, written: self.path.to_string() }
    }
}
