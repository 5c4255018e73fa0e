//! The tables of `velo-sql options` and of the reference page, from the definitions that parse the options.

use serde::Serialize;

use super::application;
use super::job_options::{JobOptions, SinkShared, SourceShared};
use super::planned_connectors::{PLANNED, PLANNED_KEYS};
use crate::options::{OptionDescriptor, Presence, Scope};
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
    /// What it does.
    pub meaning: String,
    /// Whether this build has it.
    pub available: bool,
}

fn built(component: &str, options: &[OptionDescriptor]) -> Vec<OptionRow> {
    let row = |option: &OptionDescriptor| OptionRow {
        component: component.to_owned(),
        key: option.key.to_owned(),
        aliases: option.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        type_name: option.type_name.to_owned(),
        default: option.default_text().to_owned(),
        scope: option.scope.as_str().to_owned(),
        meaning: option.meaning(),
        available: true,
    };
    options.iter().map(row).collect()
}

/// `X.type`, `X.config_file` and `extends`, which the binder itself reads.
const TYPE_AND_FILE: fn(Scope) -> [OptionDescriptor; 3] = |scope| {
    [
        OptionDescriptor {
            key: "type",
            aliases: &[],
            type_name: "name",
            presence: Presence::Required,
            scope,
            docs: "The kind of connector: `file_source` or `file` in FROM, `file_sink` or `file` in INTO. Never guessed from other keys.",
        },
        OptionDescriptor {
            key: "config_file",
            aliases: &[],
            type_name: "path",
            presence: Presence::Optional,
            scope,
            docs: "A YAML file with further settings; keys in WITH count more. Relative to the working directory, then to the script.",
        },
        OptionDescriptor {
            key: "extends",
            aliases: &[],
            type_name: "path",
            presence: Presence::Optional,
            scope,
            docs: "In configuration files only: the file whose settings this one begins with, from its own folder.",
        },
    ]
};

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
            page.push_str(&format!("\n## {component}\n\n| key | other spellings | type | default | meaning |\n|---|---|---|---|---|\n"));
        }
        let aliases = row.aliases.iter().map(|alias| format!("`{alias}`")).collect::<Vec<_>>().join(", ");
        let meaning = row.meaning.replace('|', "\\|");
        page.push_str(&format!("| `{}` | {aliases} | {} | {} | {meaning} |\n", row.key, row.type_name, row.default));
    }
    page
}
