//! Defaults of fields, which a schema gives in JSON, as Avro would write them.

use serde_json::Value;

use super::tree::{Id, Kind, Tree};

/// Appends a number in zigzag form with 7 bits a byte.
#[inline]
pub(super) fn put_number(number: i64, out: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends bytes with their number before them.
#[inline]
pub(super) fn put_counted(bytes: &[u8], out: &mut Vec<u8>) {
    put_number(i64::try_from(bytes.len()).unwrap_or(i64::MAX), out);
    out.extend_from_slice(bytes);
}

/// Appends the default of a type. Errors go on after "the default".
pub(super) fn encode_default(tree: &Tree, id: Id, json: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    encode(tree, id, json, 0, out)
}

fn encode(tree: &Tree, id: Id, json: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), String> {
    if depth > 64 {
        return Err("is nested too deeply".to_owned());
    }
    let wrong = || format!("is {json}, which is no value of type {}", tree.branch_name(id));
    // Bytes are written as a text whose characters are their numbers.
    let bytes = || json.as_str().and_then(|text| text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<u8>>>()).ok_or_else(wrong);
    match &tree.node(id).kind {
        Kind::Null => json.is_null().then_some(()).ok_or_else(wrong)?,
        Kind::Boolean => out.push(u8::from(json.as_bool().ok_or_else(wrong)?)),
        Kind::Int => put_number(json.as_i64().filter(|number| i32::try_from(*number).is_ok()).ok_or_else(wrong)?, out),
        Kind::Long => put_number(json.as_i64().ok_or_else(wrong)?, out),
        Kind::Float => out.extend_from_slice(&(json.as_f64().ok_or_else(wrong)? as f32).to_le_bytes()),
        Kind::Double => out.extend_from_slice(&json.as_f64().ok_or_else(wrong)?.to_le_bytes()),
        Kind::Text => put_counted(json.as_str().ok_or_else(wrong)?.as_bytes(), out),
        Kind::Bytes => put_counted(&bytes()?, out),
        Kind::Fixed(size) => out.extend_from_slice(&bytes().ok().filter(|bytes| bytes.len() == *size).ok_or_else(wrong)?),
        Kind::Enum(symbols) => {
            let at = json.as_str().and_then(|text| symbols.all.iter().position(|symbol| symbol == text)).ok_or_else(wrong)?;
            put_number(i64::try_from(at).unwrap_or(i64::MAX), out);
        }
        Kind::Array(item) => {
            let items = json.as_array().ok_or_else(wrong)?;
            if !items.is_empty() {
                put_number(items.len() as i64, out);
                items.iter().try_for_each(|json| encode(tree, *item, json, depth + 1, out))?;
            }
            out.push(0);
        }
        Kind::Map(value) => {
            let entries = json.as_object().ok_or_else(wrong)?;
            if !entries.is_empty() {
                put_number(entries.len() as i64, out);
                for (key, json) in entries {
                    put_counted(key.as_bytes(), out);
                    encode(tree, *value, json, depth + 1, out)?;
                }
            }
            out.push(0);
        }
        Kind::Record(fields) => {
            let given = json.as_object().ok_or_else(wrong)?;
            for field in fields {
                let json = given.get(&field.name).or(field.default.as_ref()).ok_or_else(wrong)?;
                encode(tree, field.id, json, depth + 1, out)?;
            }
        }
        // The first branch, by the standard; any that fits is taken.
        Kind::Union(branches) => {
            let start = out.len();
            for (at, branch) in branches.iter().enumerate() {
                put_number(at as i64, out);
                if encode(tree, *branch, json, depth + 1, out).is_ok() {
                    return Ok(());
                }
                out.truncate(start);
            }
            return Err(wrong());
        }
    }
    Ok(())
}
