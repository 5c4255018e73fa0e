//! Application files and files of settings as they are laid out in practice, and such as are meant to do harm.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::velo::{Folder, Ran, binary};

const T: &str = "SELECT id FROM t WITH ('t.type'='file','t.path'='t.csv')";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", "id\n1\n2\n");
    folder.write("t.sql", T);
    folder
}

fn explained<'a>(ran: &'a Ran, key: &str) -> &'a str {
    let settings = ran.out.lines().find_map(|line| line.strip_prefix("  settings: ")).unwrap_or_default();
    settings.split(" · ").find(|setting| setting.starts_with(&format!("{key} = "))).unwrap_or_default()
}

#[test]
fn values_that_are_overridden_need_no_variables() {
    let folder = folder();
    folder.write("app.yaml", "batch_size: ${SIZE}\nmax_retries: ${RETRIES}\n");
    let needed = folder.run(&["explain", "t.sql", "--config", "app.yaml", "--set", "max_retries=1"]).expect(2);
    assert_eq!(needed.err, "Error: app.yaml:1: environment variable SIZE is not set; 'batch_size' needs it\n  set it, or write ${SIZE:-default}\n");
    let set = folder.run(&["explain", "t.sql", "--config", "app.yaml", "--set", "max_retries=1", "--set", "max_batch_size=4"]).expect(0);
    assert_eq!(explained(&set, "batch.size"), "batch.size = 4 (--set)");
    folder.write("with.sql", T.replace("WITH (", "WITH ('batch.size'='5','max_retries'='2',"));
    let inline = folder.run(&["explain", "with.sql", "--config", "app.yaml"]).expect(0);
    assert!(explained(&inline, "batch.size").starts_with("batch.size = 5 (with.sql:1:"), "{}", inline.out);
}

#[test]
fn brokers_are_needed_unless_statements_have_their_own() {
    let folder = folder();
    folder.write("app.yaml", "profiles:\n  production:\n    kafka_brokers: ${KAFKA_BROKERS}\n");
    let arguments = ["--config", "app.yaml", "--profile", "production"];
    let kafka = "SELECT a FROM k WITH ('k.type'='kafka','k.format'='json','k.schema'='a BIGINT'";
    let told = "app.yaml:3: environment variable KAFKA_BROKERS is not set; 'kafka_brokers' needs it";
    for (sql, status) in [(T.to_owned(), 2), (format!("{kafka})"), 2), (format!("{kafka},'k.bootstrap.servers'='h:1')"), 0)] {
        folder.write("s.sql", &sql);
        let ran = folder.run(&[&["validate", "s.sql"], &arguments[..]].concat()).expect(status);
        assert_eq!(ran.err.matches(told).count(), usize::from(status == 2), "{sql}: {}", ran.err);
    }
    folder.write("s.sql", format!("{kafka})"));
    let ran = folder.run_with(&[&["explain", "s.sql"], &arguments[..]].concat(), &[("KAFKA_BROKERS", "h:1,h:2")], b"").expect(0);
    assert_eq!(explained(&ran, "k.bootstrap.servers"), "k.bootstrap.servers = h:1,h:2 (app.yaml:3, with ${KAFKA_BROKERS})");
    folder.write("app.yaml", "kafka_brokers: [h:1, h:2]\n");
    let ran = folder.run(&["explain", "s.sql", "--config", "app.yaml"]).expect(0);
    assert!(explained(&ran, "k.bootstrap.servers").starts_with("k.bootstrap.servers = h:1, h:2 (app.yaml:1)"), "{}", ran.out);
}

#[test]
fn what_is_put_in_is_put_in_once() {
    let folder = folder();
    folder.write("${B}.csv", "id\n7\n");
    folder.write("app.yaml", "name: ${A}\nfailure_strategy: ${STRATEGY}\n");
    let sql = "SELECT id FROM t WITH ('t.type'='file','t.path'='${name}.csv','failure_strategy'='FailBatch')";
    let variables = [("A", "${B}"), ("B", "t"), ("STRATEGY", "${B}")];
    let ran = folder.run_with(&["--quiet", "--sql", sql, "--config", "app.yaml"], &variables, b"").expect(0);
    assert_eq!(ran.out, "{\"id\":7}\n");
    let ran = folder.run_with(&["run", "t.sql", "--config", "app.yaml"], &variables, b"").expect(2);
    assert!(ran.err.contains("app.yaml:2: 'failure_strategy' = '${B}' is not a failure strategy"), "{}", ran.err);
    let ran = folder.run_with(&["run", "t.sql"], &[("VELO_BATCH_TIMEOUT_MS", "${B}"), ("B", "5")], b"").expect(2);
    assert!(ran.err.contains("'VELO_BATCH_TIMEOUT_MS' = '${B}' is not a duration"), "{}", ran.err);
}

#[test]
fn limits_of_a_file_are_told_with_their_line() {
    let folder = folder();
    for (text, told) in [
        ("x: 1\nVELO_MAX_JOBS: many\n", "app.yaml:2: VELO_MAX_JOBS = 'many': expected a count of 1 or more"),
        ("VELO_MAX_SINKS_PER_JOB: [1, 2]\n", "app.yaml:1: VELO_MAX_SINKS_PER_JOB = '1,2': expected a count of 1 or more"),
        ("x: 1\nVELO_BATCH_TIMEOUT_MS: soon\n", "app.yaml:2: 'VELO_BATCH_TIMEOUT_MS' = 'soon' is not a duration"),
        ("VELO_MAX_SOURCES: 3\n", "app.yaml:1: unknown key 'VELO_MAX_SOURCES'\n  nearest: VELO_MAX_JOBS; "),
        ("VELO_MAX_SOURCES_PER_JOBB: 3\n", "app.yaml:1: unknown key 'VELO_MAX_SOURCES_PER_JOBB'\n  nearest: VELO_MAX_SOURCES_PER_JOB; "),
    ] {
        folder.write("app.yaml", text);
        let ran = folder.run(&["validate", "t.sql", "--config", "app.yaml"]).expect(2);
        assert!(ran.err.starts_with(&format!("Error: {told}")), "{text}: {}", ran.err);
    }
    // As a variable of the environment, it makes nobody wait who asks for no batches.
    folder.write("app.yaml", "VELO_BATCH_TIMEOUT_MS: 60000\n");
    let ran = folder.run(&["explain", "t.sql", "--config", "app.yaml"]).expect(0);
    assert_eq!(explained(&ran, "batch.timeout"), "batch.timeout = 60000 (app.yaml:1)");
}

#[test]
fn a_profile_that_nothing_has_is_told() {
    let folder = folder();
    let variable = [("VELO_PROFILE", "production")];
    let ran = folder.run_with(&["--sql", T], &variable, b"").expect(0);
    let told = "warn VELO_PROFILE = 'production' has no effect: there is no application file; name one with --config FILE\n";
    assert!(ran.err.starts_with(told) && ran.out.lines().count() == 2, "{}", ran.err);
    folder.write("velo.yaml", "");
    let ran = folder.run_with(&["--sql", T], &variable, b"").expect(2);
    assert_eq!(ran.err, "Error: environment variable VELO_PROFILE: velo.yaml has no profile 'production'\n  it has none\n");
    let ran = folder.run(&["--sql", T, "--profile", "p"]).expect(2);
    assert_eq!(ran.err, "Error: --profile: velo.yaml has no profile 'p'\n  it has none\n");
    folder.write("velo.yaml", "profiles:\n  production:\n");
    folder.run_with(&["--sql", T], &variable, b"").expect(0);
}

#[test]
fn files_extend_others_of_their_project_from_any_working_directory() {
    let folder = folder();
    folder.write("project/conf/base.yaml", "type: file\nschema: id BIGINT\n");
    folder.write("project/conf/dev/t.yaml", "extends: ../base.yaml\n");
    folder.write("project/conf/dev/deep/er/t.yaml", "extends: ../../../base.yaml\n");
    folder.write("elsewhere/x", "");
    folder.write("secret.yaml", "type: file\n");
    let run = |from: &str, name: &str| {
        let file = folder.path().join("project/conf").join(name).display().to_string();
        let sql = format!("SELECT id FROM t WITH ('t.config_file'='{file}','t.path'='{}/t.csv')", folder.path().display());
        let output = Command::new(binary()).args(["--quiet", "--sql", &sql]).current_dir(folder.path().join(from)).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for from in ["project", "project/conf/dev", "elsewhere", "/"] {
        assert_eq!(run(from, "dev/t.yaml"), (Some(0), String::new()), "{from}");
    }
    let (status, told) = run("elsewhere", "dev/deep/er/t.yaml");
    assert!(status == Some(2) && told.contains("deep/er/t.yaml:1: 'extends' leads out of the folders of this configuration"), "{told}");
    folder.write("project/velo.yaml", "");
    assert_eq!(run("elsewhere", "dev/deep/er/t.yaml"), (Some(0), String::new()), "a project may be deep");
    for target in ["../../../secret.yaml", "/etc/hostname", "/etc/no-such-file", "link.yaml"] {
        folder.write("project/conf/dev/t.yaml", format!("extends: {target}\n"));
        let _there = std::os::unix::fs::symlink("/etc/hostname", folder.path().join("project/conf/dev/link.yaml"));
        let (status, told) = run("elsewhere", "dev/t.yaml");
        assert!(status == Some(2) && told.contains("dev/t.yaml:1: 'extends' leads out of the folders of this configuration"), "{target}: {told}");
    }
}

#[test]
fn lists_are_refused_where_one_value_is_meant() {
    let folder = folder();
    let sql = "SELECT id FROM t WITH ('t.config_file'='t.yaml')";
    for (key, kind) in [("path", "path"), ("event_time", "text"), ("schema_file", "path"), ("has_headers", "boolean"), ("batch.size", "count")] {
        let rest = if key == "path" { "" } else { "path: t.csv\n" };
        folder.write("t.yaml", format!("type: file\n{rest}{key}: [a, b]\n"));
        let ran = folder.run(&["--sql", sql]).expect(2);
        assert!(ran.err.contains(&format!("'t.{key}' = 'a, b' is not a {kind}: expected one value, found a list")), "{}", ran.err);
    }
    folder.write("t.yaml", "type: file\npath: t.csv\nschema: [id BIGINT, name VARCHAR]\n");
    let ran = folder.run(&["--sql", sql]).expect(0);
    assert!(ran.out.contains("{\"id\":"), "a list of columns is one of columns: {}", ran.out);
}

#[test]
fn dates_are_put_in_everywhere() {
    let folder = folder();
    let day = || Command::new("date").args(["-u", "+%F"]).output().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap();
    for _midnight_passed in 0..2 {
        let before = day();
        folder.write(&format!("in-{before}.csv"), "id\n3\n");
        folder.write("app.yaml", "name: in-${DATE}\nout: out/x-${DATE}-${TIME}\n");
        let ran = |path: &str| {
            let sql = format!("SELECT id FROM t INTO o WITH ('t.type'='file','t.path'='{path}.csv','o.type'='file','o.path'='${{out}}.json')");
            folder.run(&["--sql", &sql, "--config", "app.yaml"])
        };
        let both = [ran("in-${DATE}"), ran("${name}")];
        if before == day() {
            for ran in both {
                ran.expect(0);
            }
            let file = folder.list("out").remove(0);
            assert!(file.starts_with(&format!("out/x-{before}-")) && file.len() == "out/x-2024-01-05-093001.json".len(), "{file}");
            return;
        }
    }
}

#[test]
fn files_that_grow_are_refused_soon() {
    let folder = folder();
    let chain = |first: &str, link: &dyn Fn(usize) -> String| (1..20_000).fold(first.to_owned(), |text, number| text + &link(number));
    let laughs = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, n| text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(",")));
    let bombs = [
        ("billion laughs", laughs, ":"),
        ("merges", chain("m0: &m0 {x: 1}\n", &|n| format!("m{n}: &m{n} {{<<: *m{}}}\n", n - 1)), "32: nested more than 32 levels deep"),
        ("a long key", format!("{}: {{x: 1}}\n", "k".repeat(3 << 20)), "1: "),
        (
            "long keys",
            format!("{}: {{{}}}\n", "k".repeat(200), (0..9_000).map(|n| format!("{}{n}: 1,", "n".repeat(100))).collect::<String>()),
            "1: with the keys around it, a key has more than 256 bytes",
        ),
        ("many values", chain("", &|n| format!("k{n}: 1\n")), "10001: 'k10001' is one key too many"),
        ("a value of 10 MB", format!("x: 1\ny: {}\n", "v".repeat(10_000_000)), "2: a value has more than 64 KiB"),
        (
            "aliases of a long value",
            format!("x: &x {}\ny: [{}]\n", "v".repeat(60_000), "*x,".repeat(9_000)),
            "2: with what its aliases stand for, the file has more than 16 MiB",
        ),
        ("flow", format!("x: {}", "[".repeat(1_000_000)), "1: "),
        ("flow of maps", format!("x: {}", "{a: ".repeat(1_000_000)), "1: "),
        ("block", (0..3_000).map(|n| format!("{}k:\n", " ".repeat(n))).collect(), "33: nested more than 32 levels deep"),
        ("a block of lists", "- ".repeat(1_000_000), "1: "),
        ("itself", "x: &x {y: *x}\n".to_owned(), "1: an alias stands for a value that it is a part of"),
        ("quotes", format!("x: '{}\n", "'".repeat(1_000_001)), "1: "),
    ];
    let sql = "SELECT id FROM t WITH ('t.type'='file','t.path'='t.csv','t.config_file'='bomb.yaml')";
    for (name, text, told) in bombs {
        folder.write("bomb.yaml", &text);
        for arguments in [&["--sql", sql][..], &["--sql", T, "--config", "bomb.yaml"], &["config", "show", "bomb.yaml"]] {
            let began = Instant::now();
            let ran = folder.run(arguments).expect(2);
            assert!(
                ran.err.starts_with(&format!("Error: bomb.yaml:{told}")) || told == ":" && ran.err.starts_with("Error: bomb.yaml:"),
                "{name}, {arguments:?}: {:.300}",
                ran.err
            );
            assert!(ran.err.len() < 1_000 && began.elapsed() < Duration::from_secs(20), "{name}: {:?}", began.elapsed());
        }
    }
}

#[test]
fn values_that_are_hard_to_search_for_secrets_do_not_take_long() {
    let folder = folder();
    for value in ["''".repeat(32_000), "://a:b/".repeat(9_000), "\\\"password\\\"/* ".repeat(3_000), "a.password=".repeat(5_000)] {
        folder.write("t.yaml", format!("format: \"{value}\"\n"));
        let began = Instant::now();
        let ran = folder.run(&["--sql", "SELECT id FROM t WITH ('t.type'='file','t.path'='t.csv','t.config_file'='t.yaml')"]).expect(2);
        assert!(ran.err.contains("t.yaml:1: 't.format' = "), "{:.300}", ran.err);
        folder.run(&["config", "show", "t.yaml"]).expect(0);
        assert!(began.elapsed() < Duration::from_secs(40), "{:.20}: {:?}", value, began.elapsed());
    }
}

#[test]
fn what_a_map_has_itself_counts_more_than_what_it_merges() {
    let folder = folder();
    folder.write("s.sql", "SELECT id FROM t WITH ('t.type'='file','t.path'='t.csv','t.config_file'='m.yaml')");
    for yaml in [
        "<<: {batch.size: 5}\nbatch: {size: 7}\n",
        "batch: {size: 7}\n<<: {batch.size: 5}\n",
        "<<: {batch: {size: 5}}\nbatch.size: 7\n",
        "<<: {batch.size: 5}\nbatch_size: 7\n",
    ] {
        folder.write("m.yaml", yaml);
        let ran = folder.run(&["explain", "s.sql"]).expect(0);
        assert!(ran.out.contains("t.batch.size = 7 (m.yaml:") && !ran.err.contains("set twice"), "{yaml}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn what_would_be_taken_for_something_else_is_refused() {
    let folder = folder();
    let sql = "SELECT id FROM t WITH ('t.type'='file','t.path'='t.csv')";
    for (yaml, told) in [
        ("extends: base.yaml\n", "app.yaml:1: 'extends' can't stand in an application file"),
        ("x: 1\nbootstrap.servers: a:9092\n", "app.yaml:2: 'bootstrap.servers' can't stand in an application file"),
        ("profiles:\n  dev:\n    group.id: g\nactive_profile: dev\n", "app.yaml:3: 'group.id' can't stand in an application file"),
    ] {
        folder.write("app.yaml", yaml);
        let ran = folder.run(&["--config", "app.yaml", "--sql", sql]).expect(2);
        assert!(ran.err.contains(told), "{yaml}: {}", ran.err);
    }
    let nested = sql.replace("'t.csv'", "'${OUT:-${DIR:-.}/t.csv}'");
    let ran = folder.run(&["--sql", &nested]).expect(2);
    assert!(ran.err.contains("'t.path' has a variable within another one"), "{}", ran.err);
    // An empty variable is not set.
    folder.run_with(&["--sql", sql], &[("VELO_BATCH_TIMEOUT_MS", "")], b"").expect(0);
    // A link that leads nowhere is not passed over.
    std::os::unix::fs::symlink("/no/such/place", folder.path().join("velo.yaml")).unwrap();
    assert!(folder.run(&["--sql", sql]).expect(2).err.contains("velo.yaml"));
}

#[test]
fn settings_that_are_run_as_a_script_keep_their_secrets() {
    let folder = folder();
    for line in ["sasl.password: Inl1ne9pw", "password: [Inl1ne9pw]", "sasl.password: &a Inl1ne9pw", "auth_token: !!str Inl1ne9pw", "- password: \"Inl1ne9pw"] {
        folder.write("leak.yaml", line);
        for command in ["validate", "run", "explain"] {
            let ran = folder.run(&[command, "leak.yaml"]).expect(2);
            assert!(!ran.err.contains("Inl1ne9pw") && !ran.out.contains("Inl1ne9pw"), "{command} {line}: {}", ran.err);
        }
    }
}
