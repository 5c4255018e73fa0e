//! Mistakes in the clauses that are ours.

use crate::rejects::assert_rejected;

#[test]
fn settings_are_quoted_pairs_at_the_end() {
    assert_rejected(&[
        (
            "SELECT a FROM t WITH ('k' = 'v') INTO s",
            "expected the end of the statement after WITH (…), found 'INTO'",
            [
                "  --> q.sql:1:34 | SELECT a FROM t WITH ('k' = '****') INTO s",
                "                 |                                     ^^^^ write INTO before WITH",
            ],
        ),
        (
            "SELECT a FROM t WITH ('k' = 'v') WITH ('l' = 'w')",
            "expected the end of the statement after WITH (…), found 'WITH'",
            [
                "  --> q.sql:1:34 | SELECT a FROM t WITH ('k' = '****') WITH ('l' = '****')",
                "                 |                                     ^^^^ write all settings in one WITH clause",
            ],
        ),
        (
            "SELECT a FROM t WITH ('k' = 'v') WHERE a > 1",
            "expected the end of the statement after WITH (…), found 'WHERE'",
            [
                "  --> q.sql:1:34 | SELECT a FROM t WITH ('k' = '****') WHERE a > 1",
                "                 |                                     ^^^^^ write WHERE before WITH",
            ],
        ),
        (
            "SELECT * FROM (SELECT a FROM t WITH ('k' = 'v')) x",
            "WITH (…) can't stand in brackets",
            [
                "  --> q.sql:1:32 | SELECT * FROM (SELECT a FROM t WITH ('k' = '****')) x",
                "                 |                                ^^^^ write it once, at the end of the statement",
            ],
        ),
        (
            "SELECT a FROM t WITH (k = 'v')",
            "expected a key in single quotes, found 'k'",
            ["  --> q.sql:1:23 | SELECT a FROM t WITH (k = '****')", "                 |                       ^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH (source.k = 'v')",
            "expected a key in single quotes, found 'source'",
            ["  --> q.sql:1:23 | SELECT a FROM t WITH (source.k = '****')", "                 |                       ^^^^^^ 'key' = 'value'"],
        ),
        (
            r#"SELECT a FROM t WITH ("k" = 'v')"#,
            r#"expected a key in single quotes, found '"k"'"#,
            [r#"  --> q.sql:1:23 | SELECT a FROM t WITH ("k" = '****')"#, "                 |                       ^^^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH (nolock)",
            "expected a key in single quotes, found 'nolock'",
            ["  --> q.sql:1:23 | SELECT a FROM t WITH (nolock)", "                 |                       ^^^^^^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH ('k' = v)",
            "expected a value in single quotes, found a word without quotes",
            ["  --> q.sql:1:29 | SELECT a FROM t WITH ('k' = v)", "                 |                             ^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH ('k' = 5)",
            "expected a value in single quotes, found a number without quotes",
            ["  --> q.sql:1:29 | SELECT a FROM t WITH ('k' = 5)", "                 |                             ^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH ('k' = )",
            "expected a value in single quotes, found ')'",
            ["  --> q.sql:1:29 | SELECT a FROM t WITH ('k' = )", "                 |                             ^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH ('k' 'v')",
            "expected = after the key 'k', found a text",
            ["  --> q.sql:1:27 | SELECT a FROM t WITH ('k' 'v')", "                 |                           ^^^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH ('k': 'v')",
            "expected = after the key 'k', found ':'",
            ["  --> q.sql:1:26 | SELECT a FROM t WITH ('k': '****')", "                 |                          ^ 'key' = 'value'"],
        ),
        (
            "SELECT a FROM t WITH ('k' = 'v' 'l' = 'w')",
            "expected a comma or ) after the value, found the text 'l'",
            [
                "  --> q.sql:1:33 | SELECT a FROM t WITH ('k' = '****' 'l' = '****')",
                "                 |                                    ^^^ separate 'key' = 'value' pairs by commas",
            ],
        ),
        (
            "SELECT a FROM t WITH (,)",
            "expected a key in single quotes, found ','",
            ["  --> q.sql:1:23 | SELECT a FROM t WITH (,)", "                 |                       ^ 'key' = 'value'"],
        ),
    ]);
}

#[test]
fn sinks_are_names_after_the_query() {
    assert_rejected(&[
        (
            "SELECT a FROM t INTO s WHERE a > 1",
            "expected WITH ('key' = 'value', …) or the end after INTO, found 'WHERE'",
            ["  --> q.sql:1:24 | SELECT a FROM t INTO s WHERE a > 1", "                 |                        ^^^^^ write WHERE before INTO"],
        ),
        (
            "SELECT a INTO s FROM t",
            "expected WITH ('key' = 'value', …) or the end after INTO, found 'FROM'",
            ["  --> q.sql:1:17 | SELECT a INTO s FROM t", "                 |                 ^^^^ write FROM before INTO"],
        ),
        (
            "SELECT a FROM t INTO s INTO u",
            "expected WITH ('key' = 'value', …) or the end after INTO, found 'INTO'",
            ["  --> q.sql:1:24 | SELECT a FROM t INTO s INTO u", "                 |                        ^^^^ separate sinks by commas"],
        ),
        (
            "SELECT a FROM t INTO s u",
            "expected WITH ('key' = 'value', …) or the end after INTO, found 'u'",
            ["  --> q.sql:1:24 | SELECT a FROM t INTO s u", "                 |                        ^ separate sinks by commas"],
        ),
        (
            "SELECT a FROM t INTO",
            "expected the name of a sink, found the end of the statement",
            ["  --> q.sql:1:21 | SELECT a FROM t INTO", "                 |                     ^ INTO <sink>, <sink>"],
        ),
        (
            "SELECT a FROM t INTO WITH ('k' = 'v')",
            "expected the name of a sink, found 'WITH'",
            ["  --> q.sql:1:22 | SELECT a FROM t INTO WITH ('k' = '****')", "                 |                      ^^^^ INTO <sink>, <sink>"],
        ),
        (
            "SELECT a FROM t INTO s, WITH ('k' = 'v')",
            "expected the name of a sink, found 'WITH'",
            ["  --> q.sql:1:25 | SELECT a FROM t INTO s, WITH ('k' = '****')", "                 |                         ^^^^ INTO <sink>, <sink>"],
        ),
        (
            "SELECT a FROM t INTO s, s",
            "sink 's' is named twice",
            ["  --> q.sql:1:25 | SELECT a FROM t INTO s, s", "                 |                         ^ name each sink once"],
        ),
        (
            "SELECT a FROM t INTO 's'",
            "expected the name of a sink, found the text 's'",
            ["  --> q.sql:1:22 | SELECT a FROM t INTO 's'", "                 |                      ^^^ INTO <sink>, <sink>"],
        ),
        (
            "SELECT * FROM (SELECT a INTO s FROM t) x",
            "INTO can't stand in brackets",
            [
                "  --> q.sql:1:30 | SELECT * FROM (SELECT a INTO s FROM t) x",
                "                 |                              ^ write INTO once, at the end of the statement",
            ],
        ),
    ]);
}

#[test]
fn a_within_follows_the_condition_of_a_join() {
    assert_rejected(&[
        (
            "SELECT 1 FROM a JOIN b WITHIN INTERVAL '5' MINUTES",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:24 | SELECT 1 FROM a JOIN b WITHIN INTERVAL '5' MINUTES",
                "                 |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b WITHIN INTERVAL '5' MINUTES ON a.x = b.x",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:24 | SELECT 1 FROM a JOIN b WITHIN INTERVAL '5' MINUTES ON a.x = b.x",
                "                 |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a WITHIN INTERVAL '5' MINUTES",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:17 | SELECT 1 FROM a WITHIN INTERVAL '5' MINUTES",
                "                 |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a, b WITHIN INTERVAL '5' MINUTES",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:20 | SELECT 1 FROM a, b WITHIN INTERVAL '5' MINUTES",
                "                 |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a CROSS JOIN b WITHIN INTERVAL '5' MINUTES",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:30 | SELECT 1 FROM a CROSS JOIN b WITHIN INTERVAL '5' MINUTES",
                "                 |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a NATURAL JOIN b WITHIN INTERVAL '5' MINUTES",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:32 | SELECT 1 FROM a NATURAL JOIN b WITHIN INTERVAL '5' MINUTES",
                "                 |                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON WITHIN INTERVAL '5' MINUTES",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:27 | SELECT 1 FROM a JOIN b ON WITHIN INTERVAL '5' MINUTES",
                "                 |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WHERE a.x > 1 WITHIN INTERVAL '5' MINUTES",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:51 | SELECT 1 FROM a JOIN b ON a.x = b.x WHERE a.x > 1 WITHIN INTERVAL '5' MINUTES",
                "                 |                                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTES AND a.y = b.y",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:37 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTES AND a.y = b.y",
                "                 |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON (a.x = b.x WITHIN INTERVAL '5' MINUTES)",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:38 | SELECT 1 FROM a JOIN b ON (a.x = b.x WITHIN INTERVAL '5' MINUTES)",
                "                 |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM (a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTES) JOIN c ON a.x = c.x",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:38 | SELECT 1 FROM (a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTES) JOIN c ON a.x = c.x",
                "                 |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 WITHIN INTERVAL '5' MINUTES FROM a JOIN b ON a.x = b.x",
            "WITHIN must stand right after the ON or USING of a join",
            [
                "  --> q.sql:1:10 | SELECT 1 WITHIN INTERVAL '5' MINUTES FROM a JOIN b ON a.x = b.x",
                "                 |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^ … JOIN … ON … WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTES WITHIN INTERVAL '6' MINUTES",
            "the join has a WITHIN already",
            [
                "  --> q.sql:1:65 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTES WITHIN INTERVAL '6' MINUTES",
                "                 |                                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^ write one WITHIN after each ON",
            ],
        ),
    ]);
}

#[test]
fn a_within_has_a_constant_positive_length() {
    assert_rejected(&[
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '2' MONTHS",
            "MONTHS has no constant length, so it can't bound a join",
            [
                "  --> q.sql:1:57 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '2' MONTHS",
                "                 |                                                         ^^^^^^ use MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS or WEEKS",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1' YEAR",
            "YEAR has no constant length, so it can't bound a join",
            [
                "  --> q.sql:1:57 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1' YEAR",
                "                 |                                                         ^^^^ use MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS or WEEKS",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1 quarter'",
            "QUARTER has no constant length, so it can't bound a join",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1 quarter'",
                "                 |                                                     ^^^^^^^^^^^ use MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS or WEEKS",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '-5' MINUTES",
            "'-5' is not a whole number of minutes between 1 and 365250 days",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '-5' MINUTES",
                "                 |                                                     ^^^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL -5 MINUTES",
            "expected a number after INTERVAL, found '-'",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL -5 MINUTES",
                "                 |                                                     ^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '0' MINUTES",
            "'0' is not a whole number of minutes between 1 and 365250 days",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '0' MINUTES",
                "                 |                                                     ^^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1.5' HOURS",
            "'1.5' is not a whole number of hours between 1 and 365250 days",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1.5' HOURS",
                "                 |                                                     ^^^^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '' HOURS",
            "'' is not a whole number of hours between 1 and 365250 days",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '' HOURS",
                "                 |                                                     ^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '99999999999999999999999' HOURS",
            "'99999999999999999999999' is not a whole number of hours between 1 and 365250 days",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '99999999999999999999999' HOURS",
                "                 |                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '365251' DAYS",
            "'365251' is not a whole number of days between 1 and 365250 days",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '365251' DAYS",
                "                 |                                                     ^^^^^^^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' FORTNIGHTS",
            "unknown unit 'FORTNIGHTS'",
            [
                "  --> q.sql:1:57 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' FORTNIGHTS",
                "                 |                                                         ^^^^^^^^^^ use MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS or WEEKS",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTESS",
            "unknown unit 'MINUTESS'",
            [
                "  --> q.sql:1:57 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5' MINUTESS",
                "                 |                                                         ^^^^^^^^ use MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS or WEEKS",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5'",
            "expected a unit, found the end of the statement",
            [
                "  --> q.sql:1:56 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5'",
                "                 |                                                        ^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL",
            "expected a number after INTERVAL, found the end of the statement",
            [
                "  --> q.sql:1:52 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL",
                "                 |                                                    ^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL MINUTES",
            "expected a number after INTERVAL, found 'MINUTES'",
            [
                "  --> q.sql:1:53 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL MINUTES",
                "                 |                                                     ^^^^^^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN '5' MINUTES",
            "expected INTERVAL after WITHIN, found the text '5'",
            [
                "  --> q.sql:1:44 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN '5' MINUTES",
                "                 |                                            ^^^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN 5 MINUTES",
            "expected INTERVAL after WITHIN, found '5'",
            [
                "  --> q.sql:1:44 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN 5 MINUTES",
                "                 |                                            ^ WITHIN INTERVAL '5' MINUTES",
            ],
        ),
        (
            "SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5 MINUTES' HOURS",
            "expected the end of the statement, found 'HOURS'",
            [
                "  --> q.sql:1:65 | SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '5 MINUTES' HOURS",
                "                 |                                                                 ^^^^^ separate statements by ;",
            ],
        ),
    ]);
}
