//! A single expression outside of a statement, as settings have them.

use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::SqlError;
use crate::limits::check_limits;

/// Refuses an expression that is nested too deep, or too long a chain, for what parses and plans it: the limits are those of statements. What is no expression at all is told by its
/// parser.
pub fn check_expression(text: &str) -> Result<(), SqlError> {
    match Tokenizer::new(&GenericDialect {}, text).tokenize_with_location() {
        Ok(mut tokens) => {
            // Blanks and comments are between no two tokens of a statement.
            tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
            check_limits(&tokens)
        }
        Err(_told_by_the_parser) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_statements() {
        let told = |text: &str| check_expression(text).expect_err("refused").message().to_owned();
        assert_eq!(check_expression("to_timestamp(at) + INTERVAL '1' HOUR * 2"), Ok(()));
        assert_eq!(check_expression("'never closed"), Ok(()));
        assert_eq!(told(&format!("1{}", " + 1".repeat(30_000))), "more than 256 operators in one chain");
        assert_eq!(told(&format!("CAST(a AS {}INT{})", "array<".repeat(2_000), ">".repeat(2_000))), "more than 256 operators in one chain");
        assert_eq!(told(&format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000))), "nested more than 48 levels deep");
        assert_eq!(told(&format!("{}1", "- ".repeat(2_000))), "nested more than 48 levels deep");
        assert_eq!(told(&format!("a{}", " . b".repeat(2_000))), "more than 64 dots in one name");
        assert_eq!(told(&format!("a{}", ".b".repeat(2_000))), "more than 64 dots in one name");
    }
}
