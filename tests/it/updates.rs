//! Groups without a window of time: who takes rows that take the place of earlier ones.

use crate::velo::Folder;

const SOURCE: &str = "'a.type'='file','a.path'='a.jsonl','a.schema'='k VARCHAR, v BIGINT, ts TIMESTAMP','a.event_time'='ts','execution.mode'='stream'";

fn folder() -> Folder {
    let folder = Folder::new();
    let row = |k: &str, v: u32, second: u32| format!("{{\"k\":\"{k}\",\"v\":{v},\"ts\":\"2026-05-01T10:00:{second:02}Z\"}}\n");
    folder.write("a.jsonl", row("x", 1, 10) + &row("y", 2, 11) + &row("x", 3, 12) + &row("x", 5, 40));
    folder
}

fn grouped(rest: &str) -> String {
    format!("SELECT k AS name, sum(v) AS total FROM a GROUP BY k {rest}")
}

#[test]
fn each_epoch_tells_of_the_groups_that_it_has_touched() {
    let folder = folder();
    let run = |settings: &str| folder.run(&["--sql", &grouped(&format!("WITH ({SOURCE}{settings})"))]).expect(0).out;
    let row = |name: &str, total: u32| format!("{{\"name\":\"{name}\",\"total\":{total}}}\n");
    assert_eq!(run(",'a.batch.size'='1'"), [row("x", 1), row("y", 2), row("x", 4), row("x", 9)].concat());
    assert_eq!(run(",'a.batch.size'='2','batch.timeout'='60s','batch.strategy'='fixed_size'"), [row("x", 1), row("y", 2), row("x", 9)].concat());
    // Where the statement has no time of rows the watermark is gone by.
    assert!(run(",'a.batch.size'='1','state.ttl'='20s'").ends_with(&(row("x", 4) + &row("x", 5))));
}

#[test]
fn a_group_that_was_silent_for_state_ttl_begins_anew() {
    let folder = folder();
    let sql = format!("SELECT k, sum(v) AS total, max(ts) AS last FROM a GROUP BY k WITH ({SOURCE},'a.batch.size'='1','state.ttl'='20s')");
    let ran = folder.run(&["--sql", &sql]).expect(0);
    assert!(ran.out.ends_with("{\"k\":\"x\",\"total\":5,\"last\":\"2026-05-01T10:00:40Z\"}\n"), "{}", ran.out);
}

#[test]
fn sinks_that_keep_all_rows_are_refused() {
    let folder = folder();
    let refused = |rest: &str, what: &str, instead: &str| {
        folder.write("s.sql", grouped(rest));
        let ran = folder.run(&["validate", "s.sql"]).expect(2);
        assert!(ran.err.contains(what) && ran.err.contains(instead), "{}", ran.err);
    };
    let again = "tells of its groups again and again";
    refused(&format!("INTO out WITH ({SOURCE},'out.type'='file','out.path'='out.jsonl')"), again, "tumble(ts, INTERVAL '1' MINUTE)");
    let kafka = "'out.type'='kafka','out.bootstrap.servers'='h:1'";
    refused(&format!("INTO out WITH ({SOURCE},{kafka})"), again, "'out.key' = 'name'");
    refused(&format!("INTO out WITH ({SOURCE},{kafka},'out.key'='total')"), again, "'out.key' = 'name'");
    let more = "where more is done with the groups than to choose columns";
    refused(&format!("HAVING sum(v) > 3 WITH ({SOURCE})"), more, "tumble(");
    refused(&format!("LIMIT 3 WITH ({SOURCE})"), more, "tumble(");
    folder.write("s.sql", grouped(&format!("INTO out WITH ({SOURCE},{kafka},'out.key'='name')")));
    folder.run(&["validate", "s.sql"]).expect(0);
    folder.write("s.sql", format!("CREATE STREAM g AS {}; SELECT * FROM g WHERE total > 3", grouped(&format!("WITH ({SOURCE})"))));
    let ran = folder.run(&["validate", "s.sql"]).expect(2);
    assert!(ran.err.contains("'g' groups without a window of the event time: its rows take the place of earlier ones"), "{}", ran.err);
}

#[test]
fn windows_are_told_while_they_are_open_if_a_job_wants_it() {
    let folder = folder();
    let select = "SELECT k, window_start, count(*) AS n FROM a GROUP BY k, tumble(ts, INTERVAL '20' SECOND)";
    let run = |settings: &str| folder.run(&["--sql", &format!("{select} WITH ({SOURCE},'a.batch.size'='1'{settings})")]).expect(0);
    let row = |k: &str, second: u32, n: u32| format!("{{\"k\":\"{k}\",\"window_start\":\"2026-05-01T10:00:{second:02}Z\",\"n\":{n}}}\n");
    let sorted = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    assert_eq!(sorted(&run("").out), sorted(&[row("x", 0, 2), row("y", 0, 1), row("x", 40, 1)].concat()));
    let changes = run(",'emit'='changes'");
    assert_eq!(changes.out, [row("x", 0, 1), row("y", 0, 1), row("x", 0, 2), row("x", 40, 1)].concat());
    // A row of a window that is over changes nothing any more.
    folder.write("a.jsonl", folder.read("a.jsonl") + "{\"k\":\"y\",\"v\":1,\"ts\":\"2026-05-01T10:00:13Z\"}\n");
    let late = run(",'emit'='changes'");
    assert_eq!(late.out, changes.out);
    assert!(late.err.contains("too late for the GROUP BY"), "{}", late.err);
    let refused = |statement: &str, settings: &str, text: &str| {
        folder.write("s.sql", format!("{statement} WITH ({SOURCE},'emit'='changes'{settings})"));
        let ran = folder.run(&["validate", "s.sql"]).expect(2);
        assert!(ran.err.contains(text), "{}", ran.err);
    };
    let needs = "'emit' = 'changes' needs a GROUP BY at the end of the statement, all of whose groups are selected";
    refused("SELECT k FROM a", "", needs);
    refused("SELECT k, count(*) AS n FROM a GROUP BY k, tumble(ts, INTERVAL '20' SECOND)", "", needs);
    refused("SELECT k, window_start, count(*) AS n FROM a GROUP BY k, session(ts, INTERVAL '20' SECOND)", "", needs);
    refused(&format!("{select} INTO o"), ",'o.type'='kafka','o.bootstrap.servers'='h:1','o.key'='k'", "'o.key' = 'k, window_start'");
}
