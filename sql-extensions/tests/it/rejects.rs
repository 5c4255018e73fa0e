//! Every kind of mistake, with its message, its place and what is shown of it, character by character. In the printed line tabs are one blank.

use sql_extensions::StreamingSqlParser;

/// A wrong statement, the message, and the lines under it.
pub(crate) type Case = (&'static str, &'static str, [&'static str; 2]);

pub(crate) fn assert_rejected(cases: &[Case]) {
    for (sql, message, lines) in cases {
        match StreamingSqlParser::new().parse(sql) {
            Ok(statement) => panic!("{sql}\nis accepted as\n{statement}"),
            Err(error) => assert_eq!(error.render("q.sql", sql), format!("{message}\n{}\n{}", lines[0], lines[1]), "{sql}"),
        }
    }
}

#[test]
fn exactly_one_statement_is_needed() {
    assert_rejected(&[
        ("", "there is no statement", ["  --> q.sql:1:1 | ", "                | ^ SELECT … FROM … [INTO …] [WITH (…)]"]),
        ("-- nothing\n/* at all */", "there is no statement", ["  --> q.sql:2:1 | /* at all */", "                | ^ SELECT … FROM … [INTO …] [WITH (…)]"]),
        (";", "there is no statement", ["  --> q.sql:1:1 | ;", "                | ^ SELECT … FROM … [INTO …] [WITH (…)]"]),
        (
            "SELECT a FROM t; SELECT b FROM u",
            "expected one statement, found another",
            [
                "  --> q.sql:1:18 | SELECT a FROM t; SELECT b FROM u",
                "                 |                  ^^^^^^^^^^^^^^^ parse a script of several statements with parse_script",
            ],
        ),
        (
            "SELECT a FROM t SELECT b FROM u",
            "expected the end of the statement, found 'SELECT'",
            ["  --> q.sql:1:17 | SELECT a FROM t SELECT b FROM u", "                 |                 ^^^^^^ separate statements by ;"],
        ),
    ]);
}

#[test]
fn brackets_come_in_pairs() {
    assert_rejected(&[
        ("SELECT (a FROM t", "'(' is never closed", ["  --> q.sql:1:8 | SELECT (a FROM t", "                |        ^ the ) is missing"]),
        ("SELECT a) FROM t", "')' closes nothing", ["  --> q.sql:1:9 | SELECT a) FROM t", "                |         ^ remove it, or open it before"]),
        ("SELECT f(a[1) FROM t", "')' closes '['", ["  --> q.sql:1:13 | SELECT f(a[1) FROM t", "                 |             ^ a bracket is missing"]),
        (
            "SELECT a FROM t WHERE x IN ('A', 'B' INTO s",
            "'(' is never closed",
            ["  --> q.sql:1:28 | SELECT a FROM t WHERE x IN ('A', 'B' INTO s", "                 |                            ^ the ) is missing"],
        ),
        (
            "SELECT a FROM t WITH ('k' = 'v'",
            "'(' is never closed",
            ["  --> q.sql:1:22 | SELECT a FROM t WITH ('k' = '****'", "                 |                      ^ the ) is missing"],
        ),
        (
            "SELECT {'a': (1} FROM t",
            "'}' closes '('",
            ["  --> q.sql:1:16 | SELECT {'a': (1} FROM t", "                 |                ^ a bracket is missing"],
        ),
        (
            "SELECT CASE WHEN a THEN 1 FROM t",
            "'CASE' is never closed",
            ["  --> q.sql:1:8 | SELECT CASE WHEN a THEN 1 FROM t", "                |        ^^^^ the END is missing"],
        ),
        (
            "SELECT (CASE WHEN a THEN 1) FROM t",
            "')' closes 'CASE'",
            ["  --> q.sql:1:27 | SELECT (CASE WHEN a THEN 1) FROM t", "                 |                           ^ a bracket is missing"],
        ),
        (
            "SELECT CASE WHEN a THEN CASE WHEN b THEN 1 END FROM t",
            "'CASE' is never closed",
            ["  --> q.sql:1:8 | SELECT CASE WHEN a THEN CASE WHEN b THEN 1 END FROM t", "                |        ^^^^ the END is missing"],
        ),
    ]);
}

#[test]
fn texts_names_and_comments_end() {
    assert_rejected(&[
        (
            "SELECT 'abc FROM t",
            "the text is never closed",
            ["  --> q.sql:1:8 | SELECT 'abc FROM t", "                |        ^ within a text, write '' for a quote"],
        ),
        (
            "SELECT a FROM t WITH ('k' = 'it's')",
            "the text is never closed",
            ["  --> q.sql:1:34 | SELECT a FROM t WITH ('k' = ****", "                 |                             ^^^^ within a text, write '' for a quote"],
        ),
        (
            "SELECT a FROM t WHERE a = 'x' 'it''s'",
            "expected the end of the statement, found the text 'it's'",
            ["  --> q.sql:1:31 | SELECT a FROM t WHERE a = 'x' 'it''s'", "                 |                               ^^^^^^^ separate statements by ;"],
        ),
        (
            r#"SELECT "abc FROM t"#,
            "the quoted name is never closed",
            [r#"  --> q.sql:1:8 | SELECT "abc FROM t"#, "                |        ^ names in double quotes or backticks, texts in single quotes"],
        ),
        (
            "SELECT `abc FROM t",
            "the quoted name is never closed",
            ["  --> q.sql:1:8 | SELECT `abc FROM t", "                |        ^ names in double quotes or backticks, texts in single quotes"],
        ),
        ("SELECT a\n  /* b /* c */ FROM t", "the comment is never closed", ["  --> q.sql:2:3 |   /* b /* c */ FROM t", "                |   ^ end it with */"]),
        (
            "SELECT $$ab FROM t",
            "the text between $ signs is never closed",
            ["  --> q.sql:1:19 | SELECT $$ab FROM t", "                 |                   ^ end it as it starts"],
        ),
        (
            "SELECT X'0g' FROM t",
            "expected hexadecimal digits between X' and '",
            ["  --> q.sql:1:8 | SELECT X'0g' FROM t", "                |        ^^^^^ X'0A1B'"],
        ),
        (
            r#"SELECT "a""""b" FROM t"#,
            "a quoted name can't hold a quote after a quote or a backslash",
            [r#"  --> q.sql:1:8 | SELECT "a""""b" FROM t"#, "                |        ^^^^^^^^ rename it at its source"],
        ),
        (
            "SELECT B'01', R'x' FROM t",
            "a text can't have the prefix B or R",
            ["  --> q.sql:1:8 | SELECT B'01', R'x' FROM t", "                |        ^^^^^ 'text', E'with \\n', or X'0A' for bytes"],
        ),
    ]);
}

#[test]
fn a_statement_starts_with_select_or_create_stream() {
    assert_rejected(&[
        (
            "SELCT a FROM t",
            "expected SELECT or CREATE STREAM, found 'SELCT'",
            ["  --> q.sql:1:1 | SELCT a FROM t", "                | ^^^^^ did you mean SELECT?"],
        ),
        (
            "INSERT INTO t SELECT 1",
            "expected SELECT or CREATE STREAM, found 'INSERT'",
            ["  --> q.sql:1:1 | INSERT INTO t SELECT 1", "                | ^^^^^^ a statement is SELECT … or CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "DROP TABLE t",
            "expected SELECT or CREATE STREAM, found 'DROP'",
            ["  --> q.sql:1:1 | DROP TABLE t", "                | ^^^^ a statement is SELECT … or CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "42",
            "expected SELECT or CREATE STREAM, found '42'",
            ["  --> q.sql:1:1 | 42", "                | ^^ a statement is SELECT … or CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE TABLE t (a INT)",
            "expected STREAM after CREATE, found 'TABLE'",
            ["  --> q.sql:1:8 | CREATE TABLE t (a INT)", "                |        ^^^^^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE",
            "expected STREAM after CREATE, found the end of the statement",
            ["  --> q.sql:1:7 | CREATE", "                |       ^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE STREAM",
            "expected the name of the stream, found the end of the statement",
            ["  --> q.sql:1:14 | CREATE STREAM", "                 |              ^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE STREAM AS SELECT 1",
            "expected the name of the stream, found 'AS'",
            ["  --> q.sql:1:15 | CREATE STREAM AS SELECT 1", "                 |               ^^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE STREAM 's' AS SELECT 1",
            "expected the name of the stream, found the text 's'",
            ["  --> q.sql:1:15 | CREATE STREAM 's' AS SELECT 1", "                 |               ^^^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE STREAM \" \" AS SELECT 1",
            "a stream has an empty name",
            ["  --> q.sql:1:15 | CREATE STREAM \" \" AS SELECT 1", "                 |               ^^^ give it one, or leave CREATE STREAM … AS away"],
        ),
        (
            "CREATE STREAM s SELECT 1",
            "expected AS after the name of the stream, found 'SELECT'",
            ["  --> q.sql:1:17 | CREATE STREAM s SELECT 1", "                 |                 ^^^^^^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE STREAM a.b AS SELECT 1",
            "expected AS after the name of the stream, found '.'",
            ["  --> q.sql:1:16 | CREATE STREAM a.b AS SELECT 1", "                 |                ^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE STREAM s AS",
            "expected SELECT after AS, found the end of the statement",
            ["  --> q.sql:1:19 | CREATE STREAM s AS", "                 |                   ^ CREATE STREAM <name> AS SELECT …"],
        ),
        (
            "CREATE STREAM s AS DROP TABLE t",
            "expected SELECT after AS, found 'DROP'",
            ["  --> q.sql:1:20 | CREATE STREAM s AS DROP TABLE t", "                 |                    ^^^^ CREATE STREAM <name> AS SELECT …"],
        ),
    ]);
}

#[test]
fn a_clause_is_no_statement() {
    assert_rejected(&[
        (
            "WITH ('k' = 'v')",
            "WITH is a clause of a statement, not a statement",
            ["  --> q.sql:1:1 | WITH ('k' = '****')", "                | ^^^^ put it after SELECT … FROM …"],
        ),
        (
            "# the settings\nWITH (\n  'k' = 'v'\n)\n\nWITH ('l' = 'w')",
            "WITH is a clause of a statement, not a statement",
            ["  --> q.sql:2:1 | WITH (", "                | ^^^^ put it after SELECT … FROM …"],
        ),
        (
            "WITHIN INTERVAL '5' MINUTES",
            "WITHIN is a clause of a statement, not a statement",
            ["  --> q.sql:1:1 | WITHIN INTERVAL '5' MINUTES", "                | ^^^^^^ put it after SELECT … FROM …"],
        ),
        ("INTO s", "INTO is a clause of a statement, not a statement", ["  --> q.sql:1:1 | INTO s", "                | ^^^^ put it after SELECT … FROM …"]),
        (
            "CREATE STREAM s AS WITH ('k' = 'v')",
            "expected SELECT after AS, found 'WITH'",
            ["  --> q.sql:1:20 | CREATE STREAM s AS WITH ('k' = '****')", "                 |                    ^^^^ CREATE STREAM <name> AS SELECT …"],
        ),
    ]);
}

#[test]
fn queries_are_checked_too() {
    assert_rejected(&[
        (
            "SELECT a b c FROM t",
            "expected the end of the statement, found 'c'",
            ["  --> q.sql:1:12 | SELECT a b c FROM t", "                 |            ^ separate statements by ;"],
        ),
        ("SELECT a FROM", "expected identifier, found the end of the statement", ["  --> q.sql:1:14 | SELECT a FROM", "                 |              ^"]),
        ("SELECT a FROM INTO s", "expected identifier, found 'INTO'", ["  --> q.sql:1:15 | SELECT a FROM INTO s", "                 |               ^^^^"]),
        ("SELECT FROM t", "expected an expression, found 'FROM'", ["  --> q.sql:1:8 | SELECT FROM t", "                |        ^^^^"]),
        ("SELECT a, FROM t", "expected an expression, found 'FROM'", ["  --> q.sql:1:11 | SELECT a, FROM t", "                 |           ^^^^"]),
        (
            "SELECT a FROM t WHERE",
            "expected an expression, found the end of the statement",
            ["  --> q.sql:1:22 | SELECT a FROM t WHERE", "                 |                      ^"],
        ),
        (
            "SELECT a FROM t GROUP a",
            "expected the end of the statement, found 'GROUP'",
            ["  --> q.sql:1:17 | SELECT a FROM t GROUP a", "                 |                 ^^^^^ separate statements by ;"],
        ),
        (
            "WITH c AS (SELECT 1) DELETE FROM t",
            "a statement reads tables, it can't change them",
            [
                "  --> q.sql:1:1 | WITH c AS (SELECT 1) DELETE FROM t",
                "                | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ write rows to sinks: SELECT … FROM … INTO <sink>",
            ],
        ),
        (
            "SELECT a FROM t WHERE b = $1",
            "a statement has no parameters, found '$1'",
            ["  --> q.sql:1:27 | SELECT a FROM t WHERE b = $1", "                 |                           ^^ write the value itself"],
        ),
        (
            "SELECT a FROM t TABLESAMPLE (5 PERCENT)",
            "a table in FROM can have an alias, but no sample, partition, version or hint",
            ["  --> q.sql:1:15 | SELECT a FROM t TABLESAMPLE (5 PERCENT)", "                 |               ^ SELECT … FROM <table> <alias>"],
        ),
        (
            "SELECT a. 1 FROM t",
            "expected a name beside the dot, found '1'",
            ["  --> q.sql:1:11 | SELECT a. 1 FROM t", "                 |           ^ <table>.<column>"],
        ),
        (
            "SELECT CAST(a AS ODD('x')) FROM t",
            "there is no type 'ODD' with arguments",
            [
                "  --> q.sql:1:18 | SELECT CAST(a AS ODD('x')) FROM t",
                "                 |                  ^^^ types are INT, BIGINT, DOUBLE, DECIMAL(10, 2), VARCHAR, TIMESTAMP …",
            ],
        ),
        (
            "SELECT * FROM t PIVOT(sum(a) FOR b IN ('x')) p",
            "FROM takes tables, subqueries, functions and joins of them only",
            [
                "  --> q.sql:1:1 | SELECT * FROM t PIVOT(sum(a) FOR b IN ('x')) p",
                "                | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ write PIVOT as CASE expressions, JSON_TABLE as UNNEST",
            ],
        ),
        (
            "SELECT 1 + FROM t",
            "expected an expression, found 'FROM'",
            ["  --> q.sql:1:12 | SELECT 1 + FROM t", "                 |            ^^^^ a column of that name needs double quotes"],
        ),
        (
            "SELECT a FROM t WHERE AND b",
            "expected the end of the statement, found 'b'",
            ["  --> q.sql:1:27 | SELECT a FROM t WHERE AND b", "                 |                           ^ separate statements by ;"],
        ),
    ]);
}

#[test]
fn places_count_characters_and_lines() {
    assert_rejected(&[
        (
            "SELECT\tgröße,\t日本 🦀 FROM FROM t",
            "expected the end of the statement, found '🦀'",
            ["  --> q.sql:1:18 | SELECT größe, 日本 🦀 FROM FROM t", "                 |                    ^^ separate statements by ;"],
        ),
        (
            "SELECT a,\r\n\t'日本' b c\r\nFROM t\r\n",
            "expected the end of the statement, found 'c'",
            ["  --> q.sql:2:9 |  '日本' b c", "                |           ^ separate statements by ;"],
        ),
        (
            "\n\n\t\tSELECT 'é🦀' + FROM t",
            "expected an expression, found 'FROM'",
            ["  --> q.sql:3:17 |   SELECT 'é🦀' + FROM t", "                 |                  ^^^^ a column of that name needs double quotes"],
        ),
        (
            "SELECT a -- 日本\n# é\n/* 🦀\n */ FROM t INTO",
            "expected the name of a sink, found the end of the statement",
            ["  --> q.sql:4:16 |  */ FROM t INTO", "                 |                ^ INTO <sink>, <sink>"],
        ),
        (
            "SELECT a\r\nFROM t\r\nWITH (\r\n\t'ключ' = значение\r\n)",
            "expected a value in single quotes, found a word without quotes",
            ["  --> q.sql:4:11 |  'ключ' = значение", "                 |           ^^^^^^^^ 'key' = 'value'"],
        ),
    ]);
}

#[test]
fn an_error_tells_its_parts() {
    let sql = "SELECT a\nFROM t WITH (k = 'v')";
    let error = StreamingSqlParser::new().parse(sql).expect_err("a key without quotes");
    assert_eq!(error.to_string(), "expected a key in single quotes, found 'k' at line 2, column 14");
    assert_eq!((error.message(), error.help()), ("expected a key in single quotes, found 'k'", Some("'key' = 'value'")));
    let (start, end) = (error.span().start, error.span().end);
    assert_eq!((start.line, start.column, end.line, end.column), (2, 14, 2, 15));
}

#[test]
fn places_count_from_the_start_of_the_script() {
    let script = "SELECT 1;\n\nSELECT a FROM t INTO;\nSELECT (b FROM u";
    let errors = StreamingSqlParser::new().parse_script(script).expect_err("two mistakes");
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["expected the name of a sink, found the end of the statement at line 3, column 21", "'(' is never closed at line 4, column 8"]);
}
