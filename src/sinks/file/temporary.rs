//! Files under hidden names that take their names when they are complete.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The longest name that file systems take, in bytes.
pub(super) const LONGEST_NAME: usize = 255;

/// The hidden names of one output: `.name.<output>.<run>.<number>.tmp`. Since an output is locked while it is written, whatever has its mark, but not that of this run, was left by
/// a run that died.
#[derive(Debug)]
pub(super) struct TemporaryNames {
    output: String,
    run: String,
    next: AtomicU32,
}

impl TemporaryNames {
    /// The names of the output with this lock.
    pub(super) fn new(lock: &str) -> Self {
        Self { output: format!("{:016x}", fnv1a(lock)), run: format!("{:08x}", rand::random::<u32>()), next: AtomicU32::new(1) }
    }

    /// Begins a file that will be called `target`.
    pub(super) fn create(&self, target: &Path) -> io::Result<(Temporary, File)> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let ending = format!(".{}.{}.{}.tmp", self.output, self.run, self.next.fetch_add(1, Ordering::Relaxed));
        let path = target.with_file_name(hidden_name(&name, &ending));
        let file = File::create_new(&path)?;
        if let Ok(replaced) = std::fs::metadata(target) {
            // Who could not read the old file is not to read the new one.
            file.set_permissions(replaced.permissions())?;
        }
        Ok((Temporary { path, target: target.to_owned(), named: false }, file))
    }

    /// Removes from a folder what runs of this output have left that died. The output's lock must be held.
    pub(super) fn remove_dead(&self, folder: &Path) {
        let Ok(entries) = std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(rest) = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp")) else { continue };
            let mut parts = rest.rsplitn(4, '.');
            let (number, run, output) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            if output == self.output && run != self.run && run.len() == self.run.len() && is_number {
                let _next_run_tries_again = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// A file without its name; removed when dropped.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    target: PathBuf,
    named: bool,
}

impl Temporary {
    /// Gives the file, which must be durable, its name.
    pub(super) fn take_name(mut self) -> io::Result<()> {
        std::fs::rename(&self.path, &self.target)?;
        self.named = true;
        sync_folder(&self.target);
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.named {
            // Not complete, so nobody can use it; a rest that stays is removed by the next run.
            let _rest_stays = std::fs::remove_file(&self.path);
        }
    }
}

/// A rename is durable when its folder is; where folders can't be synced the file system does it by itself.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::debug!("cannot sync {}: {error}", folder.display());
    }
}

/// A dot, a name and an ending. Where that is too long for a name, a hash of the name stands for its end.
pub(super) fn hidden_name(name: &str, ending: &str) -> String {
    let most = LONGEST_NAME.saturating_sub(1 + ending.len());
    if name.len() <= most {
        return format!(".{name}{ending}");
    }
    let hash = format!("{:016x}", fnv1a(name));
    let mut end = most.saturating_sub(hash.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!(".{}{hash}{ending}", &name[..end])
}

/// FNV-1a: the same in every run and on every machine.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_died_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let (dead, own, other) = (TemporaryNames::new("x.csv"), TemporaryNames::new("x.csv"), TemporaryNames::new("x1.csv"));
        let target = folder.path().join("x-0001.csv");
        let left: Vec<_> = [&dead, &dead, &own, &other].into_iter().map(|names| names.create(&target).expect("a file")).collect();
        std::fs::write(folder.path().join(".x-0001.csv.swp.tmp"), "").expect("a file");
        own.remove_dead(folder.path());
        assert_eq!(names(folder.path()).len(), 3, "{:?}", names(folder.path()));
        let mut left = left.into_iter();
        drop((left.next(), left.next()));
        left.next().expect("ours").0.take_name().expect("a file");
        drop(left);
        assert_eq!(names(folder.path()), [".x-0001.csv.swp.tmp", "x-0001.csv"]);
    }

    #[test]
    fn long_names_are_cut() {
        for name in ["x".repeat(240), "ü".repeat(127), "x".repeat(255)] {
            let folder = tempfile::tempdir().expect("a folder");
            let (file, _) = TemporaryNames::new("x").create(&folder.path().join(&name)).expect("a file");
            file.take_name().expect("a name");
            assert_eq!(names(folder.path()), [name.as_str()]);
            assert!(hidden_name(&name, ".lock").len() <= LONGEST_NAME);
        }
        assert_ne!(hidden_name(&format!("{}1", "x".repeat(254)), ".lock"), hidden_name(&format!("{}2", "x".repeat(254)), ".lock"));
    }
}
