//! How the text of a value becomes a type.

use std::fmt::Debug;
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

/// Column names, in order.
pub type Columns = NameList;
