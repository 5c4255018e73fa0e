//! Files of settings and columns that are no such files, keys in them, and variables that nobody needs.

use std::process::Command;

use crate::velo::Folder;

const A: &str = "'a.type'='file','a.path'='a.csv'";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.csv", "id\n1\n");
    folder
}

#[test]
fn what_does_not_end_is_not_read() {
    let folder = folder();
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    folder.write("huge", vec![b' '; (10 << 20) + 1]);
    folder.write("latin", b"a: \xe9\n");
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    for (file, text) in [
        ("/dev/zero", "/dev/zero is a pipe or a device; a file is needed"),
        ("pipe", "pipe is a pipe or a device; a file is needed"),
        ("folder", "folder is a folder; a file is needed"),
        ("huge", "huge is larger than 10 MiB"),
        ("latin", "latin is not UTF-8 (byte 3)"),
        ("gone", "cannot read gone: No such file or directory"),
    ] {
        for key in ["config_file", "schema_file"] {
            let ran = folder.run(&["--sql", &format!("SELECT * FROM a WITH ({A},'a.{key}'='{file}')")]).expect(2);
            assert!(ran.err.starts_with(&format!("Error: {text}")) && ran.err.contains("--> --sql:1:"), "{key}: {}", ran.err);
        }
    }
    let ran = folder.run(&["decrypt", "a.csv", "--key-file", "/dev/zero"]).expect(2);
    assert_eq!(ran.err, "Error: the key is not base64 of 32 bytes\n");
}

#[test]
fn keys_that_are_set_twice_are_told() {
    let folder = folder();
    let sql = format!("SELECT * FROM a WITH ({A},'a.config_file'='a.yaml')");
    for (yaml, key) in [("batch: {size: 10}\nbatch.size: 20\n", "a.batch.size"), ("format: csv\nsource.format: csv\n", "a.source.format")] {
        folder.write("a.yaml", yaml);
        let ran = folder.run(&["--sql", &sql]).expect(0);
        assert!(ran.err.contains(&format!("'{key}' is set twice; the later value counts, the one at a.yaml:1 does not")), "{}", ran.err);
    }
    folder.write("a.yaml", "format: csv\n# c\nformat: json\n");
    assert!(folder.run(&["--sql", &sql]).expect(2).err.starts_with("Error: a.yaml:3: 'format' is set twice"));
}

#[test]
fn a_configuration_file_names_no_other() {
    let folder = folder();
    folder.write("a.yaml", "format: csv\nconfig_file: b.yaml\n");
    let ran = folder.run(&["--sql", &format!("SELECT * FROM a WITH ({A},'a.config_file'='a.yaml')")]).expect(2);
    assert_eq!(
        ran.err,
        "Error: a.yaml:2: a configuration file can't name another one\n  write 'a.config_file' into the WITH clause, or 'extends' into the file\n"
    );
}

#[test]
fn only_values_in_force_need_their_variables() {
    let folder = folder();
    folder.write("a.yaml", "value.format: ${NOPE}\nmax_batch_size: ${NOPE}\npath: ${NOPE}\n");
    let sql = format!("SELECT * FROM a WITH ({A},'a.format'='csv','a.batch.size'='10','a.config_file'='a.yaml')");
    assert_eq!(folder.run(&["--quiet", "--sql", &sql]).expect(0).out, "{\"id\":1}\n");
    let ran = folder.run(&["--quiet", "--sql", &sql.replace("'a.format'='csv',", "")]).expect(2);
    assert!(ran.err.contains("environment variable NOPE is not set; 'a.value.format' needs it"), "{}", ran.err);
}

#[test]
fn what_is_put_in_is_not_looked_at_again() {
    let folder = folder();
    folder.write("${B}.csv", "id\n2\n");
    let sql = "SELECT * FROM a WITH ('a.type'='file','a.path'='${A}.csv')";
    assert_eq!(folder.run_with(&["--quiet", "--sql", sql], &[("A", "${B}"), ("B", "a")], b"").expect(0).out, "{\"id\":2}\n");
}

#[test]
fn dates_in_a_path_need_no_default() {
    let folder = folder();
    let sql = format!("SELECT * FROM a INTO o WITH ({A},'o.type'='file','o.path'='out/x-${{DATE:-today}}-${{TIME:-now}}.json')");
    folder.run(&["--sql", &sql]).expect(0);
    let file = folder.list("out").remove(0);
    let digits = file.chars().filter(char::is_ascii_digit).count();
    assert!(file.starts_with("out/x-20") && digits == 14, "{file}");
    folder.run_with(&["--sql", &sql], &[("DATE", "d"), ("TIME", "t")], b"").expect(0);
    assert!(folder.exists("out/x-d-t.json"));
}

#[test]
fn names_of_choices_may_have_blanks_around_them() {
    let folder = folder();
    let sql = format!("SELECT * FROM a WITH ({A},'batch.strategy'=' Fixed_Size ','failure_strategy'=' log_and_continue','a.format'=' CSV ')");
    folder.run(&["--sql", &sql]).expect(0);
}

#[test]
fn a_source_may_be_called_like_the_first_word_of_a_job_key() {
    let folder = folder();
    let sql = "SELECT * FROM source WITH ('source.type'='file','source.path'='a.csv','source.buffer_size'='77')";
    folder.write("s.sql", sql);
    let text = folder.run(&["explain", "s.sql"]).expect(0).out;
    assert!(text.contains("source.buffer_size = 77 (s.sql:1:") && text.contains("source.path = a.csv"), "{text}");
}

#[test]
fn kinds_without_keys_are_known() {
    let folder = folder();
    for kind in ["iceberg", "redis", "elasticsearch", "mongodb", "iceberg_sink", "redis_source"] {
        let ran = folder.run(&["options", kind]).expect(0);
        assert!(ran.out.starts_with(&format!("{kind} is not in this build")) && ran.err.is_empty(), "{} {}", ran.out, ran.err);
        assert_eq!(folder.run(&["options", kind, "--format", "json"]).expect(0).out, "[]\n");
    }
    let wrong = folder.run(&["options", "iceberg_source"]).expect(2);
    assert!(wrong.err.starts_with("Error: no component is called 'iceberg_source'") && wrong.err.ends_with(".\n"), "{}", wrong.err);
    assert_eq!(wrong.err.matches("file_sink").count(), 1, "each is named once: {}", wrong.err);
}
