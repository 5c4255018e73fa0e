//! Schemas with names that stand for themselves: without namespaces, and with each definition at its first use in whatever part of the schema is asked for. A reader of some of
//! the fields does not find what is defined in the others.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::layout::full_name;

/// The types that a schema defines, and the fields of its record.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    /// By the new name; the types in them stand by name.
    types: HashMap<String, Value>,
    /// New names by full names.
    names: HashMap<String, String>,
}

impl Definitions {
    /// Takes a schema apart. Returns the fields of its record.
    pub(super) fn of(schema: &Value) -> (Self, Vec<Value>) {
        let mut definitions = Self::default();
        let mut root = definitions.take(schema, "");
        while let Some(inner) = root.get_mut("type") {
            root = inner.take();
        }
        let record = root.as_str().and_then(|name| definitions.types.get(name));
        let fields = record.and_then(|record| record.get("fields")).and_then(Value::as_array).cloned().unwrap_or_default();
        (definitions, fields)
    }

    /// A schema whose record has these fields only.
    pub(super) fn record(&self, fields: &[&Value]) -> Value {
        let mut defined = HashSet::new();
        let fields: Vec<Value> = fields.iter().map(|field| self.put_back(field, &mut defined)).collect();
        serde_json::json!({ "type": "record", "name": "row", "fields": fields })
    }

    /// The type with new names and without definitions, which go to `types`.
    fn take(&mut self, schema: &Value, namespace: &str) -> Value {
        match schema {
            Value::String(name) => {
                let found = self.names.get(&full_name(name, namespace)).or_else(|| self.names.get(name));
                Value::String(found.unwrap_or(name).clone())
            }
            Value::Array(branches) => Value::Array(branches.iter().map(|branch| self.take(branch, namespace)).collect()),
            Value::Object(object) => self.take_object(object, namespace),
            other => other.clone(),
        }
    }

    fn take_object(&mut self, object: &Map<String, Value>, namespace: &str) -> Value {
        let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let is_named = matches!(kind, "record" | "error" | "enum" | "fixed");
        let full = is_named.then(|| {
            let own = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
            full_name(object.get("name").and_then(Value::as_str).unwrap_or_default(), own)
        });
        let inside = full.as_deref().map_or(namespace, |full| full.rsplit_once('.').map_or("", |(inside, _)| inside));
        let name = full.as_ref().map(|full| {
            let name = format!("type_{}", self.names.len());
            self.names.insert(full.clone(), name.clone());
            name
        });
        let mut plain = Map::new();
        for (key, value) in object {
            match key.as_str() {
                // Nothing that reading needs.
                "namespace" | "aliases" | "doc" | "default" | "order" | "name" => {}
                // A UUID that is stored as text stays the text that it is.
                "logicalType" if kind == "string" && value == "uuid" => {}
                "type" if !is_named => _ = plain.insert(key.clone(), self.take(value, inside)),
                "items" | "values" => _ = plain.insert(key.clone(), self.take(value, inside)),
                "fields" => _ = plain.insert(key.clone(), self.take_fields(value, inside)),
                _ => _ = plain.insert(key.clone(), value.clone()),
            }
        }
        match name {
            Some(name) => {
                plain.insert("name".to_owned(), Value::String(name.clone()));
                self.types.insert(name.clone(), Value::Object(plain));
                Value::String(name)
            }
            None => Value::Object(plain),
        }
    }

    fn take_fields(&mut self, fields: &Value, namespace: &str) -> Value {
        let one = |field: &Value| {
            let inner = self.take(field.get("type").unwrap_or(&Value::Null), namespace);
            serde_json::json!({ "name": field.get("name").cloned().unwrap_or_default(), "type": inner })
        };
        Value::Array(fields.as_array().into_iter().flatten().map(one).collect())
    }

    /// The type with each definition where its name stands first.
    fn put_back(&self, schema: &Value, defined: &mut HashSet<String>) -> Value {
        match schema {
            Value::String(name) => match self.types.get(name) {
                Some(definition) if defined.insert(name.clone()) => self.put_back_object(definition, defined),
                _ => schema.clone(),
            },
            Value::Array(branches) => Value::Array(branches.iter().map(|branch| self.put_back(branch, defined)).collect()),
            Value::Object(_) => self.put_back_object(schema, defined),
            other => other.clone(),
        }
    }

    fn put_back_object(&self, schema: &Value, defined: &mut HashSet<String>) -> Value {
        let object = schema.as_object().into_iter().flatten().map(|(key, value)| {
            let value = match key.as_str() {
                "type" | "items" | "values" => self.put_back(value, defined),
                "fields" => Value::Array(value.as_array().into_iter().flatten().map(|field| self.put_back_object(field, defined)).collect()),
                _ => value.clone(),
            };
            (key.clone(), value)
        });
        Value::Object(object.collect())
    }
}
