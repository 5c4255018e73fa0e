//! The names in an expression; its subqueries are queries of their own.

use std::collections::HashSet;
use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{AccessExpr, BinaryOperator, Expr, Function, Ident, Query, Spanned, Subscript, Value, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::tokenizer::Location;

use sql_extensions::nearest;

use super::path::{Resolved, find_field, resolve, resolve_field};
use super::scope::Scopes;
use super::{FunctionKind, Resolver, place};
use crate::error::excerpt;

impl Resolver<'_> {
    /// Looks at every name in a piece of the syntax tree that stands in the innermost scope.
    pub(super) fn names_in(&mut self, tree: &mut impl VisitMut) {
        let mut names = NamesIn { resolver: self, below: 0, arrows: 0, done: HashSet::new(), single: HashSet::new() };
        let _never_breaks = tree.visit(&mut names);
    }

    /// A call of a function that must be there.
    fn function(&mut self, call: &Function) {
        let [part] = call.name.0.as_slice() else { return };
        let Some(name) = part.as_ident() else { return };
        let lower = name.value.to_lowercase();
        match self.known.functions.get(&lower) {
            Some(FunctionKind::Window) if call.over.is_none() => {
                self.fault(
                    place(name.span),
                    format!("'{lower}' looks at other rows and needs OVER"),
                    Some(format!("{lower}(…) OVER (PARTITION BY … ORDER BY …)")),
                );
            }
            Some(_) => {}
            // DataFusion's planner knows it by itself.
            None if lower == "unnest" => {}
            None => {
                let near = nearest(&lower, self.known.functions.keys().map(String::as_str)).map(|near| format!("nearest: {near}"));
                self.fault(place(name.span), format!("unknown function '{}'", excerpt(&name.value)), near);
            }
        }
    }

    /// The type of a path, after its names have been looked at.
    pub(super) fn type_of(&self, expr: &Expr) -> Option<DataType> {
        match expr {
            Expr::Nested(inner) => self.type_of(inner),
            other => path(&self.scopes, &mut other.clone())?.data_type,
        }
    }
}

/// What an expression comes to if it is a path.
fn path(scopes: &Scopes, expr: &mut Expr) -> Option<Resolved> {
    match expr {
        Expr::Identifier(name) => Some(resolve(scopes, std::slice::from_mut(name))),
        Expr::CompoundIdentifier(parts) => Some(resolve(scopes, parts)),
        Expr::CompoundFieldAccess { root, access_chain } => access(scopes, root, access_chain),
        _ => None,
    }
}

/// `path[1].field['field']`: what stands before the first bracket is a path, all that follows are elements and fields of it.
fn access(scopes: &Scopes, root: &mut Expr, access_chain: &mut [AccessExpr]) -> Option<Resolved> {
    let mut names: Vec<&mut Ident> = match root {
        Expr::Identifier(name) => vec![name],
        Expr::CompoundIdentifier(parts) => parts.iter_mut().collect(),
        _ => return None,
    };
    let dots = access_chain.iter().take_while(|access| matches!(access, AccessExpr::Dot(Expr::Identifier(_)))).count();
    let (before, after) = access_chain.split_at_mut(dots);
    names.extend(before.iter_mut().filter_map(|access| match access {
        AccessExpr::Dot(Expr::Identifier(name)) => Some(name),
        _ => None,
    }));
    let mut spelled: Vec<Ident> = names.iter().map(|name| (**name).clone()).collect();
    let mut resolved = resolve(scopes, &mut spelled);
    let mut of = spelled.last().map(|name| name.value.clone()).unwrap_or_default();
    names.into_iter().zip(spelled).for_each(|(name, spelled)| *name = spelled);
    for access in after {
        let Some(known) = resolved.data_type.take() else { break };
        let next = match access {
            AccessExpr::Dot(Expr::Identifier(field)) => {
                let next = resolve_field(&known, field, &of);
                of.clone_from(&field.value);
                next
            }
            AccessExpr::Dot(_) => break,
            AccessExpr::Subscript(subscript) => element(&known, subscript, &of),
        };
        resolved = Resolved { respelled: resolved.respelled || next.respelled, ..next };
    }
    Some(resolved)
}

/// `list[1]`, `list[1:2]`, `struct['field']`.
fn element(of: &DataType, subscript: &Subscript, name: &str) -> Resolved {
    let data_type = match (of, subscript) {
        (DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::FixedSizeList(item, _), Subscript::Index { .. }) => {
            Some(item.data_type().clone())
        }
        (list, Subscript::Slice { .. }) => Some(list.clone()),
        (DataType::Struct(_), Subscript::Index { index: Expr::Value(value) }) => match &value.value {
            Value::SingleQuotedString(field) => match find_field(of, field, false, value.span, name) {
                Ok((_, data_type)) => data_type,
                Err(fault) => return Resolved { fault: Some(fault), ..Resolved::default() },
            },
            _ => None,
        },
        _ => None,
    };
    Resolved { data_type, ..Resolved::default() }
}

fn is_arrow(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryOp { op: BinaryOperator::Arrow | BinaryOperator::LongArrow, .. })
}

struct NamesIn<'a, 'b> {
    resolver: &'a mut Resolver<'b>,
    /// How many queries are open; their names are not of this scope.
    below: usize,
    /// How many `->` are open; the parameters of lambdas are no columns.
    arrows: usize,
    /// Names that were looked at as parts of a path.
    done: HashSet<Location>,
    /// Queries that must have one column, by where they are in memory.
    single: HashSet<*const Query>,
}

impl NamesIn<'_, '_> {
    /// A path is looked at as a whole; of what begins with something else the parts are.
    fn mark_done(&mut self, root: &Expr, access_chain: &[AccessExpr]) {
        if matches!(root, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            self.done.insert(root.span().start);
        }
        self.done.extend(access_chain.iter().filter_map(|access| match access {
            AccessExpr::Dot(Expr::Identifier(name)) => Some(name.span.start),
            _ => None,
        }));
    }
}

impl VisitorMut for NamesIn<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if self.below == 0 {
            let output = self.resolver.query(query);
            // A subquery with two columns is no value.
            if self.single.contains(&std::ptr::from_ref(&*query))
                && let Some([_, second, ..]) = output.as_deref()
            {
                self.resolver.fault(second.place, "a subquery in an expression has one column", Some("name one only".to_owned()));
            }
        }
        self.below += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.below -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if is_arrow(expr) {
            if self.below == 0 && self.arrows == 0 {
                let help = "fields are read with a point (o.customer.id); what is done to the items of a list is written behind UNNEST";
                self.resolver.fault(place(expr.span()), "-> is not supported", Some(help.to_owned()));
            }
            self.arrows += 1;
            return ControlFlow::Continue(());
        }
        if self.below > 0 || self.arrows > 0 || self.done.contains(&expr.span().start) && matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::CompoundFieldAccess { root, access_chain } => self.mark_done(root, access_chain),
            Expr::Function(call) => self.resolver.function(call),
            Expr::Subquery(query) => {
                self.single.insert(std::ptr::from_ref(query.as_ref()));
            }
            Expr::InSubquery { expr: left, subquery, .. } if !matches!(left.as_ref(), Expr::Tuple(_)) => {
                self.single.insert(std::ptr::from_ref(subquery.as_ref()));
            }
            _ => {}
        }
        if let Some(resolved) = path(&self.resolver.scopes, expr) {
            self.resolver.names.respelled |= resolved.respelled;
            self.resolver.names.faults.extend(resolved.fault);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.arrows -= usize::from(is_arrow(expr));
        ControlFlow::Continue(())
    }
}
