//! The tables of `velo-sql options` and of the reference page, from the definitions that parse the options.

use std::path::PathBuf;

use serde::Serialize;

use super::application;
use super::job_options::{JobOptions, SinkShared, SourceShared};
use super::planned_connectors::{PLANNED, PLANNED_KEYS};
use crate::options::{ByteSize, Millis, NameList, OptionDescriptor, Presence, Scope, ValueFacts};
use crate::sinks::SinkConnector;
use crate::sources::SourceConnector;

/// A key, as documented.
#[derive(Clone, Debug, Serialize)]
pub struct OptionRow {
    /// `job`, `file_source` …; `source` and `sink` for keys of any source or sink.
    pub component: String,
    /// The key without the name of its source or sink.
    pub key: String,
    /// Other spellings.
    pub aliases: Vec<String>,
    /// Type of the value.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Default, `required` or `none`.
    pub default: String,
    /// Who may set it.
    pub scope: String,
    /// A line that sets it.
    pub example: String,
    /// What it does.
    pub meaning: String,
    /// Whether this build has it.
    pub available: bool,
}

/// A value that somebody might write for an option.
pub(super) fn example(option: &OptionDescriptor) -> &'static str {
    if option.example().is_empty() { example_of(option.key, option.type_name) } else { option.example() }
}

fn built(component: &str, options: &[OptionDescriptor]) -> Vec<OptionRow> {
    let row = |option: &OptionDescriptor| OptionRow {
        component: component.to_owned(),
        key: option.key.to_owned(),
        aliases: option.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        type_name: option.type_name.to_owned(),
        default: option.default_text().to_owned(),
        scope: option.scope.as_str().to_owned(),
        example: example_line(component, option.scope, option.key, example(option)),
        meaning: option.meaning(),
        available: true,
    };
    options.iter().map(row).collect()
}

/// `X.type`, `X.config_file` and `extends`, which the binder itself reads.
pub(super) const TYPE_AND_FILE: fn(Scope) -> [OptionDescriptor; 3] = |scope| {
    let option = |key, type_name, presence, docs, like| OptionDescriptor { like, ..OptionDescriptor::by_hand(key, type_name, presence, scope, docs) };
    [
        option(
            "type",
            "name",
            Presence::Required,
            "The kind of connector: `file_source` or `file` in FROM, `file_sink` or `file` in INTO. Never guessed from other keys.",
            if scope == Scope::Sink { "file_sink" } else { "file_source" },
        ),
        option(
            "config_file",
            "path",
            Presence::Optional,
            "A YAML file with further settings; keys in WITH count more. Relative to the working directory, then to the script.",
            "configs/orders.yaml",
        ),
        option(
            "extends",
            "path",
            Presence::Optional,
            "In configuration files only: the file whose settings this one begins with, from its own folder.",
            "kafka_base.yaml",
        ),
    ]
};

/// Values of keys that no option struct reads, where the type alone does not tell what one looks like.
const EXAMPLES: [(&str, &str); 9] = [
    ("active_profile", "development"),
    ("script", "jobs/orders.sql"),
    ("log_level", "info"),
    ("kafka_brokers", "kafka1:9092,kafka2:9092"),
    ("dead_letter", "refused_orders"),
    ("lookup.mode", "load"),
    ("method", "POST"),
    ("connection.url", "postgresql://db:5432/customers"),
    ("connection", "postgresql://db:5432/customers"),
];

/// What is known of the values of a type that documentation names.
pub(super) fn facts_of(type_name: &str) -> ValueFacts {
    match type_name {
        "count" => ValueFacts::of::<usize>(),
        "bytes" => ValueFacts::of::<ByteSize>(),
        "duration" => ValueFacts::of::<Millis>(),
        "boolean" => ValueFacts::of::<bool>(),
        "list" => ValueFacts::of::<NameList>(),
        "path" => ValueFacts::of::<PathBuf>(),
        _ => ValueFacts::of::<String>(),
    }
}

/// A value that somebody might write for a key of a type.
fn example_of(key: &str, type_name: &str) -> &'static str {
    let own = EXAMPLES.iter().find(|(known, _)| *known == key).map(|(_, example)| *example);
    own.unwrap_or(match type_name {
        "count" => "10",
        "bytes" => "64MiB",
        "duration" => "30s",
        "boolean" => "true",
        "list" => "id, day",
        "path" => "data/state",
        "secret" => "${SECRET}",
        "URL" => "https://example.com/api",
        "SQL" => "SELECT id, name FROM customers",
        _ => "orders",
    })
}

/// A line that sets a key as it is written in a script, or in a file that alone has it.
fn example_line(component: &str, scope: Scope, key: &str, value: &str) -> String {
    match (component, key, scope) {
        (_, "profiles", _) => "profiles: {development: {log_level: debug}}".to_owned(),
        ("application", ..) | (_, "extends", _) => format!("{key}: {value}"),
        (_, _, Scope::Job) => format!("'{key}' = '{value}'"),
        (_, _, Scope::Source) => format!("'orders.{key}' = '{value}'"),
        (_, _, Scope::Sink) => format!("'archive.{key}' = '{value}'"),
    }
}

/// All keys, those of later builds included, in a fixed order.
pub fn option_rows() -> Vec<OptionRow> {
    let mut rows = built("job", JobOptions::OPTIONS);
    rows.extend(built("application", application::OPTIONS));
    rows.extend(built("source", &TYPE_AND_FILE(Scope::Source)));
    rows.extend(built("source", SourceShared::OPTIONS));
    rows.extend(built("sink", &TYPE_AND_FILE(Scope::Sink)));
    rows.extend(built("sink", SinkShared::OPTIONS));
    for (name, options) in SourceConnector::reference() {
        rows.extend(built(&format!("{name}_source"), options));
    }
    for (name, options) in SinkConnector::reference() {
        rows.extend(built(&format!("{name}_sink"), options));
    }
    let planned = |component: String, key: &super::planned_connectors::PlannedKey, scope: &Scope| OptionRow {
        example: example_line(&component, *scope, key.key, example_of(key.key, key.type_name)),
        component,
        key: key.key.to_owned(),
        aliases: Vec::new(),
        type_name: key.type_name.to_owned(),
        default: "none".to_owned(),
        scope: scope.as_str().to_owned(),
        meaning: key.meaning.to_owned(),
        available: false,
    };
    for key in PLANNED_KEYS {
        rows.extend(key.roles.iter().map(|scope| planned(scope.as_str().to_owned(), key, scope)));
    }
    for connector in PLANNED {
        for key in connector.keys {
            rows.extend(key.roles.iter().map(|scope| planned(format!("{}_{}", connector.name, scope.as_str()), key, scope)));
        }
    }
    rows
}

/// The kinds of later builds in simple and compound spelling (`iceberg`, `iceberg_sink`); some have no keys yet.
pub fn planned_kinds() -> impl Iterator<Item = (&'static str, String)> {
    PLANNED.iter().flat_map(|connector| connector.roles.iter().map(|role| (connector.name, format!("{}_{}", connector.name, role.as_str()))))
}

/// The reference page of all keys that this build has, in Markdown.
pub fn reference_page() -> String {
    let mut page = "# Settings\n\nThis page is made from the code by `velo-sql options --format markdown`; a test keeps it up to date.\n\n\
                    Keys of a source or sink are written with its name before them: `'orders.path' = '…'`. Keys under *source* and *sink* belong to every source or sink.\n"
        .to_owned();
    let mut component = String::new();
    for row in option_rows().into_iter().filter(|row| row.available) {
        if row.component != component {
            component.clone_from(&row.component);
            page.push_str(&format!("\n## {component}\n\n| key | other spellings | type | default | meaning | example |\n|---|---|---|---|---|---|\n"));
        }
        let aliases = row.aliases.iter().map(|alias| format!("`{alias}`")).collect::<Vec<_>>().join(", ");
        let meaning = row.meaning.replace('|', "\\|");
        page.push_str(&format!("| `{}` | {aliases} | {} | {} | {meaning} | `{}` |\n", row.key, row.type_name, row.default, row.example));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every option that an option struct reads.
    fn options() -> Vec<&'static OptionDescriptor> {
        let connectors = SourceConnector::reference().into_iter().chain(SinkConnector::reference()).map(|(_, options)| options);
        [JobOptions::OPTIONS, SourceShared::OPTIONS, SinkShared::OPTIONS].into_iter().chain(connectors).flatten().collect()
    }

    #[test]
    fn every_example_is_a_value_of_its_own_type_and_not_the_default() {
        for option in options() {
            let facts = option.value.expect("read by a struct");
            assert!(!option.example().is_empty(), "'{}' has no example: its definition needs one behind `like`", option.key);
            assert_eq!((facts.check)(option.example()), Ok(()), "'{}' = '{}'", option.key, option.example());
            assert_ne!(Presence::Default(option.example()), option.presence, "the example of '{}' is its default", option.key);
        }
    }

    #[test]
    fn every_name_and_default_is_a_value_of_its_type() {
        for option in options() {
            let facts = option.value.expect("read by a struct");
            let default = if let Presence::Default(text) = option.presence { Some(text) } else { None };
            facts.names.iter().chain(&default).for_each(|text| assert_eq!((facts.check)(text), Ok(()), "'{}' = '{text}'", option.key));
        }
    }

    #[test]
    fn examples_of_other_keys_are_values_of_their_types_too() {
        let planned = PLANNED.iter().flat_map(|connector| connector.keys).chain(PLANNED_KEYS).map(|key| (key.key, key.type_name));
        for (key, type_name) in planned.chain(application::OPTIONS.iter().map(|option| (option.key, option.type_name))) {
            assert_eq!((facts_of(type_name).check)(example_of(key, type_name)), Ok(()), "{key}");
        }
    }

    #[test]
    fn lines_name_an_owner_where_one_is_needed() {
        let line = |component: &str, key: &str| {
            option_rows().into_iter().find(|row| row.component == component && row.key == key).map(|row| row.example).unwrap_or_default()
        };
        assert_eq!(line("job", "batch.size"), "'batch.size' = '500'");
        assert_eq!(line("kafka_source", "topic"), "'orders.topic' = 'raw-orders'");
        assert_eq!(line("file_sink", "delimiter"), "'archive.delimiter' = '\\t'");
        assert_eq!(line("source", "extends"), "extends: kafka_base.yaml");
        assert_eq!(line("application", "log_level"), "log_level: info");
    }
}
