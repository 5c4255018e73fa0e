//! Text to tokens: comments dropped, places kept, limits checked.

use std::any::TypeId;

use datafusion_sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{Location, Span, SqlError};

/// Deepest nesting of brackets, CASE and NOT: each level costs several stack frames in the parser and in the planner, which run on 2 MB stacks.
const DEEPEST: usize = 48;
/// Most operators in one chain (`a AND b AND …`, `1 + 1 + …`, `… UNION …`): the tree of a chain is as deep as the chain is long, and it is walked by recursion in many places.
/// Lists (IN, SELECT) are flat and not limited.
const LONGEST_CHAIN: usize = 256;

/// The dialect: DataFusion's generic one.
#[derive(Debug)]
pub(crate) struct VeloDialect;

impl Dialect for VeloDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_identifier_start(&self, c: char) -> bool {
        GenericDialect {}.is_identifier_start(c)
    }

    fn is_identifier_part(&self, c: char) -> bool {
        GenericDialect {}.is_identifier_part(c)
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        GenericDialect {}.is_delimited_identifier_start(c)
    }
}

/// The tokens of a script without white space and comments.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    let blanked = blank_hash_comments(sql);
    let tokens = Tokenizer::new(&VeloDialect, &blanked).tokenize_with_location().map_err(|error| {
        let start: Location = error.location.into();
        SqlError::new(lower_first(&error.message), Span { start, end: Location { column: start.column + 1, ..start } })
    })?;
    Ok(tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect())
}

pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// `#` starts a comment up to the end of the line, unless it stands in quotes or in another comment. The SQL tokenizer has no such comments: they are blanked out, character by
/// character, so that every place stays where it is.
fn blank_hash_comments(sql: &str) -> String {
    enum In {
        Text,
        Quotes(char),
        LineComment,
        HashComment,
        BlockComment(usize),
    }
    if !sql.contains('#') {
        return sql.to_owned();
    }
    let mut state = In::Text;
    let mut out = String::with_capacity(sql.len());
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        let mut shown = c;
        match state {
            In::Text => match (c, chars.peek()) {
                ('\'' | '"' | '`', _) => state = In::Quotes(c),
                ('-', Some('-')) => state = In::LineComment,
                ('/', Some('*')) => {
                    out.push(c);
                    shown = chars.next().unwrap_or(c);
                    state = In::BlockComment(1);
                }
                ('#', _) => {
                    shown = ' ';
                    state = In::HashComment;
                }
                _ => {}
            },
            In::Quotes(quote) if c == quote => state = In::Text,
            In::Quotes(_) => {}
            In::LineComment if c == '\n' => state = In::Text,
            In::LineComment => {}
            In::HashComment if c == '\n' => state = In::Text,
            In::HashComment => shown = if c == '\r' { c } else { ' ' },
            In::BlockComment(depth) => match (c, chars.peek()) {
                ('*', Some('/')) => {
                    out.push(c);
                    shown = chars.next().unwrap_or(c);
                    state = if depth == 1 { In::Text } else { In::BlockComment(depth - 1) };
                }
                ('/', Some('*')) => {
                    out.push(c);
                    shown = chars.next().unwrap_or(c);
                    state = In::BlockComment(depth + 1);
                }
                _ => {}
            },
        }
        out.push(shown);
    }
    out
}

/// Refuses what would be too deep a tree: see [`DEEPEST`] and [`LONGEST_CHAIN`].
pub(crate) fn check_limits(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    // One entry for each open bracket or CASE: the operators seen in it since the last comma.
    let mut open = vec![0usize];
    let mut prefixes = 0usize;
    for token in tokens {
        let span = token.span.into();
        if is_prefix(&token.token) {
            prefixes += 1;
        } else {
            prefixes = 0;
        }
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => open.push(0),
            Token::Word(word) if word.keyword == Keyword::CASE => open.push(0),
            Token::RParen | Token::RBracket | Token::RBrace => {
                open.pop();
            }
            Token::Word(word) if word.keyword == Keyword::END && open.len() > 1 => {
                open.pop();
            }
            Token::Comma | Token::SemiColon => {
                if let Some(chain) = open.last_mut() {
                    *chain = 0;
                }
            }
            other if is_chain_operator(other) => {
                if let Some(chain) = open.last_mut() {
                    *chain += 1;
                }
            }
            _ => {}
        }
        if open.is_empty() {
            open.push(0);
        }
        if open.len() + prefixes > DEEPEST {
            return Err(SqlError::new(format!("nested more than {DEEPEST} levels deep"), span).with_help("split the statement, for example with a CTE"));
        }
        if open.last().is_some_and(|chain| *chain > LONGEST_CHAIN) {
            return Err(SqlError::new(format!("more than {LONGEST_CHAIN} operators in one chain"), span).with_help("use IN (…), or split the statement"));
        }
    }
    Ok(())
}

fn is_prefix(token: &Token) -> bool {
    matches!(token, Token::Minus | Token::Plus | Token::Tilde | Token::ExclamationMark) || matches!(token, Token::Word(word) if word.keyword == Keyword::NOT)
}

fn is_chain_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::COLLATE
                | Keyword::DIV
                | Keyword::AT
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::LParen
        | Token::RParen
        | Token::Comma
        | Token::Period
        | Token::EOF
        | Token::Char(_)
        | Token::Whitespace(_)
        | Token::SemiColon
        | Token::LBracket
        | Token::RBracket
        | Token::LBrace
        | Token::RBrace
        | Token::HexStringLiteral(_)
        | Token::DoubleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::Placeholder(_) => false,
        _ => true,
    }
}

/// Where an identifier (or a quoted one) stands within a stretch of a script.
pub fn find_word(sql: &str, within: Span, word: &str) -> Vec<Span> {
    let Ok(tokens) = tokenize(sql) else { return Vec::new() };
    tokens
        .iter()
        .filter(|token| {
            matches!(&token.token, Token::Word(found) if found.value == word) || matches!(&token.token, Token::SingleQuotedString(found) if found == word)
        })
        .map(|token| Span::from(token.span))
        .filter(|span| within.contains(span.start))
        .collect()
}

/// Whether a token is the (unquoted) word, in any case.
pub(crate) fn is_word(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|token| &token.token), Some(Token::Word(found)) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The span of a token, or of the end of the text after `tokens`.
pub(crate) fn span_at(tokens: &[TokenWithSpan], at: usize) -> Span {
    match tokens.get(at) {
        Some(token) => token.span.into(),
        None => {
            let end = tokens.last().map_or(Location { line: 1, column: 1 }, |token| Span::from(token.span).end);
            Span { start: end, end }
        }
    }
}

/// A token as the user would name it.
pub(crate) fn shown(token: Option<&TokenWithSpan>) -> String {
    match token {
        Some(token) => format!("'{}'", token.token.to_string().chars().take(40).collect::<String>()),
        None => "the end of the statement".to_owned(),
    }
}
