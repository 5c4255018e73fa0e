//! CTEs that have the name of a source get another one, so that what the syntax tree calls by the name of a source is that source.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectNamePart, Query, TableAlias, TableFactor, VisitMut, VisitorMut};

/// Renames them in a query, where they are made and where they are read.
pub(super) fn rename(query: &mut Query, is_source: &dyn Fn(&str) -> bool) {
    Walk { is_source, ctes: Vec::new() }.query(query);
}

struct Walk<'a> {
    is_source: &'a dyn Fn(&str) -> bool,
    /// The CTEs that can be named, innermost last, with their other names.
    ctes: Vec<(String, String)>,
}

impl Walk<'_> {
    fn query(&mut self, query: &mut Query) {
        let outer = self.ctes.len();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                let name = cte.alias.name.value.clone();
                let other = if (self.is_source)(&name) { format!("_cte_{name}") } else { name.clone() };
                cte.alias.name.value.clone_from(&other);
                // One that is not recursive reads the source of its name.
                if with.recursive {
                    self.ctes.push((name, other));
                    self.query(&mut cte.query);
                } else {
                    self.query(&mut cte.query);
                    self.ctes.push((name, other));
                }
            }
        }
        let mut parts = Parts { walk: self, below: 0 };
        let _never_breaks = query.body.visit(&mut parts);
        let _never_breaks = query.order_by.visit(&mut parts);
        let _never_breaks = query.limit_clause.visit(&mut parts);
        self.ctes.truncate(outer);
    }
}

/// What a query has besides its CTEs.
struct Parts<'a, 'b> {
    walk: &'a mut Walk<'b>,
    /// How many queries are open that have been walked by themselves.
    below: usize,
}

impl VisitorMut for Parts<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if self.below == 0 {
            self.walk.query(query);
        }
        self.below += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.below -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if self.below == 0
            && let TableFactor::Table { name: ObjectName(parts), alias, args: None, .. } = factor
            && let [part] = parts.as_mut_slice()
            && let Some(ident) = part.as_ident().cloned()
            && let Some((name, other)) = self.walk.ctes.iter().rev().find(|(name, _)| *name == ident.value)
            && name != other
        {
            alias.get_or_insert_with(|| TableAlias { explicit: true, name: ident.clone(), columns: Vec::new() });
            *part = ObjectNamePart::Identifier(Ident { value: other.clone(), ..ident });
        }
        ControlFlow::Continue(())
    }
}
