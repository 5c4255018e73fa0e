//! Several readers of one topic: each gets all of it.

use super::{kafka, lines, sql, write_ids};
use crate::velo::{Folder, eventually_or};

#[test]
fn two_statements_over_one_topic_get_all_of_it_each() {
    let kafka = kafka();
    write_ids(kafka, "read_twice", 0..1_000, "");
    let folder = Folder::new();
    let source = kafka.source("t", "read_twice");
    let statement = |job: &str, condition: &str| {
        format!(
            "CREATE STREAM {job} AS SELECT id FROM t WHERE {condition} INTO {job}_out WITH ({source},'t.schema'='id BIGINT','{job}_out.type'='file','{job}_out.path'='{job}.jsonl')"
        )
    };
    folder.write("both.sql", format!("{};\n{};\n", statement("even", "id % 2 = 0"), statement("odd", "id % 2 = 1")));
    let mut job = folder.start(&["run", "both.sql"]);
    let both = || (lines(&folder, "even.jsonl").len(), lines(&folder, "odd.jsonl").len());
    eventually_or("all ids", || both() == (500, 500), || format!("{:?}\n{}", both(), job.log()));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    // As SELECTs to their ends, again and again.
    let bounded = format!("{source},'t.until'='latest','t.schema'='id BIGINT'");
    let count = format!("SELECT count(*) AS n FROM t WITH ({bounded})");
    for _ in 0..2 {
        assert_eq!(sql(&folder, &format!("{count};{count}")).expect(0).out, "{\"n\":1000}\n{\"n\":1000}\n");
    }
}

#[test]
fn one_topic_twice_in_a_statement() {
    let kafka = kafka();
    write_ids(kafka, "twice_in_one", 0..1_000, "");
    let folder = Folder::new();
    folder.write("names.csv", (0..100).map(|id| format!("{id},n{id}\n")).fold("id,name\n".to_owned(), |all, line| all + &line));
    let table = "'names.type'='file','names.path'='names.csv'";
    let bounded = |name: &str| format!("{},'{name}.until'='latest','{name}.schema'='id BIGINT'", kafka.source(name, "twice_in_one"));
    let union = format!("SELECT count(*) AS n, count(DISTINCT id) AS d FROM (SELECT id FROM t UNION ALL SELECT id FROM t) u WITH ({})", bounded("t"));
    assert_eq!(sql(&folder, &union).expect(0).out, "{\"n\":2000,\"d\":1000}\n");
    // With itself, and a table between.
    let joined = format!(
        "SELECT count(*) AS n, count(DISTINCT l.id) AS l, count(DISTINCT r.id) AS r FROM l JOIN names n ON l.id = n.id JOIN r ON n.id = r.id % 100 WITH ({},{},{table})",
        bounded("l"),
        bounded("r")
    );
    assert_eq!(sql(&folder, &joined).expect(0).out, "{\"n\":1000,\"l\":100,\"r\":1000}\n");
    let itself = format!("SELECT count(*) AS n FROM t a JOIN names n ON a.id = n.id JOIN t b ON n.id = b.id WITH ({},{table})", bounded("t"));
    assert_eq!(sql(&folder, &itself).expect(0).out, "{\"n\":100}\n");
    // A stream, joined with what the topic held when it began.
    let text = format!(
        "CREATE STREAM with_itself AS SELECT l.id, n.name, r.id AS other FROM l JOIN names n ON l.id % 100 = n.id JOIN r ON l.id = r.id INTO o
         WITH ({},'l.schema'='id BIGINT',{},{table},'o.type'='file','o.path'='o.jsonl')",
        kafka.source("l", "twice_in_one"),
        bounded("r")
    );
    let mut job = folder.start(&["--sql", &text]);
    eventually_or("all rows", || lines(&folder, "o.jsonl").len() >= 1_000, || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(lines(&folder, "o.jsonl").len(), 1_000);
}
