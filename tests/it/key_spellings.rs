//! Every key with two letters swapped, and with a value of a wrong type: each is told, with the right key, and where it stands. Keys and types are those of `velo-sql options`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::velo::Folder;

/// The rows of `velo-sql options` for keys of this build.
fn rows() -> Vec<Value> {
    let rows: Vec<Value> = serde_json::from_str(&Folder::new().run(&["options", "--format", "json"]).expect(0).out).unwrap();
    rows.into_iter().filter(|row| row["available"] == true).collect()
}

/// A row that a file of a source or sink may hold, or a `WITH` clause for the job.
fn belongs(row: &Value, component: &str) -> bool {
    let role = component.rsplit('_').next().unwrap();
    (row["component"] == component || row["component"] == role) && row["key"] != "config_file"
}

fn spellings(row: &Value) -> Vec<String> {
    let aliases = row["aliases"].as_array().unwrap().iter();
    std::iter::once(&row["key"]).chain(aliases).map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// A key with each pair of neighbours swapped.
fn swapped(key: &str) -> BTreeSet<String> {
    let letters: Vec<char> = key.chars().collect();
    let swap = |at: usize| {
        let mut letters = letters.clone();
        letters.swap(at, at + 1);
        letters.into_iter().collect::<String>()
    };
    (0..letters.len() - 1).map(swap).filter(|swapped| swapped != key).collect()
}

const COMPONENTS: [&str; 4] = ["file_source", "kafka_source", "file_sink", "kafka_sink"];

/// What is told of a file with the settings of a component, which has a type; its own lines begin with the second.
fn told(component: &str, lines: &str) -> String {
    let folder = Folder::new();
    folder.write("x.yaml", format!("type: {component}\n{lines}"));
    folder.write("in.csv", "id\n1\n");
    folder.write(
        "s.sql",
        match component.ends_with("source") {
            true => "SELECT * FROM x WITH ('x.config_file'='x.yaml')",
            false => "SELECT * FROM i INTO x WITH ('i.type'='file','i.path'='in.csv','x.config_file'='x.yaml')",
        },
    );
    folder.run(&["validate", "s.sql"]).expect(2).err
}

#[test]
fn the_components_are_those_of_the_build() {
    let named: BTreeSet<String> = rows().iter().map(|row| row["component"].as_str().unwrap().to_owned()).collect();
    let known = COMPONENTS.iter().chain(&["job", "application", "source", "sink"]).map(|name| (*name).to_owned());
    assert_eq!(named, known.collect(), "a new kind of connector belongs into the tests of this file");
}

#[test]
fn two_swapped_letters_of_any_key_of_a_file_are_told_with_the_key() {
    let rows = rows();
    for component in COMPONENTS {
        // What the schema of its files knows is right: properties of the client library, too.
        let schema: Value = serde_json::from_str(&Folder::new().run(&["options", component, "--format", "json-schema"]).expect(0).out).unwrap();
        let known = schema["$defs"][component]["properties"].as_object().unwrap();
        let mut cases: Vec<(String, Vec<String>)> = Vec::new();
        for row in rows.iter().filter(|row| belongs(row, component)) {
            // The word for the end before a key is dropped before the key is looked at.
            for key in spellings(row).iter().filter(|key| !key.starts_with("source.") && !key.starts_with("sink.")) {
                let wrong = swapped(key).into_iter().filter(|wrong| !known.contains_key(wrong));
                cases.extend(wrong.map(|wrong| (wrong, spellings(row))));
            }
        }
        assert!(cases.len() > 150, "{component}: {}", cases.len());
        let mut seen = BTreeSet::new();
        cases.retain(|(wrong, _)| seen.insert(wrong.clone()));
        let lines: String = cases.iter().map(|(wrong, _)| format!("'{wrong}': 1\n")).collect();
        let told = told(component, &lines);
        let is_told = |line: usize, wrong: &str, key: &str| told.contains(&format!("x.yaml:{line}: unknown key 'x.{wrong}'\n  did you mean 'x.{key}'?"));
        let untold = cases.iter().enumerate().filter(|(number, (wrong, keys))| !keys.iter().any(|key| is_told(number + 2, wrong, key)));
        let untold: Vec<String> = untold
            .map(|(_, (wrong, keys))| {
                let answer = told.split("Error: ").find(|error| error.contains(&format!("'x.{wrong}'"))).unwrap_or("nothing");
                format!("'{wrong}' for '{}': {answer}", keys[0])
            })
            .collect();
        assert!(untold.is_empty(), "{component}, {} of {}:\n{}", untold.len(), cases.len(), untold.join("\n"));
    }
}

#[test]
fn two_swapped_letters_of_any_key_of_a_statement_are_told_with_the_key() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n");
    let rows = rows();
    let job: Vec<String> = rows.iter().filter(|row| row["component"] == "job").flat_map(spellings).collect();
    let keys = job.iter().map(String::as_str).chain(["x.type", "x.config_file", "x.path", "x.schema"]);
    let cases: BTreeSet<(String, String)> = keys
        .flat_map(|key| {
            swapped(key.trim_start_matches("x."))
                .into_iter()
                .map(move |wrong| if key.starts_with("x.") { (format!("x.{wrong}"), key.to_owned()) } else { (wrong, key.to_owned()) })
        })
        .filter(|(wrong, _)| !job.contains(wrong))
        .collect();
    assert!(cases.len() > 250, "{}", cases.len());
    let settings: String = cases.iter().map(|(wrong, _)| format!(",\n'{wrong}'='1'")).collect();
    folder.write("s.sql", format!("SELECT * FROM x WITH ('x.type'='file','x.path'='in.csv'{settings})"));
    let told = folder.run(&["validate", "s.sql"]).expect(2).err;
    for (number, (wrong, key)) in cases.iter().enumerate() {
        let place = format!("  --> s.sql:{}:1", number + 2);
        let error = told.split("Error: ").find(|error| error.starts_with(&format!("unknown key '{wrong}'"))).unwrap_or_else(|| panic!("'{wrong}' is not told"));
        assert!(error.contains(&format!("did you mean '{key}'?")) && error.contains(&place), "'{wrong}' for '{key}' in line {}: {error}", number + 2);
    }
}

/// The first fault of an application file, in the form in which the program tells it.
fn refused(text: &str) -> Option<String> {
    let folder = Folder::new();
    folder.write("app.yaml", text);
    let nothing = std::collections::BTreeMap::<String, String>::new();
    velostream::config::Application::load(Some(&folder.path().join("app.yaml")), None, &nothing).err().map(|error| error.to_string())
}

#[test]
fn two_swapped_letters_of_any_key_of_an_application_file_are_told_with_the_key() {
    let rows = rows();
    let keys: Vec<String> = rows.iter().filter(|row| row["component"] == "job" || row["component"] == "application").flat_map(spellings).collect();
    let cases: Vec<(String, &String)> =
        keys.iter().flat_map(|key| swapped(key).into_iter().map(move |wrong| (wrong, key))).filter(|(wrong, _)| !keys.contains(wrong)).collect();
    assert!(cases.len() > 300, "{}", cases.len());
    for (wrong, key) in &cases {
        let told = refused(&format!("# A comment.\n{wrong}: 1\n")).unwrap_or_else(|| panic!("'{wrong}' is taken"));
        assert!(told.contains(&format!("app.yaml:2: unknown key '{wrong}'")) && told.contains(&format!("nearest: {key};")), "'{wrong}' for '{key}': {told}");
    }
    // The program tells the same, with its exit status.
    let folder = Folder::new();
    folder.write("app.yaml", "bacth.size: 1\n");
    assert!(folder.run(&["--config", "app.yaml", "--sql", "SELECT 1"]).expect(2).err.contains("app.yaml:1: unknown key 'bacth.size'"));
}

/// A text that is no value of a type; `None` for types that every text is a value of.
fn no_value(type_name: &str) -> Option<&'static str> {
    match type_name {
        "text" | "secret" | "name" | "map" => None,
        "path" => Some(""),
        "list" => Some("a,,b"),
        _ => Some("!?"),
    }
}

#[test]
fn a_value_of_a_wrong_type_is_told_for_any_key_of_a_file() {
    let rows = rows();
    for component in COMPONENTS {
        let own = rows.iter().filter(|row| belongs(row, component));
        let cases: Vec<(String, &str, &str)> = own
            .flat_map(|row| {
                let type_name = row["type"].as_str().unwrap();
                spellings(row).into_iter().filter_map(move |key| Some((key, no_value(type_name)?, type_name)))
            })
            // Read before its keys, and of another file then.
            .filter(|(key, ..)| key != "extends")
            .collect();
        assert!(cases.len() >= 15, "{component}: {cases:?}");
        // Spellings of one option can't stand in one file, and a file of columns is not read beside declared ones.
        for spelling in 0..3 {
            let wanted = |row: &Value| spellings(row).get(spelling).cloned();
            let keys: Vec<String> = rows.iter().filter(|row| belongs(row, component)).filter_map(wanted).collect();
            let cases: Vec<_> = cases.iter().filter(|(key, ..)| keys.contains(key)).collect();
            if cases.is_empty() {
                continue;
            }
            let lines: String = cases.iter().map(|(key, value, _)| format!("{key}: '{value}'\n")).collect();
            let told = told(component, &lines);
            for (number, (key, value, type_name)) in cases.iter().enumerate() {
                let expected = format!("x.yaml:{}: 'x.{key}' = '{value}' is not ", number + 2);
                assert!(told.contains(&expected), "{component}: {expected} {type_name}\n{told}");
            }
        }
    }
}

#[test]
fn a_value_of_a_wrong_type_is_told_for_any_key_of_a_job() {
    let rows = rows();
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n");
    let job = rows.iter().filter(|row| row["component"] == "job");
    for spelling in 0..3 {
        let cases: Vec<(String, &str)> =
            job.clone().filter_map(|row| Some((spellings(row).get(spelling)?.clone(), no_value(row["type"].as_str().unwrap())?))).collect();
        assert!(!cases.is_empty());
        // In a statement, and in an application file, where all of them come through the same door.
        let settings: String = cases.iter().map(|(key, value)| format!(",\n'{key}'='{value}'")).collect();
        folder.write("s.sql", format!("SELECT * FROM x WITH ('x.type'='file','x.path'='in.csv'{settings})"));
        let inline = folder.run(&["validate", "s.sql"]).expect(2).err;
        folder.write("app.yaml", cases.iter().map(|(key, value)| format!("{key}: '{value}'\n")).collect::<String>());
        folder.write("s.sql", "SELECT * FROM x WITH ('x.type'='file','x.path'='in.csv')");
        let file = folder.run(&["validate", "s.sql", "--config", "app.yaml"]).expect(2).err;
        for (number, (key, value)) in cases.iter().enumerate() {
            let what = format!("'{key}' = '{value}' is not ");
            let at = inline.find(&what).unwrap_or_else(|| panic!("{what}\n{inline}"));
            let rest = inline[at..].split("Error: ").next().unwrap();
            assert!(rest.contains(&format!("--> s.sql:{}:", number + 2)), "{rest}");
            assert!(file.contains(&format!("app.yaml:{}: {what}", number + 1)), "{what}\n{file}");
        }
    }
}

#[test]
fn a_value_of_a_wrong_type_is_told_for_any_key_of_an_application_file() {
    let mut checked = 0;
    for row in rows().iter().filter(|row| row["component"] == "application") {
        let key = row["key"].as_str().unwrap();
        let value = match (key, row["type"].as_str().unwrap()) {
            ("log_level", _) => "loud",
            ("profiles", _) => "none",
            // Any text is a name.
            ("active_profile" | "script", _) => continue,
            _ => "!?",
        };
        let folder = Folder::new();
        folder.write("in.csv", "id\n1\n");
        folder.write("app.yaml", format!("# A comment.\n{key}: '{value}'\n"));
        let told = folder.run(&["--config", "app.yaml", "--sql", "SELECT * FROM x WITH ('x.type'='file','x.path'='in.csv')"]).expect(2).err;
        assert!(told.contains("app.yaml:2: ") && told.contains(key) && (told.contains(&format!("'{value}'")) || key == "profiles"), "{told}");
        checked += 1;
    }
    assert!(checked >= 6, "{checked}");
}

#[test]
fn swapped_letters_of_keys_that_are_planned_are_told_with_the_key() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n");
    for (wrong, right) in [("alnes", "lanes"), ("commti.interval", "commit.interval"), ("dead_lettre", "dead_letter"), ("x.dedpulicate", "x.deduplicate")] {
        let told = folder.run(&["--sql", &format!("SELECT * FROM x WITH ('x.type'='file','x.path'='in.csv','{wrong}'='4')")]).expect(2).err;
        assert!(told.contains(&format!("unknown key '{wrong}'")) && told.contains(&format!("did you mean '{right}'?")), "{told}");
    }
    folder.write("app.yaml", "x: 1\nlanse: 4\n");
    let told = folder.run(&["--config", "app.yaml", "--sql", "SELECT * FROM x WITH ('x.type'='file','x.path'='in.csv')"]).expect(2).err;
    assert!(told.contains("app.yaml:2: unknown key 'lanse'\n  nearest: lanes; "), "{told}");
}

#[test]
fn keys_of_the_other_end_are_refused_where_they_are_written_for_one() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n");
    let sink =
        |settings: &str| format!("SELECT * FROM x INTO k WITH ('x.type'='file','x.path'='in.csv','k.type'='kafka_sink','k.bootstrap.servers'='h:1'{settings})");
    let source = |settings: &str| {
        format!("SELECT * FROM k INTO o WITH ('o.type'='file','o.path'='o.json','k.type'='kafka','k.bootstrap.servers'='h:1','k.schema'='id INT'{settings})")
    };
    for (sql, key, end, own) in [
        (sink(",'k.fetch.min.bytes'='1'"), "fetch.min.bytes", "kafka_source", "kafka_sink"),
        (sink(",'k.max.partition.fetch.bytes'='1'"), "max.partition.fetch.bytes", "kafka_source", "kafka_sink"),
        (source(",'k.linger.ms'='1'"), "linger.ms", "kafka_sink", "kafka_source"),
        (source(",'k.auto.register.schemas'='true'"), "auto.register.schemas", "kafka_sink", "kafka_source"),
    ] {
        folder.write("s.sql", &sql);
        let told = folder.run(&["validate", "s.sql"]).expect(2).err;
        assert!(told.contains(&format!("Error: 'k.{key}' is a key of {end}; 'k' is a {own}")) && told.contains("s.sql:1:"), "{told}");
    }
    folder.write("s.sql", sink(""));
    let told = folder.run(&["validate", "s.sql", "--set", "k.fetch.min.bytes=1"]).expect(2).err;
    assert!(told.contains("'k.fetch.min.bytes' is a key of kafka_source; 'k' is a kafka_sink"), "{told}");
    // A file may be for both ends.
    folder.write("k.yaml", "fetch.min.bytes: 1\nmax.partition.fetch.bytes: 100000\n");
    folder.write("s.sql", sink(",'k.config_file'='k.yaml'"));
    folder.run(&["validate", "s.sql"]).expect(0);
}

#[test]
fn other_names_of_client_properties_are_one_property() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n");
    folder.write("s.sql", "SELECT * FROM x INTO k WITH ('x.type'='file','x.path'='in.csv','k.config_file'='k.yaml')");
    let told = |lines: &str, status: i32| {
        folder.write("k.yaml", format!("type: kafka_sink\nbootstrap.servers: h:1\n{lines}\n"));
        folder.run(&["validate", "s.sql"]).expect(status).err
    };
    for (line, own) in [("metadata.broker.list: h:2", "bootstrap.servers"), ("sasl.oauthbearer.client.credentials.client.id: x", "sasl.oauthbearer.client.id")]
    {
        let key = line.split(':').next().unwrap();
        let told = told(line, 2);
        assert!(told.contains(&format!("Error: k.yaml:3: 'k.{key}' can't be set: it is another name for 'k.{own}'")), "{told}");
    }
    for (one, other) in [("message.send.max.retries", "retries"), ("max.in.flight", "max.in.flight.requests.per.connection")] {
        let told_of = told(&format!("{one}: 3\n{other}: 4"), 2);
        assert!(told_of.contains(&format!("Error: k.yaml:4: 'k.{one}' and 'k.{other}' are spellings of one property and have different values")), "{told_of}");
        told(&format!("{one}: 3\n{other}: 3"), 0);
        // What counts more is no fault.
        folder.write("k.yaml", format!("type: kafka_sink\nbootstrap.servers: h:1\n{one}: 3\n"));
        folder.run(&["validate", "s.sql", "--set", &format!("k.{other}=4")]).expect(0);
    }
}
