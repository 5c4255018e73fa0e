//! Queries, from the inside out, and the columns that come out of them.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ExcludeSelectItem, Expr, GroupByExpr, Ident, LimitClause, OrderByExpr, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, SetOperator, Spanned, Value, Visit, Visitor, WildcardAdditionalOptions,
};

use super::from::last_ident;
use super::path::resolve;
use super::scope::{Column, Columns, Relation, Scope};
use super::{OutputColumn, Resolver, place};
use crate::error::excerpt;

/// The columns of a query; `None` if they are not known without planning.
pub(super) type Output = Option<Vec<OutputColumn>>;

/// The columns of an output as those of a relation.
pub(super) fn as_columns(output: Output) -> Option<Arc<Columns>> {
    let column = |column: OutputColumn| Column { name: column.name, data_type: column.data_type, visible: true };
    output.map(|columns| Arc::new(columns.into_iter().map(column).collect()))
}

impl Resolver<'_> {
    /// Looks at a query and all that it reads.
    pub(super) fn query(&mut self, query: &mut Query) -> Output {
        let outer_ctes = self.ctes.len();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                let name = cte.alias.name.value.clone();
                if with.recursive {
                    // It reads itself, with the columns of its first branch.
                    let first = self.first_branch(&cte.query);
                    self.ctes.push((name.clone(), super::from::renamed(first, &cte.alias)));
                }
                let output = self.query(&mut cte.query);
                let columns = super::from::renamed(as_columns(output), &cte.alias);
                self.ctes.push((name, columns));
            }
        }
        let output = if let SetExpr::Select(select) = query.body.as_mut() {
            let output = self.select(select);
            // Its scope is still open; ORDER BY sees it, and the names that SELECT gives.
            self.scopes.give(as_columns(output.clone()));
            output
        } else {
            let output = self.body(&mut query.body);
            self.scopes.push(Scope::of(vec![Relation::new("", as_columns(output.clone()))]));
            output
        };
        self.order_by(query, &output);
        self.scopes.pop();
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter().for_each(|limit| self.number(limit));
                offset.iter().for_each(|offset| self.number(&offset.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => [offset, limit].into_iter().for_each(|number| self.number(number)),
            None => {}
        }
        self.ctes.truncate(outer_ctes);
        self.note_repeated(&output);
        output
    }

    /// The columns of the branch of a recursive query that does not read itself; its faults are told with those of the whole.
    fn first_branch(&mut self, query: &Query) -> Option<Arc<Columns>> {
        let SetExpr::SetOperation { left, .. } = query.body.as_ref() else { return None };
        let told = (self.names.respelled, self.names.faults.len(), self.names.repeated.len());
        let output = self.body(&mut left.clone());
        self.names.respelled = told.0;
        self.names.faults.truncate(told.1);
        self.names.repeated.truncate(told.2);
        as_columns(output)
    }

    fn body(&mut self, body: &mut SetExpr) -> Output {
        match body {
            SetExpr::Select(select) => {
                let output = self.select(select);
                self.scopes.pop();
                output
            }
            SetExpr::SetOperation { left, right, op, set_quantifier } => {
                let by_name = set_quantifier.to_string().contains("BY NAME");
                let output = self.body(left);
                let other = self.body(right);
                if let (Some(output), Some(other)) = (&output, &other)
                    && output.len() != other.len()
                    && !by_name
                {
                    self.different_counts(*op, right, output.len(), other.len());
                }
                if by_name { both_by_name(output, other) } else { output }
            }
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => {
                self.names_in(values);
                let count = values.rows.first().map_or(0, Vec::len);
                Some((1..=count).map(|number| OutputColumn { name: format!("column{number}"), place: None, data_type: None }).collect())
            }
            _ => None,
        }
    }

    fn different_counts(&mut self, operator: SetOperator, right: &SetExpr, left_count: usize, right_count: usize) {
        let span = match right {
            SetExpr::Select(select) => select.projection.iter().map(Spanned::span).reduce(|all, item| all.union(&item)),
            _ => None,
        };
        let message = format!("{operator} needs as many columns on both sides: {left_count} before it, {right_count} after it");
        self.fault(place(span.unwrap_or_else(|| right.span())), message, None);
    }

    /// Looks at a SELECT and leaves its scope open.
    fn select(&mut self, select: &mut Select) -> Output {
        let scope = self.from(&mut select.from);
        self.scopes.push(scope);
        let mut output = Some(Vec::new());
        for item in &mut select.projection {
            let more = self.item(item);
            output = output.zip(more).map(|(mut columns, more)| {
                columns.extend(more);
                columns
            });
        }
        self.names_in(&mut select.selection);
        self.names_in(&mut select.prewhere);
        self.names_in(&mut select.distinct);
        self.names_in(&mut select.named_window);
        self.scopes.give(as_columns(output.clone()));
        self.names_in(&mut select.group_by);
        if let GroupByExpr::Expressions(expressions, _) = &select.group_by {
            expressions.iter().for_each(|expr| self.ordinal(expr, &output));
        }
        self.names_in(&mut select.having);
        self.names_in(&mut select.qualify);
        self.names_in(&mut select.sort_by);
        self.scopes.give(None);
        output
    }

    fn order_by(&mut self, query: &mut Query, output: &Output) {
        self.names_in(&mut query.order_by);
        if let Some(order_by) = &query.order_by
            && let OrderByKind::Expressions(expressions) = &order_by.kind
        {
            expressions.iter().for_each(|OrderByExpr { expr, .. }| self.ordinal(expr, output));
        }
    }

    /// `GROUP BY 1`, `ORDER BY 1`: the number of a column.
    fn ordinal(&mut self, expr: &Expr, output: &Output) {
        if let (Expr::Value(value), Some(output)) = (expr, output)
            && let Value::Number(number, _) = &value.value
            && number.parse::<usize>().is_ok_and(|number| number == 0 || number > output.len())
        {
            let has = if output.len() == 1 { "one column".to_owned() } else { format!("{} columns", output.len()) };
            self.fault(place(value.span), format!("there is no column {number}: SELECT has {has}"), None);
        }
    }

    /// LIMIT and OFFSET see no columns.
    fn number(&mut self, clause: &Expr) {
        /// The first name of a column.
        struct FirstName(Option<Ident>);
        impl Visitor for FirstName {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                match expr {
                    Expr::Identifier(name) => self.0 = Some(name.clone()),
                    Expr::CompoundIdentifier(parts) => self.0 = parts.last().cloned(),
                    Expr::Subquery(_) => {}
                    _ => return ControlFlow::Continue(()),
                }
                ControlFlow::Break(())
            }
        }
        let mut first = FirstName(None);
        let _ = clause.visit(&mut first);
        if let Some(name) = first.0 {
            self.fault(place(name.span), format!("LIMIT and OFFSET take a number, not the column '{}'", name.value), None);
        }
    }

    /// The columns of an item of SELECT.
    fn item(&mut self, item: &mut SelectItem) -> Output {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let faults = self.names.faults.len();
                self.names_in(expr);
                // What a wrong name should have been called is not known, and a struct becomes as many columns as it has fields.
                if self.names.faults.len() > faults || unnests(expr) {
                    return None;
                }
                Some(vec![OutputColumn { name: own_name(expr), place: place(expr.span()), data_type: self.type_of(expr) }])
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                self.names_in(expr);
                if unnests(expr) {
                    return None;
                }
                Some(vec![OutputColumn { name: alias.value.clone(), place: place(alias.span), data_type: self.type_of(expr) }])
            }
            SelectItem::Wildcard(options) => {
                let relations = self.scopes.innermost().to_vec();
                self.wildcard(&relations, options)
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let ident = last_ident(name)?;
                let Some(relation) = self.scopes.relation(&ident.value, ident.quote_style.is_none()).cloned() else {
                    let help = self.scopes.help(&ident.value, || self.scopes.relation_names());
                    let (span, message) = (ident.span, format!("'{}' is not a table or alias of this FROM", excerpt(&ident.value)));
                    self.fault(place(span), message, help);
                    return None;
                };
                if ident.value != relation.name {
                    ident.value.clone_from(&relation.name);
                    self.names.respelled = true;
                }
                let whole = Relation { merged: Vec::new(), ..relation };
                let span = ident.span;
                self.wildcard(&[whole], options).map(|columns| columns.into_iter().map(|column| OutputColumn { place: place(span), ..column }).collect())
            }
            SelectItem::QualifiedWildcard(..) => None,
        }
    }

    fn wildcard(&mut self, relations: &[Relation], options: &mut WildcardAdditionalOptions) -> Output {
        let mut left_out: HashSet<String> = HashSet::new();
        let mut leave_out = |resolver: &mut Self, name: &mut Ident| {
            resolver.bare_of(relations, name);
            left_out.insert(name.value.clone());
        };
        if let Some(except) = &mut options.opt_except {
            std::iter::once(&mut except.first_element).chain(&mut except.additional_elements).for_each(|name| leave_out(self, name));
        }
        match &mut options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => leave_out(self, name),
            Some(ExcludeSelectItem::Multiple(names)) => names.iter_mut().for_each(|name| leave_out(self, name)),
            None => {}
        }
        let mut replaced: HashSet<String> = HashSet::new();
        for element in options.opt_replace.iter_mut().flat_map(|replace| &mut replace.items) {
            self.names_in(&mut element.expr);
            self.bare_of(relations, &mut element.column_name);
            replaced.insert(element.column_name.value.clone());
        }
        if options.opt_ilike.is_some() || options.opt_rename.is_some() {
            return None;
        }
        let at = place(options.wildcard_token.0.span);
        let mut output = Vec::new();
        for relation in relations {
            let shown = |column: &&Column| column.visible && !relation.merged.contains(&column.name) && !left_out.contains(&column.name);
            for column in relation.columns.as_ref()?.iter().filter(shown) {
                let data_type = column.data_type.clone().filter(|_| !replaced.contains(&column.name));
                output.push(OutputColumn { name: column.name.clone(), place: at, data_type });
            }
        }
        Some(output)
    }

    /// A name among the columns that a wildcard gives.
    fn bare_of(&mut self, relations: &[Relation], name: &mut Ident) {
        self.scopes.push(Scope::of(relations.to_vec()));
        self.bare(name);
        self.scopes.pop();
    }

    fn bare(&mut self, name: &mut Ident) {
        let resolved = resolve(&self.scopes, std::slice::from_mut(name));
        self.names.respelled |= resolved.respelled;
        self.names.faults.extend(resolved.fault);
    }

    fn note_repeated(&mut self, output: &Output) {
        let mut seen = HashSet::new();
        self.names.repeated.extend(output.iter().flatten().filter(|column| !seen.insert(&column.name)).cloned());
    }
}

/// The columns of both branches of a UNION BY NAME.
fn both_by_name(left: Output, right: Output) -> Output {
    let (mut all, right) = (left?, right?);
    let new: Vec<OutputColumn> = right.into_iter().filter(|column| !all.iter().any(|known| known.name == column.name)).collect();
    all.extend(new);
    Some(all)
}

/// Whether an expression may become several columns.
fn unnests(expr: &Expr) -> bool {
    struct Unnest;
    impl Visitor for Unnest {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("unnest") => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Unnest).is_break()
}

/// What a column without an alias is called.
fn own_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()).unwrap_or_default(),
        Expr::Nested(inner) => own_name(inner),
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(AccessExpr::Dot(Expr::Identifier(field))) => field.value.clone(),
            _ => expr.to_string(),
        },
        other => other.to_string(),
    }
}
