//! What the user reads: a message, its place, and the line it is about.

use std::fmt;

use crate::hidden_values::line_without_values;
use datafusion_sql::sqlparser::tokenizer;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A position in a script; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Line.
    pub line: u64,
    /// Character of the line.
    pub column: u64,
}

/// A stretch of a script; `end` is the position after its last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// First character.
    pub start: Location,
    /// After the last character.
    pub end: Location,
}

impl Span {
    /// From the start of one span to the end of another.
    pub fn to(self, end: Self) -> Self {
        Self { start: self.start, end: end.end }
    }

    /// Whether a position lies in it.
    pub fn contains(&self, at: Location) -> bool {
        self.start <= at && at < self.end
    }
}

impl From<tokenizer::Location> for Location {
    fn from(at: tokenizer::Location) -> Self {
        Self { line: at.line.max(1), column: at.column.max(1) }
    }
}

impl From<tokenizer::Span> for Span {
    fn from(span: tokenizer::Span) -> Self {
        Self { start: span.start.into(), end: span.end.into() }
    }
}

/// Wrong SQL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SqlError {
    message: String,
    span: Span,
    help: Option<String>,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.message, self.span.start.line, self.span.start.column)
    }
}

impl SqlError {
    /// An error at a place.
    pub fn new(message: impl Into<String>, span: Span) -> Self {
        Self { message: message.into(), span, help: None }
    }

    /// Adds what the user can do.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn map_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.message = change(&self.message);
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What the user can do.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The message with the line it is about and a caret under the place.
    pub fn render(&self, source_name: &str, sql: &str) -> String {
        format!("{}\n{}", self.message, render_snippet(source_name, sql, self.span, self.help.as_deref()))
    }
}

/// Columns of a terminal that a quoted line may take; longer lines are cut to a window around the place.
const WIDEST: usize = 100;
/// Columns kept before the place when a line is cut.
const BEFORE: usize = 40;

/// `  --> name:line:column | text of the line`, with carets and a note under it. Tabs are shown as one blank, so that the carets stand under the right characters everywhere.
/// Of the values of `WITH`, only the one at the place is shown, unless its key says that it is secret.
pub fn render_snippet(source_name: &str, sql: &str, span: Span, note: Option<&str>) -> String {
    let head = format!("  --> {source_name}:{}:{} |", span.start.line, span.start.column);
    // From here on columns are those of the line as it is shown.
    let (line, span) = line_without_values(sql, span);
    let shown: Vec<char> = line.trim_end_matches('\r').chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let at = usize::try_from(span.start.column).unwrap_or(1).saturating_sub(1).min(shown.len());
    let length =
        if span.end.line == span.start.line { usize::try_from(span.end.column.saturating_sub(span.start.column)).unwrap_or(1) } else { shown.len() - at };
    let first = if shown.len() > WIDEST { at.saturating_sub(BEFORE) } else { 0 };
    let last = shown.len().min(first + WIDEST);
    let end = (at + length.max(1)).min(last).max(at);
    let width = |chars: &[char]| chars.iter().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    let (open, close) = (if first > 0 { "…" } else { "" }, if last < shown.len() { "…" } else { "" });
    let text: String = shown[first..last].iter().collect();
    let carets = "^".repeat(width(&shown[at..end]).max(1));
    let gap = " ".repeat(open.width() + width(&shown[first..at]));
    let margin = " ".repeat(head.width() - 1);
    let note = note.map(|note| format!(" {note}")).unwrap_or_default();
    format!("{head} {open}{}{close}\n{margin}| {gap}{carets}{note}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(line: u64, from: u64, to: u64) -> Span {
        Span { start: Location { line, column: from }, end: Location { line, column: to } }
    }

    #[test]
    fn caret_stands_under_the_place_after_tabs_and_wide_letters() {
        let sql = "SELECT 1\r\n\tFROM 日本 x\r\n";
        let text = render_snippet("a.sql", sql, span(2, 10, 11), Some("here"));
        assert_eq!(text, "  --> a.sql:2:10 |  FROM 日本 x\n                 |            ^ here");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let sql = format!("{}BAD{}", "x".repeat(500), "y".repeat(500));
        let text = render_snippet("a.sql", &sql, span(1, 501, 504), None);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].chars().count() < 140, "{}", lines[0]);
        let under: String = lines[0].chars().zip(lines[1].chars()).filter(|(_, caret)| *caret == '^').map(|(c, _)| c).collect();
        assert_eq!(under, "BAD");
    }

    #[test]
    fn place_after_the_end_is_shown() {
        assert!(render_snippet("a.sql", "SELECT", span(1, 7, 7), None).ends_with("| SELECT\n                |       ^"));
    }
}
