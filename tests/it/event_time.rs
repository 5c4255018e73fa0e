//! Streams that go by event time: how long they wait, for whom, and what happens to what comes too late.

use std::time::Duration;

use crate::velo::{Folder, Started, eventually_or};

/// `id`s at seconds of a minute.
fn rows(rows: &[(u32, u32)]) -> String {
    rows.iter().map(|(id, second)| format!("{{\"id\":{id},\"k\":1,\"ts\":\"2026-05-01T10:00:{second:02}Z\"}}\n")).collect()
}

const SOURCES: &str = "'a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, k BIGINT, ts TIMESTAMP','a.event_time'='ts',
    'b.type'='file','b.path'='b.jsonl','b.schema'='id BIGINT, k BIGINT, ts TIMESTAMP','b.event_time'='ts'";

fn join(kind: &str, within: &str, settings: &str) -> String {
    format!("SELECT a.id AS a, b.id AS b FROM a {kind} b ON a.k = b.k {within} WITH ({SOURCES}{settings})")
}

fn lines(job: &Started) -> Vec<String> {
    job.output().lines().map(str::to_owned).collect()
}

#[test]
fn rows_are_waited_for_as_long_as_a_source_says() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 20), (2, 30), (3, 21), (4, 31)]));
    folder.write("b.jsonl", rows(&[(5, 20), (6, 30), (7, 31), (8, 32)]));
    let run = |settings: &str| {
        let one_by_one = format!(",'execution.mode'='stream','batch.size'='1'{settings}");
        let ran = folder.run(&["--sql", &join("RIGHT JOIN", "WITHIN INTERVAL '1' SECOND", &one_by_one)]).expect(0);
        let mut found: Vec<String> = ran.out.lines().map(str::to_owned).collect();
        found.sort();
        (found, ran.err)
    };
    let pair = |a: u32, b: u32| format!("{{\"a\":{a},\"b\":{b}}}");
    let in_time = [pair(1, 5), pair(2, 6), pair(2, 7), pair(4, 6), pair(4, 7), pair(4, 8)];
    let (found, told) = run("");
    assert_eq!(found, in_time);
    assert!(told.contains("rows came too late for the interval join (RIGHT)") && told.contains("watermark.max_out_of_orderness"), "{told}");
    let all = [&in_time[..], &[pair(3, 5)]].concat();
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    for waits in ["'a.watermark.max_out_of_orderness'='10s'", "'a.allowed_lateness'='6s'"] {
        let (found, told) = run(&format!(",{waits}"));
        assert_eq!(found, sorted(all.clone()), "{waits}");
        assert!(!told.contains("too late"), "{told}");
    }
}

#[test]
fn a_silent_source_is_not_waited_for() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 20), (2, 50)]));
    folder.write("b.jsonl", "");
    let start = |timeout: &str| {
        let settings = format!(",'a.follow'='true','b.follow'='true','b.watermark.idle_timeout'='{timeout}'");
        folder.start(&["--sql", &join("LEFT JOIN", "WITHIN INTERVAL '1' SECOND", &settings)])
    };
    let job = start("300ms");
    eventually_or("the row that nothing can match any more", || !lines(&job).is_empty(), || job.log());
    assert_eq!(lines(&job), ["{\"a\":1,\"b\":null}"], "the time of a is at 45 seconds");
    drop(job);
    let job = start("1h");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(lines(&job), Vec::<String>::new());
}

#[test]
fn unmatched_rows_come_out_when_the_time_has_passed_and_at_the_end() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 10), (2, 20)]));
    folder.write("b.jsonl", rows(&[(3, 10)]));
    let settings = ",'a.follow'='true','b.follow'='true','a.follow.interval'='10ms','b.follow.interval'='10ms'";
    let mut job = folder.start(&["--sql", &join("LEFT JOIN", "WITHIN INTERVAL '2' SECONDS", settings)]);
    eventually_or("the pair", || lines(&job) == ["{\"a\":1,\"b\":3}"], || job.log());
    let append = |name: &str, text: String| {
        use std::io::Write;
        std::fs::OpenOptions::new().append(true).open(folder.path().join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    append("b.jsonl", rows(&[(4, 28)]));
    eventually_or("the row without a partner", || lines(&job).contains(&"{\"a\":2,\"b\":null}".to_owned()), || job.log());
    append("a.jsonl", rows(&[(5, 50)]));
    std::thread::sleep(Duration::from_millis(300));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(lines(&job).len(), 2, "a job that was stopped has not seen the end: row 5 may still find a partner");
    // Of files that end it is known.
    let ran = folder.run(&["--sql", &join("LEFT JOIN", "WITHIN INTERVAL '2' SECONDS", ",'execution.mode'='stream'")]).expect(0);
    assert!(ran.out.contains("{\"a\":5,\"b\":null}"), "{}", ran.out);
}

#[test]
fn joins_that_say_nothing_about_time_are_bounded_by_state_ttl() {
    let folder = Folder::new();
    let row = |id: u32, hour: u32| format!("{{\"id\":{id},\"k\":1,\"ts\":\"2026-05-01T{hour:02}:00:00Z\"}}\n");
    folder.write("a.jsonl", row(1, 1) + &row(2, 3));
    folder.write("b.jsonl", row(3, 1) + &row(4, 5));
    let run = |settings: &str, wanted: &[&str]| {
        let sql = join("JOIN", "", &format!(",'a.follow'='true','b.follow'='true'{settings}"));
        let job = folder.start(&["--sql", &sql]);
        let sorted = || {
            let mut lines = lines(&job);
            lines.sort();
            lines
        };
        eventually_or("the pairs", || sorted() == wanted, || job.log());
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(sorted(), wanted);
        job.log()
    };
    let told = run("", &["{\"a\":1,\"b\":3}"]);
    assert!(told.contains("the join of 'a' and 'b' has no WITHIN: rows pair whose event times differ by no more than 'state.ttl' = 3600000 ms"), "{told}");
    run(",'state.ttl'='2h'", &["{\"a\":1,\"b\":3}", "{\"a\":2,\"b\":3}", "{\"a\":2,\"b\":4}"]);
}

#[test]
fn streams_of_a_script_hand_on_their_times() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 10), (2, 20), (3, 40)]));
    folder.write("b.jsonl", rows(&[(4, 11), (5, 21), (6, 45)]));
    let script = format!(
        "CREATE STREAM early AS SELECT id, k, ts FROM a WHERE id < 9 WITH ({a});
         SELECT e.id AS a, b.id AS b FROM early e {{KIND}} b ON e.k = b.k WITHIN INTERVAL '2' SECONDS WITH ({b},'execution.mode'='stream')",
        a = SOURCES.split(",\n").next().unwrap().to_owned() + ",'execution.mode'='stream'",
        b = SOURCES.split(",\n").nth(1).unwrap().trim(),
    );
    for (kind, wanted) in [("JOIN", 2), ("LEFT JOIN", 3), ("FULL JOIN", 4)] {
        for size in ["1", "1000"] {
            let ran = folder.run(&["--set", &format!("batch.size={size}"), "--sql", &script.replace("{KIND}", kind)]).expect(0);
            assert_eq!(ran.out.lines().count(), wanted, "{kind} {size}: {}", ran.out);
        }
    }
}

#[test]
fn windows_come_out_once_when_their_time_is_over() {
    let folder = Folder::new();
    let at = |id: u32, minute: u32, second: u32| format!("{{\"id\":{id},\"k\":1,\"ts\":\"2026-05-01T10:{minute:02}:{second:02}Z\"}}\n");
    folder.write("a.jsonl", at(1, 0, 10) + &at(2, 0, 50) + &at(3, 1, 4));
    let source = SOURCES.split(",\n").next().unwrap();
    let sql = format!(
        "SELECT window_start, window_end, count(*) AS n FROM a GROUP BY tumble(a.ts, INTERVAL '1' MINUTE) WITH ({source},'a.follow'='true','a.follow.interval'='10ms')"
    );
    let mut job = folder.start(&["--format", "json", "--summary", "json", "--sql", &sql]);
    let append = |text: String| {
        use std::io::Write;
        std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl")).unwrap().write_all(text.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(400));
    };
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(lines(&job), Vec::<String>::new(), "a row of the first minute may still come");
    append(at(4, 0, 59));
    append(at(5, 1, 6));
    let first = "{\"window_start\":\"2026-05-01T10:00:00Z\",\"window_end\":\"2026-05-01T10:01:00Z\",\"n\":3}";
    eventually_or("the first minute", || lines(&job) == [first], || job.log());
    append(at(6, 0, 30));
    append(at(7, 2, 10));
    let second = "{\"window_start\":\"2026-05-01T10:01:00Z\",\"window_end\":\"2026-05-01T10:02:00Z\",\"n\":2}";
    eventually_or("the second minute", || lines(&job) == [first, second], || job.log());
    assert!(job.log().contains("rows came too late for the GROUP BY"), "{}", job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(lines(&job).len(), 2, "the third minute is not over");
    // What it keeps is told.
    let summary = job.log().lines().rev().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).unwrap();
    let operator = &summary["jobs"][0]["operators"][0];
    assert_eq!((&operator["operator"], operator["in"].as_u64(), operator["out"].as_u64()), (&"GROUP BY".into(), Some(7), Some(2)), "{operator}");
    assert_eq!(
        (operator["late"].as_u64(), operator["state_rows"].as_u64(), &operator["watermark"]),
        (Some(1), Some(1), &"2026-05-01T10:02:00.000Z".into()),
        "{operator}"
    );
}

#[test]
fn a_source_that_is_far_ahead_waits_for_the_others() {
    let folder = Folder::new();
    let row = |id: i64, second: i64| {
        let at = chrono::DateTime::from_timestamp(1_760_000_000 + second, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ");
        format!("{{\"id\":{id},\"k\":{id},\"ts\":\"{at}\",\"pad\":\"{}\"}}\n", "x".repeat(500))
    };
    // As many rows of both, but a's are of a day, and b's, but for the last, of an hour.
    folder.write("a.jsonl", (0..40_000).map(|id| row(id, id * 2)).collect::<String>());
    folder.write("b.jsonl", (0..40_000).map(|id| if id < 39_000 { row(id, id / 10) } else { row(id, 3_900 + (id - 39_000) * 76) }).collect::<String>());
    let sources = SOURCES.replace("ts TIMESTAMP'", "ts TIMESTAMP, pad VARCHAR'");
    let sql = format!(
        "SELECT a.id, length(a.pad) + length(b.pad) AS n FROM a LEFT JOIN b ON a.k = b.k WITHIN INTERVAL '10' SECONDS WITH ({sources},'execution.mode'='stream','memory.limit'='24MB')"
    );
    let ran = folder.run(&["--sql", &sql]).expect(0);
    assert_eq!(ran.out.lines().count(), 40_000);
}

#[test]
fn windows_that_can_not_be_are_refused_before_anything_starts() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 1)]));
    let source = SOURCES.split(",\n").next().unwrap();
    for (window, told) in [
        ("tumble(ts, INTERVAL '1' MONTH)", "tumble can't have months or years: they have no fixed length"),
        ("tumble(ts, INTERVAL '0' SECOND)", "a length of tumble must be longer than nothing"),
        ("tumble(id, INTERVAL '1' SECOND)", "tumble() can't take (BIGINT, INTERVAL)"),
        ("tumble(ts)", "tumble() can't take (TIMESTAMP)"),
        ("hop(ts, INTERVAL '-1' SECOND, INTERVAL '1' MINUTE)", "a length of hop must be longer than nothing"),
        ("session(ts, INTERVAL '1' MONTH)", "session can't have months or years: they have no fixed length"),
        ("session(ts, INTERVAL '0' SECONDS)", "a length of session must be longer than nothing"),
        ("session(ts, INTERVAL '-1' SECOND)", "a length of session must be longer than nothing"),
        ("session(id, INTERVAL '1' SECOND)", "session() can't take (BIGINT, INTERVAL)"),
        ("session(ts, ts - ts)", "a length of session is no constant"),
        ("session(now(), INTERVAL '1' SECOND)", "need a window of its event time"),
        ("session(ts, INTERVAL '1' SECOND), session(ts, INTERVAL '2' SECONDS)", "rows can be grouped by one session only"),
        ("date_trunc('hour', session(ts, INTERVAL '1' SECOND))", "session makes groups of rows, so it can stand in GROUP BY only"),
        ("CUBE(session(ts, INTERVAL '1' SECOND))", "session makes groups of rows, so it can stand in GROUP BY only"),
    ] {
        let ran = folder.run(&["--sql", &format!("SELECT count(*) AS n FROM a GROUP BY {window} WITH ({source},'execution.mode'='stream')")]).expect(2);
        assert!(ran.err.contains(told) && ran.err.contains("--> --sql:1:"), "{window}: {}", ran.err);
    }
}

/// Each row's number, and that of the row before it.
fn over(settings: &str) -> String {
    let source = SOURCES.split(",\n").next().unwrap();
    format!("SELECT id, LAG(id) OVER (PARTITION BY k ORDER BY ts) AS before FROM a WITH ({source}{settings})")
}

#[test]
fn rows_of_over_wait_for_their_time_unless_they_are_taken_as_they_come() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 10), (2, 12), (3, 11), (4, 20), (5, 13)]));
    let line = |id: u32, before: Option<u32>| format!("{{\"id\":{id},\"before\":{}}}", before.map_or("null".to_owned(), |before| before.to_string()));
    let run = |settings: &str, wanted: &[String]| {
        let mut job = folder.start(&["--sql", &over(&format!(",'a.follow'='true','a.batch.size'='1'{settings}"))]);
        eventually_or("the rows", || lines(&job) == wanted, || job.log());
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(lines(&job), wanted, "{settings}");
        job.signal(libc::SIGTERM);
        assert_eq!(job.wait(), 0, "{}", job.log());
        assert_eq!(lines(&job), wanted, "what waits has not seen the end");
        job.log()
    };
    // The watermark is 10:00:15.
    let in_order = [line(1, None), line(3, Some(1)), line(2, Some(3)), line(5, Some(2))];
    run(",'a.watermark.max_out_of_orderness'='7s'", &in_order[..3]);
    let told = run("", &in_order[..3]);
    assert!(told.contains("too late for the OVER"), "row 5 came when 10:00:15 had been: {told}");
    let as_they_come = [line(1, None), line(2, Some(1)), line(3, Some(2)), line(4, Some(3)), line(5, Some(4))];
    run(",'over.order'='arrival'", &as_they_come);
    run(",'batch.strategy'='low_latency'", &as_they_come);
    run(",'batch.strategy'='low_latency','over.order'='event_time','a.watermark.max_out_of_orderness'='7s'", &in_order[..3]);
}

#[test]
fn a_key_that_was_silent_for_state_ttl_begins_anew() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 10), (2, 12), (3, 30)]));
    let run = |settings: &str| folder.run(&["--sql", &over(&format!(",'execution.mode'='stream','batch.size'='1'{settings}"))]).expect(0).out;
    assert!(run("").ends_with("{\"id\":3,\"before\":2}\n"));
    let anew = run(",'state.ttl'='10s'");
    let as_they_come = run(",'state.ttl'='10s','over.order'='arrival'");
    assert!(as_they_come.ends_with("{\"id\":2,\"before\":1}\n{\"id\":3,\"before\":null}\n"), "by the watermark: {as_they_come}");
    assert!(anew.ends_with("{\"id\":2,\"before\":1}\n{\"id\":3,\"before\":null}\n"), "{anew}");
}

#[test]
fn a_session_comes_out_once_when_no_row_can_join_it_any_more() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 10), (2, 15), (3, 22)]));
    let source = SOURCES.split(",\n").next().unwrap();
    let sql = format!(
        "SELECT window_start, window_end, count(*) AS n FROM a GROUP BY k, session(a.ts, INTERVAL '6' SECONDS) WITH ({source},'a.follow'='true','a.follow.interval'='10ms')"
    );
    let mut job = folder.start(&["--format", "json", "--summary", "json", "--sql", &sql]);
    let append = |second: u32| {
        use std::io::Write;
        let text = rows(&[(9, second)]);
        std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl")).unwrap().write_all(text.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(400));
    };
    let session =
        |begin: u32, end: u32, n: u32| format!("{{\"window_start\":\"2026-05-01T10:00:{begin:02}Z\",\"window_end\":\"2026-05-01T10:00:{end:02}Z\",\"n\":{n}}}");
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(lines(&job), Vec::<String>::new(), "the watermark is at 17 seconds");
    // Between the two sessions that there are; the watermark is at 23 seconds then.
    append(19);
    append(28);
    assert_eq!(lines(&job), Vec::<String>::new(), "a row of 27 seconds may still come");
    append(33);
    eventually_or("the session", || lines(&job) == [session(10, 28, 4)], || job.log());
    append(21);
    append(45);
    eventually_or("the next one", || lines(&job) == [session(10, 28, 4), session(28, 39, 2)], || job.log());
    assert!(job.log().contains("rows came too late for the GROUP BY"), "{}", job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(lines(&job).len(), 2, "the third session is not over");
    let summary = job.log().lines().rev().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).unwrap();
    let operator = &summary["jobs"][0]["operators"][0];
    assert_eq!((&operator["operator"], operator["in"].as_u64(), operator["out"].as_u64()), (&"GROUP BY".into(), Some(8), Some(2)), "{operator}");
    assert_eq!(
        (operator["late"].as_u64(), operator["state_rows"].as_u64(), &operator["watermark"]),
        (Some(1), Some(1), &"2026-05-01T10:00:40.000Z".into()),
        "{operator}"
    );
    assert!(operator["state_bytes"].as_u64().unwrap() > 0, "{operator}");
}

#[test]
fn a_stream_of_sessions_hands_on_how_far_their_beginnings_have_come() {
    let folder = Folder::new();
    // A session that goes on while others come and go.
    let row = |k: u32, second: u32| format!("{{\"id\":1,\"k\":{k},\"ts\":\"2026-05-01T10:00:{second:02}Z\"}}\n");
    folder.write("a.jsonl", (0..58).map(|second| row(1, second) + &if second % 10 == 0 { row(2 + second, second) } else { String::new() }).collect::<String>());
    let script = format!(
        "CREATE STREAM visits AS SELECT k, window_start AS began, count(*) AS n FROM a GROUP BY k, session(ts, INTERVAL '2' SECONDS) WITH ({},'execution.mode'='stream');
         SELECT window_start, count(*) AS visits, sum(n) AS n FROM visits GROUP BY tumble(began, INTERVAL '30' SECONDS) WITH ('execution.mode'='stream')",
        SOURCES.split(",\n").next().unwrap()
    );
    for size in ["1", "7", "1000"] {
        let ran = folder.run(&["--set", &format!("batch.size={size}"), "--sql", &script]).expect(0);
        let wanted = "{\"window_start\":\"2026-05-01T10:00:00Z\",\"visits\":4,\"n\":61}\n{\"window_start\":\"2026-05-01T10:00:30Z\",\"visits\":3,\"n\":3}\n";
        assert_eq!(ran.out, wanted, "{size}");
        assert!(!ran.err.contains("too late"), "{}", ran.err);
    }
}

#[test]
fn the_statement_of_the_page_on_streams_gives_what_its_timeline_shows() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/streams.md")).unwrap();
    let sql = page.split("### Sessions").nth(1).and_then(|rest| rest.split("```sql\n").nth(1)).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = Folder::new();
    let row = |user: u32, second: u32| format!("{{\"user_id\":{user},\"ts\":\"2026-05-01T10:{:02}:{:02}Z\"}}\n", second / 60, second % 60);
    folder.write("clicks.jsonl", [(1, 5), (2, 10), (1, 20), (1, 49), (2, 59), (2, 35), (1, 79)].map(|(user, second)| row(user, second)).concat());
    let session = |user: u32, begin: &str, end: &str, clicks: u32, lasted: &str| {
        format!(
            "{{\"user_id\":{user},\"window_start\":\"2026-05-01T10:{begin}Z\",\"window_end\":\"2026-05-01T10:{end}Z\",\"clicks\":{clicks},\"lasted\":\"{lasted}\"}}"
        )
    };
    let wanted =
        [session(1, "00:05", "01:19", 3, "PT44S"), session(1, "01:19", "01:49", 1, "P0D"), session(2, "00:10", "01:29", 3, "PT49S")].map(|line| line + "\n");
    for mode in ["execution.mode=batch", "execution.mode=stream"] {
        let ran = folder.run(&["--set", mode, "--set", "batch.strategy=fixed_size", "--set", "batch.size=1", "--sql", sql]).expect(0);
        let mut lines: Vec<&str> = ran.out.split_inclusive('\n').collect();
        lines.sort_unstable();
        assert_eq!(lines, wanted, "{mode}");
    }
}

#[test]
fn what_a_session_keeps_is_explained() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 10)]));
    let source = SOURCES.split(",\n").next().unwrap();
    folder.write(
        "sessions.sql",
        format!("SELECT k, window_end, count(*) AS n FROM a GROUP BY k, session(ts, INTERVAL '90' SECONDS) WITH ({source},'execution.mode'='stream')"),
    );
    let told = folder.run(&["explain", "sessions.sql"]).expect(0).out;
    assert!(told.contains("a --group by session (90 s) --project 3 columns --> stdout"), "{told}");
    let operator: Vec<&str> =
        told.lines().find(|line| line.trim_start().starts_with("GROUP BY")).unwrap().split("  ").filter(|part| !part.is_empty()).collect();
    let wanted = ["GROUP BY of a session, gap 90 s", "the groups of open sessions", "sessions that had a row in the last 90 s", "append, final"];
    assert_eq!(operator.iter().map(|part| part.trim()).collect::<Vec<_>>(), wanted, "{told}");
}

#[test]
fn a_row_whose_key_or_order_fails_is_left_out_and_what_no_mode_can_compute_is_refused() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(&[(1, 10), (2, 12), (3, 14)]));
    let source = SOURCES.split(",\n").next().unwrap();
    let sql = |select: &str, settings: &str| format!("SELECT {select} FROM a WITH ({source}{settings})");
    for over in ["PARTITION BY 10 / (id - 2) ORDER BY ts", "PARTITION BY k ORDER BY ts, 10 / (id - 2)"] {
        let ran = folder
            .run(&["--sql", &sql(&format!("id, LAG(id) OVER ({over}) AS l"), ",'execution.mode'='stream','failure_strategy'='LogAndContinue'")])
            .expect(0);
        assert_eq!(ran.out.lines().count(), 2, "{}", ran.err);
    }
    for mode in ["stream", "batch"] {
        for (function, text) in [
            ("MIN(id) FILTER (WHERE id > 1) OVER (ORDER BY ts ROWS 1 PRECEDING)", "FILTER can't be used with this function over a frame that moves"),
            ("SUM(id) OVER (ORDER BY ts RANGE INTERVAL '-5' SECOND PRECEDING)", "a frame can't reach over less than nothing"),
        ] {
            let ran = folder.run(&["--sql", &sql(&format!("id, {function} AS l"), &format!(",'execution.mode'='{mode}'"))]).expect(2);
            assert!(ran.err.contains(text), "{}", ran.err);
        }
    }
    let none = folder.run(&[
        "--sql",
        &sql("id, COUNT(id) FILTER (WHERE NULL) OVER (ORDER BY ts) AS l, LAG(NULL, 1, 7) OVER (ORDER BY ts) AS d", ",'execution.mode'='stream'"),
    ]);
    assert_eq!(none.expect(0).out.lines().next(), Some("{\"id\":1,\"l\":0,\"d\":7}"));
}
