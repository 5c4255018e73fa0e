//! A JSON Schema of settings files, from the definitions that parse the options, so that editors complete and check them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::application::EXTENDS;
use super::application_schema::application_file;
use super::job_options::{SinkShared, SourceShared};
use super::reference::{TYPE_AND_FILE, example, facts_of};
use crate::options::{OptionDescriptor, Presence, Scope, takes_list};
use crate::sinks::SinkConnector;
use crate::sources::SourceConnector;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Words of keys in files that belong to the file itself, not to what it configures.
const TYPE: &str = "type";

/// Keys with the schemas of their values. A key may have several, in components that mean different things by it.
pub(super) type Leaves = BTreeMap<String, Vec<Value>>;

/// The schema of files with the settings of any source or sink, of those of a component (`kafka_source`, or `kafka` for both ends), or of application files (`application`).
/// `None` if there are no files of that component.
pub fn json_schema(component: Option<&str>) -> Option<Value> {
    let mut definitions = Map::new();
    let mut components = components();
    components.retain(|name, _| component.is_none_or(|wanted| wanted == name));
    components.values_mut().for_each(|leaves| share(leaves, &mut definitions));
    for (name, leaves) in &components {
        define(name, leaves, &mut definitions);
        prefix(name, &mut definitions);
    }
    let (title, mut root) = match component {
        None => ("Settings of a Velostream source or sink".to_owned(), by_type(&components)),
        Some("application") => {
            definitions.clear();
            ("A Velostream application".to_owned(), application_file(&mut definitions))
        }
        Some(name) if name != ANY && components.contains_key(name) => (format!("Settings of a Velostream {name}"), json!({"$ref": reference(name)})),
        Some(_) => return None,
    };
    let root = root.as_object_mut()?;
    let mut schema = Map::from_iter([("$schema".to_owned(), DIALECT.into()), ("title".to_owned(), title.into())]);
    schema.append(root);
    schema.insert("$defs".to_owned(), definitions.into());
    Some(schema.into())
}

/// The component of files that don't say what they are for: what others extend.
const ANY: &str = "any";

/// The keys of every component that a file may be for, in simple and compound spelling.
fn components() -> BTreeMap<String, Leaves> {
    let mut all = BTreeMap::new();
    let mut add = |kind: &str, scope: Scope, own: [&'static [OptionDescriptor]; 2], other: &'static [OptionDescriptor], rest: &[String]| {
        let mut leaves = Leaves::new();
        let general = TYPE_AND_FILE(scope);
        // A file can't name a file with further settings, but one that it begins with.
        let general =
            general.iter().filter(|option| option.key != "config_file").map(|option| if option.key == TYPE { type_leaf(option) } else { leaf(option) });
        leaves.extend(general.map(|(key, value)| (key, vec![value])));
        own.into_iter().flatten().for_each(|option| add_option(option, &mut leaves));
        // Files that both ends extend hold keys of the client for the other one, which leaves them out.
        other.iter().filter(|option| option.spellings().any(|key| rest.iter().any(|name| name == key))).for_each(|option| add_option(option, &mut leaves));
        for property in rest {
            leaves.entry(property.clone()).or_insert_with(|| vec![json!({"description": "Handed to the Kafka client library.", "type": SCALAR})]);
        }
        for name in [format!("{kind}_{}", scope.as_str()), kind.to_owned(), ANY.to_owned()] {
            merge(all.entry(name).or_default(), &leaves);
        }
    };
    let (sources, sinks) = (SourceConnector::reference(), SinkConnector::reference());
    let of = |all: &[(&str, &'static [OptionDescriptor])], wanted: &str| all.iter().find(|(kind, _)| *kind == wanted).map_or(&[][..], |(_, options)| *options);
    for (kind, options) in sources {
        let rest = [SourceConnector::rest_names(Some(kind)), SinkConnector::rest_names(Some(kind))].concat();
        add(kind, Scope::Source, [options, SourceShared::OPTIONS], of(&sinks, kind), &rest);
    }
    for (kind, options) in sinks {
        let rest = [SinkConnector::rest_names(Some(kind)), SourceConnector::rest_names(Some(kind))].concat();
        add(kind, Scope::Sink, [options, SinkShared::OPTIONS], of(&sources, kind), &rest);
    }
    all
}

fn merge(into: &mut Leaves, from: &Leaves) {
    for (key, values) in from {
        let known = into.entry(key.clone()).or_default();
        let new: Vec<Value> = values.iter().filter(|value| !known.contains(value)).cloned().collect();
        known.extend(new);
    }
}

pub(super) fn add_option(option: &OptionDescriptor, leaves: &mut Leaves) {
    let (_, value) = leaf(option);
    for alias in option.aliases {
        let mut value = value.clone();
        value["description"] = format!("Another spelling of `{}`. {}", option.key, option.meaning()).into();
        leaves.entry((*alias).to_owned()).or_insert_with(|| vec![value]);
    }
    leaves.entry(option.key.to_owned()).or_insert_with(|| vec![value]);
}

/// The schema of an option's values.
pub(super) fn leaf(option: &OptionDescriptor) -> (String, Value) {
    let mut schema = Map::from_iter([("description".to_owned(), option.meaning().into())]);
    if let Presence::Default(default) = option.presence {
        schema.insert("default".to_owned(), plain(option, default));
    }
    let example = if option.type_name == "map" { json!({"development": {"log_level": "debug"}}) } else { plain(option, example(option)) };
    schema.insert("examples".to_owned(), json!([example]));
    let facts = option.value.unwrap_or_else(|| facts_of(option.type_name));
    let mut forms = values(option.type_name, facts.names, facts.range);
    if takes_list(option.type_name, option.key) && option.type_name != "list" {
        forms.push(json!({"type": "array", "items": {"type": SCALAR}, "minItems": 1}));
    }
    schema.insert("anyOf".to_owned(), forms.into());
    (option.key.to_owned(), schema.into())
}

/// The kinds that the key `type` may name: those of this build.
fn type_leaf(option: &OptionDescriptor) -> (String, Value) {
    let kinds: Vec<&str> = match option.scope {
        Scope::Sink => SinkConnector::reference().iter().map(|(kind, _)| *kind).collect(),
        _ => SourceConnector::reference().iter().map(|(kind, _)| *kind).collect(),
    };
    let names: Vec<String> = kinds.iter().flat_map(|kind| [format!("{kind}_{}", option.scope.as_str()), (*kind).to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (key, mut leaf) = leaf(option);
    leaf["anyOf"] = values(option.type_name, &names, ANY_NUMBER).into();
    (key, leaf)
}

/// A value as YAML has it: numbers and booleans are none in quotes.
fn plain(option: &OptionDescriptor, text: &str) -> Value {
    match option.type_name {
        "boolean" | "count" | "bytes" | "duration" => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        "list" => text.split(',').map(str::trim).collect(),
        _ => text.into(),
    }
}

/// The range of numbers without one.
pub(super) const ANY_NUMBER: (usize, usize) = (0, usize::MAX);

/// What every value may be: text, number or boolean.
pub(super) const SCALAR: [&str; 4] = ["string", "number", "boolean", "integer"];

/// A place in a topic: a word, a time, or offsets by partition.
const PLACE: &str = concat!(
    r"^\s*([Ee][Aa][Rr][Ll][Ii][Ee][Ss][Tt]|[Ll][Aa][Tt][Ee][Ss][Tt]|[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2}))?|",
    r"[0-9]+\s*:\s*[0-9]+(\s*,\s*[0-9]+\s*:\s*[0-9]+)*)\s*$"
);

/// The forms of a value: those of its type, and texts with variables in them, whose value nobody knows yet.
pub(super) fn values(type_name: &str, names: &[&str], (least, most): (usize, usize)) -> Vec<Value> {
    let pattern = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let list = || json!({"type": "array", "items": {"type": SCALAR}, "minItems": 1});
    let variable = pattern(r"\$\{");
    if !names.is_empty() {
        let spellings: Vec<String> = names.iter().map(|name| any_case(name)).collect();
        // As YAML has it, a name of digits is a number.
        let numbers = names.iter().filter_map(|name| name.parse::<i64>().ok().map(Value::from));
        let all: Vec<Value> = names.iter().map(|name| Value::from(*name)).chain(numbers).collect();
        return vec![json!({"enum": all}), pattern(&format!(r"^\s*({})\s*$", spellings.join("|"))), variable];
    }
    let digits = if least == 0 { "[0-9]+" } else { "0*[1-9][0-9]*" };
    match type_name {
        "boolean" => vec![json!({"type": "boolean"}), pattern(&format!(r"^\s*({}|{})\s*$", any_case("true"), any_case("false"))), variable],
        "count" => {
            let mut number = json!({"type": "integer", "minimum": least});
            if most < usize::MAX {
                number["maximum"] = most.into();
            }
            vec![number, pattern(&format!(r"^\s*{digits}\s*$")), variable]
        }
        "bytes" => vec![json!({"type": "integer", "minimum": least}), pattern(&format!(r"^\s*{digits}\s*(([KkMmGg][Ii]?)?[Bb])?\s*$")), variable],
        "duration" => {
            vec![json!({"type": "integer", "minimum": least}), pattern(&format!(r"^\s*{digits}\s*([Nn][Ss]|[Uu][Ss]|[Mm][Ss]|[SsMmHhDd])?\s*$")), variable]
        }
        "list" => vec![list(), json!({"type": SCALAR})],
        "delimiter" => vec![pattern(r"^([\x00-\x09\x0b\x0c\x0e-\x21\x23-\x7f]|\\t|tab)$"), json!({"type": "integer", "minimum": 0, "maximum": 9}), variable],
        "map" => vec![json!({"type": "object"})],
        "path" => vec![json!({"type": ["number", "boolean", "integer"]}), json!({"type": "string", "minLength": 1})],
        "place in a topic" => vec![json!({"type": "integer", "minimum": 0}), pattern(PLACE), variable],
        _ => vec![json!({"type": SCALAR})],
    }
}

/// A pattern for a name in any case, with or without the underscores between its words.
pub(super) fn any_case(name: &str) -> String {
    let mut pattern = String::new();
    let mut lower = false;
    for c in name.chars() {
        match c {
            '_' => pattern.push_str("_?"),
            _ if c.is_ascii_alphabetic() => {
                if lower && c.is_ascii_uppercase() {
                    pattern.push_str("_?");
                }
                pattern.push_str(&format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()));
            }
            '.' => pattern.push_str(r"\."),
            _ => pattern.push(c),
        }
        lower = c.is_ascii_lowercase();
    }
    pattern
}

/// Makes a definition of each value's schema: many maps lead to the same one.
pub(super) fn share(leaves: &mut Leaves, definitions: &mut Map<String, Value>) {
    for (key, values) in leaves {
        for value in values.iter_mut().filter(|value| value.is_object()) {
            let shared = if value.get("examples").is_none() { "client property" } else { key };
            let names = (1..).map(|number| if number == 1 { format!("={shared}") } else { format!("={shared} {number}") });
            let Some(name) = names.into_iter().find(|name| definitions.get(name).is_none_or(|known| known == value)) else { continue };
            let reference = json!({"$ref": reference(&name.replace(' ', "%20"))});
            definitions.insert(name, std::mem::replace(value, reference));
        }
    }
}

pub(super) fn reference(definition: &str) -> String {
    format!("#/$defs/{definition}")
}

/// Defines what keys may stand in a map: `a.b` as it is, or as a map `a` with a key `b`. The maps below a key are definitions of their own, since several spellings lead there.
pub(super) fn define(name: &str, leaves: &Leaves, definitions: &mut Map<String, Value>) {
    let mut inner: BTreeMap<String, Leaves> = BTreeMap::new();
    for (key, values) in leaves {
        for (at, _) in key.match_indices('.') {
            inner.entry(key[..at].to_owned()).or_default().insert(key[at + 1..].to_owned(), values.clone());
        }
    }
    let mut properties = Map::new();
    let keys: BTreeSet<&String> = leaves.keys().chain(inner.keys()).collect();
    for key in keys {
        let mut forms = leaves.get(key).cloned().unwrap_or_default();
        if let Some(leaves) = inner.get(key) {
            // `a.b` and `a` with `b` lead to one map.
            let definition = format!("{name}{}{key}", if name.contains(':') { '.' } else { ':' });
            if !definitions.contains_key(&definition) {
                define(&definition, leaves, definitions);
            }
            forms.push(json!({"$ref": reference(&definition)}));
        }
        let one = forms.len() == 1;
        let schema = if one { forms.remove(0) } else { json!({"anyOf": forms}) };
        properties.insert(key.clone(), schema);
    }
    definitions.insert(name.to_owned(), json!({"type": "object", "properties": properties, "additionalProperties": false}));
}

/// Adds the keys with the word for their end before them: `source.format` is `format`.
fn prefix(name: &str, definitions: &mut Map<String, Value>) {
    let roles: Vec<&str> = ["source", "sink"].into_iter().filter(|role| name.ends_with(&format!("_{role}")) || !name.contains('_')).collect();
    let Some(properties) = definitions.get_mut(name).and_then(|definition| definition["properties"].as_object_mut()) else { return };
    let keys: Vec<String> = properties.keys().cloned().collect();
    for role in roles {
        for key in &keys {
            let same = json!({"$ref": format!("{}/properties/{key}", reference(name))});
            properties.entry(format!("{role}.{key}")).or_insert(same);
        }
        // What the file extends is said without the word.
        properties.remove(&format!("{role}.{EXTENDS}"));
        properties.insert(role.to_owned(), json!({"allOf": [{"$ref": reference(name)}, {"properties": {EXTENDS: false}}]}));
    }
}

/// Files say by their type what keys they may have.
fn by_type(components: &BTreeMap<String, Leaves>) -> Value {
    let of_type = |pattern: &str| json!({"required": [TYPE], "properties": {TYPE: {"type": "string", "pattern": pattern}}});
    let named: Vec<&String> = components.keys().filter(|name| *name != ANY).collect();
    let mut rules: Vec<Value> =
        named.iter().map(|name| json!({"if": of_type(&format!(r"^\s*{}\s*$", any_case(name))), "then": {"$ref": reference(name)}})).collect();
    let all: Vec<String> = named.iter().map(|name| any_case(name)).collect();
    rules.push(json!({"if": {"not": of_type(&format!(r"^\s*({})\s*$", all.join("|")))}, "then": {"$ref": reference(ANY)}}));
    json!({"type": "object", "allOf": rules})
}
