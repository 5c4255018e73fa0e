//! The column types of a sample, for sources without declared columns. No value of the sample is changed by its column's type.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};

use super::contract::{RecordSplitter, Split};
use super::schema_text::print_type;
use super::value::{digits, keeps_digits, parse_date, parse_float, parse_integer, parse_timestamp};

/// Most digits of a DECIMAL.
const MOST_DIGITS: usize = 38;

/// The narrowest type that holds all values seen so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Guess {
    /// Nothing but NULL.
    Nothing,
    Boolean,
    Number(Number),
    Date,
    Instant,
    Text,
    List(Box<Guess>),
    Struct(Record),
}

/// What the numbers of a column need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// Most digits before the point, and after it.
    whole: usize,
    fraction: usize,
    /// All are written in digits alone.
    is_whole: bool,
    /// Those fit 64 bits.
    is_long: bool,
    /// All keep their digits as DOUBLE.
    is_double: bool,
    /// Fields of CSV: one looks like a number with an exponent, but may be a code (`12e5`).
    maybe_code: bool,
    /// One has a point, so that such a field is a number too.
    has_point: bool,
}

/// Fields in the order they were first seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub fields: Vec<(String, Guess)>,
}

impl Number {
    fn of(text: &[u8], digits: super::value::Digits) -> Self {
        // A zero with a sign is none of BIGINT.
        let is_whole = !digits.has_point && !digits.has_exponent && text != b"-0";
        Self {
            whole: digits.whole,
            fraction: digits.fraction,
            is_whole,
            is_long: is_whole && parse_integer(text).is_some_and(|value| i64::try_from(value).is_ok()),
            // What is beyond the largest DOUBLE is refused by every type.
            is_double: keeps_digits(text) || parse_float(text).is_none(),
            maybe_code: digits.has_exponent && !digits.has_point,
            has_point: digits.has_point,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            whole: self.whole.max(other.whole),
            fraction: self.fraction.max(other.fraction),
            is_whole: self.is_whole && other.is_whole,
            // Numbers with a fraction say nothing about whole ones.
            is_long: (self.is_long || !self.is_whole) && (other.is_long || !other.is_whole),
            is_double: self.is_double && other.is_double,
            maybe_code: self.maybe_code || other.maybe_code,
            has_point: self.has_point || other.has_point,
        }
    }

    fn data_type(self) -> DataType {
        let decimal = || match self.whole.checked_add(self.fraction) {
            Some(all) if all <= MOST_DIGITS => DataType::Decimal128(MOST_DIGITS as u8, self.fraction as i8),
            _ => DataType::Utf8View,
        };
        match self {
            Self { maybe_code: true, has_point: false, .. } => DataType::Utf8View,
            Self { is_whole: true, is_long: true, .. } => DataType::Int64,
            Self { is_whole: true, .. } => decimal(),
            Self { is_double: true, .. } => DataType::Float64,
            _ => decimal(),
        }
    }
}

impl Guess {
    /// The guess for a number of JSON.
    pub(super) fn of_number(text: &[u8]) -> Self {
        // In JSON an exponent can't be part of a code.
        digits(text).map_or(Self::Text, |digits| Self::Number(Number { maybe_code: false, ..Number::of(text, digits) }))
    }

    /// The guess for an unquoted CSV field. Digits with leading zeros or a plus are texts: they are codes and telephone numbers.
    pub(super) fn of_field(text: &[u8]) -> Self {
        let unsigned = text.strip_prefix(b"-").unwrap_or(text);
        let code = unsigned.starts_with(b"+") || (unsigned.len() > 1 && unsigned[0] == b'0' && unsigned[1].is_ascii_digit());
        match text {
            b"" => Self::Nothing,
            b"true" | b"TRUE" | b"True" | b"false" | b"FALSE" | b"False" => Self::Boolean,
            _ if code => Self::Text,
            _ => match digits(text) {
                Some(digits) => Self::Number(Number::of(text, digits)),
                None if parse_date(text).is_some() => Self::Date,
                None if text.len() > 10 && parse_timestamp(text, TimeUnit::Microsecond, true).is_some() => Self::Instant,
                None => Self::Text,
            },
        }
    }

    /// The narrowest type that holds both; texts hold everything.
    pub(super) fn or(self, other: Self) -> Self {
        use Guess::{Date, Instant, List, Nothing, Number, Struct, Text};
        match (self, other) {
            (Nothing, any) | (any, Nothing) => any,
            (Number(a), Number(b)) => Number(a.or(b)),
            (a, b) if a == b => a,
            (Date, Instant) | (Instant, Date) => Instant,
            (List(a), List(b)) => List(Box::new(a.or(*b))),
            (Struct(a), Struct(b)) => Struct(a.or(b)),
            _ => Text,
        }
    }

    /// Whether values of both are of one kind, so that no text has to hold them.
    fn goes_with(&self, other: &Self) -> bool {
        use Guess::{Date, Instant, List, Nothing, Number, Struct};
        match (self, other) {
            (Nothing, _) | (_, Nothing) | (Number(_), Number(_)) | (Date | Instant, Date | Instant) => true,
            (List(a), List(b)) => a.goes_with(b),
            (Struct(a), Struct(b)) => a.conflict(b).is_none(),
            (a, b) => a == b,
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Number(number) => number.data_type(),
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

    /// The first field that is of another kind in the other record, with both guesses.
    fn conflict<'a>(&'a self, other: &'a Self) -> Option<(&'a str, &'a Guess, &'a Guess)> {
        self.fields.iter().find_map(|(name, guess)| {
            let (_, found) = other.fields.iter().find(|(known, _)| known == name)?;
            (!guess.goes_with(found)).then_some((name.as_str(), guess, found))
        })
    }

    fn fields(&self) -> Fields {
        self.fields.iter().map(|(name, guess)| Field::new(name, guess.data_type(), true)).collect()
    }
}

/// Hands the whole records of a sample (and whether that is all there is) to `learn`, which counts them down from `records`. Broken ones are left out.
pub(super) fn learn_records(splitter: &mut dyn RecordSplitter, sample: (&[u8], bool), records: usize, mut learn: impl FnMut(&[u8], &mut usize)) {
    let (mut text, whole) = sample;
    let mut left = records;
    while left > 0 {
        let length = match splitter.next(text, whole) {
            Split::Records(length) => {
                learn(&text[..length], &mut left);
                length
            }
            Split::Broken(length, _) => length,
            Split::Incomplete => return,
        };
        text = &text[length..];
    }
}

/// The columns of the records of a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inferred {
    pub(super) record: Record,
}

impl Inferred {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.record.fields.is_empty()
    }

    /// The columns; all of them may be NULL.
    pub fn schema(&self) -> Schema {
        Schema::new(self.record.fields())
    }

    /// The columns of both as one table. `Err` tells which column is of another kind.
    pub fn merge(self, other: Self) -> Result<Self, String> {
        if let Some((name, one, two)) = self.record.conflict(&other.record) {
            return Err(format!("column '{name}' is {} in one and {} in the other", print_type(&one.data_type()), print_type(&two.data_type())));
        }
        Ok(Self { record: self.record.or(other.record) })
    }
}

/// The columns of several columnar files as one table: the same types, or types of which one holds the other (whole numbers and floating point; a number that it does not hold
/// is refused when it is read). `Err` tells which column differs.
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

    fn column(fields: &[&str]) -> String {
        print_type(&fields.iter().map(|text| Guess::of_field(text.as_bytes())).fold(Guess::Nothing, Guess::or).data_type())
    }

    #[test]
    fn fields_are_guessed_by_their_form() {
        for (text, expected) in [
            ("12", "BIGINT"),
            ("-3", "BIGINT"),
            ("99999999999999999999", "DECIMAL(38,0)"),
            ("999999999999999999999999999999999999999", "VARCHAR"),
            ("1.5", "DOUBLE"),
            ("1.25e-7", "DOUBLE"),
            ("-0", "DOUBLE"),
            ("007", "VARCHAR"),
            ("+491701234567", "VARCHAR"),
            ("+1.5", "VARCHAR"),
            ("12e5", "VARCHAR"),
            ("0.5", "DOUBLE"),
            ("0.30000000000000004", "DOUBLE"),
            ("1234567890.12345678901", "DECIMAL(38,11)"),
            ("true", "BOOLEAN"),
            ("2024-01-05", "DATE"),
            ("2024-01-05 10:00:00", "TIMESTAMP"),
            ("2024-13-05", "VARCHAR"),
            ("", "VARCHAR"),
            ("abc", "VARCHAR"),
        ] {
            assert_eq!(column(&[text]), expected, "{text}");
        }
    }

    #[test]
    fn types_widen_only_where_no_value_is_lost() {
        for (fields, expected) in [
            (vec!["1", "1.5"], "DOUBLE"),
            (vec!["9223372036854775807", "1.5"], "DECIMAL(38,1)"),
            (vec!["1.5", "9223372036854775807", "2"], "DECIMAL(38,1)"),
            (vec!["9223372036854775807", "9223372036854775808"], "DECIMAL(38,0)"),
            (vec!["9223372036854775807", "1.5e-30"], "VARCHAR"),
            (vec!["1", "12e5"], "VARCHAR"),
            (vec!["1e20", "0.5", "3"], "DOUBLE"),
            (vec!["", "2024-01-05"], "DATE"),
            (vec!["2024-01-05", "7"], "VARCHAR"),
        ] {
            assert_eq!(column(&fields), expected, "{fields:?}");
            let back: Vec<&str> = fields.into_iter().rev().collect();
            assert_eq!(column(&back), expected, "in any order");
        }
        // An exponent of JSON is no code, and nothing holds 1e400.
        let number = |text: &str| Guess::of_number(text.as_bytes());
        assert_eq!(number("12e5").data_type(), DataType::Float64);
        assert_eq!(number("1.5").or(number("1e400")).data_type(), DataType::Float64);
    }

    #[test]
    fn files_go_together_if_no_kind_differs() {
        let inferred = |text: &str| {
            let mut record = Record::default();
            record.add("a", Guess::of_field(text.as_bytes()));
            Inferred { record }
        };
        let merged = |one: &str, two: &str| inferred(one).merge(inferred(two)).map(|both| print_type(both.schema().field(0).data_type()));
        assert_eq!(merged("1", "x").expect_err("conflict"), "column 'a' is BIGINT in one and VARCHAR in the other");
        assert_eq!(merged("9223372036854775807", "1.5").as_deref(), Ok("DECIMAL(38,1)"));
        assert_eq!(merged("", "1").as_deref(), Ok("BIGINT"));
        let one = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let two = Schema::new(vec![Field::new("a", DataType::Utf8View, true)]);
        assert_eq!(merge_schemas(&one, &two).expect_err("conflict"), "column 'a' is BIGINT in one and VARCHAR in the other");
    }
}
