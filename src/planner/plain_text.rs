//! DataFusion's messages without what its `Debug` prints: users know SQL, not the names of syntax trees and plans.

/// What a message means, and what to write instead, for forms that pass the optimiser and then can't be carried out.
pub(super) fn unsupported(text: &str) -> Option<(String, &'static str)> {
    if text.starts_with("null_aware anti join only supports") {
        return Some((super::not_in::CORRELATED.to_owned(), super::not_in::INSTEAD));
    }
    if let Some(column) = text.starts_with("Column in SELECT must be in GROUP BY").then(|| text.split('"').nth(1)).flatten() {
        return Some((
            format!("column '{column}' must be in GROUP BY or in an aggregate function"),
            "add it to GROUP BY, or write max(…), sum(…) or the like around it",
        ));
    }
    if text.starts_with("Unnest should be rewritten") {
        return Some(("unnest() can't stand here".to_owned(), "unnest a list in SELECT or FROM, and look at its items in a query around that"));
    }
    let dump = text.strip_prefix("Physical plan does not support logical expression ")?;
    Some(match dump.split(['(', ' ']).next().unwrap_or_default() {
        "InSubquery" => ("this IN (SELECT …) can't be carried out".to_owned(), PREDICATE),
        "Exists" => ("this EXISTS (SELECT …) can't be carried out".to_owned(), PREDICATE),
        "ScalarSubquery" => (
            "this subquery for a single value can't be carried out".to_owned(),
            "let it be an aggregate without LIMIT that compares outer columns with = in its WHERE, or join with a subquery that has GROUP BY",
        ),
        "OuterReferenceColumn" => (misplaced_outer_column(&outer_column(dump)), NO_OUTER_COLUMN),
        "AggregateFunction" => ("an aggregate function can't stand here".to_owned(), "compute it in a subquery, or use HAVING for a condition on it"),
        "WindowFunction" => ("a function with OVER can't stand here".to_owned(), "compute it in a subquery, or use QUALIFY for a condition on it"),
        _ => ("an expression of this statement can't be carried out".to_owned(), "write it in another way"),
    })
}

const PREDICATE: &str = "it can be a condition of WHERE or HAVING, and its query may name outer columns in its WHERE if it has no LIMIT and no aggregate; elsewhere write a LEFT JOIN \
                         and test a column with IS NOT NULL";

/// What to do about an outer column that a subquery can't name.
pub(super) const NO_OUTER_COLUMN: &str =
    "write a join, or let the subquery stand in WHERE, not in ON, and name only columns of the query right around it, in comparisons of its own WHERE";

/// That a subquery can't name a column of the query around it.
pub(super) fn misplaced_outer_column(name: &str) -> String {
    format!("a subquery names '{name}', a column of the query around it, where it can't")
}

/// `t.k` of `… Column { relation: Some(Bare { table: "t" }), name: "k" })`.
fn outer_column(dump: &str) -> String {
    let quoted = |before: &str| dump.rsplit(before).next().filter(|_| dump.contains(before)).and_then(|rest| rest.split('"').next());
    match (quoted("table: \""), quoted("name: \"")) {
        (Some(table), Some(name)) => format!("{table}.{name}"),
        (None, Some(name)) => name.to_owned(),
        _ => "…".to_owned(),
    }
}

/// The message up to the first value that was printed for programmers.
pub(super) fn without_dumps(text: &str) -> String {
    let Some(start) = dump_start(text) else { return text.to_owned() };
    let (before, dump) = text.split_at(start);
    let form = dump.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let before = before.trim_end().trim_end_matches([':', '\'', '(', ',']).trim_end();
    let before = [", got", " got", ", found", " but found", " and", " with"].iter().fold(before, |text, word| text.strip_suffix(word).unwrap_or(text));
    match before {
        "Unsupported ast node in sqltorel" | "Unsupported JOIN operator" => match form {
            "Identifier" | "CompoundIdentifier" | "Value" => "a name or value stands where it can't".to_owned(),
            "AsOf" => "ASOF JOIN is not supported".to_owned(),
            "RLike" => "RLIKE is not supported".to_owned(),
            other => format!("{} is not supported", words(other)),
        },
        "" => "a form of this statement is not supported".to_owned(),
        other => other.to_owned(),
    }
}

/// Where a value stands that was printed for programmers: a name in capital letters with fields, or one that only syntax trees have.
fn dump_start(text: &str) -> Option<usize> {
    const NODES: [&str; 20] = [
        "Some",
        "Ident",
        "Identifier",
        "CompoundIdentifier",
        "Value",
        "ValueWithSpan",
        "Literal",
        "Column",
        "BinaryExpr",
        "BinaryOp",
        "ScalarFunction",
        "Cast",
        "Alias",
        "ScalarSubquery",
        "InSubquery",
        "Exists",
        "OuterReferenceColumn",
        "Wildcard",
        "Function",
        "Array",
    ];
    let mut start = None;
    for (at, c) in text.char_indices() {
        if c.is_ascii_alphanumeric() || c == '_' {
            start = start.or(c.is_ascii_uppercase().then_some(at));
            continue;
        }
        let rest = &text[at..];
        let has_fields = rest
            .strip_prefix(" { ")
            .is_some_and(|fields| fields.split(": ").next().is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
        if let Some(start) = start.take()
            && !text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_')
            && (has_fields || c == '(' && NODES.contains(&&text[start..at]))
        {
            return Some(start);
        }
    }
    None
}

/// `InUnnest` as `IN UNNEST`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn dumps_are_cut_and_the_form_is_named() {
        for (text, plain) in [
            ("Unsupported ast node in sqltorel: InUnnest { expr: Identifier(Ident { value: \"k\" }), negated: false }", "IN UNNEST is not supported"),
            ("Unsupported ast node in sqltorel: Identifier(Ident { value: \"n\", quote_style: None })", "a name or value stands where it can't"),
            (
                "Unsupported JOIN operator AsOf { match_condition: BinaryOp { left: CompoundIdentifier([Ident { value: \"s\" }]) } }",
                "ASOF JOIN is not supported",
            ),
            (
                "Unsupported interval argument. Expected string literal or number, got: Identifier(Ident { value: \"n\" })",
                "Unsupported interval argument. Expected string literal or number",
            ),
            ("Unsupported LIMIT expression: Some(ScalarSubquery(<subquery>))", "Unsupported LIMIT expression"),
            ("Column { relation: None, name: \"k\" }", "a form of this statement is not supported"),
        ] {
            assert_eq!(without_dumps(text), plain);
        }
    }

    #[test]
    fn sentences_and_types_stay() {
        for text in [
            "Cannot coerce arithmetic expression Timestamp(µs, \"UTC\") + List(Int64) to valid types",
            "Join condition must be boolean type, but got Int64",
            "Cast error: Cannot cast string '{ a: 1 }' to value of Int64 type",
            "Function 'abs' expects 1 arguments (Int64) { and",
            "ÄÖ Some",
            "",
        ] {
            assert_eq!(without_dumps(text), text);
        }
    }

    #[test]
    fn forms_that_can_not_be_carried_out_come_with_what_to_write() {
        let text = "Physical plan does not support logical expression OuterReferenceColumn(Field { name: \"k\", data_type: Int64 }, Column { relation: Some(Bare { table: \"s\" }), name: \"k\" })";
        let (message, help) = unsupported(text).unwrap();
        assert_eq!(message, "a subquery names 's.k', a column of the query around it, where it can't");
        assert!(help.contains("join"));
        let (message, _) = unsupported("Physical plan does not support logical expression Exists(Exists { subquery: <subquery>, negated: false })").unwrap();
        assert_eq!(message, "this EXISTS (SELECT …) can't be carried out");
        assert!(unsupported("something else").is_none());
    }
}
