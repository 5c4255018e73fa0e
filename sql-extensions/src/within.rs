//! `WITHIN INTERVAL 'n' UNIT`, after the `ON` or `USING` of a join.

use std::fmt;
use std::time::Duration;

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Location, Span, SqlError};
use crate::tokens::{is_word, short, shown, span_at};

/// Units of an interval of constant length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// 1/1000 s.
    Millisecond,
    /// Second.
    Second,
    /// 60 s.
    Minute,
    /// 60 min.
    Hour,
    /// 24 h.
    Day,
    /// 7 days.
    Week,
}

impl TimeUnit {
    fn parse(word: &str) -> Option<Self> {
        let upper = word.to_ascii_uppercase();
        Some(match upper.strip_suffix('S').unwrap_or(&upper) {
            "MILLISECOND" => Self::Millisecond,
            "SECOND" => Self::Second,
            "MINUTE" => Self::Minute,
            "HOUR" => Self::Hour,
            "DAY" => Self::Day,
            "WEEK" => Self::Week,
            _ => return None,
        })
    }

    fn millis(self) -> u64 {
        match self {
            Self::Millisecond => 1,
            Self::Second => 1_000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
            Self::Week => 604_800_000,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Millisecond => "MILLISECONDS",
            Self::Second => "SECONDS",
            Self::Minute => "MINUTES",
            Self::Hour => "HOURS",
            Self::Day => "DAYS",
            Self::Week => "WEEKS",
        }
    }
}

/// A length of time; positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithinInterval {
    /// How many units.
    pub amount: u64,
    /// The unit.
    pub unit: TimeUnit,
}

impl WithinInterval {
    /// The length; the parser has refused lengths that don't fit.
    pub fn to_duration(&self) -> Duration {
        Duration::from_millis(self.amount.saturating_mul(self.unit.millis()))
    }
}

impl fmt::Display for WithinInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INTERVAL '{}' {}", self.amount, self.unit.word())
    }
}

/// A `WITHIN` of a statement.
#[derive(Clone, Debug)]
pub struct WithinClause {
    /// How far apart event times may be.
    pub interval: WithinInterval,
    /// Where the clause stands.
    pub span: Span,
    /// The join that it stands after; the parser has set it.
    pub(crate) place: Option<WithinPlace>,
}

/// A join of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WithinPlace {
    /// Where the SELECT starts.
    pub(crate) select: Location,
    /// The number of the FROM item.
    pub(crate) item: usize,
    /// The number of the join in the FROM item.
    pub(crate) join: usize,
}

impl PartialEq for WithinClause {
    /// Places don't count, as in the syntax tree.
    fn eq(&self, other: &Self) -> bool {
        self.interval == other.interval
    }
}

/// Whether the clause starts at `at`.
pub(crate) fn starts(tokens: &[TokenWithSpan], at: usize) -> bool {
    let next = tokens.get(at + 1);
    // A forgotten INTERVAL is told by the clause; otherwise `within` is a name.
    let number = matches!(next.map(|token| &token.token), Some(Token::Number(..) | Token::SingleQuotedString(_)));
    is_word(tokens.get(at), "WITHIN") && (number || is_word(next, "INTERVAL"))
}

/// Longest interval: a thousand years, so that adding it to a timestamp in microseconds can't overflow.
const LONGEST_DAYS: u64 = 365_250;

/// The clause at `at`, and the position after it.
pub(crate) fn parse(tokens: &[TokenWithSpan], at: usize) -> Result<(WithinClause, usize), SqlError> {
    const FORM: &str = "WITHIN INTERVAL '5' MINUTES";
    if !is_word(tokens.get(at + 1), "INTERVAL") {
        return Err(SqlError::new(format!("expected INTERVAL after WITHIN, found {}", shown(tokens.get(at + 1))), span_at(tokens, at + 1)).with_help(FORM));
    }
    let number_at = at + 2;
    let text = match tokens.get(number_at).map(|token| &token.token) {
        Some(Token::SingleQuotedString(text) | Token::Number(text, _)) => text.trim().to_owned(),
        _ => {
            return Err(
                SqlError::new(format!("expected a number after INTERVAL, found {}", shown(tokens.get(number_at))), span_at(tokens, number_at)).with_help(FORM)
            );
        }
    };
    let span = span_at(tokens, number_at);
    let (digits, inner_unit) = match text.split_once(char::is_whitespace) {
        Some((digits, unit)) => (digits.to_owned(), Some(unit.trim().to_owned())),
        None => (text, None),
    };
    let (word, next) = match (&inner_unit, tokens.get(number_at + 1).map(|token| &token.token)) {
        (Some(unit), _) => (unit.clone(), number_at + 1),
        (None, Some(Token::Word(word))) => (word.value.clone(), number_at + 2),
        (None, _) => {
            return Err(SqlError::new(format!("expected a unit, found {}", shown(tokens.get(number_at + 1))), span_at(tokens, number_at + 1)).with_help(FORM));
        }
    };
    let unit_span = if inner_unit.is_some() { span } else { span_at(tokens, number_at + 1) };
    let Some(unit) = TimeUnit::parse(&word) else {
        let upper = word.to_ascii_uppercase();
        let message = if matches!(upper.strip_suffix('S').unwrap_or(&upper), "MONTH" | "YEAR" | "QUARTER") {
            format!("{upper} has no constant length, so it can't bound a join")
        } else {
            format!("unknown unit '{}'", short(&word))
        };
        return Err(SqlError::new(message, unit_span).with_help("use MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS or WEEKS"));
    };
    let amount: Option<u64> = digits.parse().ok().filter(|amount| *amount > 0);
    let fits = amount.and_then(|amount| amount.checked_mul(unit.millis())).is_some_and(|millis| millis <= LONGEST_DAYS * 86_400_000);
    let Some(amount) = amount.filter(|_| fits) else {
        return Err(SqlError::new(
            format!("'{}' is not a whole number of {} between 1 and {LONGEST_DAYS} days", short(&digits), unit.word().to_ascii_lowercase()),
            span,
        )
        .with_help(FORM));
    };
    let end = span_at(tokens, next - 1);
    Ok((WithinClause { interval: WithinInterval { amount, unit }, span: span_at(tokens, at).to(end), place: None }, next))
}
