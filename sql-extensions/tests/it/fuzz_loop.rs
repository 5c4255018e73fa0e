//! Statements of `tests/corpus`, mutated by bytes and by words for `VELO_FUZZ_SECONDS` (3 without it), from the seed `VELO_FUZZ_SEED` (1 without it).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::property::check;

/// What the grammar is made of, ours and that of queries.
const WORDS: [&str; 98] = [
    "SELECT",
    "FROM",
    "WHERE",
    "JOIN",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "INNER",
    "CROSS",
    "NATURAL",
    "SEMI",
    "ANTI",
    "ON",
    "USING",
    "WITHIN",
    "INTERVAL",
    "'5'",
    "MINUTES",
    "'1 hour'",
    "INTO",
    "WITH",
    "'k'",
    "'v'",
    "''''",
    "'it''s'",
    "=",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    ".",
    "*",
    "+",
    "-",
    "/",
    "<",
    ">",
    "!=",
    "::",
    "||",
    "->",
    ":",
    "?",
    "$1",
    "AND",
    "OR",
    "NOT",
    "IN",
    "IS",
    "NULL",
    "BETWEEN",
    "LIKE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "EXISTS",
    "UNION",
    "ALL",
    "EXCEPT",
    "GROUP",
    "BY",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "OVER",
    "PARTITION",
    "ROWS",
    "CURRENT",
    "AS",
    "CREATE",
    "STREAM",
    "VALUES",
    "DISTINCT",
    "RECURSIVE",
    "CAST",
    "LATERAL",
    "\"q r\"",
    "`b`",
    "été",
    "a",
    "t",
    "12",
    "0.5",
    "1e9",
    "--",
    "#",
    "/*",
    "*/",
    "\n",
    "E'\\''",
];

fn environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")))
}

fn corpus() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).collect()
}

/// One change; the words of a text are kept apart by blanks so that they can be moved.
fn mutate(text: &str, corpus: &[String], random: &mut StdRng) -> String {
    if random.random_bool(0.5) { mutate_words(text, corpus, random) } else { mutate_bytes(text, random) }
}

fn mutate_words(text: &str, corpus: &[String], random: &mut StdRng) -> String {
    let mut words: Vec<&str> = text.split_inclusive([' ', '\n', ',', '(', ')']).collect();
    let at = random.random_range(0..=words.len());
    match random.random_range(0..5) {
        0 => words.insert(at, WORDS.choose(random).copied().unwrap_or_default()),
        1 if at < words.len() => words[at] = WORDS.choose(random).copied().unwrap_or_default(),
        2 if at < words.len() => {
            words.remove(at);
        }
        3 if at < words.len() => {
            let other = random.random_range(0..words.len());
            words.swap(at, other);
        }
        _ => {
            let other: Vec<&str> = corpus.choose(random).map(|text| text.split_inclusive([' ', '\n', ',', '(', ')']).collect()).unwrap_or_default();
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len().min(from + 12));
            words.splice(at..at, other[from..to].iter().copied());
        }
    }
    words.iter().flat_map(|word| [*word, if word.ends_with([' ', '\n', ',', '(', ')']) { "" } else { " " }]).collect()
}

fn mutate_bytes(text: &str, random: &mut StdRng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = random.random_range(0..=bytes.len());
    let until = random.random_range(at..=bytes.len().min(at + 8));
    match random.random_range(0..4) {
        0 => bytes.insert(at, random.random()),
        1 if at < bytes.len() => bytes[at] = random.random_range(1..127),
        2 => {
            bytes.drain(at..until);
        }
        _ => {
            let piece = bytes[at..until].to_vec();
            bytes.splice(at..at, piece);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Longer texts only make the loop slow.
const LONGEST: usize = 4000;

#[test]
fn mutated_statements_break_no_promise() {
    let corpus = corpus();
    assert!(corpus.len() >= 40, "the corpus is in its place");
    corpus.iter().for_each(|text| check(text));
    let mut random = StdRng::seed_from_u64(environment("VELO_FUZZ_SEED", 1));
    let end = Instant::now() + Duration::from_secs(environment("VELO_FUZZ_SECONDS", 3));
    let (mut tried, mut broken) = (0u64, Vec::new());
    while Instant::now() < end && broken.len() < 40 {
        let mut text = corpus.choose(&mut random).cloned().unwrap_or_default();
        for _ in 0..random.random_range(1..6) {
            text = mutate(&text, &corpus, &mut random);
        }
        if text.len() <= LONGEST {
            tried += 1;
            if catch_unwind(AssertUnwindSafe(|| check(&text))).is_err() {
                broken.push(text);
            }
        }
    }
    println!("{tried} texts tried");
    assert!(broken.is_empty(), "{} of {tried} texts break a promise:\n{}", broken.len(), broken.join("\n----\n"));
}
