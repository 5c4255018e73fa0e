//! The columns that `USING` merges. SQL gives those of `RIGHT` and `FULL JOIN` the value of the side that has a row; DataFusion always takes the left one, which is NULL where the left
//! side has none; and in some places the bare name is ambiguous to it. So it is replaced in the syntax tree: by the right column for RIGHT, by `coalesce(left, right)` for FULL, else by
//! the leftmost column.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, JoinConstraint, JoinOperator, ObjectName, OrderByKind, Query,
    ReplaceSelectElement, ReplaceSelectItem, Select, SelectItem, SetExpr, Spanned, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};
use sql_extensions::constraint;

use super::joins;
use crate::error::{Error, Result, Script};

/// The visible columns of a source by its name, `None` if it is none.
type ColumnsOf<'a> = dyn Fn(&str) -> Option<Vec<String>> + 'a;

/// Replaces the merged columns of every SELECT of a query.
///
/// **Errors**: which column is meant can't be known without planning.
pub(super) fn replace(query: &mut Query, script: &Arc<Script>, columns: &ColumnsOf<'_>) -> Result<()> {
    struct Queries<'a> {
        script: &'a Arc<Script>,
        columns: &'a ColumnsOf<'a>,
    }
    impl Queries<'_> {
        fn body(&self, body: &mut SetExpr, order_by: Option<&mut OrderByKind>) -> Result<()> {
            match body {
                SetExpr::Select(select) => self.select(select, order_by),
                SetExpr::SetOperation { left, right, .. } => {
                    self.body(left, None)?;
                    self.body(right, None)
                }
                _ => Ok(()),
            }
        }

        fn select(&self, select: &mut Select, order_by: Option<&mut OrderByKind>) -> Result<()> {
            let mut merged = Merged::default();
            for from in &mut select.from {
                let mut left: Vec<Relation> = relation(&from.relation, self.columns).into_iter().collect();
                for join in &mut from.joins {
                    let place = join.relation.span();
                    let right = relation(&join.relation, self.columns);
                    let names = merged.join(&mut join.join_operator, &left, right.as_ref());
                    names.map_err(|error| error.at(self.script, place.into()))?;
                    left.extend(right);
                }
            }
            if !merged.names.is_empty() {
                merged.replace_in(select, order_by);
            }
            Ok(())
        }
    }
    impl VisitorMut for Queries<'_> {
        type Break = Error;

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
            let order_by = query.order_by.as_mut().map(|order_by| &mut order_by.kind);
            match self.body(&mut query.body, order_by) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        }
    }
    match query.visit(&mut Queries { script, columns }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// What stands in FROM.
struct Relation {
    name: Ident,
    columns: Option<Vec<String>>,
}

impl Relation {
    fn column(&self, name: &str) -> Expr {
        Expr::CompoundIdentifier(vec![self.name.clone(), Ident::with_quote('"', name)])
    }

    fn may_have(&self, name: &str) -> bool {
        self.columns.as_ref().is_none_or(|columns| columns.iter().any(|column| column == name))
    }
}

fn relation(factor: &TableFactor, columns: &ColumnsOf<'_>) -> Option<Relation> {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let table = name.0.last()?.as_ident()?;
            let renamed = alias.as_ref().is_some_and(|alias| !alias.columns.is_empty());
            let columns = columns(&table.value).filter(|_| !renamed);
            Some(Relation { name: alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.clone()), columns })
        }
        TableFactor::Derived { alias: Some(alias), .. } => Some(Relation { name: alias.name.clone(), columns: None }),
        _ => None,
    }
}

/// The merged columns of a SELECT.
#[derive(Default)]
struct Merged {
    names: HashMap<String, Expr>,
    /// Those that are not the left column.
    changed: HashSet<String>,
    /// How many queries are open; their names are not of this SELECT.
    below: usize,
}

impl Merged {
    /// Takes note of what a join merges, and replaces what it names of earlier ones.
    fn join(&mut self, operator: &mut JoinOperator, left: &[Relation], right: Option<&Relation>) -> Result<()> {
        let (keeps_right, keeps_left) = match operator {
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (true, false),
            JoinOperator::FullOuter(_) => (true, true),
            _ => (false, true),
        };
        let Some(constraint) = constraint(operator) else { return Ok(()) };
        if let (JoinConstraint::Natural, true) = (&*constraint, keeps_right || !self.names.is_empty()) {
            *constraint = joins::using(&shared(left, right)?);
        }
        match constraint {
            JoinConstraint::On(condition) => {
                let _never_breaks = condition.visit(self);
                Ok(())
            }
            JoinConstraint::Using(names) => {
                let names = joins::used(names);
                if let Some(name) = names.iter().find(|name| self.changed.contains(*name)) {
                    let message = format!("column '{name}' of USING is merged by a RIGHT or FULL JOIN before it");
                    return Err(Error::sql(message).with_help("write ON coalesce(<first>.x, <second>.x) = <third>.x for this join"));
                }
                if !keeps_right {
                    for name in names {
                        let mut holders = left.iter().filter(|relation| relation.may_have(&name));
                        if let Some(holder) = holders.next().filter(|holder| holder.columns.is_some() || holders.next().is_none()) {
                            let column = holder.column(&name);
                            self.names.insert(name, column);
                        }
                    }
                    return Ok(());
                }
                let unnamed = || Error::sql("USING of a RIGHT or FULL JOIN needs tables with names").with_help("name the subquery with AS, or write ON");
                let right = right.ok_or_else(unnamed)?;
                for name in names {
                    let mut holders = left.iter().filter(|relation| relation.may_have(&name));
                    let holder = holders.next().ok_or_else(unnamed)?;
                    if keeps_left && holder.columns.is_none() && holders.next().is_some() {
                        let message = format!("which table column '{name}' of USING belongs to can't be known here");
                        return Err(Error::sql(message).with_help("write ON, and coalesce(<left>.x, <right>.x) where the column is named"));
                    }
                    let value = if keeps_left { coalesce([holder.column(&name), right.column(&name)]) } else { right.column(&name) };
                    self.changed.insert(name.clone());
                    self.names.insert(name, value);
                }
                Ok(())
            }
            JoinConstraint::Natural | JoinConstraint::None => Ok(()),
        }
    }

    fn replace_in(&mut self, select: &mut Select, order_by: Option<&mut OrderByKind>) {
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => {
                    if let Some(expr) = self.names.get(&name.value) {
                        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: name.clone() };
                    }
                }
                SelectItem::Wildcard(options) => self.replace_in_wildcard(options),
                _ => {}
            }
            let _never_breaks = item.visit(self);
        }
        let _never_breaks = select.selection.visit(self);
        let _never_breaks = select.distinct.visit(self);
        let _never_breaks = select.group_by.visit(self);
        let _never_breaks = select.having.visit(self);
        let _never_breaks = select.named_window.visit(self);
        let _never_breaks = select.qualify.visit(self);
        // ORDER BY sees the columns that come out first.
        let given = |name: &str| select.projection.iter().any(|item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == name));
        if let Some(OrderByKind::Expressions(expressions)) = order_by {
            self.names.retain(|name, _| !given(name));
            let _never_breaks = expressions.visit(self);
        }
    }

    /// `*` gives a merged column once, at its place in the left table.
    fn replace_in_wildcard(&self, options: &mut WildcardAdditionalOptions) {
        let mut names: Vec<&String> = self.changed.iter().collect();
        names.sort();
        if names.is_empty() {
            return;
        }
        let replaced = options.opt_replace.get_or_insert_with(|| ReplaceSelectItem { items: Vec::new() });
        for name in names {
            if !replaced.items.iter().any(|item| item.column_name.value == *name) {
                let expr = self.names[name].clone();
                replaced.items.push(Box::new(ReplaceSelectElement { expr, column_name: Ident::with_quote('"', name), as_keyword: true }));
            }
        }
    }
}

impl VisitorMut for Merged {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.below += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.below -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.below == 0
            && let Expr::Identifier(name) = expr
            && let Some(merged) = self.names.get(&name.value)
        {
            *expr = merged.clone();
        }
        ControlFlow::Continue(())
    }
}

/// The columns that both sides of a NATURAL join have.
fn shared(left: &[Relation], right: Option<&Relation>) -> Result<Vec<String>> {
    let right = right.and_then(|right| right.columns.as_ref());
    let left: Option<Vec<&Vec<String>>> = left.iter().map(|relation| relation.columns.as_ref()).collect();
    match (left, right) {
        (Some(left), Some(right)) => Ok(right.iter().filter(|name| left.iter().any(|own| own.contains(name))).cloned().collect()),
        _ => Err(Error::sql("NATURAL RIGHT and FULL JOIN are for sources only").with_help("write USING (…) with the columns that both have")),
    }
}

fn coalesce(values: [Expr; 2]) -> Expr {
    let args = values.into_iter().map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("coalesce")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
