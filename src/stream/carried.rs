//! Columns behind the visible ones of a result, for sinks that ask for them.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

/// What is carried from the source record of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Its key.
    Key,
    /// Its event time.
    Time,
}

impl Carried {
    const ALL: [Self; 2] = [Self::Key, Self::Time];

    /// The name of the column, which no statement can give to one of its own.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "\u{1}key",
            Self::Time => "\u{1}time",
        }
    }

    /// Where it stands in a schema.
    pub fn index(self, schema: &Schema) -> Option<usize> {
        schema.index_of(self.name()).ok()
    }
}

/// Number of columns before the carried ones.
pub fn visible_columns(schema: &Schema) -> usize {
    schema.fields().iter().take_while(|field| Carried::ALL.iter().all(|carried| carried.name() != field.name())).count()
}

/// The schema without the carried columns.
pub fn visible(schema: &SchemaRef) -> SchemaRef {
    let count = visible_columns(schema);
    if count == schema.fields().len() {
        return Arc::clone(schema);
    }
    Arc::new(Schema::new(schema.fields().iter().take(count).cloned().collect::<Vec<_>>()))
}
