//! A script and its files of settings to begin with, for a kind of source and a kind of sink. Their keys, values and comments are those of the option tables.

use std::path::PathBuf;

use super::connector_type::{self, Kind, available};
use super::job_options::{JobOptions, SinkShared, SourceShared};
use super::reference::example;
use crate::error::{Error, Result};
use crate::options::{OptionDescriptor, Presence, Scope};
use crate::sinks::SinkConnector;
use crate::sources::SourceConnector;

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterFile {
    /// Its name, from the folder that all of them are written to.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
}

/// Names of the source and of the sink in the script. The examples of the option tables are about orders, too.
const SOURCE: &str = "orders";
const SINK: &str = "archive";
const SCRIPT: &str = "orders.sql";
const COLUMNS: &str = "id BIGINT, customer VARCHAR, amount DECIMAL(12,2), at TIMESTAMP";
const ROWS: &str = "id,customer,amount,at\n1,ada,12.50,2024-01-05 10:00:00\n2,bob,0.00,2024-01-05 10:00:01\n3,ada,7.25,2024-01-05 10:00:02\n";
/// Widest line of a comment.
const WIDTH: usize = 118;

/// The files for a source of a kind and a sink of a kind, by simple (`kafka`) or compound names (`kafka_source`). The script comes first.
///
/// **Errors**: this build has no such kind.
pub fn starter(source: &str, sink: &str) -> Result<Vec<StarterFile>> {
    let (source, sink) = (kind(source, Scope::Source)?, kind(sink, Scope::Sink)?);
    let of = |all: &[(&str, &'static [OptionDescriptor])], wanted: &str| all.iter().find(|(kind, _)| *kind == wanted).map_or(&[][..], |(_, options)| *options);
    let (source_options, sink_options) = (of(&SourceConnector::reference(), source), of(&SinkConnector::reference(), sink));
    let file = |path: String, text: String| StarterFile { path: PathBuf::from(path), text };
    let mut files = vec![
        file(SCRIPT.to_owned(), script(source, sink)),
        file(settings_path(SOURCE), settings(&format!("{source}_source"), source_options, SourceShared::OPTIONS)),
        file(settings_path(SINK), settings(&format!("{sink}_sink"), sink_options, SinkShared::OPTIONS)),
    ];
    // A source that reads files needs one, so that the script runs as it is.
    if let Some(path) = source_options.iter().find(|option| source == "file" && option.key == "path") {
        files.push(file(example(path).to_owned(), ROWS.to_owned()));
    }
    Ok(files)
}

fn settings_path(owner: &str) -> String {
    format!("configs/{owner}.yaml")
}

fn kind(written: &str, role: Scope) -> Result<&'static str> {
    let has = || format!("it has {}", available(role).join(", "));
    let role_name = role.as_str();
    match connector_type::parse(written, role) {
        Kind::Built(name) => Ok(name),
        Kind::Planned(name) => Err(Error::config(format!("{name}_{role_name} is not in this build")).with_help(has())),
        Kind::WrongRole(_) => Err(Error::config(format!("'{written}' is not a kind of {role_name}")).with_help(has())),
        Kind::Unknown(near) => {
            let near = near.map(|near| format!("nearest: {near}; ")).unwrap_or_default();
            Err(Error::config(format!("unknown kind of {role_name} '{written}'")).with_help(format!("{near}{}", has())))
        }
    }
}

fn script(source: &str, sink: &str) -> String {
    let of_job = |key: &str| JobOptions::OPTIONS.iter().find(|option| option.key == key);
    let mut job = String::new();
    for option in ["failure_strategy", "batch.strategy", "batch.size", "batch.timeout"].into_iter().filter_map(of_job) {
        comment(&mut job, "    -- ", &described(option));
        job.push_str(&format!("    -- '{}' = '{}',\n", option.key, example(option)));
    }
    format!(
        "-- From {source} to {sink}. Where rows come from and go to is in {} and {}.\n\
         --   velo-sql validate {SCRIPT}    checks everything without starting anything\n\
         --   velo-sql explain {SCRIPT}     shows what would run, and where each setting comes from\n\
         --   velo-sql run {SCRIPT}\n\
         CREATE STREAM {SOURCE}_to_{SINK} AS\n\
         SELECT id, customer, amount, at\n\
         FROM {SOURCE}\n\
         WHERE amount > 0\n\
         INTO {SINK}\n\
         WITH (\n{job}    -- All keys of jobs: velo-sql options job\n    \
         '{SOURCE}.config_file' = '{}',\n    '{SINK}.config_file' = '{}'\n);\n",
        settings_path(SOURCE),
        settings_path(SINK),
        settings_path(SOURCE),
        settings_path(SINK),
    )
}

/// A file with the keys of a component: those that it needs, and the others as comments.
fn settings(component: &str, own: &[OptionDescriptor], shared: &[OptionDescriptor]) -> String {
    let mut needed = format!("type: {component}\n");
    let mut others = String::new();
    for option in own.iter().chain(shared) {
        let value = match option.key {
            "bootstrap.servers" => "${KAFKA_BROKERS:-localhost:9092}",
            "schema" => COLUMNS,
            _ => example(option),
        };
        let is_needed = option.presence == Presence::Required || matches!(option.key, "topic" | "schema");
        let text = if is_needed { &mut needed } else { &mut others };
        text.push('\n');
        comment(text, "# ", &described(option));
        text.push_str(&format!("{}{}: {}\n", if is_needed { "" } else { "# " }, option.key, quoted(value)));
    }
    let mut head = String::new();
    comment(
        &mut head,
        "# ",
        &format!(
            "Settings of a {component}. An editor with the YAML language server completes and checks them with the schema that the next line names, made by:"
        ),
    );
    head.push_str(&format!(
        "#   velo-sql options {component} --format json-schema > configs/{component}.schema.json\n# yaml-language-server: $schema={component}.schema.json\n\n"
    ));
    format!("{head}{needed}\n# What may be set besides:\n{others}")
}

/// What an option does, with its default.
fn described(option: &OptionDescriptor) -> String {
    match option.presence {
        Presence::Default(default) => format!("{} (default: {default})", option.meaning()),
        _ => option.meaning(),
    }
}

/// A value as YAML: quoted unless it is a word or a number.
fn quoted(value: &str) -> String {
    let is_word =
        value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/')) && value.starts_with(|c: char| c.is_ascii_alphanumeric());
    if is_word { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
}

/// Adds a text in lines that are not too wide.
fn comment(into: &mut String, sign: &str, text: &str) {
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            into.push('\n');
            width = 0;
        }
        if width == 0 {
            into.push_str(sign);
            width = sign.len();
        } else {
            into.push(' ');
            width += 1;
        }
        into.push_str(word);
        width += length;
    }
    into.push('\n');
}
