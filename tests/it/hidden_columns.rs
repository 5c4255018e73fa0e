//! `_event_time` and the like can be named, and are in no `*`, however it is written.

use crate::velo::Folder;

const SETTINGS: &str =
    "'e.type'='file','e.path'='e.jsonl','e.event_time'='ts','f.type'='file','f.path'='f.jsonl','f.event_time'='ts2','execution.mode'='batch'";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("e.jsonl", "{\"k\":1,\"ts\":\"2024-01-01T00:00:00Z\",\"a\":1}\n");
    folder.write("f.jsonl", "{\"k\":1,\"ts2\":\"2024-01-01T00:00:30Z\",\"b\":1}\n");
    folder
}

#[test]
fn a_wildcard_gives_all_visible_columns_and_no_other() {
    let folder = folder();
    for (sql, row) in [
        ("SELECT *, e._ingest_time IS NOT NULL AS t FROM e CROSS JOIN UNNEST([7]) AS u(i)", r#"{"k":1,"ts":"2024-01-01T00:00:00Z","a":1,"i":7,"t":true}"#),
        ("SELECT *, e._ingest_time IS NOT NULL AS t FROM e, (SELECT 5 AS five)", r#"{"k":1,"ts":"2024-01-01T00:00:00Z","a":1,"five":5,"t":true}"#),
        ("SELECT e.* EXCLUDE (ts), f.b FROM e JOIN f USING (k) WITHIN INTERVAL '1' MINUTE", r#"{"k":1,"a":1,"b":1}"#),
        ("SELECT * EXCLUDE (ts) FROM e JOIN f USING (k) WITHIN INTERVAL '1' MINUTE", r#"{"k":1,"a":1,"ts2":"2024-01-01T00:00:30Z","b":1}"#),
        ("SELECT * EXCEPT (ts, ts2) REPLACE (k + 1 AS k, b + 8 AS b) FROM e JOIN f USING (k) WITHIN INTERVAL '1' MINUTE", r#"{"k":2,"a":1,"b":9}"#),
        ("SELECT *, e._ingest_time IS NOT NULL AS t FROM e LEFT SEMI JOIN f ON e.k = f.k", r#"{"k":1,"ts":"2024-01-01T00:00:00Z","a":1,"t":true}"#),
        ("SELECT * EXCLUDE (ts), e._ingest_time IS NOT NULL AS t FROM e NATURAL JOIN (SELECT k, b FROM f) g", r#"{"k":1,"a":1,"b":1,"t":true}"#),
        ("SELECT * EXCLUDE (ts, ts2) FROM e NATURAL JOIN f WHERE e._ingest_time IS NOT NULL", r#"{"k":1,"a":1,"b":1}"#),
        ("SELECT e.k, g.bb FROM e JOIN f AS g(kk, t2, bb) ON e.k = g.kk WITHIN INTERVAL '1' MINUTE", r#"{"k":1,"bb":1}"#),
        ("WITH e AS (SELECT k, _ingest_time IS NOT NULL AS t FROM e) SELECT * FROM e JOIN (SELECT b FROM f) g ON true", r#"{"k":1,"t":true,"b":1}"#),
    ] {
        let with = if sql.contains("JOIN f") || sql.contains("FROM f") {
            SETTINGS.to_owned()
        } else {
            SETTINGS.replace("'f.type'='file','f.path'='f.jsonl','f.event_time'='ts2',", "")
        };
        assert_eq!(folder.run(&["--quiet", "--sql", &format!("{sql} WITH ({with})")]).expect(0).out.trim_end(), row, "{sql}");
    }
}

#[test]
fn what_a_kafka_sink_asks_for_is_in_no_wildcard() {
    let folder = Folder::new();
    for (select, columns) in [
        ("* FROM k CROSS JOIN UNNEST([1,2]) AS u(i)", "id BIGINT, secret VARCHAR, a BIGINT, i BIGINT"),
        ("* FROM k, (SELECT 5 AS five)", "id BIGINT, secret VARCHAR, a BIGINT, five BIGINT NOT NULL"),
        ("* EXCLUDE (secret) FROM k", "id BIGINT, a BIGINT"),
    ] {
        folder.write(
            "s.sql",
            format!(
                "SELECT {select} INTO out WITH ('k.type'='kafka','k.topic'='t','k.bootstrap.servers'='127.0.0.1:1','k.schema'='id BIGINT, secret VARCHAR, a BIGINT',
                 'out.type'='kafka','out.topic'='t2','out.bootstrap.servers'='127.0.0.1:1')"
            ),
        );
        let explained = folder.run(&["explain", "s.sql"]).expect(0).out;
        assert!(explained.contains(&format!("columns: {columns}\n")), "{select}: {explained}");
    }
}
