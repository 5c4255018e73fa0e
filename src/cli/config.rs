//! `config show`.

use super::arguments::{ConfigCommand, ConfigForm};
use super::exit::ExitStatus;
use super::report::{print, refused};
use crate::config::{ProcessEnvironment, ShownSetting, show};
use crate::error::{Error, excerpt};
use crate::options::scrub;

/// Prints a configuration file as it counts.
pub(super) fn config(command: &ConfigCommand) -> ExitStatus {
    let ConfigCommand::Show { file, profile, form } = command;
    let settings = match show(file, profile.as_deref(), &ProcessEnvironment) {
        Ok(settings) => settings,
        Err(error) => return refused(&[error]),
    };
    let text = match form {
        ConfigForm::Json => match serde_json::to_string_pretty(&settings) {
            Ok(text) => format!("{text}\n"),
            Err(error) => return refused(&[Error::internal("cannot print the settings").with_source(error)]),
        },
        ConfigForm::Table => table(&settings),
    };
    print(&scrub(&text))
}

/// A line for each setting: key, value, origin.
fn table(settings: &[ShownSetting]) -> String {
    const WIDEST: usize = 60;
    let rows: Vec<[String; 3]> = settings.iter().map(row).collect();
    let head = ["key", "value", "origin"].map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&head]).map(|row| row[column].chars().count().min(WIDEST)).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |[key, value, origin]: &[String; 3]| format!("{key:<first$}  {value:<second$}  {origin}\n");
    [&head].into_iter().chain(&rows).map(line).collect()
}

fn row(setting: &ShownSetting) -> [String; 3] {
    let mut origin = setting.origin.clone();
    if let Some(profile) = &setting.profile {
        origin.push_str(&format!(" (profile {profile})"));
    }
    if let Some(fault) = &setting.fault {
        origin.push_str(&format!("; {fault}"));
    }
    [setting.key.clone(), excerpt(&setting.value), origin]
}
