//! The sources of this build by name.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::file::{FileSource, FileSourceOptions};
use crate::error::{Error, Result};
use crate::options::{KeyMap, OptionDescriptor};
use crate::stream::DataSource;

/// A source's settings, by kind.
#[derive(Clone, Debug)]
pub enum SourceConnector {
    /// Files.
    File(FileSourceOptions),
}

impl SourceConnector {
    /// Takes the keys of a kind (simple name, e.g. `file`) out of the map.
    pub fn from_keys(kind: &str, keys: &mut KeyMap, errors: &mut Vec<Error>) -> Option<Self> {
        match kind {
            "file" => FileSourceOptions::from_keys(keys, errors).map(Self::File),
            _ => None,
        }
    }

    /// Every spelling of the keys of a kind in either spelling; of all kinds for `None`.
    pub fn option_names(kind: Option<&str>) -> Vec<&'static str> {
        let wanted = kind.map(|kind| kind.trim().to_ascii_lowercase());
        let is_wanted = |name: &str| wanted.as_ref().is_none_or(|kind| kind.trim_end_matches("_source") == name);
        Self::reference()
            .into_iter()
            .filter(|(name, _)| is_wanted(name))
            .flat_map(|(_, options)| options.iter().flat_map(OptionDescriptor::spellings))
            .collect()
    }

    /// The keys of each kind.
    pub fn reference() -> [(&'static str, &'static [OptionDescriptor]); 1] {
        [("file", FileSourceOptions::OPTIONS)]
    }

    /// Its simple name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
        }
    }

    /// Whether it ends by itself, as far as its settings tell.
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::File(options) => options.is_bounded(),
        }
    }

    /// Whether creating it reads what can't be read again.
    pub fn reads_pipe(&self) -> bool {
        match self {
            Self::File(options) => options.reads_pipe(),
        }
    }

    /// Creates the source: checks that it can be read and finds out its columns.
    pub fn create(&self, name: &str, declared: Option<SchemaRef>) -> Result<Arc<dyn DataSource>> {
        match self {
            Self::File(options) => Ok(Arc::new(FileSource::create(name, options.clone(), declared)?)),
        }
    }
}
