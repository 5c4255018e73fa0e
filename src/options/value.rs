//! How the text of a value becomes a type.

use std::fmt::{self, Debug};
use std::path::PathBuf;

use super::NameList;

/// A type that a setting's text can be turned into.
pub trait OptionValue: Sized + Debug {
    /// Name of the type in `velo-sql options` and in errors, e.g. `duration`.
    const TYPE: &'static str;
    /// The words that it has, those first that documentation prefers; empty if there are too many to name.
    const NAMES: &'static [&'static str] = &[];
    /// A value that somebody might write; empty if that depends on the option.
    const EXAMPLE: &'static str = "";
    /// Of numbers: the least and the greatest.
    const RANGE: (usize, usize) = (0, usize::MAX);

    /// Parses the text. The error says what is expected, without the key and the value; both are added by the caller.
    fn parse(text: &str) -> Result<Self, String>;
}

/// `true` or `false`, in any case.
pub type YesNo = bool;

impl OptionValue for bool {
    const TYPE: &'static str = "boolean";
    const EXAMPLE: &'static str = "true";

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            t if t.eq_ignore_ascii_case("true") => Ok(true),
            t if t.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err("expected true or false".to_owned()),
        }
    }
}

impl OptionValue for String {
    const TYPE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl OptionValue for PathBuf {
    const TYPE: &'static str = "path";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("expected a path, found an empty text".to_owned()) } else { Ok(Self::from(text)) }
    }
}

/// A path that may be more than one: a pattern, a template, or `-`. It is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathText(pub String);

impl std::ops::Deref for PathText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PathText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OptionValue for PathText {
    const TYPE: &'static str = PathBuf::TYPE;

    fn parse(text: &str) -> Result<Self, String> {
        PathBuf::parse(text).map(|_| Self(text.to_owned()))
    }
}

impl OptionValue for usize {
    const TYPE: &'static str = "count";

    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("expected a whole number in decimal digits".to_owned());
        }
        digits.parse().map_err(|_| "the number is too large".to_owned())
    }
}

/// A whole number of a range, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within<const LEAST: usize, const MOST: usize>(pub usize);

impl<const LEAST: usize, const MOST: usize> OptionValue for Within<LEAST, MOST> {
    const TYPE: &'static str = usize::TYPE;
    const RANGE: (usize, usize) = (LEAST, MOST);

    fn parse(text: &str) -> Result<Self, String> {
        let expected = || if MOST == usize::MAX { format!("expected {LEAST} or more") } else { format!("expected a number from {LEAST} to {MOST}") };
        match usize::parse(text) {
            Ok(number) if (LEAST..=MOST).contains(&number) => Ok(Self(number)),
            Err(fault) if !text.trim().bytes().all(|byte| byte.is_ascii_digit()) || text.trim().is_empty() => Err(fault),
            _ => Err(expected()),
        }
    }
}

/// The one of some words that a text is, however it is written.
///
/// **Errors**: it is none of them; the message names them.
pub(crate) fn word_of(words: &[&'static str], text: &str) -> Result<&'static str, String> {
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(text.trim()));
    found.copied().ok_or_else(|| format!("expected {}", one_of(words)))
}

/// `a, b or c`.
fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Column names, in order.
pub type Columns = NameList;
