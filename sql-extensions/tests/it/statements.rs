//! Random statements that are right, as text.

use proptest::prelude::*;

/// Names: plain, keywords elsewhere, quoted, beyond ASCII.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-e][a-z0-9_]{0,4}".prop_map(|name| if is_keyword(&name) { format!("{name}_") } else { name }),
        1 => prop::sample::select(vec!["timestamp", "status", "location", "été", "Überweisung", "_x", "camelCase"]).prop_map(str::to_owned),
        1 => "[A-Za-z ,.;'()#é日-]{1,8}".prop_map(|name| format!("\"{name}\"")),
        1 => "[a-z ]{1,3}".prop_map(|name| format!("\"{name}\"\"{name}\"")),
        1 => "[a-z -]{1,5}".prop_map(|name| format!("`{name}`")),
    ]
}

/// Short words that the pattern of plain names could hit.
fn is_keyword(name: &str) -> bool {
    [
        "all", "and", "any", "as", "asc", "at", "by", "case", "cast", "cross", "desc", "div", "do", "else", "end", "anti", "asof", "cube", "dec", "date",
        "array", "both", "begin",
    ]
    .contains(&name)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z0-9]{0,6}", 2 => "[ -~é日🦀\t\n]{0,10}", 1 => "['\\\\#\"-]{0,6}"].prop_map(|text| format!("'{}'", text.replace('\'', "''")))
}

fn column() -> impl Strategy<Value = String> {
    prop_oneof![name(), (name(), name()).prop_map(|(relation, name)| format!("{relation}.{name}"))]
}

fn expression() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![3 => column(), 1 => text(), 1 => "[0-9]{1,4}(\\.[0-9]{1,2})?", 1 => Just("NULL".to_owned()), 1 => Just("CURRENT_TIMESTAMP".to_owned())];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["+", "-", "*", "/", "||", "=", "!=", "<>", "<", ">=", "AND", "OR", "LIKE"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("({a} IS NOT NULL)")),
            inner.clone().prop_map(|a| format!("(NOT {a})")),
            (inner.clone(), text()).prop_map(|(a, b)| format!("COALESCE({a}, {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("CASE WHEN {a} = 1 THEN {b} ELSE {c} END")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("CASE {a} WHEN {b} THEN 1 END")),
            (inner.clone(), text(), text()).prop_map(|(a, b, c)| format!("({a} NOT IN ({b}, {c}))")),
            (inner.clone(), column(), column()).prop_map(|(a, b, c)| format!("LAG({a}, 1) OVER (PARTITION BY {b} ORDER BY {c})")),
            (column(), name()).prop_map(|(a, b)| format!("({a} IN (SELECT {a} FROM {b}))")),
            (name(), name(), within()).prop_map(|(a, b, within)| format!("EXISTS (SELECT 1 FROM {a} JOIN {b} ON {a}.k = {b}.k{within})")),
            inner.prop_map(|a| format!("CAST({a} AS DOUBLE)")),
        ]
    })
}

/// A `WITHIN` or nothing.
fn within() -> impl Strategy<Value = String> {
    let units = prop::sample::select(vec!["MILLISECOND", "second", "SECONDS", "MINUTE", "Minutes", "HOURS", "DAY", "WEEKS"]);
    prop_oneof![
        2 => Just(String::new()),
        1 => (1u64..5000, units.clone()).prop_map(|(n, unit)| format!(" WITHIN INTERVAL '{n}' {unit}")),
        1 => (1u64..5000, units).prop_map(|(n, unit)| format!("\nWITHIN INTERVAL '{n} {unit}'")),
    ]
}

fn alias() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just(String::new()), 1 => name().prop_map(|name| format!(" AS {name}"))]
}

fn relation(depth: u32) -> BoxedStrategy<String> {
    let table = (name(), alias()).prop_map(|(name, alias)| format!("{name}{alias}"));
    if depth == 0 {
        return table.boxed();
    }
    prop_oneof![4 => table, 1 => (query(depth - 1), name()).prop_map(|(query, name)| format!("({query}) AS {name}"))].boxed()
}

fn join(depth: u32) -> impl Strategy<Value = String> {
    let kinds = ["JOIN", "INNER JOIN", "LEFT JOIN", "LEFT OUTER JOIN", "RIGHT JOIN", "FULL JOIN", "FULL OUTER JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"];
    let kind = prop::sample::select(kinds.to_vec());
    prop_oneof![
        6 => (kind.clone(), relation(depth), expression(), within()).prop_map(|(kind, table, on, within)| format!(" {kind} {table} ON {on}{within}")),
        // OR and XOR bind weaker than what a WITHIN is read as.
        2 => (kind.clone(), relation(depth), expression(), expression(), within()).prop_map(|(kind, table, a, b, within)| format!("\n{kind} {table} ON {a} OR {b}{within}")),
        2 => (kind, relation(depth), name(), name(), within()).prop_map(|(kind, table, a, b, within)| format!(" {kind} {table} USING ({a}, {b}){within}")),
        1 => relation(depth).prop_map(|table| format!(" CROSS JOIN {table}")),
        1 => name().prop_map(|table| format!(" NATURAL JOIN {table}")),
    ]
}

fn select(depth: u32) -> impl Strategy<Value = String> {
    let items = prop::collection::vec(prop_oneof![1 => Just("*".to_owned()), 4 => (expression(), alias()).prop_map(|(e, alias)| format!("{e}{alias}"))], 1..3);
    let from = prop::collection::vec(
        (relation(depth), prop::collection::vec(join(depth), 0..3)).prop_map(|(first, joins)| format!("{first}{}", joins.concat())),
        1..3,
    );
    (items, from, prop::option::of(expression()), prop::option::of(column())).prop_map(|(items, from, filter, group)| {
        let filter = filter.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
        let group = group.map(|group| format!(" GROUP BY {group} HAVING count(*) > 1")).unwrap_or_default();
        format!("SELECT {} FROM {}{filter}{group}", items.join(", "), from.join(", "))
    })
}

fn query(depth: u32) -> BoxedStrategy<String> {
    let plain = select(depth).boxed();
    if depth == 0 {
        return plain;
    }
    prop_oneof![
        4 => plain.clone(),
        1 => (name(), query(depth - 1), plain.clone()).prop_map(|(name, inner, outer)| format!("WITH {name} AS ({inner}) {outer}")),
        1 => (plain.clone(), prop::sample::select(vec!["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]), query(depth - 1)).prop_map(|(a, set, b)| {
            // A CTE stands before the whole of a set operation, so the second part is put in brackets.
            format!("{a} {set} ({b})")
        }),
        1 => (plain, column(), 0u32..9).prop_map(|(query, order, limit)| format!("{query} ORDER BY {order} DESC LIMIT {limit}")),
    ]
    .boxed()
}

/// A statement with all our clauses, sometimes.
pub(crate) fn statement() -> impl Strategy<Value = String> {
    let sinks = prop::collection::btree_map("[a-z]{1,3}", prop_oneof![Just(""), Just(" é"), Just("\"\"")], 0..3);
    let settings = prop::collection::vec((text(), text()), 0..4);
    (prop::option::of(name()), query(2), sinks, settings).prop_map(|(name, query, sinks, settings)| {
        // One of blanks is refused.
        let create = name.filter(|name| name.contains(char::is_alphanumeric)).map(|name| format!("CREATE STREAM {name} AS ")).unwrap_or_default();
        // All quoted, as some are reserved words.
        let sinks: Vec<String> = sinks.into_iter().map(|(name, more)| format!("\"{name}{more}\"")).collect();
        let into = if sinks.is_empty() { String::new() } else { format!(" INTO {}", sinks.join(", ")) };
        let settings: Vec<String> = settings.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let with = if settings.is_empty() { String::new() } else { format!("\nWITH ({})", settings.join(",\n  ")) };
        format!("{create}{query}{into}{with};")
    })
}
