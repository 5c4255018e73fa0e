//! Velostream's SQL.
#![allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    pub line: u64,
    pub column: u64,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: Location,
    pub end: Location,
}
#[derive(Debug)]
pub struct SqlError {
    m: String,
    s: Span,
    h: Option<String>,
}
impl SqlError {
    pub fn message(&self) -> &str {
        &self.m
    }
    pub fn span(&self) -> Span {
        self.s
    }
    pub fn help(&self) -> Option<&str> {
        self.h.as_deref()
    }
}
pub fn render_snippet(source_name: &str, _sql: &str, span: Span, note: Option<&str>) -> String {
    format!("  --> {source_name}:{}:{} {}", span.start.line, span.start.column, note.unwrap_or_default())
}
pub fn nearest<'a>(_name: &str, mut candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.next()
}
