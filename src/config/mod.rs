//! A parsed statement and its settings to a bound statement: every key known, every value of its type. In reading order:
//! - `environment`: variables, and `${…}` in values
//! - `text_file`, `yaml`, `settings_file`, `reach`: configuration files, those that they extend, and where these may be
//! - `application`: the application file, its profiles and variables
//! - `key_resolution`: which owner a key of `WITH` belongs to
//! - `merge`: one map of keys an owner
//! - `job_options`, `batching`: the job's own settings
//! - `connector_type`: `X.type`
//! - `planned_connectors`: kinds and keys that are known but not in this build
//! - `unknown_keys`: keys that nothing takes
//! - `schema_file`: declared columns in a file
//! - `limits`: how many jobs, sources and sinks there may be
//! - `embedding`: what an application adds that embeds the engine
//! - `bind`: all of it for a script
//! - `show`: a configuration file as it counts
//! - `reference`: the tables of `velo-sql options` and of the reference page
//! - `json_schema`, `application_schema`: the schemas of configuration files, for editors
//! - `starter`: a script and files of settings to begin with

mod application;
mod application_schema;
mod batching;
mod bind;
mod connector_type;
mod embedding;
mod environment;
mod job_options;
mod json_schema;
mod key_resolution;
mod limits;
mod merge;
mod planned_connectors;
mod reach;
mod reference;
mod schema_file;
mod settings_file;
mod show;
mod starter;
mod text_file;
mod unknown_keys;
mod yaml;

pub use application::{Application, ApplicationEnvironment, UnusedVariable, misspelt_variables};
pub use bind::{BindRequest, Binding, BoundSink, BoundSource, BoundStatement, SourceInput, bind_script};
pub use embedding::Embedding;
pub use environment::{Environment, ProcessEnvironment, Variable};
pub use job_options::{ExecutionModeOption, JobOptions};
pub use json_schema::json_schema;
pub use limits::Limits;
pub use reference::{OptionRow, option_rows, planned_kinds, reference_page};
pub use show::{ShownSetting, show};
pub use starter::{StarterFile, starter};
pub use unknown_keys::Unfit;
