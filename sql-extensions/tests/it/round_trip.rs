//! parse(print(statement)) = statement

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sql_extensions::StreamingSqlParser;

use crate::property::check;
use crate::statements::statement;

/// Random statements come from deep recursion of the strategies, for which the stack of a test thread is too small.
const STACK: usize = 64 * 1024 * 1024;

#[test]
fn random_statements_parse_and_print_back() {
    let run = || {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        TestRunner::new(config).run(&statement(), |sql| {
            if let Err(error) = StreamingSqlParser::new().parse(&sql) {
                // Only the limits may refuse what is right.
                prop_assert!(error.message().contains("levels deep") || error.message().contains("in one chain"), "{}", error.render("generated", &sql));
            }
            check(&sql);
            Ok(())
        })
    };
    let result = std::thread::Builder::new().stack_size(STACK).spawn(run).expect("a thread").join().expect("the runner reports what fails");
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn printed_text_is_normal() {
    for (written, printed) in [
        ("select a from t", "SELECT a FROM t"),
        ("create stream s as select a from t into x , y with ( 'k'='it''s' , )", "CREATE STREAM s AS SELECT a FROM t INTO x, y WITH ('k' = 'it''s')"),
        (
            "SELECT 1 FROM a JOIN b ON a.x=b.x OR a.y WITHIN INTERVAL '5 minute' WHERE a.x > 1",
            "SELECT 1 FROM a JOIN b ON a.x = b.x OR a.y WITHIN INTERVAL '5' MINUTES WHERE a.x > 1",
        ),
        ("SELECT 1 FROM a JOIN b USING(x, y) within interval 5 day", "SELECT 1 FROM a JOIN b USING(x, y) WITHIN INTERVAL '5' DAYS"),
        ("SELECT '''''', 'a\\''b' FROM t INTO \"with\", \"a \"\" b\"", "SELECT '''''', 'a\\''b' FROM t INTO \"with\", \"a \"\" b\""),
    ] {
        let statement = StreamingSqlParser::new().parse(written).unwrap_or_else(|error| panic!("{}", error.render("test", written)));
        assert_eq!(statement.to_string(), printed);
    }
}

#[test]
fn statements_differ_by_the_place_of_a_within() {
    let parse = |sql: &str| StreamingSqlParser::new().parse(sql).unwrap_or_else(|error| panic!("{error}"));
    let first = parse("SELECT 1 FROM a JOIN b ON true WITHIN INTERVAL '1' DAY JOIN c ON true");
    let last = parse("SELECT 1 FROM a JOIN b ON true JOIN c ON true WITHIN INTERVAL '1' DAY");
    assert!(first != last);
    assert!(first != parse("SELECT 1 FROM a JOIN b ON true WITHIN INTERVAL '2' DAYS JOIN c ON true"));
    assert!(first == parse("SELECT 1\nFROM a JOIN b ON true WITHIN INTERVAL '1' DAY JOIN c ON true"));
}
