//! Columns that can be named but that no wildcard sees.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

use crate::stream::MetadataColumn;

/// A column that is added to the rows of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenColumn {
    /// The event time, as `event_time` of the source says.
    EventTime,
    /// When the row was read.
    IngestTime,
    /// What the source knows of the record.
    Metadata(MetadataColumn),
}

impl HiddenColumn {
    /// Those of a source that knows `metadata`.
    pub fn of(metadata: &[MetadataColumn]) -> impl Iterator<Item = Self> {
        [Self::EventTime, Self::IngestTime].into_iter().chain(metadata.iter().copied().map(Self::Metadata))
    }

    /// Whether a column of any source has this name.
    pub fn is_name(name: &str) -> bool {
        Self::of(&MetadataColumn::ALL).any(|column| column.name() == name)
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::EventTime => "_event_time",
            Self::IngestTime => "_ingest_time",
            Self::Metadata(column) => column.name(),
        }
    }

    /// Its type. Times are UTC instants in microseconds; the event time is NULL where a record has none.
    pub fn field(self) -> FieldRef {
        match self {
            Self::EventTime | Self::IngestTime => Arc::new(Field::new(self.name(), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)),
            Self::Metadata(column) => column.field(),
        }
    }
}
