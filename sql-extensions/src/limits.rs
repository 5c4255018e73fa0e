//! Limits of nesting and length, checked on the tokens so that no parser or planner meets a tree that is too deep.

use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;

/// Deepest nesting of brackets, CASE and NOT: each level costs several stack frames in the parser and in the planner.
const DEEPEST: usize = 48;
/// Deepest nesting of CASE alone: with each level DataFusion's CASE takes twice the time to plan.
const DEEPEST_CASE: usize = 12;
/// Most operators of one chain (`a AND b AND …`, `1 + 1 + …`, `… UNION …`), those in its brackets included: the tree of a chain is as deep as the chain is long, and it is walked by
/// recursion in many places, on 2 MB stacks. Lists (IN, SELECT) and the branches of a CASE are flat and not limited.
const LONGEST_CHAIN: usize = 256;

/// Most tables in one FROM: joins take time to plan that grows with the cube of their number.
pub(crate) const MOST_JOINED: usize = 64;

/// Most grouping sets of one GROUP BY; each groups all rows.
pub(crate) const MOST_GROUPINGS: usize = 4096;

/// Most dots of one name; the SQL parser takes quadratic time for them.
const MOST_DOTS: usize = 64;

/// An open bracket or CASE.
#[derive(Default)]
struct Open {
    is_case: bool,
    /// Operators seen in it since the last comma or branch of the CASE.
    chain: usize,
    /// Depth of the deepest bracket among the operands of that chain.
    inner: usize,
    /// Depth of the deepest chain before.
    before: usize,
    /// Joins and set operations seen in it; the lists between them don't end their chain.
    relations: usize,
}

impl Open {
    fn case() -> Self {
        Self { is_case: true, ..Self::default() }
    }

    fn depth(&self) -> usize {
        self.before.max(self.inner + self.chain) + self.relations
    }

    fn end_chain(&mut self) {
        self.before = self.before.max(self.inner + self.chain);
        (self.chain, self.inner) = (0, 0);
    }

    fn count(&mut self, token: &Token, keyword: Keyword) {
        match keyword {
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE if self.is_case => self.end_chain(),
            // A WITHIN is read as a further condition of its join.
            Keyword::WITHIN
            | Keyword::JOIN
            | Keyword::APPLY
            | Keyword::STRAIGHT_JOIN
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::MINUS => self.relations += 1,
            _ if *token == Token::Comma => self.end_chain(),
            _ if is_chain_operator(token, keyword) => self.chain += 1,
            _ => {}
        }
    }
}

/// Refuses what would be too deep a tree: see [`DEEPEST`] and [`LONGEST_CHAIN`].
pub(crate) fn check_limits(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut open: Vec<Open> = Vec::new();
    let mut innermost = Open::default();
    let mut prefixes = 0usize;
    let mut dots = 0usize;
    let mut before = None;
    for token in tokens {
        prefixes = if is_prefix(&token.token) { prefixes + 1 } else { 0 };
        dots = match token.token {
            Token::Period => dots + 1,
            Token::Word(_) if before == Some(&Token::Period) => dots,
            _ => 0,
        };
        // `t.case` is a column.
        let keyword = match &token.token {
            Token::Word(word) if before != Some(&Token::Period) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        before = Some(&token.token);
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => open.push(std::mem::take(&mut innermost)),
            Token::RParen | Token::RBracket | Token::RBrace => {
                // A CASE without END ends here too.
                while close(&mut innermost, &mut open) {}
            }
            _ if keyword == Keyword::CASE => {
                open.push(std::mem::replace(&mut innermost, Open::case()));
                if open.iter().filter(|around| around.is_case).count() >= DEEPEST_CASE {
                    let error = SqlError::new(format!("CASE nested more than {DEEPEST_CASE} levels deep"), token.span.into());
                    return Err(error.with_help("write more WHEN branches into one CASE instead of a CASE after ELSE"));
                }
            }
            _ if keyword == Keyword::END && innermost.is_case => {
                close(&mut innermost, &mut open);
            }
            other => innermost.count(other, keyword),
        }
        if open.len() + prefixes >= DEEPEST {
            return Err(
                SqlError::new(format!("nested more than {DEEPEST} levels deep"), token.span.into()).with_help("split the statement, for example with a CTE")
            );
        }
        if dots > MOST_DOTS {
            return Err(SqlError::new(format!("more than {MOST_DOTS} dots in one name"), token.span.into()).with_help("<table>.<column>.<field>"));
        }
        if innermost.depth() > LONGEST_CHAIN {
            return Err(
                SqlError::new(format!("more than {LONGEST_CHAIN} operators in one chain"), token.span.into()).with_help("use IN (…), or split the statement")
            );
        }
    }
    Ok(())
}

/// Goes back to what is around the innermost bracket or CASE; whether that was a CASE.
fn close(innermost: &mut Open, open: &mut Vec<Open>) -> bool {
    let around = open.pop().unwrap_or_default();
    let closed = std::mem::replace(innermost, around);
    innermost.inner = innermost.inner.max(closed.depth() + 1);
    closed.is_case
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
                | Keyword::NOT
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
