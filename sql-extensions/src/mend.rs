//! Mends what the SQL parser prints wrong.
//!
//! It prints a quote after a quote or a backslash once, in the belief that it is escaped already; and `- -1` as the comment `--1`. Placeholders, and names without quotes, are printed
//! as they are, so they can stand for any text.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    DataType, ExcludeSelectItem, Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, TableAlias, TableFactor, TypedString, Value, VisitMut,
    VisitorMut, WildcardAdditionalOptions,
};

use crate::within_place::visit_selects;

/// Changes a query that is to be printed, and only that.
pub(crate) fn mend(query: &mut Query) {
    let _ = query.visit(&mut Mend);
    visit_selects(query, &mut |_, select| mend_select(select));
}

/// A text or name in quotes.
pub(crate) fn quoted(text: &str, quote: char) -> String {
    let doubled = text.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

/// Names may be in single quotes. Names in other quotes that would need this are refused by `tokens`.
fn mend_name(name: &mut Ident) {
    if name.quote_style == Some('\'') {
        *name = Ident::new(quoted(&name.value, '\''));
    }
}

fn mend_object_name(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let ObjectNamePart::Identifier(part) = part {
            mend_name(part);
        }
    }
}

fn mend_table_alias(alias: &mut TableAlias) {
    mend_name(&mut alias.name);
    alias.columns.iter_mut().for_each(|column| mend_name(&mut column.name));
}

fn mend_select(select: &mut Select) {
    for item in &mut select.projection {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => mend_name(alias),
            SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => mend_wildcard(options),
            _ => {}
        }
    }
}

fn mend_wildcard(options: &mut WildcardAdditionalOptions) {
    if let Some(except) = &mut options.opt_except {
        mend_name(&mut except.first_element);
        except.additional_elements.iter_mut().for_each(mend_name);
    }
    match &mut options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => mend_name(name),
        Some(ExcludeSelectItem::Multiple(names)) => names.iter_mut().for_each(mend_name),
        None => {}
    }
    if let Some(replace) = &mut options.opt_replace {
        replace.items.iter_mut().for_each(|item| mend_name(&mut item.column_name));
    }
}

struct Mend;

impl VisitorMut for Mend {
    type Break = ();

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
        mend_object_name(name);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(with) = &mut query.with {
            with.cte_tables.iter_mut().for_each(|cte| mend_table_alias(&mut cte.alias));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } = factor
        {
            mend_table_alias(alias);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => mend_name(name),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(mend_name),
            Expr::Cast { data_type: DataType::Custom(name, _), .. } | Expr::TypedString(TypedString { data_type: DataType::Custom(name, _), .. }) => {
                mend_object_name(name);
            }
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
