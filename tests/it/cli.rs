//! The command line: forms of output, statuses, commands.

use crate::velo::Folder;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.csv", "id,name,price\n1,Ada,1.50\n22,,20.25\n");
    folder
}

const SELECT: &str = "SELECT * FROM a WITH ('a.type'='file','a.path'='a.csv')";

#[test]
fn rows_are_json_in_a_pipe_and_a_table_or_csv_on_request() {
    let folder = folder();
    assert_eq!(
        folder.run(&["--quiet", "--sql", SELECT]).expect(0).out,
        "{\"id\":1,\"name\":\"Ada\",\"price\":1.5}\n{\"id\":22,\"name\":null,\"price\":20.25}\n"
    );
    assert_eq!(folder.run(&["--quiet", "--format", "csv", "--sql", SELECT]).expect(0).out, "id,name,price\n1,Ada,1.5\n22,,20.25\n");
    let table = folder.run(&["--quiet", "--format", "table", "--sql", SELECT]).expect(0).out;
    assert_eq!(table, "id  name  price\n──  ────  ─────\n 1  Ada     1.5\n22  NULL  20.25\n");
}

#[test]
fn scripts_come_from_files_standard_input_or_the_command_line() {
    let folder = folder();
    folder.write("s.sql", SELECT);
    let rows = folder.run(&["--quiet", "--sql", SELECT]).expect(0).out;
    assert_eq!(folder.run(&["run", "s.sql", "--quiet"]).expect(0).out, rows);
    assert_eq!(folder.run_with(&["run", "-", "--quiet"], &[], SELECT.as_bytes()).expect(0).out, rows);
    let missing = folder.run(&["run", "nope.sql"]).expect(2);
    assert_eq!(missing.err, "Error: cannot read nope.sql: No such file or directory\n");
}

#[test]
fn validate_starts_nothing() {
    let folder = folder();
    folder.write("s.sql", "SELECT id FROM a, b INTO o WITH ('a.type'='file','a.path'='missing.csv','a.schema'='id BIGINT','b.type'='file','b.path'='gone.csv','o.type'='file','o.path'='out/o.json')");
    let ran = folder.run(&["validate", "s.sql"]).expect(0);
    assert!(ran.err.contains("schema not known offline") && ran.err.contains("'b.schema'"), "{}", ran.err);
    assert!(ran.err.ends_with("1 warning. Nothing was started.\n"), "{}", ran.err);
    let connected = folder.run(&["validate", "s.sql", "--connect"]).expect(2);
    assert!(connected.err.contains("Failed to create source 'source_0_a': missing.csv: No such file or directory"), "{}", connected.err);
    assert!(!folder.exists("out"));
}

#[test]
fn explain_shows_flow_state_and_origins() {
    let folder = folder();
    folder.write("b.yaml", "path: a.csv\n");
    folder.write("s.sql", "SELECT a.id FROM a JOIN b ON a.id = b.id WHERE a.price > 1\nWITH ('a.type'='file','a.path'='a.csv','b.type'='file','b.config_file'='b.yaml','execution.mode'='stream')");
    let text = folder.run(&["explain", "s.sql"]).expect(0).out;
    assert!(text.contains("query_1 (stream)"), "{text}");
    assert!(text.contains("lookup join (INNER) with b") && text.contains("size of the table"), "{text}");
    assert!(
        text.contains("a.path = a.csv (s.sql:2:23)") && text.contains("b.path = a.csv (b.yaml:1)") && text.contains("a.has_headers = true (default)"),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&folder.run(&["explain", "s.sql", "--format", "json", "--verbose"]).expect(0).out).unwrap();
    assert_eq!(json[0]["mode"], "stream");
    assert!(json[0]["plans"]["physical"].as_str().unwrap().contains("LookupJoinExec"));
}

#[test]
fn options_come_from_the_code_and_so_does_their_page() {
    let folder = Folder::new();
    let json: serde_json::Value = serde_json::from_str(&folder.run(&["options", "--format", "json"]).expect(0).out).unwrap();
    let rows = json.as_array().unwrap();
    for row in rows {
        for field in ["component", "key", "type", "default", "scope", "example", "meaning"] {
            assert!(row[field].as_str().is_some_and(|text| !text.is_empty()), "{row} lacks {field}");
        }
    }
    let table = folder.run(&["options", "file_sink"]).expect(0).out;
    assert!(table.contains("partition_columns") && !table.contains("has_headers  –        boolean  true     source"), "{table}");
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/settings.md")).unwrap();
    assert_eq!(
        page,
        folder.run(&["options", "--format", "markdown"]).expect(0).out,
        "make it again: velo-sql options --format markdown > docs/reference/settings.md"
    );
    let wrong = folder.run(&["options", "file_snik"]).expect(2);
    assert!(wrong.err.contains("did you mean 'file_sink'"), "{}", wrong.err);
}

#[test]
fn completions_name_the_commands() {
    assert!(Folder::new().run(&["completions", "bash"]).expect(0).out.contains("validate"));
}

#[test]
fn wrong_arguments_are_the_users_fault() {
    let folder = Folder::new();
    folder.run(&["--frobnicate"]).expect(2);
    folder.run(&[]).expect(2);
    folder.run(&["run"]).expect(2);
}

#[test]
fn the_demo_runs_and_its_advice_works() {
    let folder = Folder::new();
    let shell = |command: &str| {
        let output = std::process::Command::new("sh").arg("-c").arg(command).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{command} prints rows");
    };
    for (place, arguments) in [("velo-demo", &["--seconds", "2"][..]), ("it's \"$my\" `demo` [1]", &["--seconds", "1", "--folder", "it's \"$my\" `demo` [1]"])]
    {
        let ran = folder.run(&[&["demo", "--rate", "500"], arguments].concat()).expect(0);
        let commands: Vec<&str> = ran.out.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| line.contains("--sql")).collect();
        assert_eq!(commands.len(), 2, "{}", ran.out);
        commands.into_iter().for_each(shell);
        let audit = folder.read(&format!("{place}/audit.jsonl")).lines().count();
        assert!(audit > 250, "{audit}");
        assert!(ran.out.contains(&format!("{audit} rows that were read back from topic fulfillment")) || audit >= 1_000, "the topic has all rows: {}", ran.out);
        let rows: Vec<serde_json::Value> = ran.out.lines().filter_map(|line| serde_json::from_str(line.trim()).ok()).collect();
        assert!(rows.len() == 3 && rows.iter().all(|row| row["customer_tier"].is_string()), "{}", ran.out);
        let lake = place.replace('\'', "''");
        let lake = folder.sql(&format!("SELECT count(*) AS n FROM l WITH ('l.type'='file','l.path'='{lake}/lake','l.format'='parquet')")).expect(0);
        assert_eq!(lake.out, format!("{{\"n\":{audit}}}\n"));
        assert!(ran.err.lines().any(|line| line.contains(" orders in (") && line.contains("p95")), "{}", ran.err);
    }
}

#[test]
fn the_topic_of_the_demo_can_be_read_while_it_runs() {
    let folder = Folder::new();
    let mut demo = folder.start(&["demo", "--rate", "200", "--seconds", "6"]);
    crate::velo::eventually("the first rows", || demo.log().contains(" orders in ("));
    let log = demo.log();
    let command = log.lines().find(|line| line.contains("--sql")).unwrap().trim();
    let output = std::process::Command::new("sh").arg("-c").arg(command).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).lines().count() == 5, "{command}: {output:?}");
    assert_eq!(demo.wait(), 0, "{}", demo.log());
}

#[test]
fn the_demo_touches_no_folder_of_somebody_else() {
    let folder = Folder::new();
    folder.write("mine/lake/a.txt", "precious");
    let refused = folder.run(&["demo", "--folder", "mine"]);
    assert!(refused.status == 2 && refused.err.contains("mine has files that no demo wrote"), "{} {}", refused.status, refused.err);
    assert_eq!(folder.list("mine"), ["lake/a.txt"].map(|name| format!("mine/{name}")));
    folder.run(&["demo", "--folder", "new", "--rate", "100", "--seconds", "1"]).expect(0);
    folder.run(&["demo", "--folder", "new", "--rate", "100", "--seconds", "1"]).expect(0);
}

#[test]
fn options_for_all_commands_stand_before_or_after_them() {
    let folder = Folder::new();
    folder.write("s.sql", "SELECT 1 AS x FROM a WITH ('a.type'='file','a.path'='a.jsonl')");
    folder.write("a.jsonl", "{\"id\":1}\n");
    for arguments in [&["--quiet", "run", "s.sql"][..], &["run", "--quiet", "s.sql"], &["--log-level", "error", "run", "s.sql", "--summary", "none"]] {
        let ran = folder.run(arguments).expect(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("{\"x\":1}\n", ""), "{arguments:?}");
    }
    for (arguments, told) in [
        (&["--limit", "1", "run", "s.sql"][..], "--limit stands after the command"),
        (&["--set", "a.path=b", "validate", "s.sql"], "--set stands after the command"),
        (&["--sql", "SELECT 1", "run", "s.sql"], "--sql is a command by itself"),
    ] {
        let refused = folder.run(arguments);
        assert!(refused.status == 2 && refused.err.contains(told), "{arguments:?}: {} {}", refused.status, refused.err);
    }
}

#[test]
fn two_demos_at_once_and_a_folder_that_can_not_be_written() {
    let folder = Folder::new();
    let mut first = folder.start(&["demo", "--rate", "100", "--seconds", "2"]);
    let second = folder.run(&["demo", "--rate", "100", "--seconds", "1"]);
    assert_eq!(second.status, 0, "{}", second.err);
    assert_eq!(first.wait(), 0, "{}", first.log());
    folder.write("plain", "");
    let refused = folder.run(&["demo", "--folder", "plain/x"]);
    assert!(refused.status == 2 && refused.err.contains("plain/x"), "{} {}", refused.status, refused.err);
}
