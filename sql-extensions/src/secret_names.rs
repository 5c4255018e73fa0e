//! Which settings and variables are secret, by their names.

/// Within a word of the name.
const WITHIN: [&str; 9] = ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "accesskey", "privatekey"];
/// Whole words of the name.
const WHOLE: [&str; 12] = ["pw", "pwd", "pass", "passcode", "cred", "creds", "jaas", "bearer", "authorization", "cookie", "jwt", "sas"];
/// Neighbouring words of the name.
const PAIRS: [(&str, &str); 15] = [
    ("api", "key"),
    ("access", "key"),
    ("account", "key"),
    ("auth", "header"),
    ("auth", "key"),
    ("client", "key"),
    ("encryption", "key"),
    ("key", "pem"),
    ("master", "key"),
    ("private", "key"),
    ("shared", "key"),
    ("signing", "key"),
    ("ssl", "key"),
    ("storage", "key"),
    ("user", "info"),
];
/// Shorter words are not taken for misspelt ones: too many others are near.
const SHORTEST_MISSPELT: usize = 5;

/// Whether the value of a setting is never to be shown. The name of the source or sink, which is the text before the first dot, does not count; misspelt words do.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.trim().to_lowercase();
    let words = words(key.split_once('.').map_or(key.as_str(), |(_, rest)| rest));
    // An address where tokens are given is none; a password in it is known by its place.
    !words.ends_with(&["token", "endpoint", "url"]) && is_secret(&words)
}

/// Whether the value of an environment variable is never to be shown.
pub fn is_secret_variable(name: &str) -> bool {
    // The working folder is no password.
    let name = name.trim().to_lowercase();
    let words = words(&name);
    !matches!(name.as_str(), "pwd" | "oldpwd") && (is_secret(&words) || words.last() == Some(&"key"))
}

fn words(name: &str) -> Vec<&str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

fn is_secret(words: &[&str]) -> bool {
    let alone = |word: &str| {
        WITHIN.iter().any(|secret| word.contains(secret) || is_misspelt(word, secret))
            || WHOLE.contains(&word)
            || word == "auth" && words.last() == Some(&"auth")
    };
    let same = |word: &str, expected: &str| {
        word == expected || is_misspelt(word, expected) || expected == "key" && strsim::osa_distance(word, expected) == 1 && word.len() == 3
    };
    words.iter().any(|word| alone(word)) || words.windows(2).any(|pair| PAIRS.iter().any(|(first, second)| same(pair[0], first) && same(pair[1], second)))
}

/// One letter too many, too few, wrong or at another place; two in a long word.
fn is_misspelt(word: &str, expected: &str) -> bool {
    let (length, wanted) = (word.chars().count(), expected.chars().count());
    wanted >= SHORTEST_MISSPELT && length.abs_diff(wanted) <= 2 && strsim::osa_distance(word, expected) <= if wanted >= 8 { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for key in [
            "k.sasl.password",
            "k.passwd",
            "k.pwd",
            "k.apikey",
            "k.api_key",
            "k.api-key",
            "k.credentials",
            "k.ssl.key.pem",
            "k.ssl.key.password",
            "k.auth_header",
            "k.auth_token",
            "k.sasl.jaas.config",
            "k.sasl.oauthbearer.client.secret",
            "k.secret_access_key",
            "k.schema.registry.basic.auth.user.info",
            "s.encryption.key",
            "password",
            "sasl.password",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for misspelt in ["s.encrpytion.key", "s.encryption.kye", "o.pasword", "o.passwrod", "k.sercet", "k.tokne", "k.apikye"] {
            assert!(is_secret_key(misspelt), "{misspelt}");
        }
        for plain in [
            "orders.path",
            "passwords.path",
            "k.sasl.oauthbearer.token.endpoint.url",
            "tokens.format",
            "o.encryption",
            "o.key",
            "k.key.format",
            "authors.name",
            "k.topic",
            "batch.size",
            "o.compression",
            "a.type",
        ] {
            assert!(!is_secret_key(plain), "{plain}");
        }
    }

    #[test]
    fn secret_variables_are_known_by_their_names() {
        for name in ["PW", "DB_PASSWORD", "API_TOKEN", "KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_PAT_TOKEN"] {
            assert!(is_secret_variable(name), "{name}");
        }
        for name in ["PWD", "HOME", "ENVIRONMENT", "KEYBOARD", "DATE"] {
            assert!(!is_secret_variable(name), "{name}");
        }
    }
}
