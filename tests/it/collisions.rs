//! Runs that would read their own output, write one file twice, or read a pipe twice are refused before anything is created.

use std::os::unix::fs::symlink;

use crate::velo::Folder;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1,\"day\":\"x\"}\n");
    folder
}

/// A statement with a source `a` and the sinks `o` and `p`.
fn two_sinks(settings: &str) -> String {
    format!("SELECT * FROM a INTO o, p WITH ('a.type'='file','o.type'='file','p.type'='file',{settings})")
}

#[test]
fn two_sinks_that_may_write_one_file() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    symlink("d", folder.path().join("e")).unwrap();
    folder.write("old.jsonl", "");
    std::fs::hard_link(folder.path().join("old.jsonl"), folder.path().join("name.jsonl")).unwrap();
    let before = folder.list("");
    for (o, p) in [
        ("x.jsonl", "./d/../x.jsonl"),
        ("d/x.jsonl", "e/x.jsonl"),
        ("old.jsonl", "name.jsonl"),
        ("{date}.jsonl", "${DATE}.jsonl"),
        ("{date}.jsonl", "2026-01-31.jsonl"),
        ("e/{batch_id}.jsonl", "d/{hour}.jsonl"),
    ] {
        let refused = folder.sql(&two_sinks(&format!("'a.path'='a.jsonl','o.path'='{o}','p.path'='{p}'"))).expect(2);
        assert!(refused.err.contains("sink 'p' of job 'query_1' and sink 'o' of job 'query_1' write to one file"), "{o} {p}: {}", refused.err);
    }
    let rolled = folder.sql(&two_sinks("'a.path'='a.jsonl','o.path'='x.jsonl','o.roll.size'='1MB','p.path'='x-0001.jsonl'")).expect(2);
    assert!(rolled.err.contains("write to one file"), "{}", rolled.err);
    let daily = folder.sql(&two_sinks("'a.path'='a.jsonl','o.path'='x.jsonl','o.rotation'='daily','p.path'='x.{date}.jsonl'")).expect(2);
    assert!(daily.err.contains("write to one file"), "{}", daily.err);
    let partitions =
        "'a.path'='a.jsonl','o.path'='lake','o.format'='csv','o.partition_columns'='day','p.path'='lake/','p.format'='csv','p.partition_columns'='day'";
    assert!(folder.sql(&two_sinks(partitions)).expect(2).err.contains("write to one file"));
    assert_eq!(folder.list(""), before, "nothing was created");
}

#[test]
fn sinks_that_never_write_one_file() {
    let folder = folder();
    for (o, p) in [("x.jsonl", "y.jsonl"), ("{date}.jsonl", "{hour}.jsonl"), ("d/{batch_id}.jsonl", "{batch_id}.jsonl"), ("x-1.jsonl", "x-2.jsonl")] {
        folder.sql(&two_sinks(&format!("'a.path'='a.jsonl','o.path'='{o}','p.path'='{p}'"))).expect(0);
    }
    folder
        .sql(&two_sinks(
            "'a.path'='a.jsonl','o.path'='lake','o.format'='csv','o.partition_columns'='day','p.path'='lake2','p.format'='json','p.partition_columns'='day'",
        ))
        .expect(0);
}

#[test]
fn a_job_that_would_read_what_it_writes() {
    let folder = folder();
    folder.write("in/a.jsonl", "{\"id\":1}\n");
    folder.write("out/o.jsonl", "");
    symlink("../out/o.jsonl", folder.path().join("in/link.jsonl")).unwrap();
    for (from, to) in [
        ("a.jsonl", "a.jsonl"),
        ("*.jsonl", "b.jsonl"),
        ("*.jsonl", "x-{date}.jsonl"),
        ("in", "in/b.jsonl"),
        ("in/*.jsonl", "out/o.jsonl"),
        ("in", "out/o.jsonl"),
        ("**/*.jsonl", "deep/er/x.jsonl"),
    ] {
        let sql = format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='{from}','a.schema'='id BIGINT','o.type'='file','o.path'='{to}')");
        let refused = folder.sql(&sql).expect(2);
        assert!(
            refused.err.contains("source 'a' of job 'query_1' reads") || refused.err.contains("sink 'o' of job 'query_1' writes"),
            "{from} {to}: {}",
            refused.err
        );
    }
    // By linked folders, too.
    symlink("in", folder.path().join("lnk")).unwrap();
    std::fs::create_dir(folder.path().join("parts")).unwrap();
    symlink("../in", folder.path().join("parts/d=1")).unwrap();
    for (from, to) in [("l*/a.jsonl", "in/a.jsonl"), ("parts", "in/new.jsonl"), ("*/../in/*.jsonl", "in/new.jsonl"), ("ln*/*.jsonl", "in/new.jsonl")] {
        let sql = format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='{from}','a.schema'='id BIGINT','o.type'='file','o.path'='{to}')");
        assert!(folder.sql(&sql).expect(2).err.contains("writes"), "{from} {to}");
    }
    assert_eq!(folder.read("in/a.jsonl"), "{\"id\":1}\n");
    for (from, to) in [("in/a*.jsonl", "in/b.jsonl"), ("in/a*", "in/.hidden.jsonl"), ("in/a.jsonl", "in/b-{date}.jsonl"), ("in/a.jsonl", "in/.a.jsonl")] {
        folder.sql(&format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='{from}','o.type'='file','o.path'='{to}')")).expect(0);
    }
}

#[test]
fn collisions_are_found_across_statements_and_scripts_and_beside_other_faults() {
    let folder = folder();
    let statement = |path: &str, to: &str| {
        format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='{path}','a.schema'='id BIGINT','o.type'='file','o.path'='{to}');\n")
    };
    folder.write("one.sql", statement("a.jsonl", "b.jsonl"));
    folder.write("two.sql", statement("a.jsonl", "b.jsonl"));
    folder.write("three.sql", statement("b.jsonl", "c.jsonl"));
    let both = folder.run(&["run", "one.sql", "two.sql"]).expect(2);
    assert!(both.err.contains("and sink 'o' of job 'query_1' (one.sql) write to one file") && both.err.contains("two.sql:1:23"), "{}", both.err);
    let chain = folder.run(&["validate", "one.sql", "three.sql"]).expect(2);
    assert!(chain.err.contains("b.jsonl, which sink 'o' of job 'query_1' (one.sql) writes"), "{}", chain.err);
    folder.write("faulty.sql", statement("a.jsonl", "b.jsonl").replace("SELECT id", "SELECT wrong") + &statement("a.jsonl", "b.jsonl"));
    let all = folder.run(&["run", "faulty.sql"]).expect(2);
    assert!(all.err.contains("write to one file") && all.err.contains("'wrong'"), "{}", all.err);
    assert!(!folder.exists("b.jsonl"));
}

#[test]
fn what_can_be_read_once_is_read_by_one() {
    let folder = folder();
    let twice = "SELECT l.id FROM l JOIN r ON l.id = r.id WITH ('l.type'='file','l.path'='-','l.schema'='id BIGINT','r.type'='file','r.path'='-','r.schema'='id BIGINT')";
    let refused = folder.run_with(&["--sql", twice], &[], b"{\"id\":1}\n").expect(2);
    assert!(
        refused.err.contains("source 'r' of job 'query_1' and source 'l' of job 'query_1' read standard input, which can be read only once"),
        "{}",
        refused.err
    );
    let script = "SELECT id FROM l WITH ('l.type'='file','l.path'='-','l.schema'='id BIGINT')";
    let refused = folder.run_with(&["run", "-"], &[], script.as_bytes()).expect(2);
    assert!(refused.err.contains("source 'l' of job 'query_1' and the script read standard input"), "{}", refused.err);
    let same = "SELECT l.id FROM l JOIN l AS r ON l.id = r.id WITH ('l.type'='file','l.path'='-','l.schema'='id BIGINT','l.until'='latest')";
    assert_eq!(folder.run_with(&["--quiet", "--sql", same], &[], b"{\"id\":1}\n").expect(0).out, "{\"id\":1}\n");
}
