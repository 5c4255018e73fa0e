//! `velo-sql new`: what it writes can be checked and run as it is.

use crate::editor_schema::{Schema, read};
use crate::velo::Folder;

/// The simple names of the kinds that this build has in a role.
fn kinds(role: &str) -> Vec<String> {
    let rows: serde_json::Value = serde_json::from_str(&Folder::new().run(&["options", "--format", "json"]).expect(0).out).unwrap();
    let available = rows.as_array().unwrap().iter().filter(|row| row["available"] == true);
    let mut kinds: Vec<String> = available.filter_map(|row| Some(row["component"].as_str()?.strip_suffix(role)?.strip_suffix('_')?.to_owned())).collect();
    kinds.dedup();
    assert!(kinds.len() >= 2, "{kinds:?}");
    kinds
}

#[test]
fn every_pair_of_kinds_is_valid_as_it_is_written() {
    for source in kinds("source") {
        for sink in kinds("sink") {
            let folder = Folder::new();
            let wrote = folder.run(&["new", &format!("{source}-{sink}"), "--folder", "job"]).expect(0);
            assert!(wrote.err.contains("wrote job/orders.sql") && wrote.err.contains("Next: cd job && velo-sql validate orders.sql"), "{}", wrote.err);
            for from in ["job", ""] {
                let folder_of_run = folder.path().join(from);
                let script = if from.is_empty() { "job/orders.sql" } else { "orders.sql" };
                // A path of a source is one from the working directory.
                if from.is_empty() && source == "file" {
                    continue;
                }
                let ran = folder.command(&["validate", script]).current_dir(folder_of_run).output().unwrap();
                let told = String::from_utf8_lossy(&ran.stderr);
                assert!(ran.status.success() && !told.contains("warn "), "{source}-{sink}: {told}");
            }
            for (component, file) in [(format!("{source}_source"), "orders"), (format!("{sink}_sink"), "archive")] {
                let text = folder.read(&format!("job/configs/{file}.yaml"));
                let schema = Schema::of(Some(&component));
                assert!(schema.takes(&read(&text)), "{text}");
                // So is every key that is a comment.
                let keys = keys(&component);
                let is_set = |line: &&str| line.split_once(": ").is_some_and(|(key, _)| keys.iter().any(|known| known == key));
                let all: Vec<&str> = text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).filter(is_set).collect();
                assert_eq!(all.len(), keys.len(), "each key of {component} stands there once: {all:?}");
                assert!(schema.takes(&read(&all.join("\n"))), "{}", all.join("\n"));
            }
        }
    }
}

/// The keys that a file of a component may hold.
fn keys(component: &str) -> Vec<String> {
    let rows: serde_json::Value = serde_json::from_str(&Folder::new().run(&["options", "--format", "json"]).expect(0).out).unwrap();
    let role = component.rsplit('_').next().unwrap();
    let own = rows.as_array().unwrap().iter().filter(|row| row["available"] == true && (row["component"] == component || row["component"] == role));
    let mut keys: Vec<String> =
        own.map(|row| row["key"].as_str().unwrap().to_owned()).filter(|key| !["config_file", "extends"].contains(&key.as_str())).collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn a_script_from_files_to_files_runs_as_it_is() {
    let folder = Folder::new();
    folder.run(&["new", "--source", "file_source", "--sink", "file"]).expect(0);
    assert_eq!(folder.list(""), ["configs/archive.yaml", "configs/orders.yaml", "data/orders.csv", "orders.sql"]);
    folder.run(&["run", "orders.sql"]).expect(0);
    let written = folder.list("archive");
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(
        folder.read(&written[0]),
        "{\"id\":1,\"customer\":\"ada\",\"amount\":12.50,\"at\":\"2024-01-05T10:00:00Z\"}\n{\"id\":3,\"customer\":\"ada\",\"amount\":7.25,\"at\":\"2024-01-05T10:00:02Z\"}\n"
    );
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new();
    folder.write("configs/archive.yaml", "mine: true\n");
    let refused = folder.run(&["new", "kafka-file"]).expect(2);
    assert!(refused.err.contains("configs/archive.yaml is there already; nothing was written"), "{}", refused.err);
    assert_eq!(folder.list(""), ["configs/archive.yaml"]);
    assert_eq!(folder.read("configs/archive.yaml"), "mine: true\n");
}

#[test]
fn kinds_that_are_not_there_are_told_with_those_that_are() {
    let folder = Folder::new();
    for (arguments, told) in [
        (&["new", "s3-file"][..], "s3_source is not in this build\n  it has file_source, kafka_source"),
        (&["new", "kafka-iceberg"], "iceberg_sink is not in this build\n  it has file_sink, kafka_sink"),
        (&["new", "iceberg-file"], "'iceberg' is not a kind of source"),
        (&["new", "--source", "kafka_sink", "--sink", "file"], "'kafka_sink' is not a kind of source"),
        (&["new", "kafka-fiel"], "unknown kind of sink 'fiel'\n  nearest: file"),
        (&["new", "kafka"], "'kafka' does not name a kind of source and a kind of sink\n  write SOURCE-SINK, such as kafka-file"),
        (&["new"], "a kind of source and a kind of sink are needed"),
        (&["new", "kafka-file", "--sink", "file"], "the kinds are named twice"),
    ] {
        let refused = folder.run(arguments).expect(2);
        assert!(refused.err.contains(told), "{arguments:?}: {}", refused.err);
    }
    assert_eq!(folder.list(""), Vec::<String>::new());
}
