//! Kinds and keys of later builds are known: naming one gets a plain answer, whatever its keys.

use serde_json::Value;

use crate::velo::Folder;

/// The rows of keys that this build does not have.
fn planned() -> Vec<Value> {
    let rows: Vec<Value> = serde_json::from_str(&Folder::new().run(&["options", "--format", "json"]).expect(0).out).unwrap();
    rows.into_iter().filter(|row| row["available"] == false).collect()
}

#[test]
fn kinds_of_later_builds_are_told_with_all_their_keys() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let mut kinds = std::collections::BTreeMap::<String, Vec<String>>::new();
    for row in planned() {
        kinds.entry(row["component"].as_str().unwrap().to_owned()).or_default().push(row["key"].as_str().unwrap().to_owned());
    }
    kinds.retain(|component, _| component.contains('_'));
    // Some have no keys of their own yet.
    for kind in ["elasticsearch_source", "elasticsearch_sink", "redis_source", "redis_sink", "mongodb_source", "mongodb_sink", "iceberg_sink"] {
        kinds.entry(kind.to_owned()).or_default();
    }
    assert!(kinds.len() >= 13, "{kinds:?}");
    for (component, keys) in &kinds {
        let (kind, role) = component.rsplit_once('_').unwrap();
        let settings: String = keys.iter().map(|key| format!(",'x.{key}'='1'")).collect();
        for written in [component.as_str(), kind] {
            let (text, told) = if role == "source" {
                (
                    format!("CREATE STREAM job AS SELECT * FROM x WITH ('x.type'='{written}'{settings})"),
                    "No supported datasource found in query analysis for job 'job'".to_owned(),
                )
            } else {
                (
                    format!("SELECT id FROM a INTO x WITH ('a.type'='file','a.path'='a.jsonl','x.type'='{written}'{settings})"),
                    format!("sink 'x' is of kind {kind}, which this build does not have"),
                )
            };
            let err = folder.run(&["--sql", &text]).expect(2).err;
            assert!(err.contains(&told) && err.contains(&format!("kind {kind}")), "{written}: {err}");
            assert!(!err.contains("unknown") && !err.contains("must be explicitly specified"), "{written}: {err}");
        }
    }
}

#[test]
fn keys_of_later_builds_are_not_called_unknown() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let mut checked = 0;
    for row in planned() {
        let key = row["key"].as_str().unwrap();
        let written = match row["component"].as_str().unwrap() {
            "job" => key.to_owned(),
            "source" => format!("a.{key}"),
            "sink" => format!("o.{key}"),
            _ => continue,
        };
        let text = format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.csv',\n'{written}'='1')");
        let err = folder.run(&["--sql", &text]).expect(2).err;
        // Some of them are keys of application files only.
        let told = err.contains(&format!("'{written}' is not available in this build")) || err.contains(&format!("'{written}' is a key of application files"));
        assert!(told && err.contains(":2:1"), "{written}: {err}");
        checked += 1;
    }
    assert!(checked >= 13, "{checked}");
}
