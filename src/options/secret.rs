//! Values that must never be printed.

use std::fmt;
use std::sync::{LazyLock, RwLock};

use super::OptionValue;

/// What stands for a secret wherever settings are printed.
pub const MASK: &str = "****";

/// Shorter secrets are not searched for in messages: they would mask ordinary text.
const SHORTEST_SCRUBBED: usize = 4;

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
    if secret.len() >= SHORTEST_SCRUBBED
        && let Ok(mut known) = KNOWN.write()
        && !known.iter().any(|k| k == secret)
    {
        known.push(secret.to_owned());
    }
}

/// The text without any registered secret and without user-info in URLs; everything printed goes through it.
pub fn scrub(text: &str) -> String {
    let mut clean = mask_assignments(&mask_url_user_info(text));
    if let Ok(known) = KNOWN.read() {
        for secret in known.iter() {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), MASK);
            }
        }
    }
    clean
}

/// Whether a key's value is never to be shown.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    const WORDS: [&str; 8] = ["password", "secret", "token", "encryption.key", "access_key", "api_key", "private_key", "jaas.config"];
    WORDS.iter().any(|word| key.contains(word))
}

/// Masks the value of `'key' = 'value'` where the key says that it is a secret, whether or not it has been parsed yet.
fn mask_assignments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\'') {
        let (head, tail) = rest.split_at(start + 1);
        out.push_str(head);
        rest = tail;
        let Some(end) = rest.find('\'') else { break };
        let (key, after) = (&rest[..end], &rest[end + 1..]);
        let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
        let Some(value) = after[blanks..].strip_prefix('=').map(|value| value.trim_start_matches([' ', '\t'])).filter(|_| is_secret_key(key)) else { continue };
        let Some(value) = value.strip_prefix('\'') else { continue };
        // A line that was cut ends the value, too.
        let length = value.find(['\'', '\n']).unwrap_or(value.len());
        out.push_str(&rest[..rest.len() - value.len()]);
        out.push_str(MASK);
        rest = &value[length..];
        if let Some(after) = rest.strip_prefix('\'') {
            out.push('\'');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Masks the password of `scheme://user:password@host` wherever it occurs in a text.
pub fn mask_url_user_info(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let authority = tail.find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"' | '?' | '#')).unwrap_or(tail.len());
        match tail[..authority].rfind('@') {
            Some(end) => {
                match tail[..end].find(':') {
                    Some(colon) => {
                        out.push_str(&tail[..=colon]);
                        out.push_str(MASK);
                    }
                    None => out.push_str(MASK),
                }
                rest = &tail[end..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
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
    fn settings_that_are_secret_by_name_are_masked_before_they_are_parsed() {
        assert_eq!(
            scrub("WITH ('k.sasl.password' = 'abc', 'k.topic'='t', 'o.encryption.key'='x/y=')"),
            "WITH ('k.sasl.password' = '****', 'k.topic'='t', 'o.encryption.key'='****')"
        );
        assert_eq!(scrub("it's 'k.password'='cut off he…"), "it's 'k.password'='****");
        assert_eq!(scrub("'k.password'='cut off he…\nnext"), "'k.password'='****\nnext");
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        assert_eq!(mask_url_user_info("postgresql://bob:p@ss@db:5432/x and http://h/"), "postgresql://bob:****@db:5432/x and http://h/");
        assert_eq!(mask_url_user_info("redis://token@h"), "redis://****@h");
        assert_eq!(mask_url_user_info("no url: a@b"), "no url: a@b");
    }
}
