//! Sources of kinds that an application registers.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;
use crate::stream::DataSource;

/// A kind of source that an application adds to those of this build: `'X.type' = '<its name>'`.
pub trait SourceKind: Debug + Send + Sync {
    /// The keys it takes, besides those that every source has; any other key is refused.
    fn keys(&self) -> &[&str] {
        &[]
    }

    /// Checks the settings and creates the source that statements call `name`.
    ///
    /// **Errors**: of kind `Config` where a setting is wrong, of kind `Source` where there is nothing to read.
    fn create(&self, name: &str, keys: &BTreeMap<String, String>) -> Result<Arc<dyn DataSource>>;
}

/// A source of such a kind, with its settings.
#[derive(Clone, Debug)]
pub struct RegisteredSource {
    /// Name of the kind.
    pub kind: String,
    /// The kind.
    pub factory: Arc<dyn SourceKind>,
    /// The settings.
    pub keys: BTreeMap<String, String>,
}
