//! Files of settings: `key: value`, where nested maps are dotted keys (`a: {b: 1}` = `a.b: 1`) and sequences are lists, and the files that they extend.

use std::path::{Component, Path, PathBuf};

use super::environment::{Dynamic, Environment, substitute};
use super::yaml::{Content, Document, Entry, LONGEST_KEY, Node};
use super::{reach, text_file};
use crate::error::{Error, Result};
use crate::options::{ELEMENT_SEPARATOR, Origin, sequence};

/// Most keys of a file.
const MOST_KEYS: usize = 10_000;
/// Most files of a chain.
pub(super) const LONGEST_CHAIN: usize = 16;
/// The key that names the file whose settings a file begins with.
const EXTENDS: &str = "extends";

/// A key of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileEntry {
    /// Dotted key.
    pub key: String,
    /// Value as text; lists are joined with [`ELEMENT_SEPARATOR`].
    pub value: String,
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line of the key, from 1.
    pub line: usize,
    /// How many files extend this one.
    pub depth: usize,
    /// How many merge keys it came through.
    pub merges: usize,
}

impl FileEntry {
    /// Where it stands.
    pub(super) fn origin(&self) -> Origin {
        Origin::Yaml { file: self.file.clone(), line: self.line }
    }
}

/// Reads a file and those that it extends; of several settings of a key those of the file that extends the others come first. `folders` are tried in order for a relative path.
///
/// **Errors**: a file can't be read, is no file of settings, extends itself by others, or one that lies outside of the folders where such files are looked for.
pub(super) fn read(path: &Path, folders: &[PathBuf], environment: &dyn Environment) -> Result<Vec<FileEntry>> {
    let mut all = Vec::new();
    let mut chain: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut roots: Vec<PathBuf> = Vec::new();
    // Only the first file is looked for; the others are named from where they are named.
    let mut found = text_file::locate(path, folders);
    // Places tell which of them it is: the one beside the script, say.
    let mut next = if found.exists() { found.clone() } else { path.to_owned() };
    let mut whence: Option<FileEntry> = None;
    loop {
        let blame = |error: Error| match &whence {
            Some(entry) => entry.origin().blame_value(error),
            None => error,
        };
        let real = real_path(&found);
        if chain.iter().any(|(known, _)| *known == real) {
            let names: Vec<String> = chain.iter().map(|(_, name)| name.display().to_string()).chain([next.display().to_string()]).collect();
            return Err(blame(Error::config(format!("'{EXTENDS}' leads back to where it began: {}", names.join(" → ")))));
        }
        if chain.len() >= LONGEST_CHAIN {
            return Err(blame(Error::config(format!("more than {LONGEST_CHAIN} files extend each other"))));
        }
        // Before it is opened: what lies elsewhere is not even looked at.
        if chain.is_empty() {
            roots = reach::roots(&real, folders, environment.get("HOME").as_deref());
        } else {
            reach::check(&real, &roots).map_err(blame)?;
        }
        let text = text_file::read_found(&found, &next).map_err(blame)?;
        let depth = chain.len();
        chain.push((real, next.clone()));
        let mut entries = parse(&text, &next, depth)?;
        let extends = entries.iter().position(|entry| entry.key == EXTENDS).map(|at| entries.remove(at));
        if let Some(inner) = entries.iter().find(|entry| entry.key.strip_prefix(EXTENDS).is_some_and(|rest| rest.starts_with('.'))) {
            return Err(inner.origin().blame_key(Error::config(format!("'{EXTENDS}' is a map; it names one file")).with_help("write 'extends: base.yaml'")));
        }
        all.append(&mut entries);
        let Some(extends) = extends else { return Ok(all) };
        if extends.value.contains(ELEMENT_SEPARATOR) {
            return Err(extends
                .origin()
                .blame_value(Error::config(format!("'{EXTENDS}' is a list; a file extends one other")).with_help("let that one extend the next")));
        }
        let parent = substitute(EXTENDS, &extends.value, environment, Dynamic::Now).map_err(|error| extends.origin().blame_value(error))?;
        if parent.value.trim().is_empty() {
            return Err(extends.origin().blame_value(Error::config(format!("'{EXTENDS}' names no file"))));
        }
        next = found.parent().unwrap_or(Path::new("")).join(&parent.value);
        found.clone_from(&next);
        whence = Some(extends);
    }
}

/// The path without links; of what is not there, without the steps back.
fn real_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut real = PathBuf::new();
        for part in absolute.components() {
            if part == Component::ParentDir {
                real.pop();
            } else {
                real.push(part);
            }
        }
        real
    })
}

fn parse(text: &str, path: &Path, depth: usize) -> Result<Vec<FileEntry>> {
    let mut document = Document::parse(text, path)?;
    let Some(root) = document.root.clone() else { return Ok(Vec::new()) };
    if !matches!(root.content, Content::Map(_)) {
        return Err(document.fault(root.line, "expected 'key: value' lines"));
    }
    flatten(&mut document, &root, path, depth)
}

/// The settings of a map, nested ones with dotted keys.
pub(super) fn flatten(document: &mut Document, map: &Node, path: &Path, depth: usize) -> Result<Vec<FileEntry>> {
    let mut entries: Vec<FileEntry> = Vec::new();
    let mut open: Vec<(String, Entry)> = document.entries(map, "it")?.into_iter().rev().map(|entry| (entry.key.clone(), entry)).collect();
    while let Some((key, entry)) = open.pop() {
        document.visit(entry.line, 0)?;
        let value = match &entry.value.content {
            Content::Map(_) => {
                let entries = document.entries(&entry.value, &format!("'{key}'"))?;
                if entries.is_empty() {
                    return Err(document.fault(entry.line, &format!("'{key}' is a map of nothing")).with_help("leave it out"));
                }
                for inner in entries.into_iter().rev() {
                    if key.len() + 1 + inner.key.len() > LONGEST_KEY {
                        return Err(document.fault(inner.line, &format!("with the keys around it, a key has more than {LONGEST_KEY} bytes")));
                    }
                    open.push((format!("{key}.{}", inner.key), Entry { merges: inner.merges + entry.merges, ..inner }));
                }
                continue;
            }
            Content::Text(text) => {
                document.grow(entry.line, text.len())?;
                text.clone()
            }
            Content::Null => return Err(document.fault(entry.line, &format!("'{key}' has no value"))),
            Content::List(elements) => {
                document.visit(entry.line, elements.len())?;
                let texts: Option<Vec<&str>> =
                    elements.iter().map(|node| if let Content::Text(text) = &node.content { Some(text.as_str()) } else { None }).collect();
                let Some(texts) = texts else { return Err(document.fault(entry.line, &format!("'{key}' is a list of something else than plain values"))) };
                document.grow(entry.line, texts.iter().map(|text| text.len() + 1).sum())?;
                if texts.is_empty() {
                    return Err(document.fault(entry.line, &format!("'{key}' is a list of nothing")).with_help("leave it out"));
                }
                sequence(&texts)
            }
        };
        if entries.len() >= MOST_KEYS {
            return Err(document.fault(entry.line, &format!("'{key}' is one key too many: a configuration file has at most {MOST_KEYS}")));
        }
        document.grow(entry.line, key.len())?;
        entries.push(FileEntry { key, value, file: path.to_owned(), line: entry.line, depth, merges: entry.merges });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn entries(text: &str) -> Vec<(String, String, usize)> {
        parse(text, Path::new("a.yaml"), 0).expect("valid").into_iter().map(|e| (e.key, e.value, e.line)).collect()
    }

    #[test]
    fn scalars_maps_and_lists_become_dotted_keys() {
        let found = entries("path: x.csv\nhas_headers: true\n# c\nbatch:\n  size: 500\n  timeout: 2s\npartition_columns: [\"day\", region]\nfactor: 1.50\n");
        let expected = [
            ("path", "x.csv", 1),
            ("has_headers", "true", 2),
            ("batch.size", "500", 5),
            ("batch.timeout", "2s", 6),
            ("partition_columns", "day\u{1f}region", 7),
            ("factor", "1.50", 8),
        ];
        assert_eq!(found, expected.map(|(k, v, l)| (k.to_owned(), v.to_owned(), l)));
        assert_eq!(entries(""), []);
    }

    #[test]
    fn faults_name_file_and_line() {
        let message = |text: &str| parse(text, Path::new("a.yaml"), 0).expect_err("faulty").to_string();
        assert_eq!(message("- a\n- b\n"), "a.yaml:1: expected 'key: value' lines");
        assert_eq!(message("a: 1\nb:\n"), "a.yaml:2: 'b' has no value");
        assert_eq!(message("a: 1\nb: {}\n"), "a.yaml:2: 'b' is a map of nothing; leave it out");
        assert_eq!(message("a: 1\nb: [{x: 1}]\n"), "a.yaml:2: 'b' is a list of something else than plain values");
        let many: String = (0..10_001).map(|number| format!("k{number}: 1\n")).collect();
        assert!(message(&many).contains("'k10000' is one key too many"), "{}", message(&many));
    }

    /// Writes files and reads the first.
    fn chain(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Vec<FileEntry>>) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join("own").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let environment: BTreeMap<String, String> = [("STAGE".to_owned(), "dev".to_owned())].into();
        let read = read(Path::new(files[0].0), &[folder.path().join("own")], &environment);
        (folder, read)
    }

    #[test]
    fn a_chain_is_followed_from_where_each_file_is() {
        let files =
            [("jobs/a.yaml", "extends: ../base/${STAGE}.yml\nx: 1\n"), ("base/dev.yml", "extends: all.yaml\nx: 2\ny: 2\n"), ("base/all.yaml", "y: 3\nz: 3\n")];
        let (_folder, read) = chain(&files);
        let found: Vec<_> = read.expect("three files").into_iter().map(|entry| (entry.key, entry.value, entry.depth, entry.line)).collect();
        let expected = [("x", "1", 0, 2), ("x", "2", 1, 2), ("y", "2", 1, 3), ("y", "3", 2, 1), ("z", "3", 2, 2)];
        assert_eq!(found, expected.map(|(key, value, depth, line)| (key.to_owned(), value.to_owned(), depth, line)));
    }

    #[test]
    fn a_chain_ends() {
        let message = |files: &[(&str, &str)]| chain(files).1.expect_err("refused").to_string();
        let cycle = message(&[("a.yaml", "x: 1\nextends: b.yaml\n"), ("b.yaml", "extends: ./a.yaml\n")]);
        assert!(cycle.contains("b.yaml:1: 'extends' leads back to where it began: ") && cycle.contains("/a.yaml → "), "{cycle}");
        let missing = message(&[("a.yaml", "x: 1\nextends: b.yaml\n")]);
        assert!(missing.contains("/a.yaml:2: cannot read ") && missing.ends_with("b.yaml: No such file or directory"), "{missing}");
        let unset = message(&[("a.yaml", "extends: ${NOPE}.yaml\n")]);
        assert!(unset.contains("a.yaml:1: environment variable NOPE is not set"), "{unset}");
        let list = message(&[("a.yaml", "x: 1\nextends: [b.yaml, c.yaml]\n")]);
        assert!(list.ends_with("/a.yaml:2: 'extends' is a list; a file extends one other; let that one extend the next"), "{list}");
        let map = message(&[("a.yaml", "x: 1\nextends: {a: b}\n")]);
        assert!(map.ends_with("/a.yaml:2: 'extends' is a map; it names one file; write 'extends: base.yaml'"), "{map}");
        let nothing = message(&[("a.yaml", "extends: ${NONE:-}\n")]);
        assert!(nothing.ends_with("/a.yaml:1: 'extends' names no file"), "{nothing}");
        let gone = message(&[("a.yaml", "extends: /etc/no/such/file\n")]);
        assert!(gone.contains("'extends' leads out of the folders"), "whether it is there is not told: {gone}");
        let outside = message(&[("a.yaml", "extends: /etc/hostname\n")]);
        assert!(outside.contains("a.yaml:1: 'extends' leads out of the folders of this configuration, to /etc/hostname"), "{outside}");
        let names: Vec<String> = (0..30).map(|number| format!("f{number}.yaml")).collect();
        let texts: Vec<String> = (0..30).map(|number| format!("extends: f{}.yaml\n", number + 1)).collect();
        let files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        assert!(message(&files).contains("more than 16 files extend each other"));
    }
}
