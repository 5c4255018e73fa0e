//! The values of `WITH` left out of what is shown: any of them may be a secret, whatever is wrong with the clause.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Location, Span, SqlError};
use crate::parts::{Part, parts};
use crate::secret_names::is_secret_key;
use crate::tokens::{is_word, shown, span_at};

/// Stands for a value.
const MASK: &str = "****";

/// A stretch that is not shown.
struct Hidden {
    span: Span,
    /// The key, if it is known and the value may be shown beside it.
    key: Option<String>,
    replacement: &'static str,
}

/// The line that `blamed` starts in as it may be shown, and where `blamed` is in it. Only the blamed value is shown, and only if neither its key nor its form says that it is secret.
pub(crate) fn line_without_values(sql: &str, blamed: Span) -> (String, Span) {
    let number = blamed.start.line;
    let line: Vec<char> = sql.split('\n').nth(usize::try_from(number).unwrap_or(1).saturating_sub(1)).unwrap_or_default().chars().collect();
    let mut hidden: Vec<Hidden> =
        parts(sql).iter().flat_map(hidden).filter(|hidden| hidden.span.start.line <= number && number <= hidden.span.end.line).collect();
    hidden.retain(|hidden| hidden.span.start != blamed.start || hidden.key.as_deref().is_none_or(is_secret_key));
    hidden.sort_by_key(|hidden| hidden.span.start);
    hidden.dedup_by(|next, before| {
        let together = next.span.start <= before.span.end && !before.replacement.is_empty();
        if together {
            before.span.end = before.span.end.max(next.span.end);
            before.replacement = MASK;
        }
        together
    });
    let column =
        |at: Location, otherwise: usize| if at.line == number { usize::try_from(at.column).unwrap_or(1).saturating_sub(1).min(line.len()) } else { otherwise };
    let (from, to) = (column(blamed.start, 0), column(blamed.end, line.len()));
    let (mut shown, mut at) = (Vec::new(), 0);
    let (mut moved_from, mut moved_to) = (None, None);
    for Hidden { span, replacement, .. } in &hidden {
        let (start, end) = (column(span.start, 0).max(at), column(span.end, line.len()));
        if end < start {
            continue;
        }
        // Places before the stretch keep their distance from it; those in it stand for all of it.
        let before = shown.len();
        shown.extend_from_slice(&line[at..start]);
        moved_from = moved_from.or((from < start).then(|| before + from.saturating_sub(at)));
        moved_to = moved_to.or((to <= start).then(|| before + to.saturating_sub(at)));
        moved_from = moved_from.or((from < end).then_some(shown.len()));
        shown.extend(replacement.chars());
        moved_to = moved_to.or((to <= end).then_some(shown.len()));
        at = end;
    }
    let (moved_from, moved_to) = (moved_from.unwrap_or(shown.len() + from.saturating_sub(at)), moved_to.unwrap_or(shown.len() + to.saturating_sub(at)));
    shown.extend_from_slice(&line[at..]);
    let place = |column: usize| Location { line: number, column: column as u64 + 1 };
    (shown.into_iter().collect(), Span { start: place(moved_from), end: place(moved_to.max(moved_from)) })
}

/// The error without the text of the token it is about, if that may be a value of `WITH`.
pub(crate) fn without_found_value(error: SqlError, tokens: &[TokenWithSpan]) -> SqlError {
    let Some(token) = tokens.iter().find(|token| Span::from(token.span).start == error.span().start) else { return error };
    let place = Span::from(token.span).start;
    if !settings(tokens).iter().any(|hidden| hidden.span.contains(place)) {
        return error;
    }
    error.map_message(|message| message.replace(&shown(Some(token)), kind(token)))
}

/// Whether a text can be shown as a key: nothing else looks like `name.key`.
fn looks_like_key(text: &str) -> bool {
    text.contains('.') && text.starts_with(char::is_alphabetic) && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// What is not shown of a statement.
fn hidden(part: &Part) -> Vec<Hidden> {
    let mut hidden = settings(&part.tokens);
    let Some(region) = hidden.first().map(|first| first.span.start) else { return hidden };
    // A comment among settings may be an older value.
    hidden.extend(part.comments.iter().filter(|comment| comment.end > region).map(|comment| Hidden { span: *comment, key: None, replacement: "" }));
    if let Some((_, given_up)) = &part.damage {
        hidden.push(Hidden { span: *given_up, key: None, replacement: MASK });
    }
    hidden
}

/// Everything in a `WITH` clause, whole or broken, that is not surely a key, and the texts after it.
fn settings(tokens: &[TokenWithSpan]) -> Vec<Hidden> {
    let mut found: Vec<Hidden> = Vec::new();
    let Some((mut at, mut depth)) = (0..tokens.len()).find_map(|at| first_setting(tokens, at)) else { return found };
    // Zero width: what comes first may be a key, and comments and damage after it are hidden, too.
    let start = span_at(tokens, at).start;
    found.push(Hidden { span: Span { start, end: start }, key: None, replacement: "" });
    while at < tokens.len() {
        match tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if is_separator(&tokens[at].token) || depth == 0 && !is_text(&tokens[at].token) {
            at += 1;
            continue;
        }
        let key = key(tokens, at);
        if let Some((_, length)) = &key {
            at += length;
            while is_sign(tokens.get(at)) {
                at += 1;
            }
        }
        let first = at;
        // Without a comma, the next key ends a value.
        while at < tokens.len() && !is_separator(&tokens[at].token) && (at == first || !is_quoted_key(tokens, at)) {
            at += 1;
        }
        if first < at {
            let span = span_at(tokens, first).to(span_at(tokens, at - 1));
            let quoted = at - first == 1 && matches!(tokens[first].token, Token::SingleQuotedString(_));
            let key = key.map(|(key, _)| key).filter(|_| !tokens[first..at].iter().any(may_hold_password));
            found.push(Hidden { span, key, replacement: if quoted { "'****'" } else { MASK } });
        }
    }
    found
}

/// Whether a value is a URL or a connection string (`host=h password=p`).
fn may_hold_password(token: &TokenWithSpan) -> bool {
    let text = token.token.to_string();
    text.contains("://") || text.contains('=')
}

/// Whether a token is a text in any spelling.
fn is_text(token: &Token) -> bool {
    match token {
        Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::DollarQuotedString(_) => true,
        Token::Word(word) => word.quote_style.is_some(),
        _ => false,
    }
}

fn is_separator(token: &Token) -> bool {
    matches!(token, Token::Comma | Token::LParen | Token::RParen)
}

/// The position of the first setting and the brackets around it, if a clause (or what looks like a misspelt one) starts at `at`.
fn first_setting(tokens: &[TokenWithSpan], at: usize) -> Option<(usize, usize)> {
    if is_word(tokens.get(at), "WITH") {
        let bracket = matches!(tokens.get(at + 1).map(|token| &token.token), Some(Token::LParen));
        return if bracket { Some((at + 2, 1)) } else { key(tokens, at + 1).map(|_| (at + 1, 1)) };
    }
    let is_key = is_quoted_key(tokens, at) && matches!(&tokens[at].token, Token::SingleQuotedString(text) if looks_like_key(text));
    is_key.then_some((at, 1))
}

/// The key at `at` and the number of its tokens: a text that looks like one or that something follows, or a name without quotes before a sign.
fn key(tokens: &[TokenWithSpan], at: usize) -> Option<(String, usize)> {
    if let Some(Token::SingleQuotedString(text)) = tokens.get(at).map(|token| &token.token) {
        return is_followed_key(tokens, at).then(|| (text.clone(), 1));
    }
    let is_name = |token: &TokenWithSpan| matches!(token.token, Token::Word(_) | Token::Period);
    let length = tokens.get(at..)?.iter().take_while(|token| is_name(token)).count();
    let name: String = tokens[at..at + length].iter().map(|token| token.token.to_string()).collect();
    let first = at > 0 && tokens[at - 1].token == Token::LParen && length == 1;
    (length > 0 && (is_sign(tokens.get(at + length)) || first)).then_some((name, length))
}

/// Whether the text at `at` may be shown as a key: it looks like one, or something follows it that can be its value.
pub(crate) fn is_followed_key(tokens: &[TokenWithSpan], at: usize) -> bool {
    let followed = tokens.get(at + 1).is_some_and(|next| !is_separator(&next.token));
    matches!(tokens.get(at).map(|token| &token.token), Some(Token::SingleQuotedString(text)) if followed || looks_like_key(text))
}

fn is_quoted_key(tokens: &[TokenWithSpan], at: usize) -> bool {
    matches!(tokens.get(at).map(|token| &token.token), Some(Token::SingleQuotedString(_))) && is_sign(tokens.get(at + 1))
}

fn is_sign(token: Option<&TokenWithSpan>) -> bool {
    matches!(token.map(|token| &token.token), Some(Token::Eq | Token::DoubleEq | Token::RArrow | Token::Colon | Token::Assignment))
}

fn kind(token: &TokenWithSpan) -> &'static str {
    match &token.token {
        Token::SingleQuotedString(_) => "a text",
        Token::DoubleQuotedString(_) => "a text in double quotes",
        Token::Word(word) if word.quote_style.is_some() => "a text in double quotes",
        Token::Word(_) => "a word without quotes",
        Token::Number(..) => "a number without quotes",
        Token::EscapedStringLiteral(_) | Token::NationalStringLiteral(_) | Token::UnicodeStringLiteral(_) | Token::HexStringLiteral(_) => {
            "a text with a letter before its quote"
        }
        Token::DollarQuotedString(_) => "a text between $ signs",
        _ => "a sign without quotes",
    }
}

#[cfg(test)]
mod tests {
    use crate::error::{Location, Span, render_snippet};
    use crate::parser::StreamingSqlParser;

    /// What is told of a script whose blamed stretch is `blamed`.
    fn snippet(sql: &str, blamed: &str) -> String {
        let at = sql.find(blamed).expect("in the script");
        let line = sql[..at].matches('\n').count() as u64 + 1;
        let column = sql[..at].rsplit('\n').next().map_or(0, |before| before.chars().count()) as u64 + 1;
        let end = Location { line, column: column + blamed.chars().count() as u64 };
        render_snippet("s", sql, Span { start: Location { line, column }, end }, None)
    }

    #[test]
    fn values_are_hidden_but_for_the_blamed_one_of_a_plain_key() {
        let sql = "SELECT 'a' FROM t WITH ('t.type'='file', 't.password' = 'S')";
        assert_eq!(snippet(sql, "'a'"), "  --> s:1:8 | SELECT 'a' FROM t WITH ('t.type'='****', 't.password' = '****')\n            |        ^^^");
        assert_eq!(
            snippet(sql, "'file'"),
            "  --> s:1:34 | SELECT 'a' FROM t WITH ('t.type'='file', 't.password' = '****')\n             |                                  ^^^^^^"
        );
        assert_eq!(
            snippet(sql, "'S'"),
            "  --> s:1:57 | SELECT 'a' FROM t WITH ('t.type'='****', 't.password' = '****')\n             |                                                         ^^^^^^"
        );
        assert_eq!(
            snippet(sql, "'t.password'"),
            "  --> s:1:42 | SELECT 'a' FROM t WITH ('t.type'='****', 't.password' = '****')\n             |                                          ^^^^^^^^^^^^"
        );
    }

    #[test]
    fn values_over_several_lines_and_comments_are_hidden() {
        let sql = "select a from t with ('t.token'\n= -- old: S\n'S1\nS2', -- S3\n 't.b'='S4' # S5\n)";
        for line in ["'t.token'", "-- old", "'S1", "S2'", "'t.b'", "S5"] {
            let text = snippet(sql, line);
            assert!(!text.contains('S') && text.contains('^'), "{text}");
        }
    }

    #[test]
    fn no_broken_clause_tells_its_values() {
        for broken in [
            "WITH ('t.password' 'S3cret')",
            "WITH ('t.password' = \"S3cret\")",
            "WITH ('t.password' = S3cret)",
            "WITH ('t.password' => 'S3cret')",
            "WITH ('t.password' = E'S3cret')",
            "WITH ('t.password' = N'S3cret')",
            "WITH ('t.password' = 'a''S3cret' 'S3cret')",
            "WITH ('t.password', 'S3cret')",
            "WITH ('S3cret')",
            "WITH ('t.password' = 'S3cret' 't.x' = 'y')",
            "WITH ('t.password' = 'S3cret)",
            "WITH ('t.password = 'S3cret')",
            "WITH ('t.password' = 12S3cret.5)",
            "WITH ('t.password' = 'x', S3cret)",
            "WITH 't.password' = 'S3cret'",
            "WIHT ('t.password' = 'S3cret')",
            "WITH ('t.password' = 'x') 'S3cret'",
            "WITH (('t.password' = 'S3cret'))",
            "WITH ('t.password' = 'x'), ('x' = 'S3cret'",
            "WITH ('t.password' = $$S3cret$$)",
            "WITH ('t.password' = 'S3cret';)",
            "WITH\n('t.password'\n--x\n= 'S3cret' x)",
        ] {
            let sql = format!("SELECT a FROM t {broken}");
            for error in StreamingSqlParser::new().parse_script(&sql).expect_err(broken) {
                let text = error.render("s", &sql);
                assert!(!text.contains("3cret"), "{broken}\n{text}");
            }
        }
    }
}
