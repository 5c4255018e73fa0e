//! What holds for any text. The fuzz target of `fuzz/` includes this file.

use sql_extensions::{Location, QueryAnalyzer, Span, SqlError, StreamStatement, StreamingSqlParser};

/// Parses, analyses, prints and parses again; panics where a promise is broken.
pub(crate) fn check(text: &str) {
    let parser = StreamingSqlParser::new();
    match parser.parse_script(text) {
        Ok(statements) => {
            assert!(!statements.is_empty(), "no statement and no error");
            statements.iter().for_each(|statement| check_statement(statement, text));
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "an error without errors");
            errors.iter().for_each(|error| check_error(error, text));
        }
    }
    if let Err(error) = parser.parse(text) {
        check_error(&error, text);
    }
}

fn check_error(error: &SqlError, text: &str) {
    assert_inside(error.span(), text, &error.to_string());
    assert!(!error.message().is_empty() && error.message().chars().count() <= 400, "message of odd length: {}", error.message());
    assert!(error.render("a.sql", text).contains('^'));
}

fn check_statement(statement: &StreamStatement, text: &str) {
    assert_inside(statement.span, text, "statement");
    statement.within.iter().for_each(|clause| assert_inside(clause.span, text, "WITHIN"));
    statement.into.iter().for_each(|sink| assert_inside(sink.span, text, "sink"));
    statement.with.iter().for_each(|entry| assert_inside(entry.key_span.to(entry.value_span), text, "entry of WITH"));
    let analysis = QueryAnalyzer::new("group".to_owned()).analyze(statement).expect("any statement can be analysed");
    analysis.required_sources.iter().for_each(|source| assert_inside(source.span, text, "source"));

    let printed = statement.to_string();
    let again = StreamingSqlParser::new().parse(&printed).unwrap_or_else(|error| panic!("{}\nprinted from: {text}", error.render("printed", &printed)));
    assert_eq!(again.to_string(), printed, "printed differently again; from: {text}");
    assert!(again == *statement, "{printed}\nmeans another thing than: {text}");
}

/// Panics if a place is outside the text; the place after the last character of a line is inside.
fn assert_inside(span: Span, text: &str, what: &str) {
    let inside = |at: Location| {
        let line = usize::try_from(at.line).ok().and_then(|line| text.split('\n').nth(line.checked_sub(1)?));
        line.is_some_and(|line| at.column >= 1 && at.column <= line.chars().count() as u64 + 1)
    };
    assert!(span.start <= span.end && inside(span.start) && inside(span.end), "{what}: {span:?} is outside of {text:?}");
}
