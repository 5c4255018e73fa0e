//! Velostream's SQL: DataFusion's dialect plus `CREATE STREAM … AS`, `WITHIN INTERVAL`, `INTO` and `WITH`.
//!
//! A script is tokenised once. Our clauses are cut out of the tokens, the others go to the SQL parser; text is never rewritten, so every position in the syntax tree is one in
//! the user's text. In reading order:
//! - `dialect`: which SQL is accepted
//! - `hash_comments`, `parts`, `tokens`: text to the tokens of each statement, with comments dropped
//! - `parser`: scripts and statements
//! - `first_word`, `brackets`, `limits`: what is refused before parsing; `shape`, `unfold`: and after it
//! - `create_stream`, `into`, `within`, `with_clause`: one clause each; `within_place`: the join of a `WITHIN`
//! - `statement`: what comes out; `display`, `mend`: and back to text
//! - `analyzer`: sources, sinks, joins and columns of a statement
//! - `expression`: one that stands in no statement
//! - `stack`: room for recursion
//! - `error`, `nearest_name`: what the user reads; `hidden_values`, `secret_names`: and what nobody is to read

mod analyzer;
mod brackets;
mod create_stream;
mod dialect;
mod display;
mod error;
mod expression;
mod first_word;
mod hash_comments;
mod hidden_values;
mod into;
mod limits;
mod mend;
mod nearest_name;
mod parser;
mod parts;
mod secret_names;
mod shape;
mod stack;
mod statement;
mod tokens;
mod unfold;
mod with_clause;
mod within;
mod within_place;

pub use analyzer::{ColumnRef, JoinInfo, QueryAnalysis, QueryAnalyzer, SinkRef, SourceRef};
pub use error::{Location, Span, SqlError, render_snippet};
pub use expression::check_expression;
pub use nearest_name::nearest;
pub use parser::StreamingSqlParser;
pub use secret_names::{is_secret_key, is_secret_variable};
pub use statement::{BrokenStatement, SinkName, StreamStatement, WithEntry, WithinVisitor};
pub use tokens::find_word;
pub use within::{TimeUnit, WithinClause, WithinInterval};
pub use within_place::{constraint, visit_selects};
