//! What holds for any text. The fuzz target of `fuzz/` includes this file.

use sql_extensions::{Location, QueryAnalyzer, Span, SqlError, StreamStatement, StreamingSqlParser};

/// Parses, analyses, prints and parses again; panics where a promise is broken.
pub(crate) fn check(text: &str) {
    let parser = StreamingSqlParser::new();
    let places = Places::new(text);
    match parser.parse_script(text) {
        Ok(statements) => {
            assert!(!statements.is_empty(), "no statement and no error");
            statements.iter().for_each(|statement| check_statement(statement, text, &places));
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "an error without errors");
            errors.iter().for_each(|error| check_error(error, text, &places));
        }
    }
    if let Err(error) = parser.parse(text) {
        check_error(&error, text, &places);
    }
}

fn check_error(error: &SqlError, text: &str, places: &Places) {
    places.assert_inside(error.span(), &error.to_string());
    assert!(!error.message().is_empty() && error.message().chars().count() <= 400, "message of odd length: {}", error.message());
    assert!(error.render("a.sql", text).contains('^'));
}

fn check_statement(statement: &StreamStatement, text: &str, places: &Places) {
    places.assert_inside(statement.span, "statement");
    statement.within.iter().for_each(|clause| places.assert_inside(clause.span, "WITHIN"));
    statement.into.iter().for_each(|sink| places.assert_inside(sink.span, "sink"));
    statement.with.iter().for_each(|entry| places.assert_inside(entry.key_span.to(entry.value_span), "entry of WITH"));
    let analysis = QueryAnalyzer::new("group".to_owned()).analyze(statement).expect("any statement can be analysed");
    analysis.required_sources.iter().for_each(|source| places.assert_inside(source.span, "source"));

    let printed = statement.to_string();
    let again = StreamingSqlParser::new().parse(&printed).unwrap_or_else(|error| panic!("{}\nprinted from: {text}", error.render("printed", &printed)));
    assert_eq!(again.to_string(), printed, "printed differently again; from: {text}");
    assert!(again == *statement, "{printed}\nmeans another thing than: {text}");
}

/// The number of characters of each line.
struct Places(Vec<u64>);

impl Places {
    fn new(text: &str) -> Self {
        Self(text.split('\n').map(|line| line.chars().count() as u64).collect())
    }

    /// The place after the last character of a line is inside.
    fn inside(&self, at: Location) -> bool {
        let length = usize::try_from(at.line).ok().and_then(|line| self.0.get(line.checked_sub(1)?));
        at.column >= 1 && length.is_some_and(|length| at.column <= length + 1)
    }

    fn assert_inside(&self, span: Span, what: &str) {
        assert!(span.start <= span.end && self.inside(span.start) && self.inside(span.end), "{what}: {span:?} is outside of the text");
    }
}
