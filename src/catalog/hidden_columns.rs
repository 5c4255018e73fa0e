//! Columns that can be named but that no wildcard sees.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

/// A column that the engine adds to the rows of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenColumn {
    /// The event time, as `event_time` of the source says.
    EventTime,
    /// When the row was read.
    IngestTime,
}

impl HiddenColumn {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::EventTime, Self::IngestTime];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::EventTime => "_event_time",
            Self::IngestTime => "_ingest_time",
        }
    }

    /// Its type: a UTC instant in microseconds; NULL where a record has no event time.
    pub fn field(self) -> FieldRef {
        Arc::new(Field::new(self.name(), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true))
    }
}
