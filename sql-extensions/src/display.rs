//! A statement back to text.

use std::fmt;

use datafusion_sql::sqlparser::ast::{BinaryOperator, Expr, Ident, JoinConstraint, ObjectName, Query, Value};

use crate::dialect::is_plain_name;
use crate::into::is_reserved;
use crate::mend::{self, quoted};
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

impl StreamStatement {
    /// The syntax tree has no place for `WITHIN`, so a mark is put where each stands and replaced in the text.
    fn query_text(&self) -> String {
        let mut query = self.query.as_ref().clone();
        mend::mend(&mut query);
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
