//! Which SQL is accepted.

use std::any::TypeId;

use datafusion_sql::sqlparser::dialect::{Dialect, GenericDialect};

/// The SQL parser's generic dialect, with those of its options on that DataFusion can plan. The others (pipe operators, `FROM` first, `SETTINGS`, `FORMAT`, trailing commas …) are
/// off: they would make words that are fine names into keywords, or accept what nothing carries out.
#[derive(Debug)]
pub(crate) struct VeloDialect;

/// Options that are on.
macro_rules! on {
    ($($option:ident),+ $(,)?) => { $(fn $option(&self) -> bool { true })+ };
}

impl Dialect for VeloDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_identifier_start(&self, c: char) -> bool {
        GenericDialect {}.is_identifier_start(c)
    }

    fn is_identifier_part(&self, c: char) -> bool {
        GenericDialect {}.is_identifier_part(c)
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        GenericDialect {}.is_delimited_identifier_start(c)
    }

    on!(
        supports_array_typedef_with_brackets,
        supports_bitwise_shift_operators,
        supports_dictionary_syntax,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        supports_named_fn_args_with_assignment_operator,
        supports_nested_comments,
        supports_parens_around_table_factor,
        supports_select_wildcard_except,
        supports_select_wildcard_exclude,
        supports_select_wildcard_ilike,
        supports_select_wildcard_replace,
        supports_string_escape_constant,
        support_map_literal_syntax,
        supports_try_convert,
        supports_unicode_string_literal,
        supports_values_as_table_factor,
        supports_window_clause_named_window_reference,
        supports_window_function_null_treatment_arg,
    );
}

/// Whether a name needs no quotes to be read as one word: `#` starts a comment, and `@` or `$` alone are no names.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    let word = |c: char| !matches!(c, '#' | '@' | '$');
    chars.next().is_some_and(|first| word(first) && VeloDialect.is_identifier_start(first)) && chars.all(|c| word(c) && VeloDialect.is_identifier_part(c))
}
