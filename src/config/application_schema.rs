//! The JSON Schema of application files. Names that are almost those of keys are the only ones that the engine refuses and the schema doesn't: it can't compare.

use serde_json::{Map, Value, json};

use super::application::{self, ENCRYPTION_KEY, EXTENDS, FILE_KEYS, FLAGS, OUTSIDE, OWN, plain_keys};
use super::job_options::JobOptions;
use super::json_schema::{ANY_NUMBER, Leaves, SCALAR, add_option, any_case, define, leaf, reference, share, values};
use super::planned_connectors::{PLANNED_KEYS, planned_keys};
use super::unknown_keys::keys_of_any;
use crate::options::Scope;

/// The definition of names of variables, and of maps of them.
const NAMES: &str = "names";
const VARIABLES: &str = "variables";

/// An application file: keys of jobs and of the file, and variables, which have any name that is no key of something else.
pub(super) fn application_file(definitions: &mut Map<String, Value>) -> Value {
    let mut leaves = Leaves::new();
    // What is refused comes first, since what is known counts more.
    let others = keys_of_any(Scope::Source).union(keys_of_any(Scope::Sink));
    others.filter(|key| key.contains('.')).for_each(|key| refuse(key, &mut leaves));
    for role in [Scope::Source, Scope::Sink] {
        keys_of_any(role).iter().for_each(|key| refuse(&format!("{}.{key}", role.as_str()), &mut leaves));
    }
    planned_keys(Scope::Job).chain(OUTSIDE).chain([EXTENDS]).for_each(|key| refuse(key, &mut leaves));
    let known = JobOptions::OPTIONS.iter().chain(application::OPTIONS.iter().filter(|option| option.key != "profiles"));
    known.for_each(|option| {
        option.spellings().for_each(|key| drop(leaves.remove(key)));
        add_option(option, &mut leaves);
    });
    for flag in PLANNED_KEYS.iter().filter(|key| FLAGS.contains(&key.key)) {
        leaves.insert(flag.key.to_owned(), vec![json!({"description": flag.meaning, "anyOf": values(flag.type_name, &[], ANY_NUMBER)})]);
    }
    leaves.insert(ENCRYPTION_KEY.to_owned(), vec![json!({"description": "The key of encrypted files.", "type": "string"})]);
    let mut allow = |key: &str, forms: Value| {
        if let Some(level) = leaves.get_mut(key).and_then(|leaf| leaf.first_mut()) {
            level["anyOf"] = forms;
        }
    };
    allow("log_level", values("name", &["error", "warn", "info", "debug", "trace"], ANY_NUMBER).into());
    if let Some(forms) = leaves.get_mut("active_profile").and_then(|leaf| leaf.first_mut()).and_then(|leaf| leaf["anyOf"].as_array_mut()) {
        forms.push(json!({"type": "null"}));
    }
    share(&mut leaves, definitions);
    define("file", &leaves, definitions);
    FILE_KEYS.iter().for_each(|key| refuse(key, &mut leaves));
    define("profile", &leaves, definitions);
    let plain = [json!({"type": SCALAR}), json!({"type": "array", "items": {"type": SCALAR}})];
    let with = |map: Value| json!({"anyOf": [plain[0], plain[1], map]});
    let rest = with(json!({"$ref": reference(VARIABLES)}));
    for (name, definition) in definitions.iter_mut().filter(|(name, _)| !name.starts_with('=')) {
        // What is the first word of keys is no key itself, so a value makes it a variable.
        let words = definition["properties"].as_object_mut().into_iter().flat_map(Map::values_mut);
        words.filter(|word| word["$ref"].as_str().is_some_and(|map| map.contains(':'))).for_each(|word| *word = with(word.take()));
        // Whatever else there is, is a variable, or holds some.
        definition["additionalProperties"] = rest.clone();
        definition["propertyNames"] = json!({"$ref": reference(if name.contains(':') { NAMES } else { "=names" })});
    }
    let known: Vec<&str> = application::OPTIONS.iter().map(|option| option.key).filter(|key| key.starts_with(OWN)).chain([ENCRYPTION_KEY]).collect();
    // Nothing stands within a key that has a value.
    let plain: Vec<String> = FILE_KEYS.into_iter().chain([EXTENDS]).chain(plain_keys()).map(|key| format!("{key}.").replace('.', r"\.")).collect();
    let not_own = json!({"not": {"pattern": format!("^({}_|{})", any_case(OWN.trim_end_matches('_')), plain.join("|"))}});
    let known: Vec<&str> = known.into_iter().chain(plain_keys().filter(|key| key.contains('.'))).collect();
    definitions.insert("=names".to_owned(), json!({"pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$", "anyOf": [{"enum": known}, not_own]}));
    definitions.insert(NAMES.to_owned(), json!({"pattern": "^[A-Za-z0-9_.-]*$"}));
    definitions.insert(VARIABLES.to_owned(), json!({"type": "object", "propertyNames": {"$ref": reference(NAMES)}, "additionalProperties": rest}));
    if let Some(properties) = definitions.get_mut("file").and_then(|file| file["properties"].as_object_mut()) {
        let profiles = application::OPTIONS.iter().find(|option| option.key == "profiles").map(|option| leaf(option).1);
        let mut profiles = profiles.unwrap_or_else(|| json!({}));
        profiles["anyOf"] =
            json!([{"type": "object", "additionalProperties": {"anyOf": [{"type": "null"}, {"$ref": reference("profile")}]}}, {"type": "null"}]);
        properties.insert("profiles".to_owned(), profiles);
    }
    json!({"anyOf": [{"type": "null"}, {"$ref": reference("file")}]})
}

/// Marks a key as none of application files.
fn refuse(key: &str, leaves: &mut Leaves) {
    leaves.insert(key.to_owned(), vec![false.into()]);
}
