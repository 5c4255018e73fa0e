//! Application files: profiles, variables, limits, where they are found; and configuration files that extend others.

use crate::velo::{Folder, Ran};

const APPLICATION: &str = r#"
active_profile: "${VELO_PROFILE:-development}"
profiles:
  base: &base
    log_level: "INFO"
    batch_size: 3
    folder: data
  development:
    <<: *base
    log_level: "DEBUG"
  production:
    <<: *base
    folder: "${DATA_FOLDER}"
    log_level: "ERROR"
"#;
const JOB: &str = "SELECT id FROM t WITH ('t.type'='file','t.path'='${folder}/t.csv')";

/// A folder with a script, an application file, and data of two environments.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("app.yaml", APPLICATION);
    folder.write("job.sql", JOB);
    folder.write("data/t.csv", "id\n1\n");
    folder.write("live/t.csv", "id\n7\n");
    folder
}

fn rows(ran: &Ran) -> Vec<&str> {
    ran.out.lines().collect()
}

#[test]
fn a_profile_gives_variables_defaults_of_jobs_and_the_level_of_the_log() {
    let folder = folder();
    let development = folder.run(&["run", "job.sql", "--format", "json", "--config", "app.yaml"]).expect(0);
    assert_eq!(rows(&development), ["{\"id\":1}"]);
    assert!(development.err.contains("started"), "{}", development.err);
    let live = [("VELO_PROFILE", "production"), ("DATA_FOLDER", "live")];
    let production = folder.run_with(&["run", "job.sql", "--format", "json", "--config", "app.yaml"], &live, b"").expect(0);
    assert_eq!(rows(&production), ["{\"id\":7}"]);
    assert!(!production.err.contains("started"), "nothing but errors: {}", production.err);
    let settings = folder.run(&["explain", "job.sql", "--config", "app.yaml", "--profile", "base"]).expect(0);
    let line = settings.out.lines().find(|line| line.contains("batch.size")).unwrap_or_default().to_owned();
    assert!(line.contains('3') && line.contains("app.yaml:6"), "{}", settings.out);
    // The environment counts more than the profile, and WITH more than both.
    let environment = folder.run_with(&["run", "job.sql", "--format", "json", "--config", "app.yaml"], &[("folder", "live")], b"").expect(0);
    assert_eq!(rows(&environment), ["{\"id\":7}"]);
}

#[test]
fn what_is_missing_of_a_profile_is_told_before_anything_starts() {
    let folder = folder();
    let unset = folder.run_with(&["run", "job.sql", "--config", "app.yaml", "--profile", "production"], &[], b"").expect(2);
    assert!(unset.err.contains("app.yaml:13: environment variable DATA_FOLDER is not set; 'folder' needs it"), "{}", unset.err);
    let misspelt = folder.run(&["run", "job.sql", "--config", "app.yaml", "--profile", "prodution"]).expect(2);
    assert_eq!(misspelt.err, "Error: --profile: app.yaml has no profile 'prodution'\n  nearest: production; it has base, development, production\n");
    let missing = folder.run(&["run", "job.sql", "--config", "none.yaml"]).expect(2);
    assert!(missing.err.contains("cannot read none.yaml: No such file or directory"), "{}", missing.err);
    let nowhere = Folder::new();
    nowhere.write("job.sql", JOB);
    let without = nowhere.run(&["run", "job.sql", "--profile", "base"]).expect(2);
    assert_eq!(without.err, "Error: there is no application file, so no profile 'base'\n  name it with --config FILE\n");
}

#[test]
fn the_first_place_that_has_a_file_counts() {
    let folder = folder();
    let places = ["named.yaml", "variable.yaml", "velo.yaml", "configs/velo.yaml", "home/.velo/config.yaml"];
    for (number, place) in places.iter().enumerate() {
        folder.write(&format!("{number}/t.csv"), format!("id\n{number}\n"));
        folder.write(place, format!("folder: '{number}'\n"));
    }
    let home = folder.path().join("home");
    let found = |named: bool, variable: bool| {
        let mut arguments = vec!["run", "job.sql", "--format", "json", "--quiet"];
        arguments.extend(if named { vec!["--config", "named.yaml"] } else { Vec::new() });
        let mut variables = vec![("HOME", home.to_str().unwrap())];
        variables.extend(variable.then_some(("VELO_CONFIG_FILE", "variable.yaml")));
        folder.run_with(&arguments, &variables, b"").expect(0).out.trim().to_owned()
    };
    assert_eq!(found(true, true), "{\"id\":0}");
    assert_eq!(found(false, true), "{\"id\":1}");
    for (number, place) in places.iter().enumerate().skip(2) {
        assert_eq!(found(false, false), format!("{{\"id\":{number}}}"), "{place}");
        std::fs::remove_file(folder.path().join(place)).unwrap();
    }
    let gone = folder.run_with(&["run", "job.sql"], &[("VELO_CONFIG_FILE", "gone.yaml")], b"").expect(2);
    assert!(gone.err.contains("cannot read gone.yaml"), "a file that is named is not passed over: {}", gone.err);
}

#[test]
fn an_application_file_names_its_script() {
    let folder = folder();
    folder.write("jobs/app.yaml", "script: ../job.sql\nfolder: live\n");
    for arguments in [&["--config", "jobs/app.yaml"][..], &["run", "--config", "jobs/app.yaml"]] {
        let ran = folder.run(&[arguments, &["--format", "json"]].concat()).expect(0);
        assert_eq!(rows(&ran), ["{\"id\":7}"], "{arguments:?}");
    }
    let nothing = folder.run(&["run", "--config", "app.yaml"]).expect(2);
    assert!(nothing.err.contains("nothing to run; name a script"), "{}", nothing.err);
}

#[test]
fn limits_stand_in_the_environment_or_in_the_file() {
    let folder = folder();
    folder.write("limits.yaml", "VELO_MAX_SOURCES_PER_JOB: 1\nVELO_MAX_JOBS: 1\nVELO_MAX_SINKS_PER_JOB: 1\nfolder: data\n");
    let sources: String = ["a", "b"].map(|name| format!("'{name}.type'='file','{name}.path'='data/t.csv'")).join(",");
    let two = format!("SELECT a.id FROM a JOIN b ON a.id = b.id WITH ({sources})");
    let refused = folder.run(&["--sql", &two, "--config", "limits.yaml"]).expect(2);
    let over = |ran: &Ran, text: &str, variable: &str| {
        assert!(ran.err.starts_with(&format!("Error: {text}\n")) && ran.err.contains(&format!("raise {variable}\n")), "{}", ran.err);
    };
    over(&refused, "job 'query_1' has 2 sources; at most 1 is allowed", "VELO_MAX_SOURCES_PER_JOB");
    folder.run_with(&["--sql", &two, "--config", "limits.yaml"], &[("VELO_MAX_SOURCES_PER_JOB", "2")], b"").expect(0);
    let sinks = "SELECT id FROM t INTO x, y WITH ('t.type'='file','t.path'='data/t.csv','x.type'='file','x.path'='x.csv','y.type'='file','y.path'='y.csv')";
    let refused = folder.run(&["--sql", sinks, "--config", "limits.yaml"]).expect(2);
    over(&refused, "job 'query_1' has 2 sinks; at most 1 is allowed", "VELO_MAX_SINKS_PER_JOB");
    assert!(!folder.exists("x.csv"));
    let refused = folder.run(&["--sql", &format!("{JOB}; {JOB}"), "--config", "limits.yaml"]).expect(2);
    over(&refused, "there are 2 statements, each of which is a job; at most 1 may run", "VELO_MAX_JOBS");
    let nonsense = folder.run_with(&["--sql", &two], &[("VELO_MAX_JOBS", "many")], b"").expect(2);
    assert_eq!(nonsense.err.matches("VELO_MAX_JOBS = 'many': expected a count of 1 or more").count(), 1, "{}", nonsense.err);
}

#[test]
fn a_configuration_file_begins_with_those_that_it_extends() {
    let folder = folder();
    folder.write("configs/orders.yaml", "extends: ../base/${STAGE:-dev}.yml\nsource:\n  path: data/t.csv\n");
    folder.write("base/dev.yml", "extends: all.yaml\npath: nowhere.csv\nhas_headers: false\n");
    folder.write("base/all.yaml", "type: file\nhas_headers: true\nschema: id BIGINT\n");
    let sql = "SELECT id FROM t WITH ('t.config_file'='configs/orders.yaml','t.has_headers'='true')";
    let ran = folder.run(&["--sql", sql, "--format", "json"]).expect(0);
    assert_eq!(rows(&ran), ["{\"id\":1}"]);
    folder.write("extended.sql", sql);
    let settings = folder.run(&["explain", "extended.sql"]).expect(0).out;
    let whence = |key: &str| settings.lines().find(|line| line.contains(key)).unwrap_or_default().to_owned();
    for (key, place) in [("t.path", "configs/orders.yaml:3"), ("t.schema", "configs/../base/all.yaml:3"), ("t.has_headers", "extended.sql:1:")] {
        assert!(whence(key).contains(place), "{key}: {settings}");
    }
    folder.write("base/all.yaml", "extends: ../configs/orders.yaml\ntype: file\n");
    let cycle = folder.run(&["--sql", sql]).expect(2);
    assert!(cycle.err.contains("base/all.yaml:1: 'extends' leads back to where it began: configs/orders.yaml → "), "{}", cycle.err);
    folder.write("base/all.yaml", "typo: file\npaht: x\n");
    let unknown = folder.run(&["--sql", sql]).expect(2);
    assert!(unknown.err.contains("base/all.yaml:2: unknown key 't.paht'\n  did you mean 't.path'?"), "{}", unknown.err);
    let inline = folder.run(&["--sql", "SELECT id FROM t WITH ('t.type'='file','t.path'='data/t.csv','t.extends'='x.yaml','log_level'='info')"]).expect(2);
    assert!(inline.err.contains("'t.extends' is a key of configuration files, not of statements"), "{}", inline.err);
    assert!(inline.err.contains("'log_level' is a key of application files, not of statements"), "{}", inline.err);
    let outside = Folder::new();
    outside.write("secret.yaml", "type: file\n");
    folder.write("base/all.yaml", format!("extends: {}/secret.yaml\n", outside.path().display()));
    let refused = folder.run(&["--sql", sql]).expect(2);
    assert!(refused.err.contains("'extends' leads out of the folders of this configuration"), "{}", refused.err);
}

/// A name, settings of the statement, arguments, variables.
type Way<'a> = (&'a str, String, &'a [&'a str], &'a [(&'a str, &'a str)]);

/// One job, written in seven ways, is one job.
#[test]
fn every_way_to_write_a_job_gives_the_same_job() {
    let folder = Folder::new();
    folder.write("in.csv", "a;b\n1;x\n");
    folder.write("whole.yaml", "type: file_source\npath: in.csv\ndelimiter: ';'\nschema: a BIGINT, b VARCHAR\n");
    folder.write("level1.yaml", "extends: level2.yaml\npath: in.csv\n");
    folder.write("level2.yaml", "extends: level3.yaml\ndelimiter: ';'\npath: other.csv\n");
    folder.write("level3.yaml", "type: file_source\nschema: a BIGINT, b VARCHAR\ndelimiter: ','\n");
    folder.write("app.yaml", "active_profile: p\nprofiles:\n  p:\n    batch_size: 7\n    input: in.csv\n");
    let rest = "'o.type'='file','o.path'='out.csv','o.format'='csv'";
    let inline = "'t.type'='file_source','t.path'='in.csv','t.delimiter'=';','t.schema'='a BIGINT, b VARCHAR'";
    let ways: [Way<'_>; 7] = [
        ("inline", format!("{inline},'batch.size'='7',{rest}"), &[], &[]),
        ("a file", format!("'t.config_file'='whole.yaml','batch.size'='7',{rest}"), &[], &[]),
        ("three files", format!("'t.config_file'='level1.yaml','batch.size'='7',{rest}"), &[], &[]),
        ("a profile", format!("{},{rest}", inline.replace("in.csv", "${input}")), &["--config", "app.yaml"], &[]),
        ("variables", format!("{},'batch.size'='${{SIZE:-7}}',{rest}", inline.replace("in.csv", "${INPUT}")), &[], &[("INPUT", "in.csv")]),
        ("the simple type", format!("{},'batch.size'='7',{rest}", inline.replace("file_source", "file")), &[], &[]),
        ("prefixes and aliases", format!("{},'max_batch_size'='7',{}", inline.replace("t.", "t.source."), rest.replace("o.format", "o.sink.format")), &[], &[]),
    ];
    let mut first: Option<serde_json::Value> = None;
    for (name, settings, arguments, variables) in ways {
        folder.write("way.sql", format!("CREATE STREAM way AS SELECT a, b FROM t INTO o WITH ({settings})"));
        let ran = folder.run_with(&[&["explain", "way.sql", "--format", "json"], arguments].concat(), variables, b"").expect(0);
        let mut explained: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        without_origins(&mut explained);
        match &first {
            None => first = Some(explained),
            Some(first) => assert_eq!(&explained, first, "{name}"),
        }
    }
}

/// Leaves out where settings came from, and spells the type in one way.
fn without_origins(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            for key in ["origin", "from", "whence", "variables"] {
                map.remove(key);
            }
            map.values_mut().for_each(without_origins);
        }
        serde_json::Value::Array(elements) => elements.iter_mut().for_each(without_origins),
        serde_json::Value::String(text) if text == "file_source" => "file".clone_into(text),
        _ => {}
    }
}

#[test]
fn a_variable_that_nothing_uses_is_told() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n");
    folder.write("s.sql", "SELECT id FROM x WITH ('x.type'='file','x.path'='${folder}/in.csv','x.schema'='id BIGINT')");
    folder.write("velo.yaml", "topic: orders\nfolder: ${root}\nroot: .\nbatchsise: 3\n");
    let warning = "velo.yaml:1: nothing uses the variable 'topic'; to set it for a source or sink, write it into WITH or the file that 'config_file' names";
    let validated = folder.run(&["validate", "s.sql"]).expect(0);
    assert!(validated.err.contains(&format!("warn  {warning}\n")), "{}", validated.err);
    assert!(validated.err.contains("skip  variables    nothing here uses batchsise (velo.yaml:4)\n"), "{}", validated.err);
    let ran = folder.run(&["run", "s.sql"]).expect(0);
    assert_eq!(ran.err.matches(warning).count(), 1, "{}", ran.err);
    assert!(!ran.err.contains("batchsise"), "another script may use it: {}", ran.err);
    // One that the environment has instead is used all the same.
    let used = folder.run_with(&["validate", "s.sql"], &[("folder", ".")], b"").expect(0);
    assert!(!used.err.contains("folder"), "{}", used.err);
}

#[test]
fn profiles_that_are_not_active_are_checked_too() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n");
    folder.write("s.sql", "SELECT id FROM x WITH ('x.type'='file','x.path'='in.csv','x.schema'='id BIGINT')");
    for (profiles, text) in [
        ("  dev: {}\n  prod:\n  kafka_brokers: y\n", "velo.yaml:4: profile 'kafka_brokers' is no map of keys"),
        ("  dev: {}\n  prod: {batch_sise: 5}\n", "velo.yaml:3: unknown key 'batch_sise'"),
    ] {
        folder.write("velo.yaml", format!("profiles:\n{profiles}"));
        let ran = folder.run(&["validate", "s.sql", "--profile", "dev"]).expect(2);
        assert!(ran.err.contains(text), "{}", ran.err);
    }
}
