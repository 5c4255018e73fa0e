//! A statement back to text.

use std::fmt;

use datafusion_sql::sqlparser::ast::{BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, Select, TableAlias, TableFactor};

use crate::statement::{StreamStatement, visit_selects, within_places};

/// Marks the place of a `WITHIN` in the printed query; no SQL text holds this character unescaped by accident, and it is replaced before anyone sees it.
const MARK: char = '\u{1}';

impl fmt::Display for StreamStatement {
    /// Prints SQL that parses back to an equal statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "CREATE STREAM {name} AS ")?;
        }
        f.write_str(&self.query_text())?;
        for (at, sink) in self.into.iter().enumerate() {
            let plain = sink.name.chars().all(|c| c.is_alphanumeric() || c == '_') && sink.name.chars().next().is_some_and(|c| !c.is_numeric());
            let separator = if at == 0 { " INTO " } else { ", " };
            if plain { write!(f, "{separator}{}", sink.name)? } else { write!(f, "{separator}{}", Ident::with_quote('"', &sink.name))? }
        }
        if !self.with.is_empty() {
            f.write_str(" WITH (")?;
            for (at, entry) in self.with.iter().enumerate() {
                let separator = if at == 0 { "" } else { ", " };
                write!(f, "{separator}'{}' = '{}'", entry.key.replace('\'', "''"), entry.value.replace('\'', "''"))?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl StreamStatement {
    /// The syntax tree has no place for `WITHIN`, so a mark is put where each stands and replaced in the text.
    fn query_text(&self) -> String {
        let mut query = self.query.as_ref().clone();
        let places = within_places(&mut query, &self.within);
        visit_selects(&mut query, &mut |number, select| {
            for (clause, place) in places.iter().enumerate() {
                if let Some((at, item, join)) = place
                    && *at == number
                {
                    mark(select, *item, *join, clause);
                }
            }
        });
        let mut text = query.to_string();
        for (number, clause) in self.within.iter().enumerate() {
            let within = format!(" WITHIN {}", clause.interval);
            let mark = format!("{MARK}{number}{MARK}");
            for (marked, after) in
                [(format!(" AND {mark}"), ""), (format!(" AS {mark}"), ""), (format!("{mark}\""), "\""), (format!("{mark}`"), "`"), (mark.clone(), "")]
            {
                text = text.replace(&marked, &format!("{after}{within}"));
            }
        }
        text
    }
}

fn mark(select: &mut Select, item: usize, join: Option<usize>, clause: usize) {
    let mark = format!("{MARK}{clause}{MARK}");
    let Some(from) = select.from.get_mut(item) else { return };
    match join.and_then(|at| from.joins.get_mut(at)) {
        Some(join) => mark_join(join, &mark),
        None => mark_factor(&mut from.relation, &mark),
    }
}

fn mark_join(join: &mut Join, mark: &str) {
    match &mut join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::Anti(constraint) => match constraint {
            JoinConstraint::On(on) => {
                let condition = std::mem::replace(on, Expr::Identifier(Ident::new("")));
                *on = Expr::BinaryOp { left: Box::new(condition), op: BinaryOperator::And, right: Box::new(Expr::Identifier(Ident::new(mark))) };
            }
            JoinConstraint::Using(_) | JoinConstraint::Natural | JoinConstraint::None => mark_end(join, mark),
        },
        _ => mark_factor(&mut join.relation, mark),
    }
}

/// After `USING (…)` stands nothing that a mark could be put into: the relation's alias has it, and the text is mended by the caller's pattern.
fn mark_end(join: &mut Join, mark: &str) {
    mark_factor(&mut join.relation, mark);
}

fn mark_factor(factor: &mut TableFactor, mark: &str) {
    let alias = match factor {
        TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } | TableFactor::NestedJoin { alias, .. } => alias,
        _ => return,
    };
    match alias {
        Some(alias) => alias.name.value.push_str(mark),
        None => *alias = Some(TableAlias { name: Ident::new(mark), explicit: true, columns: Vec::new() }),
    }
}
