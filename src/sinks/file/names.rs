//! The names of a sink's files: templates, numbers, and what earlier runs have left under them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::options::Rotation;
use super::path_template::{FileMoment, PathTemplate};

/// The folders of partitions.
#[derive(Clone, Debug)]
pub(super) struct PartitionFolders {
    /// The folder above them, placeholders as they were written.
    pub root: String,
    /// What the folders of each column begin with: `day=`.
    pub beginnings: Vec<String>,
    /// Name of the files in them, without their numbers: `part.parquet`.
    pub file: String,
}

/// What decides the names of files.
#[derive(Debug)]
pub(super) struct FileNames {
    pub template: PathTemplate,
    pub partitions: Option<PartitionFolders>,
    pub rotation: Option<Rotation>,
    /// Files have numbers; each begins a new one.
    pub numbered: bool,
    /// Keep what earlier runs wrote.
    pub append: bool,
    last: HashMap<String, FileMoment>,
    /// Files of earlier runs that this one replaces.
    replaced: HashSet<PathBuf>,
}

impl FileNames {
    pub(super) fn new(template: PathTemplate, partitions: Option<PartitionFolders>, rotation: Option<Rotation>, numbered: bool, append: bool) -> Self {
        Self { template, partitions, rotation, numbered, append, last: HashMap::new(), replaced: HashSet::new() }
    }

    /// Whether there may be many files, so that none is to be empty.
    pub(super) fn many(&self) -> bool {
        self.numbered || self.template.per_batch()
    }

    /// The names of the files in a partition's folder, or of all.
    pub(super) fn template(&self, folder: &str) -> PathTemplate {
        match &self.partitions {
            Some(partitions) => PathTemplate::new(&format!("{}/{folder}/{}", partitions.root, partitions.file), self.rotation, true),
            None => self.template.clone(),
        }
    }

    /// The path of the next file and its moment; [`Self::begun`] says that it was begun.
    pub(super) fn next(&mut self, folder: &str, mut moment: FileMoment) -> (PathBuf, FileMoment) {
        let template = self.template(folder);
        moment.number = match self.last.get(&template.name(moment)) {
            Some(last) => last.number + 1,
            None => self.first_number(&template, moment),
        };
        (template.path(moment), moment)
    }

    /// Remembers the number of a file that was begun.
    pub(super) fn begun(&mut self, folder: &str, moment: FileMoment) {
        if !self.numbered {
            return;
        }
        if self.template.never_repeats() {
            self.last.retain(|_, last| last.batch == moment.batch && last.begun.timestamp() == moment.begun.timestamp());
        }
        self.last.insert(self.template(folder).name(moment), moment);
    }

    /// The number of a name's first file: after the ones that are kept, or 1, and then the old ones are to be replaced.
    fn first_number(&mut self, template: &PathTemplate, moment: FileMoment) -> u64 {
        if !self.numbered {
            return 1;
        }
        let existing = template.of_moment(moment).existing();
        if self.append {
            return existing.iter().map(|(_, found)| found.number).max().unwrap_or(0) + 1;
        }
        self.replaced.extend(existing.into_iter().map(|(path, _)| path));
        1
    }

    /// Finds the files of earlier runs that a run of this moment replaces, in all partitions.
    pub(super) fn find_replaced(&mut self, moment: FileMoment) {
        if self.append || !self.numbered || self.template.per_batch() {
            return;
        }
        let mut folders = vec![String::new()];
        if let Some(partitions) = &self.partitions {
            let root = PathTemplate::new(&partitions.root, None, false).path(moment);
            for beginning in &partitions.beginnings {
                folders = folders.iter().flat_map(|folder| sub_folders(&root, folder, beginning)).collect();
            }
        }
        for folder in folders {
            let template = self.template(&folder);
            self.first_number(&template, moment);
        }
    }

    /// A file of this run has this path now.
    pub(super) fn taken(&mut self, path: &Path) {
        self.replaced.remove(path);
    }

    /// Removes what is replaced: there is something in its place now.
    pub(super) fn remove_replaced(&mut self) {
        for path in std::mem::take(&mut self.replaced) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!("cannot remove {}, which this run replaces: {error}", path.display());
                }
                _ => self.remove_empty_folders(&path),
            }
        }
    }

    /// The folders of partitions that have no rows any more.
    fn remove_empty_folders(&self, path: &Path) {
        let depth = self.partitions.as_ref().map_or(0, |partitions| partitions.beginnings.len());
        for folder in path.ancestors().skip(1).take(depth) {
            if std::fs::remove_dir(folder).is_err() {
                // Something else is in it.
                return;
            }
        }
    }

    /// Removes the oldest files of a folder beyond `most`, but none of those in `open`.
    pub(super) fn remove_surplus(&self, folder: &str, most: usize, open: &[&Path]) {
        let mut files: Vec<_> = self
            .template(folder)
            .existing()
            .into_iter()
            .map(|(path, moment)| (std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok(), moment.number, path))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(most);
        for (_, _, path) in files.into_iter().filter(|(_, _, path)| !open.contains(&path.as_path())).take(surplus) {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!("cannot remove {}, which is beyond max_files: {error}", path.display());
            }
        }
    }
}

/// The folders in `root/folder` whose names begin so, as paths below `root`.
fn sub_folders(root: &Path, folder: &str, beginning: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return Vec::new() };
    let below = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_folder = name.starts_with(beginning) && entry.file_type().is_ok_and(|kind| kind.is_dir());
        is_folder.then(|| if folder.is_empty() { name } else { format!("{folder}/{name}") })
    };
    entries.flatten().filter_map(below).collect()
}
