//! Avro schemas as types that refer to each other by number, so that a type may hold itself.

use std::collections::HashMap;

use arrow::datatypes::{DECIMAL256_MAX_PRECISION, TimeUnit};
use serde_json::Value;

use super::super::layout::full_name;

/// Deepest nesting of types as written.
const DEEPEST: usize = 64;
/// Most types of a schema.
const MOST_TYPES: usize = 100_000;

/// Number of a type in its [`Tree`].
pub(super) type Id = usize;

/// A schema.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// The type of a whole value.
    pub(super) root: Id,
}

/// A type.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) logical: Option<Logical>,
    /// Full name of a record, enum or fixed.
    pub(super) name: Option<String>,
}

/// How a type is laid out.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    /// So many bytes.
    Fixed(usize),
    Enum(Symbols),
    Array(Id),
    Map(Id),
    Record(Vec<RecordField>),
    Union(Vec<Id>),
}

/// The symbols of an enum, and the one that stands for any other.
#[derive(Debug)]
pub(super) struct Symbols {
    pub(super) all: Vec<String>,
    pub(super) default: Option<String>,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct RecordField {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) default: Option<Value>,
    pub(super) id: Id,
}

/// What a type means beyond its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    /// Precision and scale.
    Decimal(u8, i8),
    Date,
    Time(TimeUnit),
    Instant(TimeUnit),
    /// A date and a time of no zone.
    Local(TimeUnit),
    Duration,
}

impl Tree {
    /// Parses the JSON of a schema. `references`: schemas of types that it names, each after those that it names itself. Errors go on after "the schema".
    pub(super) fn parse(text: &str, references: &[String]) -> Result<Self, String> {
        let mut parser = Parser::default();
        let mut root = 0;
        for text in references.iter().map(String::as_str).chain([text]) {
            let json: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
            root = parser.parse(&json, "", 0)?;
        }
        Ok(Self { nodes: parser.nodes, root })
    }

    /// A type.
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// The fields of a record; `None` if it is none.
    pub(super) fn fields(&self, id: Id) -> Option<&[RecordField]> {
        match &self.node(id).kind {
            Kind::Record(fields) => Some(fields),
            _ => None,
        }
    }

    /// The branches of a union that hold values; `None` if it is no union.
    pub(super) fn values_of(&self, id: Id) -> Option<Vec<Id>> {
        match &self.node(id).kind {
            Kind::Union(branches) => Some(branches.iter().copied().filter(|branch| !matches!(self.node(*branch).kind, Kind::Null)).collect()),
            _ => None,
        }
    }

    /// The name of a type as the branch of a union: that of a named one without its namespace.
    pub(super) fn branch_name(&self, id: Id) -> &str {
        let node = self.node(id);
        match &node.kind {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::Text => "string",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Fixed(_) | Kind::Enum(_) | Kind::Record(_) => node.name.as_deref().map_or("", |name| name.rsplit('.').next().unwrap_or(name)),
        }
    }
}

#[derive(Default)]
struct Parser {
    nodes: Vec<Node>,
    /// By full name.
    names: HashMap<String, Id>,
}

impl Parser {
    fn add(&mut self, kind: Kind, logical: Option<Logical>) -> Result<Id, String> {
        if self.nodes.len() >= MOST_TYPES {
            return Err("has too many types".to_owned());
        }
        self.nodes.push(Node { kind, logical, name: None });
        Ok(self.nodes.len() - 1)
    }

    fn parse(&mut self, schema: &Value, namespace: &str, depth: usize) -> Result<Id, String> {
        if depth > DEEPEST {
            return Err("is nested too deeply".to_owned());
        }
        match schema {
            Value::String(name) => self.named(name, namespace, None),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.parse(branch, namespace, depth + 1)).collect::<Result<Vec<_>, _>>()?;
                if branches.iter().any(|branch| matches!(self.nodes[*branch].kind, Kind::Union(_))) {
                    return Err("has a union in a union".to_owned());
                }
                self.add(Kind::Union(branches), None)
            }
            Value::Object(object) => match object.get("type") {
                Some(Value::String(kind)) => self.complex(kind, object, namespace, depth),
                Some(inner) => self.parse(inner, namespace, depth + 1),
                None => Err("has a type without 'type'".to_owned()),
            },
            _ => Err("has a type that is neither a name nor an object".to_owned()),
        }
    }

    fn complex(&mut self, kind: &str, object: &serde_json::Map<String, Value>, namespace: &str, depth: usize) -> Result<Id, String> {
        let part = |key: &str| object.get(key).ok_or_else(|| format!("has a type {kind} without '{key}'"));
        match kind {
            "array" => {
                let items = self.parse(part("items")?, namespace, depth + 1)?;
                self.add(Kind::Array(items), None)
            }
            "map" => {
                let values = self.parse(part("values")?, namespace, depth + 1)?;
                self.add(Kind::Map(values), None)
            }
            "record" | "error" | "enum" | "fixed" => {
                let name = part("name")?.as_str().unwrap_or_default();
                let own = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
                let full = full_name(name, own);
                let inside = full.rsplit_once('.').map_or("", |(inside, _)| inside).to_owned();
                let id = self.add(Kind::Null, None)?;
                if self.names.insert(full.clone(), id).is_some() {
                    return Err(format!("defines '{full}' twice"));
                }
                let (kind, logical) = match kind {
                    "enum" => (Kind::Enum(symbols(part("symbols")?, object.get("default"))), None),
                    "fixed" => {
                        let size = part("size")?.as_u64().and_then(|size| i32::try_from(size).ok()).and_then(|size| usize::try_from(size).ok());
                        let size = size.ok_or_else(|| format!("gives '{full}' an impossible size"))?;
                        let duration = size == 12 && object.get("logicalType").and_then(Value::as_str) == Some("duration");
                        (Kind::Fixed(size), if duration { Some(Logical::Duration) } else { decimal(object) })
                    }
                    _ => (Kind::Record(self.fields(part("fields")?, &inside, depth)?), None),
                };
                self.nodes[id] = Node { kind, logical, name: Some(full) };
                Ok(id)
            }
            name => self.named(name, namespace, Some(object)),
        }
    }

    fn fields(&mut self, fields: &Value, namespace: &str, depth: usize) -> Result<Vec<RecordField>, String> {
        let mut found: Vec<RecordField> = Vec::new();
        for field in fields.as_array().ok_or("has a record whose 'fields' are not an array")? {
            let name = field.get("name").and_then(Value::as_str).ok_or("has a field without 'name'")?;
            if found.iter().any(|other| other.name == name) {
                return Err(format!("has two fields '{name}' in one record"));
            }
            let inner = field.get("type").ok_or_else(|| format!("has a field '{name}' without 'type'"))?;
            // The meaning of a number may stand beside its type.
            let beside = field.get("logicalType").is_some() && inner.as_str().is_some_and(|inner| inner == "int" || inner == "long");
            let id = self.parse(if beside { field } else { inner }, namespace, depth + 1)?;
            let aliases = field.get("aliases").and_then(Value::as_array).into_iter().flatten();
            let aliases = aliases.filter_map(Value::as_str).map(str::to_owned).collect();
            found.push(RecordField { name: name.to_owned(), aliases, default: field.get("default").cloned(), id });
        }
        Ok(found)
    }

    fn named(&mut self, name: &str, namespace: &str, object: Option<&serde_json::Map<String, Value>>) -> Result<Id, String> {
        let logical = object.and_then(|object| object.get("logicalType")).and_then(Value::as_str).unwrap_or_default();
        let (kind, logical) = match name {
            "null" => (Kind::Null, None),
            "boolean" => (Kind::Boolean, None),
            "int" => (
                Kind::Int,
                match logical {
                    "date" => Some(Logical::Date),
                    "time-millis" => Some(Logical::Time(TimeUnit::Millisecond)),
                    _ => None,
                },
            ),
            "long" => (Kind::Long, long_logical(logical)),
            "float" => (Kind::Float, None),
            "double" => (Kind::Double, None),
            "bytes" => (Kind::Bytes, object.and_then(decimal)),
            "string" => (Kind::Text, None),
            name => {
                let found = self.names.get(&full_name(name, namespace)).or_else(|| self.names.get(name));
                return found.copied().ok_or_else(|| format!("does not define '{name}'"));
            }
        };
        self.add(kind, logical)
    }
}

fn long_logical(name: &str) -> Option<Logical> {
    let unit = match name.rsplit_once('-')?.1 {
        "millis" => TimeUnit::Millisecond,
        "micros" => TimeUnit::Microsecond,
        "nanos" => TimeUnit::Nanosecond,
        _ => return None,
    };
    match name.rsplit_once('-')?.0 {
        "timestamp" => Some(Logical::Instant(unit)),
        "local-timestamp" => Some(Logical::Local(unit)),
        "time" if unit == TimeUnit::Microsecond => Some(Logical::Time(unit)),
        _ => None,
    }
}

/// The precision and scale of a decimal; a wrong one leaves plain bytes, as the standard of Avro wants it.
fn decimal(object: &serde_json::Map<String, Value>) -> Option<Logical> {
    let number = |key: &str| object.get(key).and_then(Value::as_u64);
    if object.get("logicalType").and_then(Value::as_str) != Some("decimal") {
        return None;
    }
    let precision = number("precision").and_then(|precision| u8::try_from(precision).ok()).filter(|p| (1..=DECIMAL256_MAX_PRECISION).contains(p))?;
    let scale = i8::try_from(number("scale").unwrap_or(0)).ok().filter(|scale| i16::from(*scale) <= i16::from(precision))?;
    Some(Logical::Decimal(precision, scale))
}

fn symbols(symbols: &Value, default: Option<&Value>) -> Symbols {
    let all = symbols.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    Symbols { all, default: default.and_then(Value::as_str).map(str::to_owned) }
}
