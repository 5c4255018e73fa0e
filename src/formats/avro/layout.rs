//! How records of a schema are laid out in bytes, and their ends found. Knowing where each record ends makes it possible to resume at a row and to refuse a damaged block
//! before it reaches the decoder.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use serde_json::Value;

/// Deepest nesting of types.
const DEEPEST: usize = 64;
/// Most types of a schema, those behind names counted wherever the name stands.
const MOST_TYPES: usize = 100_000;
/// Deepest nesting of a type in itself.
const DEEPEST_AGAIN: usize = 400;
/// Most items without bytes in one array.
const MOST_EMPTY_ITEMS: u64 = 1 << 24;

/// The bytes of a type.
#[derive(Debug)]
pub(super) enum Layout {
    Null,
    Boolean,
    Int,
    Long,
    /// So many bytes.
    Fixed(usize),
    Bytes,
    Text,
    /// A symbol below this number.
    Enum(u64),
    Array(Arc<Layout>),
    Map(Arc<Layout>),
    Record(Vec<(String, Arc<Layout>)>),
    Union(Vec<Arc<Layout>>),
    /// A type inside itself. It is known when all of it was read.
    Again(Arc<OnceLock<Weak<Layout>>>),
}

impl Layout {
    /// Of an Avro schema. Errors say what in the schema can't be read.
    pub(super) fn of(schema: &Value) -> Result<Arc<Self>, String> {
        Names::default().layout(schema, "", 0)
    }

    /// The length of the record at the beginning of `bytes`.
    pub(super) fn length(&self, bytes: &[u8]) -> Result<usize, &'static str> {
        let mut rest = bytes;
        self.skip(&mut rest, 0)?;
        Ok(bytes.len() - rest.len())
    }

    /// Whether a type holds itself.
    pub(super) fn is_recursive(&self) -> bool {
        match self {
            Self::Again(_) => true,
            Self::Array(inner) | Self::Map(inner) => inner.is_recursive(),
            Self::Record(fields) => fields.iter().any(|(_, field)| field.is_recursive()),
            Self::Union(branches) => branches.iter().any(|branch| branch.is_recursive()),
            _ => false,
        }
    }

    /// `again`: how often a type has been entered from inside itself.
    fn skip(&self, bytes: &mut &[u8], again: usize) -> Result<(), &'static str> {
        match self {
            Self::Null => Ok(()),
            Self::Boolean => cut(bytes, 1).map(|_| ()),
            Self::Int => i32::try_from(long(bytes)?).map(|_| ()).map_err(|_| "a number has more than 32 bits"),
            Self::Long => long(bytes).map(|_| ()),
            Self::Fixed(size) => cut(bytes, *size).map(|_| ()),
            Self::Bytes => counted(bytes).map(|_| ()),
            Self::Text => simdutf8::basic::from_utf8(counted(bytes)?).map(|_| ()).map_err(|_| "a text is not UTF-8"),
            Self::Enum(symbols) => u64::try_from(long(bytes)?).ok().filter(|symbol| symbol < symbols).map(|_| ()).ok_or("an enum has an unknown symbol"),
            Self::Array(item) => items(bytes, |bytes| item.skip(bytes, again)),
            Self::Map(value) => items(bytes, |bytes| {
                Self::Text.skip(bytes, again)?;
                value.skip(bytes, again)
            }),
            Self::Record(fields) => fields.iter().try_for_each(|(_, field)| field.skip(bytes, again)),
            Self::Union(branches) => {
                let branch = usize::try_from(long(bytes)?).ok().and_then(|branch| branches.get(branch));
                branch.ok_or("a union has an unknown branch")?.skip(bytes, again)
            }
            Self::Again(layout) => {
                if again == DEEPEST_AGAIN {
                    return Err("a value of a type that holds itself is nested too deeply");
                }
                layout.get().and_then(Weak::upgrade).ok_or("a type is not defined")?.skip(bytes, again + 1)
            }
        }
    }
}

/// A number in zigzag form with 7 bits a byte.
pub(super) fn long(bytes: &mut &[u8]) -> Result<i64, &'static str> {
    let mut value = 0u64;
    for at in 0..10 {
        let byte = *bytes.get(at).ok_or("it ends inside a number")?;
        if at == 9 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *bytes = bytes.get(at + 1..).unwrap_or_default();
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err("a number has more than 64 bits")
}

/// The next `size` bytes.
pub(super) fn cut<'a>(bytes: &mut &'a [u8], size: usize) -> Result<&'a [u8], &'static str> {
    let (taken, rest) = bytes.split_at_checked(size).ok_or("it ends inside a value")?;
    *bytes = rest;
    Ok(taken)
}

/// Bytes with their number before them.
pub(super) fn counted<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let size = usize::try_from(long(bytes)?).map_err(|_| "a length is negative")?;
    cut(bytes, size)
}

/// Runs of items, each with its number of items (negative: followed by its number of bytes), up to an empty run.
pub(super) fn items<'a>(bytes: &mut &'a [u8], mut item: impl FnMut(&mut &'a [u8]) -> Result<(), &'static str>) -> Result<(), &'static str> {
    let mut empty = 0;
    loop {
        let count = long(bytes)?;
        if count == 0 {
            return Ok(());
        }
        if count < 0 && long(bytes)? < 0 {
            return Err("a length is negative");
        }
        for _ in 0..count.unsigned_abs() {
            let before = bytes.len();
            item(bytes)?;
            empty += u64::from(before == bytes.len());
            if empty > MOST_EMPTY_ITEMS {
                return Err("an array has an impossible number of items");
            }
        }
    }
}

enum Named {
    /// It is being read; what stands for it inside itself.
    Begun(Arc<OnceLock<Weak<Layout>>>),
    /// Its layout, and how many types it holds.
    Known(Arc<Layout>, usize),
}

#[derive(Default)]
struct Names {
    /// By full name.
    known: HashMap<String, Named>,
    types: usize,
}

impl Names {
    fn layout(&mut self, schema: &Value, namespace: &str, depth: usize) -> Result<Arc<Layout>, String> {
        self.types += 1;
        if depth > DEEPEST || self.types > MOST_TYPES {
            return Err("its schema is nested too deeply or has too many types".to_owned());
        }
        match schema {
            Value::String(name) => self.named(name, namespace),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.layout(branch, namespace, depth + 1)).collect::<Result<_, _>>()?;
                Ok(Arc::new(Layout::Union(branches)))
            }
            Value::Object(object) => match object.get("type") {
                Some(Value::String(kind)) => self.complex(kind, object, namespace, depth),
                Some(inner) => self.layout(inner, namespace, depth + 1),
                None => Err("its schema has a type without 'type'".to_owned()),
            },
            _ => Err("its schema has a type that is neither a name nor an object".to_owned()),
        }
    }

    fn complex(&mut self, kind: &str, object: &serde_json::Map<String, Value>, namespace: &str, depth: usize) -> Result<Arc<Layout>, String> {
        let part = |key: &str| object.get(key).ok_or_else(|| format!("its schema has a type {kind} without '{key}'"));
        match kind {
            "array" => Ok(Arc::new(Layout::Array(self.layout(part("items")?, namespace, depth + 1)?))),
            "map" => Ok(Arc::new(Layout::Map(self.layout(part("values")?, namespace, depth + 1)?))),
            "record" | "error" | "enum" | "fixed" => {
                let name = part("name")?.as_str().unwrap_or_default();
                let own = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
                let full = full_name(name, own);
                let inside = full.rsplit_once('.').map_or("", |(inside, _)| inside).to_owned();
                let inside_itself = Arc::new(OnceLock::new());
                if self.known.insert(full.clone(), Named::Begun(Arc::clone(&inside_itself))).is_some() {
                    return Err(format!("its schema defines '{full}' twice"));
                }
                let before = self.types;
                let layout = Arc::new(match kind {
                    "enum" => Layout::Enum(part("symbols")?.as_array().map_or(0, Vec::len) as u64),
                    "fixed" => {
                        let size = part("size")?.as_u64().and_then(|size| i32::try_from(size).ok());
                        Layout::Fixed(size.and_then(|size| usize::try_from(size).ok()).ok_or_else(|| format!("its schema gives '{full}' an impossible size"))?)
                    }
                    _ => Layout::Record(self.fields(part("fields")?, &inside, depth)?),
                });
                let _set_once = inside_itself.set(Arc::downgrade(&layout));
                self.known.insert(full, Named::Known(Arc::clone(&layout), self.types - before));
                Ok(layout)
            }
            name => self.named(name, namespace),
        }
    }

    fn fields(&mut self, fields: &Value, namespace: &str, depth: usize) -> Result<Vec<(String, Arc<Layout>)>, String> {
        let fields = fields.as_array().ok_or("its schema has a record whose 'fields' are not an array")?;
        let one = |field: &Value| {
            let name = field.get("name").and_then(Value::as_str).ok_or("its schema has a field without 'name'")?;
            let inner = field.get("type").ok_or_else(|| format!("its schema has a field '{name}' without 'type'"))?;
            Ok((name.to_owned(), self.layout(inner, namespace, depth + 1)?))
        };
        fields.iter().map(one).collect()
    }

    fn named(&mut self, name: &str, namespace: &str) -> Result<Arc<Layout>, String> {
        Ok(Arc::new(match name {
            "null" => Layout::Null,
            "boolean" => Layout::Boolean,
            "int" => Layout::Int,
            "long" => Layout::Long,
            "float" => Layout::Fixed(4),
            "double" => Layout::Fixed(8),
            "bytes" => Layout::Bytes,
            "string" => Layout::Text,
            name => {
                let found = self.known.get(&full_name(name, namespace)).or_else(|| self.known.get(name));
                return match found {
                    Some(Named::Known(layout, types)) => {
                        self.types += types;
                        Ok(Arc::clone(layout))
                    }
                    Some(Named::Begun(inside_itself)) => Ok(Arc::new(Layout::Again(Arc::clone(inside_itself)))),
                    None => Err(format!("its schema does not define '{name}'")),
                };
            }
        }))
    }
}

/// The name of a type with its namespace.
pub(super) fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}
