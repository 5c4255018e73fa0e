//! The files that a source may read.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::listing::Listing;
use super::options::FileSourceOptions;
use crate::stream::{PathPattern, Place};

impl FileSourceOptions {
    /// What it reads, now or later.
    pub fn places(&self) -> Vec<Place> {
        let Ok(listing) = Listing::new(&self.path) else { return Vec::new() };
        let mut patterns = match &listing {
            Listing::Pipe(path) => return vec![Place::pipe(path)],
            Listing::File(path) => return vec![Place::file(path)],
            Listing::Folder(root) => vec![in_folder(root), in_partitions(root)],
            Listing::Glob(glob) => {
                let (folder, rest) = cut(glob);
                vec![in_folder_by(Path::new(folder), rest)]
            }
        };
        // Files and folders that are reached by links are met under their own names.
        let files = listing.files().unwrap_or_default();
        let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
        folders.dedup();
        for folder in folders {
            let own = in_folder(folder);
            if !patterns.iter().any(|pattern| pattern.meets(&own)) {
                patterns.push(match &listing {
                    Listing::Glob(glob) => in_folder_by(folder, glob.rsplit('/').next().unwrap_or(glob)),
                    _ => own,
                });
            }
        }
        let mut places: Vec<Place> = patterns.into_iter().map(|pattern| Place::Files { pattern, written: self.path.to_string() }).collect();
        places.extend(files.iter().filter(|path| has_names(path)).map(|path| Place::file(path)));
        places
    }
}

/// The files in a folder.
fn in_folder(folder: &Path) -> PathPattern {
    let mut pattern = PathPattern::below(folder);
    pattern.shown_name();
    pattern
}

/// The files of its partition folders.
fn in_partitions(folder: &Path) -> PathPattern {
    let mut pattern = PathPattern::below(folder);
    pattern.shown_name();
    pattern.text("=");
    pattern.anything();
    pattern.text("/");
    pattern.shown_name();
    pattern
}

/// The files below a folder that a glob matches from there on.
fn in_folder_by(folder: &Path, glob: &str) -> PathPattern {
    let mut pattern = PathPattern::below(folder);
    pattern.glob(glob);
    pattern
}

/// Cuts a glob after the folders that are written out, `..` among them.
fn cut(glob: &str) -> (&str, &str) {
    let first = glob.find(['*', '?', '[']).unwrap_or(glob.len());
    let at = glob[..first].rfind('/').map_or(0, |at| at + 1);
    glob.split_at(at)
}

/// Whether a file has, or is reached by, another name.
fn has_names(path: &Path) -> bool {
    path.is_symlink() || path.metadata().is_ok_and(|metadata| metadata.nlink() > 1)
}
