//! Configuration files and settings, mutated by bytes and by words for `VELO_FUZZ_SECONDS` (3 without it), from the seed `VELO_FUZZ_SEED` (1 without it).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use velostream::config::option_rows;

use crate::config_property::{check_file, check_setting};

/// Files to start from.
const FILES: [&str; 8] = [
    "type: file\npath: t.csv\nformat: csv\nbatch:\n  size: 500\n  timeout: 2s\nschema: id BIGINT\n",
    "extends: fuzzed.yaml\nsource.path: ${STAGE}-${DATE}.csv\ntopic: orders-${REGION:-eu}\nsasl.password: ${PW}\nheader: ${file:t.csv}\n",
    "type: kafka_source\nbootstrap.servers: [a:1, b:2]\ntopic: x\ngroup.id: ${PW}\nkey.format: json\nauto.offset.reset: earliest\nclient.id: \"${ODD}\"\n",
    "a: &a {x: 1, y: [1, 2]}\nb: &b\n  <<: *a\n  z: *a\nc: {<<: [*a, *b], w: \"q\\tr\"}\n",
    "active_profile: \"${VELO_PROFILE:-p}\"\nVELO_MAX_JOBS: 7\nx: ${y}\ny: <${PW}>\nprofiles:\n  base: &base\n    log_level: INFO\n    batch_size: 1000\n  p:\n    <<: *base\n    kafka_brokers: ${KAFKA_BROKERS:-h:1}\n    max_batch_size: ${x}\n",
    "script: a.sql\nmetrics_enabled: true\nVELO_BATCH_TIMEOUT_MS: ${ODD}\nfailure_strategy: LogAndContinue\ntopics: {orders: \"o@${kafka_brokers}\"}\nprofiles: {p: , q: {x: 1}}\n",
    "path: |\n  literal\n  text\nformat: >-\n  folded\n  text\n? explicit\n: value\n# comment\n'single ''quoted''': \"double \\u00e9\"\n",
    "%YAML 1.2\n---\na: !!str x\nb: ~\nc: null\n...\n",
];
/// What files are made of.
const WORDS: [&str; 40] = [
    "\n",
    "\n  ",
    "\n    ",
    ": ",
    "- ",
    "? ",
    "&a ",
    "*a",
    "<<: *a",
    "<<: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    "|",
    ">",
    "# ",
    "---\n",
    "~",
    "null",
    "!!x ",
    "${PW}",
    "${file:t.csv}",
    "${ODD}",
    "${x}",
    "${x:-${y}}",
    "${",
    "extends: ",
    "profiles: ",
    "active_profile: ",
    "p: ",
    "path: ",
    "type: kafka\n",
    "batch.size: ",
    "VELO_MAX_JOBS: ",
    "\u{feff}",
    "\0",
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")))
}

/// One change.
fn mutate(text: &mut Vec<u8>, random: &mut StdRng) {
    let at = random.random_range(0..=text.len());
    let until = random.random_range(at..=text.len().min(at + 12));
    match random.random_range(0..7) {
        0 => text.insert(at, random.random()),
        1 if at < text.len() => text[at] = random.random_range(1..127),
        2 => {
            text.drain(at..until);
        }
        3 => {
            let piece = text[at..until].repeat(random.random_range(1..4));
            text.splice(at..at, piece);
        }
        4 => {
            let other = FILES.choose(random).copied().unwrap_or_default().as_bytes();
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len().min(from + 40));
            text.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            let word = WORDS.choose(random).copied().unwrap_or_default().repeat(if random.random_bool(0.02) { 500 } else { 1 });
            text.splice(at..at, word.into_bytes());
        }
    }
}

/// Tries texts until the time is over or too many are wrong.
fn hunt<T: std::fmt::Debug>(share: f64, mut next: impl FnMut(&mut StdRng) -> T, check: impl Fn(&T)) {
    let mut random = StdRng::seed_from_u64(setting("VELO_FUZZ_SEED", 1));
    let end = Instant::now() + Duration::from_secs(setting("VELO_FUZZ_SECONDS", 3)).mul_f64(share);
    let (mut tried, mut broken) = (0u64, Vec::new());
    while Instant::now() < end && broken.len() < 10 {
        let text = next(&mut random);
        tried += 1;
        if catch_unwind(AssertUnwindSafe(|| check(&text))).is_err() {
            broken.push(text);
        }
    }
    println!("{tried} tried");
    assert!(tried > 20, "too slow to find anything: {tried} tried");
    assert!(broken.is_empty(), "{} of {tried} break a promise:\n{broken:#?}", broken.len());
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "id\n1\n").unwrap();
    folder
}

#[test]
fn mutated_files_break_no_promise() {
    let folder = folder();
    FILES.iter().for_each(|text| check_file(text.as_bytes(), folder.path()));
    let next = |random: &mut StdRng| {
        let mut text = FILES.choose(random).copied().unwrap_or_default().as_bytes().to_vec();
        (0..random.random_range(1..8)).for_each(|_| mutate(&mut text, random));
        String::from_utf8(text)
    };
    hunt(0.7, next, |text| match text {
        Ok(text) => check_file(text.as_bytes(), folder.path()),
        Err(error) => check_file(error.as_bytes(), folder.path()),
    });
    let noise = |random: &mut StdRng| (0..random.random_range(0..300)).map(|_| random.random()).collect::<Vec<u8>>();
    hunt(0.3, noise, |bytes| check_file(bytes, folder.path()));
}

#[test]
fn mutated_settings_break_no_promise() {
    let folder = folder();
    let keys: Vec<String> = option_rows().into_iter().flat_map(|row| [format!("t.{}", row.key), format!("o.{}", row.key), row.key.to_owned()]).collect();
    assert!(keys.len() > 100);
    let values =
        ["t.csv", "10", "true", "2s", "16MB", "fixed_size", "${PW}", "<${PW}>", "${ODD}", "a,b", "id BIGINT", "http://u:p@h/x", "", "latest", "{date}/${TIME}"];
    let next = |random: &mut StdRng| {
        let mut key = keys.choose(random).cloned().unwrap_or_default().into_bytes();
        let mut value = values.choose(random).copied().unwrap_or_default().as_bytes().to_vec();
        (0..random.random_range(0..3)).for_each(|_| mutate(&mut key, random));
        (0..random.random_range(0..4)).for_each(|_| mutate(&mut value, random));
        (String::from_utf8_lossy(&key).into_owned(), String::from_utf8_lossy(&value).into_owned())
    };
    hunt(1.0, next, |(key, value)| check_setting(key, value, folder.path()));
}
