//! The character between fields.

use crate::options::OptionValue;

/// One byte between CSV fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter(pub u8);

impl OptionValue for Delimiter {
    const TYPE: &'static str = "delimiter";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "\\t" | "tab" => Ok(Self(b'\t')),
            _ => match text.as_bytes() {
                [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(Self(*byte)),
                _ => Err("expected one ASCII character other than a quote or a line end; \\t is a tab".to_owned()),
            },
        }
    }
}
