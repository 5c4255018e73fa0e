//! A statement back to text.

use std::fmt;
use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, ObjectName, ObjectNamePart, Query, SelectItem, TableFactor, Value, VisitMut, VisitorMut,
};

use crate::dialect::is_plain_name;
use crate::into::is_reserved;
use crate::stack::with_room;
use crate::statement::StreamStatement;
use crate::within_place::{constraint, start, visit_selects};

impl fmt::Display for StreamStatement {
    /// Prints SQL that parses back to an equal statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "CREATE STREAM {name} AS ")?;
        }
        f.write_str(&with_room(|| self.query_text()))?;
        for (at, sink) in self.into.iter().enumerate() {
            f.write_str(if at == 0 { " INTO " } else { ", " })?;
            if is_plain_name(&sink.name) && !is_reserved(&sink.name) { f.write_str(&sink.name)? } else { f.write_str(&quoted(&sink.name, '"'))? }
        }
        if !self.with.is_empty() {
            f.write_str(" WITH (")?;
            for (at, entry) in self.with.iter().enumerate() {
                let separator = if at == 0 { "" } else { ", " };
                write!(f, "{separator}{} = {}", quoted(&entry.key, '\''), quoted(&entry.value, '\''))?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// A text or name in quotes.
fn quoted(text: &str, quote: char) -> String {
    let doubled = text.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

impl StreamStatement {
    /// The syntax tree has no place for `WITHIN`, so a mark is put where each stands and replaced in the text.
    fn query_text(&self) -> String {
        let mut query = self.query.as_ref().clone();
        let _ = query.visit(&mut Mend);
        visit_selects(&mut query, &mut |_, select| {
            for item in &mut select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    mend_name(alias);
                }
            }
        });
        if self.within.is_empty() {
            return query.to_string();
        }
        let plain = query.to_string();
        let mut mark = "\u{1}".to_owned();
        while plain.contains(&mark) {
            mark.push('\u{1}');
        }
        self.put_marks(&mut query, &mark);
        let mut text = query.to_string();
        for (number, clause) in self.within.iter().enumerate() {
            let within = format!(" WITHIN {}", clause.interval);
            text = text.replace(&format!(" AND {mark}{number}{mark}"), &within).replace(&format!(", {mark}{number}{mark})"), &format!("){within}"));
        }
        text
    }

    fn put_marks(&self, query: &mut Query, mark: &str) {
        visit_selects(query, &mut |_, select| {
            let start = start(select);
            for (number, place) in self.within.iter().enumerate().filter_map(|(number, clause)| Some((number, clause.place?))) {
                let Some(join) = select.from.get_mut(place.item).and_then(|from| from.joins.get_mut(place.join)).filter(|_| place.select == start) else {
                    continue;
                };
                let mark = Ident::new(format!("{mark}{number}{mark}"));
                match constraint(&mut join.join_operator) {
                    Some(JoinConstraint::On(on)) => {
                        let condition = std::mem::replace(on, Expr::Value(Value::Null.into()));
                        *on = Expr::BinaryOp { left: Box::new(condition), op: BinaryOperator::And, right: Box::new(Expr::Identifier(mark)) };
                    }
                    Some(JoinConstraint::Using(columns)) => columns.push(ObjectName::from(vec![mark])),
                    _ => {}
                }
            }
        });
    }
}

/// Mends what the SQL parser prints wrong. A placeholder and a name without quotes are printed as they are, so they can stand for any text.
struct Mend;

/// A name may be in single quotes; see [`Mend::pre_visit_value`]. Names in other quotes that would need this are refused by `tokens`.
fn mend_name(name: &mut Ident) {
    if name.quote_style == Some('\'') {
        *name = Ident::new(quoted(&name.value, '\''));
    }
}

impl VisitorMut for Mend {
    type Break = ();

    /// A quote after a quote or a backslash would be printed once, in the belief that it is escaped already.
    fn pre_visit_value(&mut self, value: &mut Value) -> ControlFlow<()> {
        let text = match value {
            Value::SingleQuotedString(text) => quoted(text, '\''),
            Value::NationalStringLiteral(text) => format!("N{}", quoted(text, '\'')),
            _ => return ControlFlow::Continue(()),
        };
        *value = Value::Placeholder(text);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(part) = part {
                mend_name(part);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } = factor
        {
            mend_name(&mut alias.name);
        }
        ControlFlow::Continue(())
    }

    /// `- -1` would become the comment `--1`, and `~ ~1` another operator.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => mend_name(name),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(mend_name),
            _ => {}
        }
        if let Expr::UnaryOp { op, expr: operand } = expr {
            let operand = operand.to_string();
            if operand.starts_with(|c: char| c.is_ascii_punctuation() && !matches!(c, '(' | '\'' | '"' | '`')) {
                *expr = Expr::Value(Value::Placeholder(format!("{op} {operand}")).into());
            }
        }
        ControlFlow::Continue(())
    }
}
