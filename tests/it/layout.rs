//! The source tree: short files, folders that explain themselves, imports in one direction.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn all() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root().join("src"), &mut found);
    found.into_iter().map(|path| (path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn files_are_short_and_say_what_they_are_about() {
    for (name, text) in all() {
        assert!(text.lines().count() <= 500, "{name} has {} lines", text.lines().count());
        assert!(text.starts_with("//!"), "{name} begins with what it is about");
    }
}

/// Layers from the top; a folder imports only from its own layer and from those below.
const LAYERS: [&[&str]; 12] = [
    &["cli"],
    &["server"],
    &["deploy"],
    &["config", "runtime"],
    &["planner"],
    &["catalog"],
    &["operators"],
    &["sources", "sinks"],
    &["kafka", "schema_registry"],
    &["formats"],
    &["stream"],
    &["options", "functions", "telemetry", "error", "ids", "clock", "unwind"],
];

#[test]
fn imports_go_down() {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    for (name, text) in all() {
        let own = name.trim_start_matches("src/").split(['/', '.']).next().unwrap().to_owned();
        let Some(own_layer) = layer(&own) else { continue };
        let code = text.split("#[cfg(test)]").next().unwrap();
        for part in code.split("crate::").skip(1) {
            let imported: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(imported_layer) = layer(&imported) else { continue };
            assert!(
                imported_layer > own_layer || imported == own || imported_layer == own_layer && own_layer == LAYERS.len() - 1,
                "{name} imports crate::{imported}, which is above or beside it"
            );
        }
    }
}

#[test]
fn every_folder_has_a_reading_order() {
    for (name, text) in all().into_iter().filter(|(name, _)| name.ends_with("/mod.rs")) {
        let folder = root().join(&name).parent().unwrap().to_path_buf();
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let file = entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
            let files = text.lines().filter(|line| line.trim_start_matches("pub ").starts_with("mod ")).count();
            if !matches!(file.as_str(), "mod" | "tests") && files > 1 {
                let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
                assert!(head.contains(&format!("`{file}`")), "{name} does not name {file}");
            }
        }
    }
}

#[test]
fn panics_on_input_are_not_written() {
    for (name, text) in all() {
        let code = text.split("#[cfg(test)]").next().unwrap();
        if name.ends_with("tests.rs") || name.ends_with("samples.rs") {
            continue;
        }
        for word in [".unwrap()", ".expect(\"", "panic!(", "todo!(", "unimplemented!(", "unreachable!("] {
            assert!(!code.contains(word), "{name} holds {word}");
        }
    }
}
