//! Secrets that a text shows by its form: settings, connection strings, URLs.

use sql_extensions::is_secret_key;

use super::MASK;

/// What stands between a scheme and a user.
const SCHEME_END: &str = "://";
/// Most URLs of a value whose passwords are remembered; each may reach to the end of the value.
const MOST_URLS: usize = 64;
/// Most bytes of a key in quotes that are looked at.
const LONGEST_KEY: usize = 512;

/// Words before a `=` with blanks around it that are no columns of a statement, as libpq writes them.
const CONNECTION_WORDS: [&str; 4] = ["password", "passwd", "pwd", "sslpassword"];

/// Masks the value of `'key' = 'value'`, `"key": "value"`, `key=value` where the key says that it is a secret, whether or not it has been parsed yet.
pub(super) fn mask_assignments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let found = match c {
            '\'' | '"' => quoted_assignment(text, at),
            c if is_word(c) && !text[..at].ends_with(is_word) => plain_assignment(text, at),
            _ => None,
        };
        match found {
            Some(value) => {
                out.push_str(&text[at..value.start]);
                out.push_str(MASK);
                at = value.end;
            }
            None => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    out
}

type Stretch = std::ops::Range<usize>;

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// The last place up to `at` where a letter begins, or the end.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The value after the quoted key at `at`.
fn quoted_assignment(text: &str, at: usize) -> Option<Stretch> {
    // A longer text is no key, and to look for the end of each would take long.
    let window = &text[..boundary(text, at + LONGEST_KEY)];
    let key = inside(window, at);
    if key.end == window.len() && window.len() < text.len() {
        return None;
    }
    if !is_secret_key(text.get(key.clone())?) || text[key.clone()].contains('\n') {
        return None;
    }
    let after = key.end + 1;
    let signs = skip(text, after, |c| matches!(c, '=' | '>' | ':'));
    value(text, signs, signs > skip(text, after, |_| false))
}

/// Whether nothing but blanks and the sign of a list stands before on its line, or on what a message shows of it.
fn begins_line(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = text[line..at].trim_end_matches([' ', '\t', '-']);
    before.is_empty() || before.ends_with('|')
}

/// The value after the word at `at`.
fn plain_assignment(text: &str, at: usize) -> Option<Stretch> {
    let end = at + text[at..].find(|c| !is_word(c)).unwrap_or(text.len() - at);
    let word = &text[at..end];
    if (is_secret_key(word) || is_secret_key(&format!(".{word}"))) && begins_line(text, at) && (text[end..].starts_with(": ") || text[end..].starts_with(":\t"))
    {
        // A key of YAML: its value goes on to the end of the line.
        let line = text[end..].find('\n').map_or(text.len(), |length| end + length);
        let begin = skip(text, end + 1, |_| false);
        return (begin < line).then_some(begin..line);
    }
    let sign = if CONNECTION_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) { skip(text, end, |_| false) } else { end };
    if !text[sign..].starts_with('=') || !(is_secret_key(word) || is_secret_key(&format!(".{word}"))) {
        return None;
    }
    value(text, if sign == end { end + 1 } else { skip(text, sign + 1, |_| false) }, true)
}

/// The value at `at`: a quoted text, or what goes up to the next blank if a sign stands before it.
fn value(text: &str, at: usize, signed: bool) -> Option<Stretch> {
    let rest = text.get(at..)?;
    let prefix = usize::from(rest.starts_with(['E', 'e', 'N', 'n']) && rest[1..].starts_with('\''));
    if rest[prefix..].starts_with(['\'', '"']) {
        return Some(inside(text, at + prefix));
    }
    let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '&' | '\'' | '"' | ')')).unwrap_or(rest.len());
    (signed && length > 0).then(|| at..at + length)
}

/// What stands in the quotes that open at `at`; a doubled quote belongs to it, and a line that was cut ends it.
fn inside(text: &str, at: usize) -> Stretch {
    let Some(quote) = text[at..].chars().next() else { return at..at };
    let start = at + quote.len_utf8();
    if text[start..].starts_with(MASK) {
        return start..start + MASK.len();
    }
    let mut end = start;
    while let Some(length) = text[end..].find([quote, '\n']) {
        end += length;
        if !text[end..].starts_with(&format!("{quote}{quote}")) {
            return start..end;
        }
        end += 2;
    }
    start..text.len()
}

/// The place after blanks, line ends, comments and the signs that `also` names.
fn skip(text: &str, mut at: usize, also: fn(char) -> bool) -> usize {
    loop {
        // A quote that is not closed ends with the text, and nothing comes after it.
        let Some(rest) = text.get(at..) else { return at };
        let blanks = rest.find(|c: char| !c.is_whitespace() && !also(c)).unwrap_or(rest.len());
        let comment = match &rest[blanks..] {
            line if line.starts_with("--") => line.find('\n').unwrap_or(line.len()),
            block if block.starts_with("/*") => block.find("*/").map_or(block.len(), |end| end + 2),
            _ => 0,
        };
        if blanks + comment == 0 {
            return at;
        }
        at += blanks + comment;
    }
}

/// Masks the password of `scheme://user:password@host` wherever it occurs in a text. A password may hold any sign but blanks and quotes.
pub(super) fn mask_urls(text: &str) -> String {
    mask_passwords(text, |c| c.is_whitespace() || matches!(c, '\'' | '"'))
}

/// The same for a text that is one URL: its password may hold blanks and quotes.
pub(super) fn mask_url(url: &str) -> String {
    mask_passwords(url, |_| false)
}

fn mask_passwords(text: &str, ends: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    // The end of what may be one URL, and its last '@': found once, since it may hold many signs that look like the start of one.
    let (mut end, mut last) = (0, None);
    while let Some(sign) = text[at..].find(SCHEME_END) {
        let start = at + sign + SCHEME_END.len();
        out.push_str(&text[at..start]);
        at = start;
        if start >= end {
            end = text[start..].find(ends).map_or(text.len(), |length| start + length);
            last = text[start..end].rfind('@').map(|length| start + length);
        }
        if let Some(password) = last.filter(|last| start <= *last).and_then(|last| password(&text[start..=last])) {
            out.push_str(&text[start..start + password.start]);
            out.push_str(MASK);
            at = start + password.end;
        }
    }
    out.push_str(&text[at..]);
    out
}

/// The password in what follows `://`; a user without one may be a token.
fn password(rest: &str) -> Option<Stretch> {
    let plain = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    match plain.find(':') {
        Some(colon) => rest.rfind('@').filter(|end| colon < *end).map(|end| colon + 1..end),
        None => plain.rfind('@').map(|end| 0..end),
    }
}

/// The passwords of the URLs in a value, so that they can be looked for elsewhere, too.
pub(super) fn passwords_in(value: &str) -> Vec<String> {
    let Some(last) = value.rfind('@') else { return Vec::new() };
    let parts = value.match_indices(SCHEME_END).map(|(at, sign)| at + sign.len()).take_while(|start| *start <= last).take(MOST_URLS);
    parts.filter_map(|start| Some(value[start..=last][password(&value[start..=last])?].to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_secret_by_name_are_masked_before_they_are_parsed() {
        for (text, masked) in [
            (
                "WITH ('k.sasl.password' = 'abc', 'k.topic'='t', 'o.encryption.key'='x/y=')",
                "WITH ('k.sasl.password' = '****', 'k.topic'='t', 'o.encryption.key'='****')",
            ),
            ("set 'o.encryption.key' or", "set 'o.encryption.key' or"),
            ("(columns of source 't', secret, 'o.encryption.key", "(columns of source 't', secret, 'o.encryption.key"),
            ("see 'o.encryption.key'", "see 'o.encryption.key'"),
            ("'o.encryption.key'=", "'o.encryption.key'="),
            ("it's 'k.password'='cut off he…", "it's 'k.password'='****"),
            ("'k.password'='cut off he…\nnext", "'k.password'='****\nnext"),
            ("'k.password'='a''b' c", "'k.password'='****' c"),
            ("'k.password'\n = -- c\n 'a' c", "'k.password'\n = -- c\n '****' c"),
            ("'k.password' /* c */ 'a'", "'k.password' /* c */ '****'"),
            ("'k.password' = \"a b\"", "'k.password' = \"****\""),
            ("'k.password' => E'a'", "'k.password' => E'****'"),
            ("'k.password' = a b", "'k.password' = **** b"),
            ("\"password\": \"a\"", "\"password\": \"****\""),
            ("'k.encrpytion.key'='a'", "'k.encrpytion.key'='****'"),
            ("'o.password' is missing", "'o.password' is missing"),
            ("host=h password=a&b dbname=d", "host=h password=****&b dbname=d"),
            ("host=h password = 'a b' dbname=d", "host=h password = '****' dbname=d"),
            ("jdbc://h/d?user=u&password=a&x=y", "jdbc://h/d?user=u&password=****&x=y"),
            ("cannot read k.password=a", "cannot read k.password=****"),
            ("WHERE token = 5", "WHERE token = 5"),
        ] {
            assert_eq!(mask_assignments(text), masked, "{text}");
        }
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        for (text, masked) in [
            ("postgresql://bob:p@ss@db:5432/x and http://h/", "postgresql://bob:****@db:5432/x and http://h/"),
            ("redis://token@h", "redis://****@h"),
            ("no url: a@b", "no url: a@b"),
            ("postgresql://bob:p/w#x?y@db/x", "postgresql://bob:****@db/x"),
            ("s3://bucket/a@b", "s3://bucket/a@b"),
            ("http://h:80/x", "http://h:80/x"),
            ("a://h/b://u:p@g c://h/d@e", "a://h/b://u:****@g c://h/d@e"),
            ("a://t@h b://h", "a://****@h b://h"),
        ] {
            assert_eq!(mask_urls(text), masked, "{text}");
        }
        assert_eq!(mask_url("postgresql://bob:p w'x@db/x"), "postgresql://bob:****@db/x");
        assert_eq!(passwords_in("postgresql://bob:p/w@db/x"), ["p/w"]);
    }
}
