//! DataFusion's messages about the arguments of functions, and the types in all of its messages, in the words of SQL.

use arrow::datatypes::DataType;

use crate::formats::schema_text::print_type;

/// What a message about a function means.
pub(super) fn function_message(text: &str) -> Option<String> {
    let name = between(text, "Function '", "'").or_else(|| between(text, "call to '", "'"))?;
    let given = between(text, "argument types '", "'.").and_then(|call| Some(call.split_once('(')?.1.strip_suffix(')')?.to_owned()));
    if let Some(counts) = between(text, " expects ", " arguments but received ").filter(|count| count.chars().all(|c| c.is_ascii_digit())) {
        let received: String = text.split(" arguments but received ").nth(1).unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
        return Some(format!("{name}() takes {counts} arguments, not {received}"));
    }
    let about_types =
        ["failed to match any signature", "Failed to coerce arguments", "user-defined coercion failed", " expects NativeType", "does not support"];
    if !about_types.iter().any(|part| text.contains(part)) {
        return None;
    }
    let given = given.or_else(|| between(text, "coercion from ", " to the signature")).or_else(|| between(text, "but received ", " ("));
    Some(match given.filter(|given| !given.is_empty()) {
        Some(given) => format!("{name}() can't take ({})", sql_types(&given)),
        None => format!("{name}() can't take these arguments, whose types don't go together"),
    })
}

/// The piece of a text between two others.
pub(super) fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    Some(text[start..start + length].to_owned())
}

/// A text in which Arrow's types are called as SQL calls them.
pub(super) fn sql_types(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_word = out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"'));
        if c.is_ascii_uppercase()
            && !after_word
            && let Some((length, name)) = type_at(rest)
        {
            out.push_str(&name);
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// The type that a text begins with, by its length and its name in SQL.
fn type_at(text: &str) -> Option<(usize, String)> {
    let word = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let mut depth = 0usize;
    let bracket = text[word..].char_indices().take_while(|(at, c)| {
        let inside = *at == 0 && *c == '(' || depth > 0;
        depth = match c {
            '(' => depth + 1,
            ')' => depth.saturating_sub(1),
            _ => depth,
        };
        inside
    });
    let end = bracket.last().map_or(word, |(at, c)| word + at + c.len_utf8());
    let name = match &text[..end] {
        "Interval(MonthDayNano)" | "Interval(DayTime)" | "Interval(YearMonth)" => "INTERVAL".to_owned(),
        "Null" => "NULL".to_owned(),
        // A word that is a type to Arrow may be any word; those that are no word of a sentence are taken.
        other if other == &text[..word] && !other.ends_with(|c: char| c.is_ascii_digit()) && !["Utf8View", "BinaryView", "Boolean"].contains(&other) => {
            return None;
        }
        other => print_type(&other.parse::<DataType>().ok()?),
    };
    Some((end, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_sql() {
        for (text, plain) in [
            (
                "Cannot coerce arithmetic expression Utf8View + List(Utf8View) to valid types",
                "Cannot coerce arithmetic expression VARCHAR + ARRAY<VARCHAR> to valid types",
            ),
            ("Cannot coerce Timestamp(µs, \"UTC\") and Date32 (Boolean)", "Cannot coerce TIMESTAMP and DATE (BOOLEAN)"),
            ("Decimal128(10, 2) but Interval(MonthDayNano)", "DECIMAL(10,2) but INTERVAL"),
            ("Join condition must be boolean type, but got Int64", "Join condition must be boolean type, but got BIGINT"),
            ("Date and Time of 'Int64' in Int64x", "Date and Time of 'Int64' in Int64x"),
        ] {
            assert_eq!(sql_types(text), plain);
        }
    }

    #[test]
    fn arguments_of_functions_are_told_in_one_sentence() {
        for (text, plain) in [
            (
                "Function 'date_trunc' failed to match any signature, errors: Error during planning: Function 'date_trunc' expects 2 arguments but received 1,Error",
                "date_trunc() takes 2 arguments, not 1",
            ),
            (
                "Function 'abs' expects NativeType::Numeric but received NativeType::String No function matches the given name and argument types 'abs(Utf8View)'. You might",
                "abs() can't take (VARCHAR)",
            ),
            (
                "Failed to coerce arguments to satisfy a call to 'sqrt' function: coercion from Utf8View, Int64 to the signature Uniform(1, [Float64]) failed",
                "sqrt() can't take (VARCHAR, BIGINT)",
            ),
            (
                "Function 'coalesce' user-defined coercion failed with \"Execution error: Fail to find the coerced type, errors: …",
                "coalesce() can't take these arguments, whose types don't go together",
            ),
        ] {
            assert_eq!(function_message(text).as_deref(), Some(plain));
        }
        assert_eq!(function_message("Function 'f' is not known"), None);
    }
}
