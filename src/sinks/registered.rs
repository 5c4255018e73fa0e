//! Sinks of kinds that an application registers.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;
use crate::stream::DataSink;

/// A kind of sink that an application adds to those of this build: `'X.type' = '<its name>'`.
pub trait SinkKind: Debug + Send + Sync {
    /// The keys it takes, besides those that every sink has; any other key is refused.
    fn keys(&self) -> &[&str] {
        &[]
    }

    /// Checks the settings and returns the sink that statements call `name`; nothing is created yet.
    ///
    /// **Errors**: of kind `Config` where a setting is wrong.
    fn create(&self, name: &str, keys: &BTreeMap<String, String>) -> Result<Arc<dyn DataSink>>;
}

/// A sink of such a kind, with its settings.
#[derive(Clone, Debug)]
pub struct RegisteredSink {
    /// Name of the kind.
    pub kind: String,
    /// The kind.
    pub factory: Arc<dyn SinkKind>,
    /// The settings.
    pub keys: BTreeMap<String, String>,
}
