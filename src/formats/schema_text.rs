//! Declared columns: `order_id BIGINT NOT NULL, amount DECIMAL(12,2), items ARRAY<STRUCT<sku VARCHAR, n INT>>`.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use sql_extensions::nearest;

/// Deepest nesting of types.
const DEEPEST: usize = 32;

/// What is wrong with declared columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault {
    message: String,
    character: usize,
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (character {})", self.message, self.character)
    }
}

/// Parses columns separated by commas. Text is `Utf8View`; `TIMESTAMP` is a UTC instant in microseconds.
pub fn parse(text: &str) -> Result<Schema, SchemaFault> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0 };
    let fields = parser.fields(0)?;
    parser.skip_blanks();
    if parser.at < parser.chars.len() {
        return Err(parser.fault("expected a comma or the end"));
    }
    for (at, field) in fields.iter().enumerate() {
        if fields[..at].iter().any(|other| other.name() == field.name()) {
            return Err(SchemaFault { message: format!("column '{}' is declared twice", field.name()), character: 1 });
        }
    }
    Ok(Schema::new(fields))
}

/// The columns of a schema in the form that [`parse`] reads.
pub fn print(schema: &Schema) -> String {
    schema.fields().iter().map(|field| print_field(field)).collect::<Vec<_>>().join(", ")
}

fn print_field(field: &Field) -> String {
    let name = field.name();
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_') && name.chars().next().is_some_and(|c| !c.is_numeric());
    let name = if plain { name.clone() } else { format!("\"{}\"", name.replace('"', "\"\"")) };
    format!("{name} {}{}", print_type(field.data_type()), if field.is_nullable() { "" } else { " NOT NULL" })
}

/// The SQL name of a type, as users write it.
pub fn print_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt8 => "TINYINT UNSIGNED".to_owned(),
        DataType::UInt16 => "SMALLINT UNSIGNED".to_owned(),
        DataType::UInt32 => "INT UNSIGNED".to_owned(),
        DataType::UInt64 => "BIGINT UNSIGNED".to_owned(),
        DataType::Float16 | DataType::Float32 => "REAL".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => format!("DECIMAL({p},{s})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BYTEA".to_owned(),
        DataType::Date32 | DataType::Date64 => "DATE".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "TIME".to_owned(),
        DataType::Timestamp(unit, zone) => {
            let digits = match unit {
                TimeUnit::Second => "(0)",
                TimeUnit::Millisecond => "(3)",
                TimeUnit::Microsecond => "",
                TimeUnit::Nanosecond => "(9)",
            };
            format!("TIMESTAMP{digits}{}", if zone.is_some() { "" } else { " WITHOUT TIME ZONE" })
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) | DataType::FixedSizeList(item, _) => {
            format!("ARRAY<{}>", print_type(item.data_type()))
        }
        DataType::Struct(fields) => format!("STRUCT<{}>", fields.iter().map(|field| print_field(field)).collect::<Vec<_>>().join(", ")),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => format!("MAP<{}, {}>", print_type(fields[0].data_type()), print_type(fields[1].data_type())),
            other => other.to_string(),
        },
        DataType::Dictionary(_, value) => print_type(value),
        other => other.to_string(),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

impl Parser {
    fn fault(&self, message: impl Into<String>) -> SchemaFault {
        SchemaFault { message: message.into(), character: self.at + 1 }
    }

    fn skip_blanks(&mut self) {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
    }

    fn accept(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let found = self.chars.get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), SchemaFault> {
        if self.accept(wanted) { Ok(()) } else { Err(self.fault(format!("expected {wanted}"))) }
    }

    fn peek_word(&mut self) -> String {
        self.skip_blanks();
        self.chars[self.at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect()
    }

    fn word(&mut self) -> String {
        let word = self.peek_word();
        self.at += word.chars().count();
        word
    }

    fn accept_words(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        for word in words {
            if !self.word().eq_ignore_ascii_case(word) {
                self.at = start;
                return false;
            }
        }
        true
    }

    fn name(&mut self) -> Result<String, SchemaFault> {
        self.skip_blanks();
        if self.accept('"') {
            let mut name = String::new();
            loop {
                match self.chars.get(self.at) {
                    Some('"') if self.chars.get(self.at + 1) == Some(&'"') => {
                        name.push('"');
                        self.at += 2;
                    }
                    Some('"') => {
                        self.at += 1;
                        return Ok(name);
                    }
                    Some(c) => {
                        name.push(*c);
                        self.at += 1;
                    }
                    None => return Err(self.fault("expected a closing \"")),
                }
            }
        }
        let name = self.word();
        if name.is_empty() { Err(self.fault("expected the name of a column")) } else { Ok(name) }
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<Field>, SchemaFault> {
        let mut fields = Vec::new();
        loop {
            let name = self.name()?;
            // `name: TYPE`, as some write it.
            self.accept(':');
            let data_type = self.data_type(depth)?;
            let nullable = !self.accept_words(&["NOT", "NULL"]);
            if nullable {
                self.accept_words(&["NULL"]);
            }
            fields.push(Field::new(name, data_type, nullable));
            if !self.accept(',') {
                return Ok(fields);
            }
        }
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType, SchemaFault> {
        if depth > DEEPEST {
            return Err(self.fault("types are nested too deeply"));
        }
        let mut data_type = self.base_type(depth)?;
        while self.accept('[') {
            self.expect(']')?;
            data_type = list(data_type);
        }
        Ok(data_type)
    }

    fn base_type(&mut self, depth: usize) -> Result<DataType, SchemaFault> {
        let word = self.word().to_ascii_uppercase();
        Ok(match word.as_str() {
            "BOOLEAN" | "BOOL" => DataType::Boolean,
            "TINYINT" | "SMALLINT" | "INT" | "INTEGER" | "BIGINT" | "INT8" | "INT4" | "INT2" | "LONG" => {
                let unsigned = self.accept_words(&["UNSIGNED"]);
                match (word.as_str(), unsigned) {
                    ("TINYINT", false) => DataType::Int8,
                    ("TINYINT", true) => DataType::UInt8,
                    ("SMALLINT" | "INT2", false) => DataType::Int16,
                    ("SMALLINT" | "INT2", true) => DataType::UInt16,
                    ("INT" | "INTEGER" | "INT4", false) => DataType::Int32,
                    ("INT" | "INTEGER" | "INT4", true) => DataType::UInt32,
                    (_, false) => DataType::Int64,
                    (_, true) => DataType::UInt64,
                }
            }
            "DOUBLE" => {
                self.accept_words(&["PRECISION"]);
                DataType::Float64
            }
            "FLOAT8" => DataType::Float64,
            "REAL" | "FLOAT" | "FLOAT4" => DataType::Float32,
            "DECIMAL" | "NUMERIC" => self.decimal()?,
            "VARCHAR" | "TEXT" | "STRING" | "CHAR" => {
                // A length says nothing here, as in other streaming engines: it is accepted and not enforced by truncation, so it is refused.
                if self.accept('(') {
                    return Err(self.fault(format!("{word} takes no length; write VARCHAR")));
                }
                DataType::Utf8View
            }
            "BYTEA" | "BINARY" | "VARBINARY" | "BLOB" => DataType::Binary,
            "DATE" => DataType::Date32,
            "TIME" => DataType::Time64(TimeUnit::Microsecond),
            "TIMESTAMP" | "TIMESTAMPTZ" => self.timestamp()?,
            "ARRAY" | "LIST" => {
                self.expect('<')?;
                let item = self.data_type(depth + 1)?;
                self.expect('>')?;
                list(item)
            }
            "STRUCT" | "ROW" => {
                let close = if self.accept('(') {
                    ')'
                } else {
                    self.expect('<')?;
                    '>'
                };
                let fields = self.fields(depth + 1)?;
                self.expect(close)?;
                DataType::Struct(Fields::from(fields))
            }
            "MAP" => {
                let close = if self.accept('(') {
                    ')'
                } else {
                    self.expect('<')?;
                    '>'
                };
                let key = self.data_type(depth + 1)?;
                self.expect(',')?;
                let value = self.data_type(depth + 1)?;
                self.expect(close)?;
                map(key, value)
            }
            "" => return Err(self.fault("expected a type")),
            _ => {
                const TYPES: [&str; 14] =
                    ["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "REAL", "DECIMAL", "VARCHAR", "BYTEA", "DATE", "TIME", "TIMESTAMP", "STRUCT"];
                let near = nearest(&word, TYPES.into_iter()).map(|near| format!("; nearest: {near}")).unwrap_or_default();
                return Err(self.fault(format!("unknown type '{word}'{near}")));
            }
        })
    }

    fn number(&mut self) -> Result<u8, SchemaFault> {
        let digits = self.word();
        digits.parse().map_err(|_| self.fault("expected a number"))
    }

    fn decimal(&mut self) -> Result<DataType, SchemaFault> {
        if !self.accept('(') {
            return Err(self.fault("expected DECIMAL(precision, scale)"));
        }
        let precision = self.number()?;
        let scale = if self.accept(',') { self.number()? } else { 0 };
        self.expect(')')?;
        if precision == 0 || precision > 76 || scale > precision {
            return Err(self.fault(format!("DECIMAL({precision},{scale}) is not possible: 1 ≤ precision ≤ 76, scale ≤ precision")));
        }
        let scale = scale as i8;
        Ok(if precision <= 38 { DataType::Decimal128(precision, scale) } else { DataType::Decimal256(precision, scale) })
    }

    fn timestamp(&mut self) -> Result<DataType, SchemaFault> {
        let unit = if self.accept('(') {
            let digits = self.number()?;
            self.expect(')')?;
            match digits {
                0 => TimeUnit::Second,
                3 => TimeUnit::Millisecond,
                6 => TimeUnit::Microsecond,
                9 => TimeUnit::Nanosecond,
                _ => return Err(self.fault("TIMESTAMP has 0, 3, 6 or 9 digits of a second")),
            }
        } else {
            TimeUnit::Microsecond
        };
        let naive = self.accept_words(&["WITHOUT", "TIME", "ZONE"]);
        if !naive {
            self.accept_words(&["WITH", "TIME", "ZONE"]);
        }
        Ok(DataType::Timestamp(unit, if naive { None } else { Some("UTC".into()) }))
    }
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

fn map(key: DataType, value: DataType) -> DataType {
    // DataFusion looks keys up with texts of this type.
    let key = if key == DataType::Utf8View { DataType::Utf8 } else { key };
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_every_kind_are_read_and_printed() {
        let text = "id BIGINT NOT NULL, amount DECIMAL(12,2), \"unit price\" DOUBLE, tags ARRAY<VARCHAR>, c STRUCT<a INT, b ARRAY<DATE>>, m MAP<VARCHAR, BIGINT UNSIGNED>, \
                    at TIMESTAMP, at9 TIMESTAMP(9), local TIMESTAMP WITHOUT TIME ZONE, raw BYTEA, ok BOOLEAN, t TIME";
        let schema = parse(text).expect("valid");
        assert_eq!(print(&schema), text);
        assert_eq!(parse("x text[], y int[][]").map(|s| print(&s)), Ok("x ARRAY<VARCHAR>, y ARRAY<ARRAY<INT>>".to_owned()));
    }

    #[test]
    fn faults_say_what_and_where() {
        let fault = |text: &str| parse(text).expect_err("faulty").to_string();
        assert_eq!(fault("id BIGNIT"), "unknown type 'BIGNIT'; nearest: BIGINT (character 10)");
        assert_eq!(fault("id"), "expected a type (character 3)");
        assert_eq!(fault("a INT b INT"), "expected a comma or the end (character 7)");
        assert_eq!(fault("a INT, a INT"), "column 'a' is declared twice (character 1)");
        assert!(fault("a DECIMAL(80,2)").starts_with("DECIMAL(80,2) is not possible"));
        assert!(fault(&format!("a {}INT{}", "ARRAY<".repeat(100), ">".repeat(100))).starts_with("types are nested too deeply"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = parse(&text);
        }
    }
}
