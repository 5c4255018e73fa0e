//! Which join a `WITHIN` belongs to.
//!
//! The SQL parser itself finds it: the clause is replaced by a mark that it reads as the last condition of the join, `ON a.x = b.x AND <mark>` or `USING (x, <mark>)`. A mark that
//! ends up anywhere else is a misplaced clause.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{BinaryOperator, Expr, JoinConstraint, JoinOperator, Query, Select, SetExpr, Value, VisitMut, VisitorMut};
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::error::{Location, Span, SqlError};
use crate::tokens::is_word;
use crate::within::{WithinClause, WithinPlace};

/// No user can write such a placeholder or name outside quotes; what tells marks apart is where they stand.
const MARK: &str = "\u{1}";

/// Puts the mark of a clause that starts at the token `within` behind `query`.
pub(crate) fn push_mark(query: &mut Vec<TokenWithSpan>, within: &TokenWithSpan) {
    let token = |token: Token| TokenWithSpan::new(token, within.span);
    if ends_with_using(query) {
        let name = Word { value: MARK.to_owned(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
        let bracket = query.len() - 1;
        query.splice(bracket..bracket, [token(Token::Comma), token(Token::Word(name))]);
    } else {
        query.extend([token(Token::make_keyword("AND")), token(Token::Placeholder(MARK.to_owned()))]);
    }
}

/// Whether the last tokens are `USING (a, b)`.
fn ends_with_using(tokens: &[TokenWithSpan]) -> bool {
    let Some((last, before)) = tokens.split_last() else { return false };
    let Some(open) = before.iter().rposition(|token| matches!(token.token, Token::LParen | Token::RParen)) else { return false };
    last.token == Token::RParen && tokens[open].token == Token::LParen && open > 0 && is_word(tokens.get(open - 1), "USING")
}

/// Takes the marks out of the query and notes their places in the clauses.
pub(crate) fn take_marks(query: &mut Query, clauses: &mut [WithinClause]) -> Result<(), SqlError> {
    let mut second = None;
    visit_selects(query, &mut |_, select| {
        let start = start(select);
        for (item, from) in select.from.iter_mut().enumerate() {
            for (join, joined) in from.joins.iter_mut().enumerate() {
                let Some(constraint) = constraint(&mut joined.join_operator) else { continue };
                let mut last = None;
                while let Some(clause) = take_mark(constraint, clauses) {
                    clauses[clause].place = Some(WithinPlace { select: start, item, join });
                    second = second.or(last.replace(clause));
                }
            }
        }
    });
    if let Some(clause) = second {
        return Err(SqlError::new("the join has a WITHIN already", clauses[clause].span).with_help("write one WITHIN after each ON"));
    }
    match clauses.iter().find(|clause| clause.place.is_none()) {
        Some(clause) => Err(misplaced(clause.span)),
        None => Ok(()),
    }
}

/// A `WITHIN` that doesn't stand after the condition of a join.
pub(crate) fn misplaced(span: Span) -> SqlError {
    SqlError::new("WITHIN must stand right after the ON or USING of a join", span).with_help("… JOIN … ON … WITHIN INTERVAL '5' MINUTES")
}

/// Takes the last mark out of the constraint of a join; the number of its clause.
fn take_mark(constraint: &mut JoinConstraint, clauses: &[WithinClause]) -> Option<usize> {
    let clause_at = |span: Span| clauses.iter().position(|clause| clause.span.start == span.start);
    match constraint {
        JoinConstraint::On(condition) => {
            let mut rightmost = condition;
            loop {
                if let Some(span) = marked(rightmost) {
                    let clause = clause_at(span)?;
                    if let Expr::BinaryOp { left, .. } = std::mem::replace(rightmost, Expr::Value(Value::Null.into())) {
                        *rightmost = *left;
                    }
                    return Some(clause);
                }
                let Expr::BinaryOp { right, .. } = rightmost else { return None };
                rightmost = right;
            }
        }
        JoinConstraint::Using(columns) => {
            let name = columns.last()?.0.first()?.as_ident()?;
            let clause = clause_at(name.span.into()).filter(|_| name.value == MARK)?;
            columns.pop();
            Some(clause)
        }
        JoinConstraint::Natural | JoinConstraint::None => None,
    }
}

/// Where the mark stands, if the expression is `… AND <mark>`.
fn marked(expr: &Expr) -> Option<Span> {
    match expr {
        Expr::BinaryOp { right, op: BinaryOperator::And, .. } => match right.as_ref() {
            Expr::Value(value) if value.value == Value::Placeholder(MARK.to_owned()) => Some(value.span.into()),
            _ => None,
        },
        _ => None,
    }
}

/// The constraint of a join that has one.
pub fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint) => Some(constraint),
        JoinOperator::CrossJoin(_) | JoinOperator::CrossApply | JoinOperator::OuterApply | JoinOperator::AsOf { .. } | JoinOperator::StraightJoin(_) => None,
    }
}

/// Where a SELECT starts; this tells the SELECTs of a statement apart.
pub(crate) fn start(select: &Select) -> Location {
    Span::from(select.select_token.0.span).start
}

/// Visits the SELECTs of a query and its subqueries, numbered in a fixed order.
pub fn visit_selects(query: &mut Query, f: &mut dyn FnMut(usize, &mut Select)) {
    struct Selects<'a> {
        number: usize,
        f: &'a mut dyn FnMut(usize, &mut Select),
    }
    impl Selects<'_> {
        fn body(&mut self, body: &mut SetExpr) {
            match body {
                SetExpr::Select(select) => {
                    (self.f)(self.number, select);
                    self.number += 1;
                }
                SetExpr::SetOperation { left, right, .. } => {
                    self.body(left);
                    self.body(right);
                }
                // A bracketed query is visited as a query.
                _ => {}
            }
        }
    }
    impl VisitorMut for Selects<'_> {
        type Break = ();
        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
            self.body(&mut query.body);
            ControlFlow::Continue(())
        }
    }
    let _ = query.visit(&mut Selects { number: 0, f });
}
