//! Lists: a YAML sequence, or a comma-separated text.

use super::OptionValue;

/// Separator the YAML layer joins sequences with, so that elements may hold commas; behind the only element it tells the sequence from a plain value.
pub(crate) const ELEMENT_SEPARATOR: char = '\u{1f}';

/// A sequence as one text.
pub(crate) fn sequence(elements: &[&str]) -> String {
    let mut text = elements.join(&ELEMENT_SEPARATOR.to_string());
    if elements.len() == 1 {
        text.push(ELEMENT_SEPARATOR);
    }
    text
}

/// A value whose elements, if it is a sequence, are separated by a text.
pub(crate) fn joined(value: &str, separator: &str) -> String {
    value.strip_suffix(ELEMENT_SEPARATOR).unwrap_or(value).replace(ELEMENT_SEPARATOR, separator)
}

/// Names in order; blanks around each are dropped, empty ones are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameList(pub Vec<String>);

impl OptionValue for NameList {
    const TYPE: &'static str = "list";

    fn parse(text: &str) -> Result<Self, String> {
        let separator = if text.contains(ELEMENT_SEPARATOR) { ELEMENT_SEPARATOR } else { ',' };
        let text = text.strip_suffix(ELEMENT_SEPARATOR).unwrap_or(text);
        let names: Vec<String> = text.split(separator).map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err("expected names separated by commas, found an empty one".to_owned());
        }
        Ok(Self(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_sequence_mean_the_same() {
        let expected = NameList(vec!["day".to_owned(), "region".to_owned()]);
        assert_eq!(NameList::parse("day, region"), Ok(expected.clone()));
        assert_eq!(NameList::parse("day\u{1f}region"), Ok(expected));
        assert_eq!(NameList::parse(&sequence(&["a,b"])), Ok(NameList(vec!["a,b".to_owned()])));
        assert!(NameList::parse("day,,region").is_err());
    }
}
