//! Byte sizes: digits, with KB MB GB (powers of 1000) or KiB MiB GiB (of 1024).

use super::OptionValue;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl OptionValue for ByteSize {
    const TYPE: &'static str = "bytes";
    const EXAMPLE: &'static str = "16MiB";

    fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected a whole number of bytes, or one with KB MB GB (1000) or KiB MiB GiB (1024)";
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(EXPECTED.to_owned());
        }
        let too_large = || "the size is too large".to_owned();
        let number: u64 = text[..digits].parse().map_err(|_| too_large())?;
        let unit: u64 = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return Err(EXPECTED.to_owned()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(too_large)
    }
}

/// A number of bytes that is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SomeBytes(pub u64);

impl OptionValue for SomeBytes {
    const TYPE: &'static str = ByteSize::TYPE;
    const EXAMPLE: &'static str = ByteSize::EXAMPLE;
    const RANGE: (usize, usize) = (1, usize::MAX);

    fn parse(text: &str) -> Result<Self, String> {
        match ByteSize::parse(text)? {
            ByteSize(0) => Err("expected more than 0".to_owned()),
            ByteSize(bytes) => Ok(Self(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_and_binary_units_differ() {
        for (text, expected) in [("16777216", 16 << 20), ("16MiB", 16 << 20), ("16 MB", 16_000_000), ("1kib", 1024), ("2GB", 2_000_000_000), ("7b", 7)] {
            assert_eq!(ByteSize::parse(text), Ok(ByteSize(expected)), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MB", "3 potatoes", "99999999999GiB"] {
            assert!(ByteSize::parse(text).is_err(), "{text}");
        }
    }
}
