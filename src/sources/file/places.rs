//! The files that a source may read.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::listing::Listing;
use super::options::FileSourceOptions;
use crate::stream::{PathPattern, Place, resolved};

impl FileSourceOptions {
    /// What it reads, now or later.
    pub fn places(&self) -> Vec<Place> {
        let Ok(listing) = Listing::new(&self.path) else { return Vec::new() };
        let patterns = match &listing {
            Listing::Pipe(path) => return vec![Place::pipe(path)],
            Listing::File(path) => return vec![Place::file(path)],
            Listing::Folder(root) => {
                let mut own = PathPattern::default();
                own.text(&format!("{}/", resolved(root).display()));
                let mut partitions = own.clone();
                own.shown_name();
                partitions.shown_name();
                partitions.text("=");
                partitions.anything();
                partitions.text("/");
                partitions.shown_name();
                vec![own, partitions]
            }
            Listing::Glob(glob) => {
                let (folder, rest) = cut(glob);
                let mut pattern = PathPattern::default();
                pattern.text(resolved(Path::new(folder)).to_string_lossy().trim_end_matches('/'));
                pattern.text("/");
                pattern.glob(rest);
                vec![pattern]
            }
        };
        let mut places: Vec<Place> = patterns.into_iter().map(|pattern| Place::Files { pattern, written: self.path.clone() }).collect();
        // Those with other names are met under these.
        places.extend(listing.files().unwrap_or_default().iter().filter(|path| has_names(path)).map(|path| Place::file(path)));
        places
    }
}

/// Cuts a glob after the folders that are written out.
fn cut(glob: &str) -> (&str, &str) {
    let first = glob.find(['*', '?', '[']).unwrap_or(glob.len());
    let at = glob[..first].rfind('/').map_or(0, |at| at + 1);
    glob.split_at(at)
}

/// Whether a file has, or is reached by, another name.
fn has_names(path: &Path) -> bool {
    path.is_symlink() || path.metadata().is_ok_and(|metadata| metadata.nlink() > 1)
}
