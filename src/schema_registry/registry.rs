//! Schemas by number, which never change and so are asked for once, and by subject.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::requests::{Answer, Requests};
use super::settings::{RegistrySettings, without_schema};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::avro::{SchemaText, WriterSchemas};

/// How long a number stays unknown before it is asked for again.
const UNKNOWN: Duration = Duration::from_secs(10);
/// Numbers that are remembered before those without a schema are forgotten.
const MOST_KNOWN: usize = 10_000;
/// Most schemas that one names, itself counted.
const MOST_REFERENCES: usize = 200;

/// A schema of a subject.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its number.
    pub number: u32,
    /// Its version in the subject.
    pub version: u64,
    /// The schema.
    pub schema: Arc<SchemaText>,
}

/// A schema, or why messages of its number can't be read.
type Known = Result<Arc<SchemaText>, String>;

/// A schema registry.
#[derive(Debug)]
pub struct SchemaRegistry {
    requests: Requests,
    kind: ErrorKind,
    /// By number; those that are not there are asked for again after a while.
    known: Mutex<HashMap<u32, (Known, Option<Instant>)>>,
    /// Held while a number is asked for, so that it is asked for once.
    asking: Mutex<()>,
}

impl SchemaRegistry {
    /// Checks the settings; asks nothing.
    pub fn new(settings: &RegistrySettings) -> Result<Self> {
        Ok(Self { requests: Requests::new(settings)?, kind: settings.kind, known: Mutex::default(), asking: Mutex::default() })
    }

    /// Checks that Avro can be read or written: by a registry, or by a schema that is known. Asks nothing.
    pub fn check(settings: Option<&RegistrySettings>, has_schema: bool, owner: &str) -> Result<()> {
        match settings {
            Some(settings) => Self::new(settings).map(|_| ()),
            None if has_schema => Ok(()),
            None => Err(without_schema(owner)),
        }
    }

    /// Its addresses, without users.
    pub fn place(&self) -> String {
        self.requests.place()
    }

    /// The latest schema of a subject; `None` if there is no such subject.
    pub fn latest(&self, subject: &str) -> Result<Option<Registered>> {
        match self.requests.get(&["subjects", subject, "versions", "latest"])? {
            Answer::Found(found) => {
                let schema = self.schema_of(&found)?.map_err(|reason| self.wrong(format!("the schema of subject '{subject}' {reason}")))?;
                Ok(Some(Registered { number: self.number(&found)?, version: found.get("version").and_then(Value::as_u64).unwrap_or(0), schema }))
            }
            Answer::Missing => Ok(None),
            Answer::Incompatible(reason) => Err(self.wrong(reason)),
        }
    }

    /// Registers a schema under a subject, if it is not there; its number.
    ///
    /// **Errors**: it does not go with earlier schemas of the subject.
    pub fn register(&self, subject: &str, schema: &SchemaText) -> Result<u32> {
        match self.requests.post(&["subjects", subject, "versions"], &json!({ "schema": schema.json }))? {
            Answer::Found(found) => self.number(&found),
            Answer::Missing => Err(self.wrong(format!("subject '{subject}' can't be written"))),
            Answer::Incompatible(reason) => Err(self
                .wrong(format!("the schema of the rows is not compatible with those of subject '{subject}': {reason}"))
                .with_help("change the columns, or the subject's compatibility, or write another topic")),
        }
    }

    /// The number of a schema that is registered under a subject.
    pub fn lookup(&self, subject: &str, schema: &SchemaText) -> Result<Option<u32>> {
        match self.requests.post(&["subjects", subject], &json!({ "schema": schema.json }))? {
            Answer::Found(found) => self.number(&found).map(Some),
            Answer::Missing => Ok(None),
            Answer::Incompatible(reason) => Err(self.wrong(reason)),
        }
    }

    fn wrong(&self, reason: impl std::fmt::Display) -> Error {
        Error::new(self.kind, Fault::User, format!("schema registry {}: {reason}", self.place()))
    }

    fn number(&self, found: &Value) -> Result<u32> {
        let number = found.get("id").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.wrong("its answer has no number of a schema"))
    }

    /// The schema in an answer, with those that it names. The inner error goes on after "the schema".
    fn schema_of(&self, found: &Value) -> Result<Known> {
        let kind = found.get("schemaType").and_then(Value::as_str).unwrap_or("AVRO");
        if kind != "AVRO" {
            return Ok(Err(format!("is of type {kind}, not AVRO")));
        }
        let Some(json) = found.get("schema").and_then(Value::as_str) else { return Err(self.wrong("its answer has no schema")) };
        let mut references = Vec::new();
        match self.references(found, &mut Vec::new(), &mut references)? {
            Ok(()) => Ok(Ok(Arc::new(SchemaText { json: json.to_owned(), references }))),
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Adds the schemas that one names to `found`, each after those that it names itself.
    fn references(&self, schema: &Value, seen: &mut Vec<(String, u64)>, found: &mut Vec<String>) -> Result<Result<(), String>> {
        for reference in schema.get("references").and_then(Value::as_array).into_iter().flatten() {
            let subject = reference.get("subject").and_then(Value::as_str).unwrap_or_default();
            let version = reference.get("version").and_then(Value::as_u64).unwrap_or_default();
            if seen.iter().any(|(known, number)| known == subject && *number == version) {
                continue;
            }
            if seen.len() >= MOST_REFERENCES {
                return Ok(Err("names too many others".to_owned()));
            }
            seen.push((subject.to_owned(), version));
            let Answer::Found(named) = self.requests.get(&["subjects", subject, "versions", &version.to_string()])? else {
                return Ok(Err(format!("names version {version} of subject '{subject}', which does not exist")));
            };
            if let Err(reason) = self.references(&named, seen, found)? {
                return Ok(Err(reason));
            }
            found.extend(named.get("schema").and_then(Value::as_str).map(str::to_owned));
        }
        Ok(Ok(()))
    }

    fn cached(&self, number: u32) -> Option<Known> {
        let known = self.known.lock();
        let (schema, until) = known.get(&number)?;
        until.is_none_or(|until| Instant::now() < until).then(|| schema.clone())
    }
}

impl WriterSchemas for SchemaRegistry {
    fn schema(&self, number: u32) -> Result<Known> {
        if let Some(known) = self.cached(number) {
            return Ok(known);
        }
        let _asking = self.asking.lock();
        if let Some(known) = self.cached(number) {
            return Ok(known);
        }
        let (schema, until) = match self.requests.get(&["schemas", "ids", &number.to_string()])? {
            Answer::Found(found) => (self.schema_of(&found)?.map_err(|reason| format!("its schema ({number}) {reason}")), None),
            _ => (Err(format!("its schema ({number}) is not known to the schema registry {}", self.place())), Some(Instant::now() + UNKNOWN)),
        };
        let mut known = self.known.lock();
        if known.len() >= MOST_KNOWN {
            // Bytes that are no numbers at all may look like ever new ones.
            known.retain(|_, (_, until)| until.is_none());
        }
        known.insert(number, (schema.clone(), until));
        Ok(schema)
    }
}
