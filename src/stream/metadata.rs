//! What a source knows of a record besides its value.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};

/// A column that a source can add to its rows; it can be named in SQL and is in no `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetadataColumn {
    /// The message's key as text.
    Key,
    /// The message's key as it is.
    KeyBytes,
    /// Number of the partition.
    Partition,
    /// Offset in the partition.
    Offset,
    /// The message's time.
    Timestamp,
    /// Name of the topic.
    Topic,
    /// The message's headers.
    Headers,
}

impl MetadataColumn {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Key, Self::KeyBytes, Self::Partition, Self::Offset, Self::Timestamp, Self::Topic, Self::Headers];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "_key",
            Self::KeyBytes => "_key_bytes",
            Self::Partition => "_partition",
            Self::Offset => "_offset",
            Self::Timestamp => "_timestamp",
            Self::Topic => "_topic",
            Self::Headers => "_headers",
        }
    }

    /// Its type; a UTC instant in microseconds, a map of texts for the headers.
    pub fn field(self) -> FieldRef {
        let (data_type, nullable) = match self {
            Self::Key => (DataType::Utf8View, true),
            Self::KeyBytes => (DataType::BinaryView, true),
            Self::Partition => (DataType::Int32, false),
            Self::Offset => (DataType::Int64, false),
            Self::Timestamp => (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Self::Topic => (DataType::Utf8View, false),
            Self::Headers => (DataType::Map(Arc::new(headers_entry()), false), false),
        };
        Arc::new(Field::new(self.name(), data_type, nullable))
    }
}

/// An entry of the headers' map: a name, and a text or NULL.
fn headers_entry() -> Field {
    let fields: Fields = vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8View, true)].into();
    Field::new("entries", DataType::Struct(fields), false)
}
