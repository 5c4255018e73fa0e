//! The column types of a sample, for sources without declared columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};

use super::schema_text::print_type;
use super::value::{parse_date, parse_float, parse_integer, parse_timestamp};

/// The narrowest type that holds all values seen so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Guess {
    /// Nothing but NULL.
    Nothing,
    Boolean,
    /// Whole numbers of 64 bits.
    Integer,
    /// Longer whole numbers, of at most 38 digits.
    LongInteger,
    Float,
    Date,
    Instant,
    Text,
    List(Box<Guess>),
    Struct(Record),
}

/// Fields in the order they were first seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub fields: Vec<(String, Guess)>,
}

impl Guess {
    /// The guess for a number as it is written.
    pub(super) fn of_number(text: &[u8]) -> Self {
        let whole = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        match parse_integer(text) {
            Some(value) if whole && i64::try_from(value).is_ok() => Self::Integer,
            Some(value) if whole && value.unsigned_abs() < 10u128.pow(38) => Self::LongInteger,
            _ => Self::Float,
        }
    }

    /// The guess for an unquoted CSV field. Digits with leading zeros are texts: they are codes, not numbers.
    pub(super) fn of_field(text: &[u8]) -> Self {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let code = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
        match text {
            b"" => Self::Nothing,
            b"true" | b"TRUE" | b"True" | b"false" | b"FALSE" | b"False" => Self::Boolean,
            _ if code => Self::Text,
            _ if parse_float(text).is_some() => Self::of_number(text),
            _ if parse_date(text).is_some() => Self::Date,
            _ if text.len() > 10 && parse_timestamp(text, TimeUnit::Microsecond, true).is_some() => Self::Instant,
            _ => Self::Text,
        }
    }

    /// The narrowest type that holds both; texts hold everything.
    pub(super) fn or(self, other: Self) -> Self {
        use Guess::{Date, Float, Instant, Integer, List, LongInteger, Nothing, Struct, Text};
        match (self, other) {
            (Nothing, any) | (any, Nothing) => any,
            (a, b) if a == b => a,
            (Integer, LongInteger) | (LongInteger, Integer) => LongInteger,
            (Integer | LongInteger | Float, Integer | LongInteger | Float) => Float,
            (Date, Instant) | (Instant, Date) => Instant,
            (List(a), List(b)) => List(Box::new(a.or(*b))),
            (Struct(a), Struct(b)) => Struct(a.or(b)),
            _ => Text,
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::LongInteger => DataType::Decimal128(38, 0),
            Self::Float => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Nothing | Self::Text => DataType::Utf8View,
            Self::List(item) => DataType::List(Arc::new(Field::new_list_field(item.data_type(), true))),
            // A struct without fields has no form in Parquet; its text has.
            Self::Struct(record) if record.fields.is_empty() => DataType::Utf8View,
            Self::Struct(record) => DataType::Struct(record.fields()),
        }
    }
}

impl Record {
    /// Adds a value of a field.
    pub(super) fn add(&mut self, name: &str, guess: Guess) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = std::mem::replace(known, Guess::Nothing).or(guess),
            None => self.fields.push((name.to_owned(), guess)),
        }
    }

    /// Both records' fields.
    pub(super) fn or(mut self, other: Self) -> Self {
        other.fields.into_iter().for_each(|(name, guess)| self.add(&name, guess));
        self
    }

    fn fields(&self) -> Fields {
        self.fields.iter().map(|(name, guess)| Field::new(name, guess.data_type(), true)).collect()
    }

    /// The columns; all of them may be NULL.
    pub(super) fn schema(&self) -> Schema {
        Schema::new(self.fields())
    }
}

/// The columns of several files as one table: the same types, or types of which one holds the other (whole numbers and floating point). `Err` tells which column differs.
pub fn merge_schemas(first: &Schema, other: &Schema) -> Result<Schema, String> {
    let mut fields: Vec<Field> = first.fields().iter().map(|field| field.as_ref().clone()).collect();
    for field in other.fields() {
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            Some(known) => {
                let merged = wider(known.data_type(), field.data_type()).ok_or_else(|| {
                    format!("column '{}' is {} in one and {} in the other", field.name(), print_type(known.data_type()), print_type(field.data_type()))
                })?;
                let nullable = known.is_nullable() || field.is_nullable();
                *known = Field::new(field.name(), merged, nullable);
            }
            None => fields.push(field.as_ref().clone().with_nullable(true)),
        }
    }
    Ok(Schema::new(fields))
}

fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (DataType::Int64, DataType::Decimal128(38, 0)) | (DataType::Decimal128(38, 0), DataType::Int64) => Some(DataType::Decimal128(38, 0)),
        (DataType::Int64 | DataType::Float64 | DataType::Decimal128(38, 0), DataType::Int64 | DataType::Float64 | DataType::Decimal128(38, 0)) => {
            Some(DataType::Float64)
        }
        (DataType::Date32, zoned @ DataType::Timestamp(_, Some(_))) | (zoned @ DataType::Timestamp(_, Some(_)), DataType::Date32) => Some(zoned.clone()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            let merged = merge_schemas(&Schema::new(a.clone()), &Schema::new(b.clone())).ok()?;
            Some(DataType::Struct(merged.fields))
        }
        (DataType::List(a), DataType::List(b)) => Some(DataType::List(Arc::new(Field::new_list_field(wider(a.data_type(), b.data_type())?, true)))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_guessed_by_their_form() {
        for (text, expected) in [
            ("12", Guess::Integer),
            ("-3", Guess::Integer),
            ("99999999999999999999", Guess::LongInteger),
            ("1.5", Guess::Float),
            ("007", Guess::Text),
            ("0.5", Guess::Float),
            ("true", Guess::Boolean),
            ("2024-01-05", Guess::Date),
            ("2024-01-05 10:00:00", Guess::Instant),
            ("2024-13-05", Guess::Text),
            ("", Guess::Nothing),
            ("abc", Guess::Text),
        ] {
            assert_eq!(Guess::of_field(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn types_widen_only_where_no_value_is_lost() {
        assert_eq!(Guess::Integer.or(Guess::Float), Guess::Float);
        assert_eq!(Guess::Nothing.or(Guess::Date), Guess::Date);
        assert_eq!(Guess::Date.or(Guess::Integer), Guess::Text);
        let one = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let two = Schema::new(vec![Field::new("a", DataType::Utf8View, true)]);
        assert_eq!(merge_schemas(&one, &two).expect_err("conflict"), "column 'a' is BIGINT in one and VARCHAR in the other");
    }
}
