//! Flat configuration files: `key: value`, where nested maps are dotted keys (`a: {b: 1}` = `a.b: 1`) and sequences are lists.

use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::text_file;
use crate::error::{Error, Result};
use crate::options::ELEMENT_SEPARATOR;

/// Deepest nesting of maps.
const DEEPEST: usize = 16;
/// Most keys after anchors are expanded, so that a small file can't grow into a large one.
const MOST_KEYS: usize = 10_000;

/// A key of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct YamlEntry {
    /// Dotted key.
    pub key: String,
    /// Value as text; lists are joined with [`ELEMENT_SEPARATOR`].
    pub value: String,
    /// Line of the key, from 1.
    pub line: usize,
}

/// Reads a file. `folders` are tried in order for a relative path.
pub(super) fn read(path: &Path, folders: &[PathBuf]) -> Result<Vec<YamlEntry>> {
    parse(&text_file::read(path, folders)?, path)
}

fn parse(text: &str, path: &Path) -> Result<Vec<YamlEntry>> {
    let value: Value = serde_yaml::from_str(text).map_err(|error| {
        let words = error.to_string();
        if let Some(key) = words.split_once("duplicate entry with key \"").and_then(|(_, rest)| rest.split_once('"')).map(|(key, _)| key) {
            return Error::config(format!("{}:{}: '{key}' is set twice", path.display(), second_line_of(text, key))).with_help("keep one of them");
        }
        let line = error.location().map_or(1, |location| location.line());
        let words = words.split(" at line").next().unwrap_or(&words).to_owned();
        Error::config(format!("{}:{line}: not valid YAML: {words}", path.display()))
    })?;
    let mut entries = Vec::new();
    match value {
        Value::Null => {}
        Value::Mapping(_) => flatten(&value, &[], text, path, &mut entries)?,
        _ => return Err(Error::config(format!("{}:1: expected 'key: value' lines", path.display()))),
    }
    Ok(entries)
}

/// The line that sets a key again in one map; the YAML library tells no place for it.
fn second_line_of(text: &str, key: &str) -> usize {
    // How far the first one is indented, while nothing less indented follows.
    let mut open: Option<usize> = None;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        if starts(line, key) && open == Some(indent) {
            return at + 1;
        }
        if starts(line, key) {
            open = Some(indent);
        } else {
            open = open.filter(|first| *first <= indent);
        }
    }
    text.lines().position(|line| line.contains(key)).map_or(1, |at| at + 1)
}

/// Whether a line sets a key.
fn starts(line: &str, name: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['{', '"', '\'']);
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
}

/// `names` lead to the value, from the outermost map.
fn flatten(value: &Value, names: &[&str], text: &str, path: &Path, entries: &mut Vec<YamlEntry>) -> Result<()> {
    let line = line_of(text, names);
    let key = names.join(".");
    let fault = |what: &str| Error::config(format!("{}:{line}: '{key}' {what}", path.display()));
    if names.len() > DEEPEST {
        return Err(fault("is nested too deeply"));
    }
    if entries.len() >= MOST_KEYS {
        return Err(fault(&format!("is one key too many: a configuration file has at most {MOST_KEYS}")));
    }
    let value_text = match value {
        Value::Mapping(map) => {
            for (name, inner) in map {
                let Value::String(name) = name else { return Err(fault("has a key that is not a text")) };
                flatten(inner, &[names, &[name.as_str()]].concat(), text, path, entries)?;
            }
            return Ok(());
        }
        Value::Sequence(elements) => {
            let texts: Option<Vec<String>> = elements.iter().map(scalar).collect();
            let Some(texts) = texts else { return Err(fault("is a list of something else than plain values")) };
            texts.join(&ELEMENT_SEPARATOR.to_string())
        }
        Value::Tagged(_) => return Err(fault("has a YAML tag")),
        other => scalar(other).ok_or_else(|| fault("has no value"))?,
    };
    entries.push(YamlEntry { key, value: value_text, line });
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The line a (possibly nested) key stands on: the YAML library keeps no places, so each name is looked for after the one around it.
fn line_of(text: &str, names: &[&str]) -> usize {
    let mut from = 0;
    let mut found = 1;
    for (depth, name) in names.iter().enumerate() {
        let mut lines = text.lines().skip(from);
        let inside = |line: &str| line.contains(&format!("{name}:"));
        // Only a nested key stands within a line more often than at its start.
        let first = if depth == 0 { lines.position(|line| starts(line, name)) } else { lines.position(|line| starts(line, name) || inside(line)) };
        if let Some(at) = first.or_else(|| text.lines().skip(from).position(inside)) {
            found = from + at + 1;
            from += at;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(String, String, usize)> {
        parse(text, Path::new("a.yaml")).expect("valid").into_iter().map(|e| (e.key, e.value, e.line)).collect()
    }

    #[test]
    fn scalars_maps_and_lists_become_dotted_keys() {
        let found = entries("path: x.csv\nhas_headers: true\n# c\nbatch:\n  size: 500\n  timeout: 2s\npartition_columns: [\"day\", region]\n");
        let expected = [
            ("path", "x.csv", 1),
            ("has_headers", "true", 2),
            ("batch.size", "500", 5),
            ("batch.timeout", "2s", 6),
            ("partition_columns", "day\u{1f}region", 7),
        ];
        assert_eq!(found, expected.map(|(k, v, l)| (k.to_owned(), v.to_owned(), l)));
    }

    #[test]
    fn faults_name_file_and_line() {
        let message = |text: &str| parse(text, Path::new("a.yaml")).expect_err("faulty").to_string();
        assert!(message("path: x\n  bad: [1,\n").starts_with("a.yaml:"), "{}", message("path: x\n  bad: [1,\n"));
        assert_eq!(message("path: x\nformat: csv\npath: y\n"), "a.yaml:3: 'path' is set twice; keep one of them");
        assert_eq!(message("batch:\n  size: 1\n  timeout: 2\n  size: 3\n"), "a.yaml:4: 'size' is set twice; keep one of them");
        assert_eq!(message("batch:\n  size: 1\nroll:\n  size: 2\n  size: 3\n"), "a.yaml:5: 'size' is set twice; keep one of them");
        assert_eq!(message("a: 1\nbatch: {size: 1, size: 2}\n"), "a.yaml:2: 'size' is set twice; keep one of them");
        assert_eq!(message("- a\n- b\n"), "a.yaml:1: expected 'key: value' lines");
        assert_eq!(message("a: 1\nb:\n"), "a.yaml:2: 'b' has no value");
    }

    #[test]
    fn an_expanding_file_is_bounded() {
        let mut text = "a0: &a0 {k: x, l: y}\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            text.push_str(&format!("a{level}: &a{level} {{p: *a{before}, q: *a{before}, r: *a{before}}}\n"));
        }
        let error = parse(&text, Path::new("a.yaml")).expect_err("too many keys");
        assert!(error.to_string().contains("at most") || error.to_string().contains("YAML"), "{error}");
    }
}
