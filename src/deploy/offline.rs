//! A source of which only the declaration is looked at.

use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::stream::{Boundedness, DataReader, DataSource, MetadataColumn, ReadRequest};

/// Stands for a source in checks that are not to need its files. It can be planned with, not read.
#[derive(Debug)]
pub(super) struct DeclaredSource {
    pub name: String,
    pub schema: SchemaRef,
    pub bounded: bool,
    pub metadata: &'static [MetadataColumn],
    /// As far as they are known without opening anything; plans depend on them.
    pub bytes: u64,
    pub what: String,
}

impl DataSource for DeclaredSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn metadata(&self) -> &'static [MetadataColumn] {
        self.metadata
    }

    fn boundedness(&self) -> Boundedness {
        if self.bounded { Boundedness::Bounded } else { Boundedness::Unbounded }
    }

    fn estimated_bytes(&self) -> u64 {
        self.bytes
    }

    fn describe(&self) -> String {
        format!("{}, {} columns declared, not looked at", self.what, self.schema.fields().len())
    }

    fn open(&self, _: ReadRequest) -> Result<Box<dyn DataReader>> {
        Err(Error::internal("a source that was only declared can't be read"))
    }
}
