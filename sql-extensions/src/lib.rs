//! Velostream's SQL: DataFusion's dialect plus `CREATE STREAM … AS`, `WITHIN INTERVAL`, `INTO` and `WITH`.
//!
//! A script is tokenised once. Our clauses are cut out of the tokens, the others go to the SQL parser; text is never rewritten, so every position in the syntax tree is one in
//! the user's text. In reading order:
//! - `tokens`: text to tokens, with comments dropped and limits checked
//! - `parser`: scripts and statements
//! - `create_stream`, `into`, `within`, `with_clause`: one clause each
//! - `statement`: what comes out; `display`: and back to text
//! - `analyzer`: sources, sinks, joins and columns of a statement
//! - `error`, `nearest_name`: what the user reads

mod analyzer;
mod create_stream;
mod display;
mod error;
mod into;
mod nearest_name;
mod parser;
mod statement;
mod tokens;
mod with_clause;
mod within;

pub use analyzer::{ColumnRef, JoinInfo, QueryAnalysis, QueryAnalyzer, SinkRef, SourceRef};
pub use error::{Location, Span, SqlError, render_snippet};
pub use nearest_name::nearest;
pub use parser::StreamingSqlParser;
pub use statement::{SinkName, StreamStatement, WithEntry, WithinVisitor};
pub use tokens::find_word;
pub use within::{TimeUnit, WithinClause, WithinInterval};
