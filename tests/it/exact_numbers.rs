//! Numbers are exact or refused: nothing wraps around, nothing takes the way over floating point.

use crate::velo::Folder;

const MOST: i64 = i64::MAX;

fn run(folder: &Folder, select: &str, mode: &str, extra: &str) -> crate::velo::Ran {
    folder.run(&[
        "--format",
        "json",
        "--summary",
        "json",
        "--sql",
        &format!("SELECT {select} WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='i BIGINT, d DECIMAL(18,2), f DOUBLE','execution.mode'='{mode}'{extra})"),
    ])
}

#[test]
fn results_that_do_not_fit_are_errors_of_their_row() {
    let folder = Folder::new();
    folder.write("a.jsonl", format!("{{\"i\":1}}\n{{\"i\":{MOST}}}\n"));
    for mode in ["batch", "stream"] {
        for expression in ["i + 1", "i * 2", "0 - i - 2"] {
            let ran = run(&folder, &format!("{expression} AS x FROM a"), mode, "");
            assert_eq!(ran.status, 1, "{expression} {mode}: {}", ran.out);
            assert!(ran.err.to_lowercase().contains("overflow"), "{expression}: {}", ran.err);
            let ran = run(&folder, &format!("{expression} AS x FROM a"), mode, ",'failure_strategy'='LogAndContinue'").expect(0);
            assert_eq!((ran.out.lines().count(), ran.job()["rejected"].as_u64()), (1, Some(1)), "{expression} {mode}");
        }
    }
    folder.write("a.jsonl", format!("{{\"i\":{}}}\n", i64::MIN));
    assert_eq!(run(&folder, "-i AS x FROM a", "stream", "").status, 1);
}

#[test]
fn sums_of_whole_numbers_do_not_wrap_around() {
    let folder = Folder::new();
    folder.write("a.jsonl", format!("{{\"i\":{MOST}}}\n{{\"i\":{MOST}}}\n{{\"i\":-{MOST}}}\n"));
    assert_eq!(run(&folder, "sum(i) AS s FROM a", "batch", "").expect(0).out, format!("{{\"s\":{MOST}}}\n"), "what is between does not matter");
    for select in ["sum(i) AS s FROM a WHERE i > 0", "d, sum(i) AS s FROM a WHERE i > 0 GROUP BY d", "sum(i) OVER (ORDER BY f) AS s FROM a WHERE i > 0"] {
        let ran = run(&folder, select, "batch", "");
        assert_eq!(ran.status, 1, "{select}: {}", ran.out);
        assert!(ran.err.contains("too large for BIGINT"), "{select}: {}", ran.err);
    }
    let wide = run(&folder, "sum(CAST(i AS DECIMAL(38,0))) AS s FROM a WHERE i > 0", "batch", "").expect(0);
    assert_eq!(wide.out, "{\"s\":18446744073709551614}\n");
}

#[test]
fn literals_with_a_point_are_decimals_among_decimals() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"i\":7,\"d\":9999999999999999.99,\"f\":0.5}\n");
    for mode in ["batch", "stream"] {
        let ran = run(
            &folder,
            "d = 9999999999999999.99 AS same, d + 0.01 AS more, i * 1.1 AS tenth, i / 2.0 AS half, i / 3.0 AS third, f * 0.1 AS f FROM a",
            mode,
            "",
        )
        .expect(0);
        assert_eq!(ran.out, "{\"same\":true,\"more\":10000000000000000.00,\"tenth\":7.7,\"half\":3.5,\"third\":2.3333333333333335,\"f\":0.05}\n", "{mode}");
    }
}
