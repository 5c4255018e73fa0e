//! `options`.

use sql_extensions::nearest;

use super::arguments::{OptionsCommand, OptionsForm};
use super::exit::ExitStatus;
use super::report::{print, tell};
use crate::config::{OptionRow, json_schema, option_rows, planned_kinds, reference_page};

/// Lists settings.
pub(super) fn options(command: &OptionsCommand) -> ExitStatus {
    let rows = option_rows();
    let rows: Vec<&OptionRow> = match &command.connector {
        None => rows.iter().collect(),
        Some(wanted) => {
            let own = |row: &&OptionRow| row.component == *wanted || row.component.split('_').next() == Some(wanted) && row.component.contains('_');
            let found: Vec<&OptionRow> = rows.iter().filter(own).collect();
            if found.is_empty() && !planned_kinds().any(|(kind, component)| wanted == kind || *wanted == component) {
                let mut names: Vec<String> = rows.iter().map(|row| row.component.clone()).chain(planned_kinds().map(|(_, component)| component)).collect();
                names.sort();
                names.dedup();
                let near = nearest(wanted, names.iter().map(String::as_str)).map(|near| format!("; did you mean '{near}'?")).unwrap_or(".".to_owned());
                tell(&format!("Error: no component is called '{wanted}'{near} There are {}.", names.join(", ")));
                return ExitStatus::Refused;
            }
            found
        }
    };
    let text = match (command.form, &command.connector) {
        (OptionsForm::Markdown, _) => reference_page(),
        (OptionsForm::JsonSchema, wanted) => match json_schema(wanted.as_deref()) {
            Some(schema) => format!("{schema:#}\n"),
            None => {
                tell(&format!(
                    "Error: no files are made of the keys of '{}' alone. Leave it out for those of any source or sink, or name application, a kind, or a source or sink of a kind in this build.",
                    wanted.as_deref().unwrap_or_default()
                ));
                return ExitStatus::Refused;
            }
        },
        (OptionsForm::Json, _) => match serde_json::to_string_pretty(&rows) {
            Ok(text) => format!("{text}\n"),
            Err(error) => {
                tell(&format!("Error: cannot print the settings: {error}"));
                return ExitStatus::Failed;
            }
        },
        (OptionsForm::Table, Some(wanted)) if rows.is_empty() => {
            format!(
                "{wanted} is not in this build, and no keys of its own are known yet. For those of every source and sink: velo-sql options source, velo-sql options sink\n"
            )
        }
        (OptionsForm::Table, _) => table(&rows),
    };
    print(&text)
}

fn table(rows: &[&OptionRow]) -> String {
    let heads = ["component", "key", "aliases", "type", "default", "scope", "meaning"];
    let cells: Vec<[String; 7]> = rows
        .iter()
        .map(|row| {
            let aliases = if row.aliases.is_empty() { "–".to_owned() } else { row.aliases.join(", ") };
            let meaning = if row.available { row.meaning.clone() } else { format!("(not in this build) {}", row.meaning) };
            [row.component.clone(), row.key.clone(), aliases, row.type_name.clone(), row.default.clone(), row.scope.clone(), meaning]
        })
        .collect();
    let mut widths = heads.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 7]| {
        let padded: Vec<String> = row[..6].iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}  {}\n", padded.join("  "), row[6])
    };
    std::iter::once(line(&heads.map(str::to_owned))).chain(cells.iter().map(line)).collect()
}
