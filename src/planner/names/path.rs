//! `column`, `relation.column`, `column.field`, `relation.column.field.field`.

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::tokenizer;

use super::scope::{Found, Scopes};
use super::{Fault, known, place};
use crate::error::excerpt;
use crate::formats::schema_text::print_type;

/// What a path came to.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Its type, if it is known.
    pub(super) data_type: Option<DataType>,
    pub(super) fault: Option<Fault>,
    pub(super) respelled: bool,
}

impl Resolved {
    fn of(data_type: Option<DataType>) -> Self {
        Self { data_type, ..Self::default() }
    }

    fn wrong(ident: &Ident, message: String, help: Option<String>) -> Self {
        Self { fault: Some(Fault { place: place(ident.span), message, help }), ..Self::default() }
    }
}

/// Resolves a path; names that are not quoted may be spelled anew.
pub(super) fn resolve(scopes: &Scopes, parts: &mut [Ident]) -> Resolved {
    match parts {
        [] => Resolved::default(),
        [column] => bare(scopes, column),
        [first, rest @ ..] => {
            // A relation comes before a column, and what is as it is spelled before what is not.
            for any_case in [false, true] {
                let case_of = |name: &Ident| any_case && name.quote_style.is_none();
                if let Some(relation) = scopes.relation(&first.value, case_of(first)) {
                    let Some(columns) = &relation.columns else { return Resolved::default() };
                    match columns.find(&rest[0].value, case_of(&rest[0])) {
                        Found::Nothing if any_case && !is_column(scopes, first) => {
                            let message = format!("column '{}' not found in '{}'", excerpt(&rest[0].value), relation.name);
                            return Resolved::wrong(&rest[0], message, scopes.help(&rest[0].value, || columns.visible_names()));
                        }
                        Found::Nothing => {}
                        found => {
                            let respelled = spell(first, &relation.name);
                            return found_then_fields(found, rest, respelled);
                        }
                    }
                }
                match scopes.column(&first.value, case_of(first)) {
                    Found::Nothing => {}
                    // Something that is known may match when case is ignored.
                    Found::Perhaps if !any_case => {}
                    found => return found_then_fields(found, parts, false),
                }
            }
            nowhere(scopes, first)
        }
    }
}

fn is_column(scopes: &Scopes, ident: &Ident) -> bool {
    !matches!(scopes.column(&ident.value, ident.quote_style.is_none()), Found::Nothing | Found::Perhaps)
}

fn bare(scopes: &Scopes, column: &mut Ident) -> Resolved {
    match scopes.column(&column.value, column.quote_style.is_none()) {
        Found::Exactly(data_type) => Resolved::of(data_type),
        Found::InCase(name, data_type) => Resolved { respelled: spell(column, &name), ..Resolved::of(data_type) },
        Found::Several(names) => Resolved { fault: Some(several(column, &names)), ..Resolved::default() },
        Found::Ambiguous(relations) => Resolved { fault: Some(ambiguous(column, &relations)), ..Resolved::default() },
        Found::Perhaps => Resolved::default(),
        Found::Nothing => {
            let help = scopes.help(&column.value, || scopes.column_names());
            Resolved::wrong(column, format!("column '{}' not found", excerpt(&column.value)), help)
        }
    }
}

/// `a.b` where `a` is neither a relation nor a column.
fn nowhere(scopes: &Scopes, first: &Ident) -> Resolved {
    if scopes.relation_names().is_empty() {
        return Resolved::default();
    }
    let near = scopes.help(&first.value, || scopes.relation_names());
    Resolved::wrong(first, format!("'{}' is not a table or alias of this FROM", excerpt(&first.value)), near)
}

/// The first part was found; the others are fields.
fn found_then_fields(found: Found, parts: &mut [Ident], respelled: bool) -> Resolved {
    let [first, rest @ ..] = parts else { return Resolved::default() };
    let (data_type, own) = match found {
        Found::Exactly(data_type) => (data_type, false),
        Found::InCase(name, data_type) => (data_type, spell(first, &name)),
        Found::Several(names) => return Resolved { fault: Some(several(first, &names)), respelled, ..Resolved::default() },
        Found::Ambiguous(relations) => return Resolved { fault: Some(ambiguous(first, &relations)), respelled, ..Resolved::default() },
        Found::Perhaps | Found::Nothing => (None, false),
    };
    let mut resolved = Resolved { respelled: respelled || own, ..Resolved::of(data_type) };
    let mut of = first.value.clone();
    for field in rest {
        let Some(data_type) = resolved.data_type.take() else { break };
        let next = resolve_field(&data_type, field, &of);
        resolved = Resolved { respelled: resolved.respelled || next.respelled, ..next };
        of.clone_from(&field.value);
    }
    resolved
}

/// A field of a value of a known type; `of` is what the value is called.
pub(super) fn resolve_field(data_type: &DataType, field: &mut Ident, of: &str) -> Resolved {
    match find_field(data_type, &field.value, field.quote_style.is_none(), field.span, of) {
        Ok((name, data_type)) => Resolved { respelled: name.is_some_and(|name| spell(field, &name)), ..Resolved::of(data_type) },
        Err(fault) => Resolved { fault: Some(fault), ..Resolved::default() },
    }
}

/// The type of a field, and its name if that is spelled in another way.
pub(super) fn find_field(
    data_type: &DataType,
    name: &str,
    any_case: bool,
    span: tokenizer::Span,
    of: &str,
) -> Result<(Option<String>, Option<DataType>), Fault> {
    let fault = |message: String, help: String| Fault { place: place(span), message, help: Some(help) };
    let fields = match data_type {
        DataType::Struct(fields) => fields,
        // A map is asked for a key, which may be any.
        DataType::Map(..) => return Ok((None, None)),
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) | DataType::FixedSizeList(..) => {
            return Err(fault(format!("'{of}' is {}, it has no field '{name}'", print_type(data_type)), "name an element first: <list>[1].<field>".to_owned()));
        }
        DataType::Null | DataType::Union(..) | DataType::Dictionary(..) => return Ok((None, None)),
        other => return Err(fault(format!("'{of}' is {}, it has no field '{name}'", print_type(other)), "only a struct has fields".to_owned())),
    };
    if let Some(field) = fields.iter().find(|field| field.name() == name) {
        return Ok((None, Some(field.data_type().clone())));
    }
    let same: Vec<_> = fields.iter().filter(|field| any_case && field.name().eq_ignore_ascii_case(name)).collect();
    match same.as_slice() {
        [field] => Ok((Some(field.name().clone()), Some(field.data_type().clone()))),
        [] => {
            let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            Err(fault(format!("field '{}' not found in '{of}'", excerpt(name)), known(name, &names)))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|field| field.name().as_str()).collect();
            Err(fault(format!("'{name}' matches {} only when case is ignored", names.join(" and ")), "write it as one of them".to_owned()))
        }
    }
}

fn ambiguous(ident: &Ident, relations: &[String]) -> Fault {
    let help = match relations.iter().find(|relation| !relation.is_empty()) {
        Some(relation) => format!("write it with its table: {relation}.{}", ident.value),
        None => "write it with its table: <table>.<column>".to_owned(),
    };
    Fault { place: place(ident.span), message: format!("column '{}' is in more than one table", ident.value), help: Some(help) }
}

fn several(ident: &Ident, names: &[String]) -> Fault {
    Fault {
        place: place(ident.span),
        message: format!("'{}' matches {} only when case is ignored", ident.value, names.join(" and ")),
        help: Some("write it as one of them".to_owned()),
    }
}

/// Spells a name; whether that changed it.
fn spell(ident: &mut Ident, name: &str) -> bool {
    let changed = ident.quote_style.is_none() && ident.value != name;
    if changed {
        name.clone_into(&mut ident.value);
    }
    changed
}
