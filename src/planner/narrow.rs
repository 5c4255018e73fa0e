//! Where an error is that DataFusion gives no place for: the smallest expression that still makes the same error when all others are NULL.

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, Spanned, Value, Visit, VisitMut, Visitor, VisitorMut};
use sql_extensions::{Span, visit_selects};

/// Most attempts; a statement of a thousand columns takes about twenty.
const MOST_ATTEMPTS: usize = 64;
/// Longest search.
const LONGEST: Duration = Duration::from_secs(2);

/// Finds the place of the error that a query makes. `plan` gives the text of the error, or `None` if there is none.
pub(super) async fn narrow(query: &Query, plan: impl AsyncFn(&Query) -> Option<String>) -> Option<Span> {
    let mut query = query.clone();
    visit_selects(&mut query, &mut |_, select| name_items(select));
    let mut nodes = Nodes::default();
    let _never_breaks = Visit::visit(&query, &mut nodes);
    let mut search = Search { error: plan(&query).await?, query, nodes: nodes.nodes, attempts: 0, began: Instant::now(), plan };
    let roots: Vec<usize> = search.children(0..search.nodes.len());
    let node = search.narrow(roots).await?;
    search.nodes[node].place
}

/// Gives columns their names, so that they keep them when they become NULL.
fn name_items(select: &mut Select) {
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let name = match &*expr {
            Expr::Identifier(name) => name.value.clone(),
            Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()).unwrap_or_default(),
            other => other.to_string(),
        };
        let expr = std::mem::replace(expr, null());
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
    }
}

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

/// An expression, by its number in the order of a visit.
struct Node {
    /// The number after those of the expressions in it.
    end: usize,
    place: Option<Span>,
}

/// Numbers all expressions of a query.
#[derive(Default)]
struct Nodes {
    nodes: Vec<Node>,
    open: Vec<usize>,
}

impl Visitor for Nodes {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let span = match expr {
            Expr::Function(call) => call.name.span(),
            other => other.span(),
        };
        self.open.push(self.nodes.len());
        self.nodes.push(Node { end: 0, place: (span.start.line > 0).then(|| span.into()) });
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        if let Some(number) = self.open.pop() {
            self.nodes[number].end = self.nodes.len();
        }
        ControlFlow::Continue(())
    }
}

/// Makes the expressions with some numbers NULL.
struct Replace<'a> {
    nodes: &'a [Node],
    replaced: &'a HashSet<usize>,
    next: usize,
}

impl VisitorMut for Replace<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.replaced.contains(&self.next) {
            *expr = null();
            self.next = self.nodes.get(self.next).map_or(self.next + 1, |node| node.end);
        } else {
            self.next += 1;
        }
        ControlFlow::Continue(())
    }
}

struct Search<P> {
    query: Query,
    /// The error that is looked for.
    error: String,
    nodes: Vec<Node>,
    attempts: usize,
    began: Instant,
    plan: P,
}

impl<P: AsyncFn(&Query) -> Option<String>> Search<P> {
    /// The outermost of the expressions with these numbers.
    fn children(&self, range: Range<usize>) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = range.start;
        while at < range.end {
            found.push(at);
            at = self.nodes[at].end.max(at + 1);
        }
        found
    }

    /// Whether the error is still there when some expressions are NULL; `None` when that takes too long to know.
    async fn persists(&mut self, replaced: &HashSet<usize>) -> Option<bool> {
        self.attempts += 1;
        if self.attempts > MOST_ATTEMPTS || self.began.elapsed() > LONGEST {
            return None;
        }
        let mut query = self.query.clone();
        let _never_breaks = VisitMut::visit(&mut query, &mut Replace { nodes: &self.nodes, replaced, next: 0 });
        Some((self.plan)(&query).await.is_some_and(|error| error == self.error))
    }

    async fn narrow(&mut self, roots: Vec<usize>) -> Option<usize> {
        let mut replaced = HashSet::new();
        let mut found = None;
        let mut candidates = roots;
        while !candidates.is_empty() {
            // Without them, is the error gone?
            let all: HashSet<usize> = replaced.iter().chain(&candidates).copied().collect();
            if self.persists(&all).await != Some(false) {
                break;
            }
            // Half of them, again and again; where neither half makes the error alone, what holds them does.
            while let [_, _, ..] = candidates.as_slice() {
                let second = candidates.split_off(candidates.len() / 2);
                let without_second: HashSet<usize> = replaced.iter().chain(&second).copied().collect();
                if self.persists(&without_second).await == Some(true) {
                    replaced = without_second;
                    continue;
                }
                let without_first: HashSet<usize> = replaced.iter().chain(&candidates).copied().collect();
                if self.persists(&without_first).await != Some(true) {
                    return found;
                }
                replaced = without_first;
                candidates = second;
            }
            found = candidates.pop();
            candidates = found.map(|node| self.children(node + 1..self.nodes[node].end)).unwrap_or_default();
        }
        found
    }
}
