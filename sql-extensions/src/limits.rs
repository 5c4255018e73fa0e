//! Limits of nesting and length, checked on the tokens so that no parser or planner meets a tree that is too deep.

use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;

/// Deepest nesting of brackets, CASE and NOT: each level costs several stack frames in the parser and in the planner, which run on 2 MB stacks.
const DEEPEST: usize = 48;
/// Most operators in one chain (`a AND b AND …`, `1 + 1 + …`, `… UNION …`): the tree of a chain is as deep as the chain is long, and it is walked by recursion in many places.
/// Lists (IN, SELECT) and the branches of a CASE are flat and not limited.
pub(crate) const LONGEST_CHAIN: usize = 256;

/// An open bracket or CASE.
struct Open {
    is_case: bool,
    /// Operators seen in it since the last comma or branch of the CASE.
    chain: usize,
    /// Joins and set operations seen in it; the lists between them don't end their chain.
    relations: usize,
}

impl Open {
    fn new(is_case: bool) -> Self {
        Self { is_case, chain: 0, relations: 0 }
    }

    fn count(&mut self, token: &Token, keyword: Keyword) {
        match keyword {
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE if self.is_case => self.chain = 0,
            Keyword::JOIN | Keyword::APPLY | Keyword::STRAIGHT_JOIN | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => {
                self.relations += 1
            }
            _ if *token == Token::Comma => self.chain = 0,
            _ if is_chain_operator(token, keyword) => self.chain += 1,
            _ => {}
        }
    }
}

/// Refuses what would be too deep a tree: see [`DEEPEST`] and [`LONGEST_CHAIN`].
pub(crate) fn check_limits(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut open = vec![Open::new(false)];
    let mut prefixes = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        prefixes = if is_prefix(&token.token) { prefixes + 1 } else { 0 };
        // `t.case` is a column.
        let keyword = match &token.token {
            Token::Word(word) if !matches!(at.checked_sub(1).map(|before| &tokens[before].token), Some(Token::Period)) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => open.push(Open::new(false)),
            Token::RParen | Token::RBracket | Token::RBrace => while open.pop().is_some_and(|closed| closed.is_case) {},
            Token::Word(_) if keyword == Keyword::CASE => open.push(Open::new(true)),
            Token::Word(_) if keyword == Keyword::END => {
                open.pop_if(|innermost| innermost.is_case);
            }
            other => {
                if let Some(innermost) = open.last_mut() {
                    innermost.count(other, keyword);
                }
            }
        }
        if open.is_empty() {
            open.push(Open::new(false));
        }
        if open.len() + prefixes > DEEPEST {
            return Err(
                SqlError::new(format!("nested more than {DEEPEST} levels deep"), token.span.into()).with_help("split the statement, for example with a CTE")
            );
        }
        if open.last().is_some_and(|innermost| innermost.chain.max(innermost.relations) > LONGEST_CHAIN) {
            return Err(
                SqlError::new(format!("more than {LONGEST_CHAIN} operators in one chain"), token.span.into()).with_help("use IN (…), or split the statement")
            );
        }
    }
    Ok(())
}

/// What stands before an operand and nests without a bracket.
fn is_prefix(token: &Token) -> bool {
    match token {
        Token::Minus | Token::Plus | Token::Tilde | Token::ExclamationMark => true,
        Token::Word(word) => matches!(word.keyword, Keyword::NOT | Keyword::INTERVAL | Keyword::PRIOR | Keyword::LATERAL),
        _ => false,
    }
}

fn is_chain_operator(token: &Token, keyword: Keyword) -> bool {
    match token {
        Token::Word(_) => matches!(
            keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
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
        | Token::Period
        | Token::EOF
        | Token::Char(_)
        | Token::Whitespace(_)
        | Token::HexStringLiteral(_)
        | Token::DoubleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::Placeholder(_) => false,
        _ => true,
    }
}
