//! Growing files, and files that come to match: which file is which after rotation, and how many are open at once.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::followed::{Extent, Followed, Identity, Look, extent};
use super::listing::lost;
use super::options::Compression;
use super::text_reader::{TextPlan, partition_name, read_file};
use super::work::WorkSender;
use crate::error::{Fault, Result};
use crate::stream::Position;

/// Files that are open at the same time; others are opened again when something was appended.
const MOST_OPEN: usize = 64;

/// Names that are remembered of files that are gone.
const MOST_NAMES: usize = 100_000;

/// A compressed file: it can't be followed, so it is read as a whole when it no longer grows.
struct Packed {
    path: PathBuf,
    extent: Option<Extent>,
    done: bool,
}

struct Follower<'a> {
    plan: &'a TextPlan,
    work: &'a WorkSender,
    /// Where files are resumed that have not been seen yet.
    resume: Position,
    files: Vec<Followed>,
    packed: HashMap<Identity, Packed>,
    /// Names under which files were read: `x.gz` of one of them is its compressed copy.
    names: HashSet<PathBuf>,
    /// Files that can't be used, which was told.
    unusable: HashSet<Identity>,
    /// The present files have been listed once.
    listed: bool,
    /// What is followed is not there at present.
    missing: bool,
    clock: u64,
}

/// Follows the files until the consumer has gone.
pub(super) fn follow(plan: &TextPlan, resume: &Position, interval: Duration, work: &WorkSender) -> Result<()> {
    let mut follower = Follower {
        plan,
        work,
        resume: resume.clone(),
        files: Vec::new(),
        packed: HashMap::new(),
        names: HashSet::new(),
        unusable: HashSet::new(),
        listed: false,
        missing: false,
        clock: 0,
    };
    loop {
        let mut look = follower.list()?;
        if look != Look::Stop {
            look = follower.look_at_all(look)?;
        }
        if look == Look::Stop || work.is_closed() {
            return Ok(());
        }
        if look == Look::Nothing {
            std::thread::sleep(interval);
        }
    }
}

impl Follower<'_> {
    /// The files at present; none while the folder is away, since it may come back.
    fn paths(&mut self) -> Result<Vec<PathBuf>> {
        match self.plan.listing.files() {
            Ok(paths) => {
                if std::mem::take(&mut self.missing) {
                    tracing::info!("{} is there again", self.plan.listing);
                }
                Ok(paths)
            }
            Err(_) if self.plan.listing.is_missing() => {
                if !std::mem::replace(&mut self.missing, true) {
                    tracing::warn!("{} is gone; waiting until it is there again", self.plan.listing);
                }
                Ok(Vec::new())
            }
            Err(error) => Err(error.with_fault(Fault::External).with_retry(true)),
        }
    }

    /// Finds out about files that came, and about new names of known ones.
    fn list(&mut self) -> Result<Look> {
        let mut look = Look::Nothing;
        let found: Vec<_> = self.paths()?.into_iter().filter_map(|path| std::fs::metadata(&path).ok().map(|metadata| (path, metadata))).collect();
        let by_identity: HashMap<Identity, &PathBuf> = found.iter().rev().map(|(path, metadata)| (Identity::of(metadata), path)).collect();
        let by_path: HashMap<&PathBuf, Identity> = found.iter().map(|(path, metadata)| (path, Identity::of(metadata))).collect();
        // All renames before anything is read: in a rotation one file takes the name of the next.
        let mut positions = Position::default();
        for file in &mut self.files {
            if by_path.get(&file.path) == Some(&file.identity) {
                continue;
            }
            if let Some(path) = by_identity.get(&file.identity) {
                tracing::info!("{} is {} now", file.path.display(), path.display());
                positions.offsets.entry(partition_name(&file.path)).or_insert(0);
                file.rename(path);
                positions.set(&partition_name(path), file.records.handed_out_to());
                self.names.insert(file.path.clone());
            }
        }
        if positions != Position::default() && !self.work.send_no_rows(Vec::new(), positions) {
            return Ok(Look::Stop);
        }
        self.packed.retain(|identity, _| by_identity.contains_key(identity));
        let known: HashSet<Identity> = self.files.iter().map(|file| file.identity).collect();
        // A replaced file is read to its end before the one that has its name now.
        let held: HashSet<PathBuf> = self.files.iter().map(|file| file.path.clone()).collect();
        for (path, metadata) in &found {
            let identity = Identity::of(metadata);
            if held.contains(path) || known.contains(&identity) || self.unusable.contains(&identity) || by_identity.get(&identity) != Some(&path) {
                continue;
            }
            if self.is_packed(path) {
                self.packed.entry(identity).and_modify(|packed| packed.path.clone_from(path)).or_insert_with(|| Packed {
                    path: path.clone(),
                    extent: None,
                    done: !self.listed && self.plan.from_end,
                });
                continue;
            }
            if self.names.contains(path) {
                tracing::info!("{} is another file now; reading it from its beginning", path.display());
            }
            look = Look::Read;
            if !self.add(path, identity)? {
                return Ok(Look::Stop);
            }
        }
        self.listed = true;
        if self.names.len() > MOST_NAMES {
            self.names = self.files.iter().map(|file| file.path.clone()).collect();
        }
        Ok(look)
    }

    fn is_packed(&self, path: &Path) -> bool {
        !matches!(self.plan.compression_of(path), Compression::None | Compression::Inside)
    }

    /// Begins to follow a file; false if the consumer has gone.
    fn add(&mut self, path: &Path, identity: Identity) -> Result<bool> {
        let partition = partition_name(path);
        let is_first = self.names.insert(path.to_owned());
        let resume_at = match self.resume.offsets.remove(&partition) {
            Some(offset) => offset,
            None if !self.listed && self.plan.from_end => last_line_end(path).map_err(|error| lost(path, &error))?,
            None => 0,
        };
        match self.plan.records(path, resume_at)? {
            Ok(records) => {
                self.files.push(Followed::new(path, identity, records));
                // Another file of this name was read further.
                Ok(is_first || self.work.send_no_rows(Vec::new(), Position::of(&partition, 0)))
            }
            Err(rejected) => {
                self.unusable.insert(identity);
                Ok(self.work.send_no_rows(vec![rejected], Position::default()))
            }
        }
    }

    fn look_at_all(&mut self, mut all: Look) -> Result<Look> {
        let mut at = 0;
        while at < self.files.len() {
            if self.files[at].wants_opening() {
                self.open(at)?;
            }
            self.clock += 1;
            let file = &mut self.files[at];
            let look = file.look(self.work)?;
            match look {
                Look::Nothing => {}
                Look::Read => (all, file.used) = (look, self.clock),
                Look::Stop => return Ok(look),
                Look::Finished => {
                    self.files.remove(at);
                    all = Look::Read;
                    continue;
                }
                Look::Rewritten => {
                    let file = self.files.remove(at);
                    tracing::warn!("{} was truncated or written anew; reading it from its beginning", file.path.display());
                    if !self.add(&file.path, file.identity)? {
                        return Ok(Look::Stop);
                    }
                    all = Look::Read;
                    continue;
                }
            }
            at += 1;
        }
        self.read_packed(all)
    }

    /// Opens a file, and closes the one that was not read for the longest time if too many are open.
    fn open(&mut self, at: usize) -> Result<()> {
        const TOO_MANY: i32 = 24;
        let open = self.files.iter().filter(|file| file.file.is_some()).count();
        let eldest = self.files.iter_mut().filter(|file| file.file.is_some()).min_by_key(|file| file.used);
        if let Some(eldest) = eldest.filter(|_| open >= MOST_OPEN) {
            eldest.file = None;
        }
        let mut opened = self.files[at].open();
        if opened.as_ref().is_err_and(|error| error.raw_os_error() == Some(TOO_MANY)) {
            self.files.iter_mut().for_each(|file| file.file = None);
            opened = self.files[at].open();
        }
        match opened {
            // The next look finds out what became of it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            opened => opened.map_err(|error| lost(&self.files[at].path, &error)),
        }
    }

    /// Reads compressed files that have not changed since the last look.
    fn read_packed(&mut self, mut all: Look) -> Result<Look> {
        let mut waiting: Vec<&mut Packed> = self.packed.values_mut().filter(|packed| !packed.done).collect();
        waiting.sort_by(|a, b| a.path.cmp(&b.path));
        for packed in waiting {
            let Ok(metadata) = std::fs::metadata(&packed.path) else { continue };
            if packed.extent.replace(extent(&metadata)) != Some(extent(&metadata)) {
                continue;
            }
            packed.done = true;
            if self.names.contains(&packed.path.with_extension("")) {
                tracing::info!("{} is left out: {} was read before it was compressed", packed.path.display(), packed.path.with_extension("").display());
                continue;
            }
            if !read_file(self.plan, &packed.path, &self.resume, self.work)? {
                return Ok(Look::Stop);
            }
            all = Look::Read;
        }
        Ok(all)
    }
}

/// Offset after the last line end of a file, so that a line that is being written is read as a whole.
fn last_line_end(path: &Path) -> io::Result<u64> {
    const BLOCK: u64 = 64 << 10;
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.by_ref().take(end - start).read_to_end(&mut block)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
