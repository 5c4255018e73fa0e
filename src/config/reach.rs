//! How far `extends` reaches. A file of settings may come from others than those who run it; it is not to open files all over the machine.
//!
//! What a file extends lies below one of these folders, links followed: the working directory, the script's folder, the folder above that of the file that `config_file` names, and the
//! nearest folder around this file that holds a `.git`, a `velo.yaml` or a `configs/velo.yaml`. Of the last two those don't count that belong to everybody: the root, the home
//! directory and what is around it, and folders like `/tmp`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What the folder of a project holds.
const MARKS: [&str; 3] = [".git", "velo.yaml", "configs/velo.yaml"];
/// Set for folders that all users write to.
const STICKY: u32 = 0o1000;

/// The folders that the files which `first` extends lie below. `first` is without links.
pub(super) fn roots(first: &Path, folders: &[PathBuf], home: Option<&str>) -> Vec<PathBuf> {
    let named = folders.iter().map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.clone() });
    let mut roots: Vec<PathBuf> = named.filter_map(|folder| std::fs::canonicalize(folder).ok()).collect();
    let home = home.and_then(|home| std::fs::canonicalize(home).ok());
    let own = first.parent();
    roots.extend(own.map(Path::to_owned));
    let around = own.into_iter().flat_map(Path::ancestors).skip(1);
    let project = own.into_iter().flat_map(Path::ancestors).find(|folder| MARKS.iter().any(|mark| folder.join(mark).exists()));
    roots.extend(around.take(1).chain(project).filter(|folder| !is_everybodys(folder, home.as_deref())).map(Path::to_owned));
    roots
}

fn is_everybodys(folder: &Path, home: Option<&Path>) -> bool {
    let shared = || std::fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & STICKY != 0);
    folder.parent().is_none() || home.is_some_and(|home| home.starts_with(folder)) || shared()
}

/// Refuses a file outside of the folders. `file` is without links.
pub(super) fn check(file: &Path, roots: &[PathBuf]) -> Result<()> {
    // Of the root itself only what lies right in it.
    if roots.iter().any(|root| if root.parent().is_none() { file.parent() == Some(root) } else { file.starts_with(root) }) {
        return Ok(());
    }
    Err(Error::config(format!("'extends' leads out of the folders of this configuration, to {}", file.display())).with_help(
        "keep it below the working directory, the script's folder, the folder above that of the first file, or its project (where velo.yaml or .git is)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `first` may extend `file`, both below a folder that is the home directory if `home` says so; the marks are written before.
    fn reaches(first: &str, file: &str, home: Option<&str>, marks: &[&str]) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let top = std::fs::canonicalize(folder.path()).expect("a folder");
        for name in [first, file].iter().chain(marks) {
            std::fs::create_dir_all(top.join(name).parent().expect("a folder")).expect("a folder");
            std::fs::write(top.join(name), "").expect("a file");
        }
        let home = home.map(|home| top.join(home).display().to_string());
        check(&top.join(file), &roots(&top.join(first), &[], home.as_deref())).is_ok()
    }

    #[test]
    fn the_folder_above_and_the_project_are_reached() {
        assert!(reaches("p/conf/dev/x.yaml", "p/conf/base.yaml", None, &[]));
        assert!(reaches("p/conf/dev/x.yaml", "p/conf/prod/y.yaml", None, &[]));
        assert!(!reaches("p/conf/dev/x.yaml", "p/base.yaml", None, &[]));
        for mark in ["p/velo.yaml", "p/configs/velo.yaml", "p/.git"] {
            assert!(reaches("p/conf/dev/x.yaml", "p/base.yaml", None, &[mark]), "{mark}");
        }
        assert!(!reaches("p/conf/dev/x.yaml", "q/base.yaml", None, &["p/velo.yaml"]));
    }

    #[test]
    fn what_is_everybodys_is_not_reached() {
        assert!(reaches("home/u/conf/dev/x.yaml", "home/u/conf/base.yaml", Some("home/u"), &[]));
        assert!(!reaches("home/u/x.yaml", "home/v/secret.yaml", Some("home/u"), &[]), "the homes of others");
        assert!(!reaches("home/u/conf/x.yaml", "home/u/.netrc", Some("home/u"), &["home/u/.git"]), "all of a home");
        let file = tempfile::NamedTempFile::new_in("/tmp").expect("a file");
        let own = tempfile::tempdir_in("/tmp").expect("a folder");
        let first = std::fs::canonicalize(own.path()).expect("a folder").join("x.yaml");
        assert!(check(file.path(), &roots(&first, &[], None)).is_err(), "what all users write to");
        for (first, folders) in [("/srv/x.yaml", vec![]), ("/x.yaml", vec![]), ("/srv/x.yaml", vec![PathBuf::from("/")])] {
            assert!(check(Path::new("/etc/hostname"), &roots(Path::new(first), &folders, None)).is_err(), "all of the machine, from {first} in {folders:?}");
        }
        assert!(check(Path::new("/base.yaml"), &roots(Path::new("/x.yaml"), &[], None)).is_ok(), "what lies beside it");
    }
}
