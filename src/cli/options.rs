//! `options`.

use sql_extensions::nearest;

use super::arguments::{OptionsCommand, OptionsForm};
use super::exit::ExitStatus;
use super::report::tell;
use crate::config::{OptionRow, option_rows, reference_page};

/// Lists settings.
pub(super) fn options(command: &OptionsCommand) -> ExitStatus {
    let rows = option_rows();
    let rows: Vec<&OptionRow> = match &command.connector {
        None => rows.iter().collect(),
        Some(wanted) => {
            let own = |row: &&OptionRow| row.component == *wanted || row.component.split('_').next() == Some(wanted) && row.component.contains('_');
            let found: Vec<&OptionRow> = rows.iter().filter(own).collect();
            if found.is_empty() {
                let mut names: Vec<&str> = rows.iter().map(|row| row.component.as_str()).collect();
                names.dedup();
                let near = nearest(wanted, names.iter().copied()).map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
                tell(&format!("Error: no component is called '{wanted}'{near} There are {}", names.join(", ")));
                return ExitStatus::Refused;
            }
            found
        }
    };
    match command.form {
        OptionsForm::Markdown => print!("{}", reference_page()),
        OptionsForm::Json => match serde_json::to_string_pretty(&rows) {
            Ok(text) => println!("{text}"),
            Err(error) => {
                tell(&format!("Error: cannot print the settings: {error}"));
                return ExitStatus::Failed;
            }
        },
        OptionsForm::Table => table(&rows),
    }
    ExitStatus::Done
}

fn table(rows: &[&OptionRow]) {
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
        println!("{}  {}", padded.join("  "), row[6]);
    };
    line(&heads.map(str::to_owned));
    cells.iter().for_each(line);
}
