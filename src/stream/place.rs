//! What sources read and sinks write, for telling what collides.

use std::fmt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use super::PathPattern;

/// Something outside that is read or written.
#[derive(Clone, Debug)]
pub enum Place {
    /// One file.
    File {
        /// Its path from the root, links followed.
        path: PathBuf,
        /// Device and inode, if it is there: a file may have several names.
        inode: Option<(u64, u64)>,
    },
    /// Files that may come to be.
    Files {
        /// Their paths from the root, links followed.
        pattern: PathPattern,
        /// As it was written.
        written: String,
    },
    /// What can be read only once: `-` for standard input, or a named pipe.
    Pipe(PathBuf),
    /// A device, which may be written by many and gives nothing back of it.
    Device(PathBuf),
    /// A topic.
    Topic {
        /// The brokers.
        cluster: String,
        /// Its name.
        name: String,
    },
    /// All topics with such a name.
    Topics {
        /// The brokers.
        cluster: String,
        /// Their names.
        names: Regex,
    },
}

impl Place {
    /// A file by its path.
    pub fn file(path: &Path) -> Self {
        // What the system tells of itself is no file there, whatever it leads to.
        let found = std::fs::metadata(path).ok();
        if found.as_ref().is_some_and(|metadata| metadata.file_type().is_char_device()) {
            return Self::Device(path.to_owned());
        }
        Self::File { path: resolved(path), inode: found.map(|metadata| (metadata.dev(), metadata.ino())) }
    }

    /// A pipe by its path.
    pub fn pipe(path: &Path) -> Self {
        Self::Pipe(if path.as_os_str() == "-" { path.to_owned() } else { resolved(path) })
    }

    /// Brokers by the list of their addresses, in whatever order it has them.
    pub fn cluster(brokers: &str) -> String {
        let mut brokers: Vec<String> = brokers.split(',').map(|broker| broker.trim().replace("localhost", "127.0.0.1")).collect();
        brokers.sort_unstable();
        brokers.join(",")
    }

    /// Whether something may be in both.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { path: a, inode: x }, Self::File { path: b, inode: y }) => a == b || (x.is_some() && x == y),
            // No pattern of a source is for hidden files.
            (Self::File { path, .. }, Self::Files { .. }) | (Self::Files { .. }, Self::File { path, .. }) if is_hidden(path) => false,
            (Self::File { path, .. }, Self::Files { pattern, .. }) | (Self::Files { pattern, .. }, Self::File { path, .. }) => {
                let mut plain = PathPattern::default();
                plain.text(&path.to_string_lossy());
                pattern.meets(&plain)
            }
            (Self::Files { pattern: a, .. }, Self::Files { pattern: b, .. }) => a.meets(b),
            (Self::Pipe(a), Self::Pipe(b)) | (Self::Pipe(a), Self::File { path: b, .. }) | (Self::File { path: a, .. }, Self::Pipe(b)) => a == b,
            (Self::Topic { cluster: a, name: x }, Self::Topic { cluster: b, name: y }) => a == b && x == y,
            (Self::Topic { cluster: a, name }, Self::Topics { cluster: b, names }) | (Self::Topics { cluster: b, names }, Self::Topic { cluster: a, name }) => {
                a == b && names.is_match(name)
            }
            _ => false,
        }
    }

    /// Like [`Self::meets`], but two patterns are taken to meet.
    pub fn may_meet(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Topics { cluster: a, .. }, Self::Topics { cluster: b, .. }) => a == b,
            _ => self.meets(other),
        }
    }

    /// Whether several jobs may read and write it at a time, as long as none reads what it writes itself.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Topic { .. } | Self::Topics { .. })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipe(path) if path.as_os_str() == "-" => f.write_str("standard input"),
            Self::File { path, .. } | Self::Pipe(path) | Self::Device(path) => path.display().fmt(f),
            Self::Files { written, .. } => f.write_str(written),
            Self::Topic { name, .. } => write!(f, "topic {name}"),
            Self::Topics { names, .. } => write!(f, "topics {names}"),
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().first() == Some(&b'.'))
}

/// Most links followed on the way to a file, as in Linux.
const MOST_LINKS: usize = 40;

/// A path from the root without links, `.` and `..`; what does not exist yet stays as it is written.
pub fn resolved(path: &Path) -> PathBuf {
    let mut links = 0;
    resolve(std::env::current_dir().unwrap_or_default(), path, &mut links)
}

fn resolve(folder: PathBuf, path: &Path, links: &mut usize) -> PathBuf {
    let mut done = folder;
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                done.pop();
            }
            Component::Normal(name) => {
                let next = done.join(name);
                done = match std::fs::read_link(&next) {
                    Ok(target) if *links < MOST_LINKS => {
                        *links += 1;
                        resolve(done, &target, links)
                    }
                    _ => next,
                };
            }
            root => done = PathBuf::from(root.as_os_str()),
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_all_its_names() {
        let folder = tempfile::tempdir().expect("folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("d")).expect("folder");
        std::fs::write(at("d/x"), "").expect("file");
        std::fs::hard_link(at("d/x"), at("hard")).expect("link");
        for (target, link) in [("d/x", "soft"), ("d", "e"), ("later", "dangling"), ("circle", "circle")] {
            std::os::unix::fs::symlink(target, at(link)).expect("link");
        }
        let file = |name: &str| Place::file(&at(name));
        for name in ["d/x", "hard", "soft", "e/x", "d/../d/./x", "e/../d/x"] {
            assert!(file(name).meets(&file("d/x")), "{name}");
        }
        assert!(file("dangling").meets(&file("later")) && !file("dangling").meets(&file("d/x")));
        assert!(!file("circle").meets(&file("d/x")));
    }
}
