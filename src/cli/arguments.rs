//! What can be typed.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::exit::ExitStatus;
use super::report::print;
use crate::sinks::stdout::OutputFormat;

/// Streaming SQL over files: one statement joins several sources and writes several sinks, as a batch or as a stream.
#[derive(Debug, Parser)]
#[command(name = "velo-sql", version, arg_required_else_help = true)]
pub struct Arguments {
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Run this SQL
    #[arg(long, value_name = "SQL")]
    pub sql: Option<String>,
    /// How it is run.
    #[command(flatten)]
    pub run: RunOptions,
    /// What is told on standard error.
    #[command(flatten)]
    pub output: OutputOptions,
}

impl Arguments {
    /// The settings of what is run or looked at.
    pub(super) fn overrides(&self) -> Option<&Overrides> {
        match &self.command {
            None => Some(&self.run.overrides),
            Some(Command::Run(run)) => Some(&run.run.overrides),
            Some(Command::Validate(validate)) => Some(&validate.overrides),
            Some(Command::Explain(explain)) => Some(&explain.overrides),
            Some(Command::Options(_) | Command::Config(_) | Command::New(_) | Command::Decrypt(_) | Command::Demo(_) | Command::Completions { .. }) => None,
        }
    }

    /// An option of `--sql` that stands before a command, which has options of its own.
    pub(super) fn misplaced(&self) -> Option<&'static str> {
        self.command.as_ref()?;
        let given = [
            ("--sql", self.sql.is_some()),
            ("--format", self.run.format.is_some()),
            ("--summary", self.run.summary.is_some()),
            ("--limit", self.run.limit.is_some()),
            ("--set", !self.run.overrides.set.is_empty()),
            ("--config", self.run.overrides.config.is_some()),
            ("--profile", self.run.overrides.profile.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the statements of scripts
    Run(RunCommand),
    /// Check scripts without starting anything
    Validate(ValidateCommand),
    /// Show what would be run: operators, their state and its bound, settings and where each comes from
    Explain(ExplainCommand),
    /// List all settings, or those of one connector (job, source, sink, file_source, file_sink, …)
    Options(OptionsCommand),
    /// Look at configuration files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write a script and its files of settings to begin with: 'new kafka-file' reads Kafka and writes files
    New(NewCommand),
    /// Decrypt a file that was written with 'encryption' = 'AES256'
    Decrypt(DecryptCommand),
    /// Send orders to a Kafka in this process, join them with customers and products, write a topic and two outputs, and say how to look at them
    Demo(DemoCommand),
    /// Print the completions of a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Options of everything that runs statements.
#[derive(Args, Clone, Debug, Default)]
pub struct RunOptions {
    /// How rows are printed [default: table on a terminal, json otherwise]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The form of the summary, the last line on standard error [default: text]
    #[arg(long, value_enum, value_name = "FORM")]
    pub summary: Option<SummaryForm>,
    /// End each statement after this many rows
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
    /// Settings.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// Settings from the command line, and from the file that it names.
#[derive(Args, Clone, Debug, Default)]
pub struct Overrides {
    /// The application file: profiles, limits, variables [default: VELO_CONFIG_FILE, velo.yaml, configs/velo.yaml, ~/.velo/config.yaml, /etc/velo/config.yaml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The profile of the application file [default: VELO_PROFILE, then its active_profile]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Set a key, over the WITH clause: --set 'orders.path=a.jsonl'
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
}

/// Options of everything that talks.
#[derive(Args, Clone, Debug, Default)]
pub struct OutputOptions {
    /// Tell nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", global = true, value_enum)]
    pub log_level: Option<LogLevel>,
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what went wrong but was survived.
    Warn,
    /// And what was started and ended.
    Info,
    /// And details for developers.
    Debug,
    /// Everything.
    Trace,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.to_owned())).ok_or_else(|| "expected key=value".to_owned())
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns.
    Table,
    /// One object a line.
    Json,
    /// CSV with a header.
    Csv,
}

impl From<Format> for OutputFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Csv => Self::Csv,
        }
    }
}

/// The form of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryForm {
    /// A line for people.
    Text,
    /// An object for programs.
    Json,
    /// None.
    None,
}

/// `run`.
#[derive(Args, Debug)]
pub struct RunCommand {
    /// Script files, or - for standard input [default: the script of the application file]
    pub files: Vec<PathBuf>,
    /// How they are run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// `validate`.
#[derive(Args, Debug)]
pub struct ValidateCommand {
    /// Script files, or - for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Look at the sources, too
    #[arg(long)]
    pub connect: bool,
    /// Settings.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// `explain`.
#[derive(Args, Debug)]
pub struct ExplainCommand {
    /// A script file, or - for standard input
    pub file: PathBuf,
    /// Add DataFusion's plans
    #[arg(long)]
    pub verbose: bool,
    /// How it is printed
    #[arg(long = "format", value_enum, default_value = "text")]
    pub form: ExplainForm,
    /// Settings.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainForm {
    /// Lines for people.
    Text,
    /// An array of objects.
    Json,
}

/// `options`.
#[derive(Args, Debug)]
pub struct OptionsCommand {
    /// job, source, sink, file_source, file_sink, …
    pub connector: Option<String>,
    /// How they are printed (markdown makes the reference page)
    #[arg(long = "format", value_enum, default_value = "table")]
    pub form: OptionsForm,
}

/// How settings are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OptionsForm {
    /// Aligned columns.
    Table,
    /// An array of objects.
    Json,
    /// The reference page.
    Markdown,
    /// A JSON Schema of YAML files, for editors: of those with settings, or of application files ('options application').
    JsonSchema,
}

/// `new`.
#[derive(Args, Debug)]
pub struct NewCommand {
    /// The kinds of source and sink: kafka-file, file-kafka, …
    pub template: Option<String>,
    /// The kind of source
    #[arg(long, value_name = "KIND")]
    pub source: Option<String>,
    /// The kind of sink
    #[arg(long, value_name = "KIND")]
    pub sink: Option<String>,
    /// Where the files go; none that is there is overwritten
    #[arg(long, default_value = ".")]
    pub folder: PathBuf,
}

/// `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a file of settings with what it extends, or an application file with its profile: each setting in force and where it stands, secrets masked
    Show {
        /// The file
        file: PathBuf,
        /// The profile of an application file [default: VELO_PROFILE, then its active_profile]
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// How it is printed
        #[arg(long = "format", value_enum, default_value = "table")]
        form: ConfigForm,
    },
}

/// How a configuration file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfigForm {
    /// Aligned columns.
    Table,
    /// An array of objects.
    Json,
}

/// `decrypt`.
#[derive(Args, Debug)]
pub struct DecryptCommand {
    /// The encrypted file
    pub input: PathBuf,
    /// Where the plain bytes go [default: standard output]
    #[arg(short, long)]
    pub output: Option<PathBuf>,
    /// A file with the key in base64 [default: environment variable VELO_ENCRYPTION_KEY]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// `demo`.
#[derive(Args, Debug)]
pub struct DemoCommand {
    /// Orders a second
    #[arg(long, default_value = "5000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Seconds
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// Where inputs and outputs go
    #[arg(long, default_value = "velo-demo")]
    pub folder: PathBuf,
}

/// Prints the completions of a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> ExitStatus {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "velo-sql", &mut text);
    print(&String::from_utf8_lossy(&text))
}
