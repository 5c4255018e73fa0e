//! `GROUP BY tumble(…)`, `hop(…)` and `session(…)`: what `window_start` and `window_end` are, and that an instant is in several windows of `hop`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, ObjectName, Query, Select,
    SelectItem, VisitMut, VisitorMut,
};

use crate::functions::SESSION_FUNCTIONS;

/// Stand for the beginning of the window and its end until all names have been looked at.
const BEGINNING: &str = "_window_start";
const END: &str = "_window_end";

const SESSION: &str = SESSION_FUNCTIONS[0];
const SESSION_END: &str = SESSION_FUNCTIONS[1];

/// Writes windows out, in every SELECT that groups by one.
pub(super) fn lower(query: &mut Query) {
    sql_extensions::visit_selects(query, &mut |_, select| lower_select(select));
}

fn lower_select(select: &mut Select) {
    let GroupByExpr::Expressions(groups, _) = &select.group_by else { return };
    let Some(call) = groups.iter().find(|group| window_of(group).is_some()).cloned() else { return };
    let Some((function, size)) = window_of(&call) else { return };
    let beginning = if function == "hop" { called("unnest", vec![unnamed(call.clone())]) } else { call.clone() };
    let end = match &call {
        // How long a session is says no constant, so its end is a group as its beginning is.
        Expr::Function(Function { args: FunctionArguments::List(list), .. }) if function == SESSION => called(SESSION_END, list.args.clone()),
        _ => Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(beginning.clone()), op: BinaryOperator::Plus, right: Box::new(size.clone()) })),
    };
    if function == SESSION
        && let GroupByExpr::Expressions(groups, _) = &mut select.group_by
        && !groups.iter().any(|group| matches!(group, Expr::Identifier(name) if name.value.eq_ignore_ascii_case("window_end")))
    {
        groups.push(placeholder(END));
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
            && ["window_start", "window_end"].iter().any(|known| name.value.eq_ignore_ascii_case(known))
        {
            *item = SelectItem::ExprWithAlias { expr: Expr::Identifier(name.clone()), alias: name.clone() };
        }
    }
    let mut names = Names { call };
    let mut ends = Ends { beginning, end };
    for_expressions(select, &mut |expr| {
        let _never_breaks = expr.visit(&mut names);
        let _never_breaks = expr.visit(&mut ends);
    });
}

/// The expressions of a SELECT that may name its window.
fn for_expressions(select: &mut Select, f: &mut dyn FnMut(&mut Expr)) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            f(expr);
        }
    }
    if let GroupByExpr::Expressions(groups, _) = &mut select.group_by {
        groups.iter_mut().for_each(&mut *f);
    }
    select.having.iter_mut().chain(select.qualify.iter_mut()).for_each(f);
}

/// The name of a window's function, and the window's length.
fn window_of(expr: &Expr) -> Option<(&'static str, &Expr)> {
    let Expr::Function(Function { name, args: FunctionArguments::List(FunctionArgumentList { args, .. }), .. }) = expr else { return None };
    let name = name.0.last()?.as_ident()?.value.as_str();
    let (name, count) = [("tumble", 2), ("hop", 3), (SESSION, 2)].into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known))?;
    match args.last() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(size))) if args.len() == count => Some((name, size)),
        _ => None,
    }
}

fn placeholder(name: &str) -> Expr {
    Expr::Identifier(Ident::with_quote('"', name))
}

fn unnamed(argument: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))
}

fn called(name: &str, args: Vec<FunctionArg>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

struct Names {
    call: Expr,
}

impl VisitorMut for Names {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        // Before what stands in it: its own arguments may be called like it.
        if *expr == self.call {
            *expr = placeholder(BEGINNING);
        } else if let Expr::Identifier(name) = expr {
            if name.value.eq_ignore_ascii_case("window_start") {
                *expr = placeholder(BEGINNING);
            } else if name.value.eq_ignore_ascii_case("window_end") {
                *expr = placeholder(END);
            }
        }
        ControlFlow::Continue(())
    }
}

struct Ends {
    beginning: Expr,
    end: Expr,
}

impl VisitorMut for Ends {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) if name.value == BEGINNING => *expr = self.beginning.clone(),
            Expr::Identifier(name) if name.value == END => *expr = self.end.clone(),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
