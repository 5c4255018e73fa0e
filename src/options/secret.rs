//! Values that must never be printed.

use std::fmt;
use std::sync::{LazyLock, RwLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::OptionValue;
use super::masking::{mask_assignments, mask_url, mask_urls, passwords_in};

/// What stands for a secret wherever settings are printed.
pub const MASK: &str = "****";

/// Shorter secrets are not searched for in messages: they would mask ordinary text.
const SHORTEST_SCRUBBED: usize = 4;
/// The same for the words of a secret that holds blanks: they are more likely to be ordinary.
const SHORTEST_PART: usize = 8;

/// Most pieces of a secret that are looked for because it holds slashes.
const MOST_PARTS: usize = 32;

static KNOWN: LazyLock<RwLock<Vec<String>>> = LazyLock::new(RwLock::default);

/// A secret text. `Debug` and `Display` print [`MASK`]; [`Secret::reveal`] is the only way to the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl OptionValue for Secret {
    const TYPE: &'static str = "secret";

    fn parse(text: &str) -> Result<Self, String> {
        register_secret(text);
        Ok(Self(text.to_owned()))
    }
}

/// Remembers a secret so that [`scrub`] removes it from texts that other libraries made.
pub fn register_secret(secret: &str) {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let escaped: String = secret.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect();
    let mut forms = vec![secret, secret.trim(), json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default(), &escaped];
    // As what is compared without case is told.
    let lower = secret.to_lowercase();
    forms.extend([lower.as_str(), lower.trim()]);
    // As they stand in URLs and headers.
    let encoded: Vec<String> = [percent_encoded(secret), STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret)].into();
    forms.extend(encoded.iter().map(String::as_str));
    // `Bearer …`, or the lines of a key: libraries print the parts, too.
    forms.extend(secret.split_whitespace().filter(|part| part.len() < secret.len() && part.len() >= SHORTEST_PART));
    // In the name of a file: the folder that it would be in, and what it would be called there.
    let cuts = || secret.match_indices('/').map(|(at, _)| at);
    forms.extend(cuts().map(|at| &secret[..at]).chain(cuts().map(|at| &secret[at + 1..])).filter(|part| part.len() >= SHORTEST_PART).take(MOST_PARTS));
    let Ok(mut known) = KNOWN.write() else { return };
    for form in forms {
        if form.len() >= SHORTEST_SCRUBBED && secret.len() >= SHORTEST_SCRUBBED && !known.iter().any(|known| known == form) {
            known.push(form.to_owned());
        }
    }
    // A secret may be the beginning of another one.
    known.sort_by_key(|known| std::cmp::Reverse(known.len()));
}

/// The text as it stands in a URL.
fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Remembers the passwords of the URLs in a value.
pub(crate) fn register_passwords_in(value: &str) {
    passwords_in(value).iter().for_each(|password| register_secret(password));
}

/// The text without any registered secret, without passwords in URLs, and without the values of secret settings; everything printed goes through it.
pub fn scrub(text: &str) -> String {
    let mut clean = mask_assignments(&mask_urls(text));
    if let Ok(known) = KNOWN.read() {
        for secret in known.iter() {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), MASK);
            }
        }
    }
    clean
}

/// A value as it may be printed.
pub(super) fn printable(value: &str) -> String {
    scrub(&mask_url(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_as_a_mask() {
        let secret = Secret::parse("hunter2-very-secret").expect("any text is a secret");
        assert_eq!(format!("{secret} {secret:?}"), "**** ****");
        assert_eq!(scrub("login with hunter2-very-secret failed"), "login with **** failed");
    }

    #[test]
    fn parts_and_spellings_of_a_secret_are_masked_longest_first() {
        register_secret("Bearer hunter3-very-secret");
        register_secret("hunter3");
        register_secret("two\nlines \"quoted\"");
        assert_eq!(scrub("hunter3-very-secret hunter3"), "**** ****");
        assert_eq!(scrub("two\\nlines \\\"quoted\\\""), MASK);
        register_passwords_in("db://u:pass/word-4@h");
        assert_eq!(scrub("login of pass/word-4"), "login of ****");
        assert_eq!(scrub("pass%2Fword-4 cGFzcy93b3JkLTQ= cGFzcy93b3JkLTQ"), "**** **** ****", "in URLs and headers");
    }
}
