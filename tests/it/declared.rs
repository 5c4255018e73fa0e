//! What `validate` and `explain` do not look at, and what they say of it.

use crate::velo::Folder;

const O: &str = "'o.type'='file','o.path'='out/o.json'";

#[test]
fn explain_does_not_open_what_is_declared() {
    let folder = Folder::new();
    folder.write("s.sql", format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='gone.csv','a.schema'='id BIGINT',{O})"));
    let text = folder.run(&["explain", "s.sql"]).expect(0).out;
    assert!(text.contains("source a  file gone.csv, 1 columns declared, not looked at"), "{text}");
    // Nobody writes to the pipe: opening it would wait forever.
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.csv")).status().unwrap();
    assert!(made.success());
    folder.run(&["explain", "s.sql", "--set", "a.path=pipe.csv"]).expect(0);
    folder.run(&["validate", "s.sql", "--set", "a.path=pipe.csv"]).expect(0);
    // Columns that are not declared have to be looked for.
    folder.write("s.sql", format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='gone.csv',{O})"));
    assert!(folder.run(&["explain", "s.sql"]).expect(2).err.contains("gone.csv: No such file or directory"));
    assert!(!folder.exists("out"));
}

#[test]
fn validate_counts_and_checks_statements_whose_columns_are_not_known() {
    let folder = Folder::new();
    let gone = "'a.type'='file','a.path'='gone.csv'";
    let script = format!("CREATE STREAM s AS SELECT x.id, x.name, x.id + 1 AS n FROM a x INTO o WITH ({gone},{O},'batch.size'='7');\nSELECT id FROM s");
    folder.write("s.sql", &script);
    let ran = folder.run(&["validate", "s.sql"]).expect(0);
    for text in ["2 statements, 1 source, 2 sinks", "set, 0 unknown", "2 columns"] {
        assert!(ran.err.contains(text), "{text}: {}", ran.err);
    }
    assert!(ran.err.ends_with("1 warning. Nothing was started.\n") && !ran.err.contains(" 0 set"), "{}", ran.err);
    folder.write("s.sql", script.replace("'batch.size'='7'", "'o.max_files'='0','o.rotation'='daily'"));
    let ran = folder.run(&["validate", "s.sql"]).expect(2);
    assert!(ran.err.contains("'o.max_files' = '0' is not a count: expected 1 or more"), "{}", ran.err);
}

#[test]
fn nothing_sounds_as_if_it_had_been_started() {
    let folder = Folder::new();
    folder.write("a.csv", "id\n1\n");
    folder.write("s.sql", format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.csv',{O})"));
    for arguments in [vec!["validate", "s.sql"], vec!["validate", "s.sql", "--connect"], vec!["explain", "s.sql"]] {
        let ran = folder.run(&arguments).expect(0);
        assert!(!ran.err.contains("Creating") && !ran.err.contains("created"), "{arguments:?}: {}", ran.err);
    }
    let ran = folder.run(&["run", "s.sql"]).expect(0);
    assert!(ran.err.contains("Creating file source") && ran.err.contains("Successfully created source"), "{}", ran.err);
}
