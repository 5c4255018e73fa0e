//! What all deployments of a server share.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datafusion::logical_expr::ScalarUDF;

use crate::config::{Application, Embedding, Environment, Limits, ProcessEnvironment};
use crate::runtime::EngineMemory;
use crate::stream::DataSink;

/// Variables that an application gives, and those of the process if it wants them.
#[derive(Clone, Default)]
pub(super) struct Variables {
    pub own: BTreeMap<String, String>,
    pub of_process: bool,
}

impl fmt::Debug for Variables {
    /// Their names only: the values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("own", &self.own.keys()).field("of_process", &self.of_process).finish()
    }
}

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.own.get(name).cloned().or_else(|| if self.of_process { ProcessEnvironment.get(name) } else { None })
    }
}

/// Set once, when the server is built.
pub(super) struct Settings {
    /// Tells its figures from those of other servers.
    pub name: Option<String>,
    pub group_base: String,
    pub embedding: Embedding,
    pub functions: Vec<Arc<ScalarUDF>>,
    pub variables: Variables,
    pub application: Option<Application>,
    pub limits: Limits,
    /// What all jobs together may take of memory.
    pub memory: Arc<EngineMemory>,
    /// Where relative names of configuration files are looked for.
    pub folders: Vec<PathBuf>,
    /// Takes the rows of statements without `INTO`, and those of jobs all of whose sinks are down.
    pub output: Arc<dyn DataSink>,
    pub monitoring: bool,
    /// How long the end of all jobs may take.
    pub shutdown_timeout: Duration,
}
