//! Every case of `tests/golden` as one batch and as streams cut in several ways: all give the rows that an independent engine gave.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::velo::{Folder, Ran, eventually_or};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

struct Case {
    name: String,
    folder: PathBuf,
    query: String,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = std::fs::read_dir(root())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().join("query.sql").exists())
        .map(|entry| Case {
            name: entry.file_name().to_string_lossy().into_owned(),
            query: std::fs::read_to_string(entry.path().join("query.sql")).unwrap(),
            folder: entry.path(),
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    fn header(&self, key: &str) -> Option<String> {
        let start = format!("-- {key}:");
        self.query.lines().find_map(|line| line.trim().strip_prefix(&start).map(|value| value.trim().to_owned()))
    }

    fn streams(&self) -> bool {
        self.header("modes").is_none_or(|modes| modes.contains("stream"))
    }

    fn in_order(&self) -> bool {
        self.header("order").is_some_and(|order| order == "exact")
    }

    /// Names of the sources that have settings, for cutting each in its own way.
    fn sources(&self) -> Vec<String> {
        let mut names = Vec::new();
        for part in self.query.split('\'').skip(1).step_by(2) {
            if let Some(name) = part.strip_suffix(".type")
                && !names.iter().any(|known| known == name)
                && !self.expected().contains_key(name)
            {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Expected rows by output; the empty name is standard output.
    fn expected(&self) -> BTreeMap<String, Vec<Value>> {
        let mut expected = BTreeMap::new();
        for entry in std::fs::read_dir(&self.folder).unwrap().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let Some(output) = file.strip_prefix("expected").and_then(|rest| rest.strip_suffix(".jsonl")) else { continue };
            let rows = std::fs::read_to_string(entry.path()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            expected.insert(output.trim_start_matches('.').to_owned(), rows);
        }
        expected
    }

    fn run(&self, overrides: &[String]) -> (Ran, Folder) {
        let folder = Folder::new();
        copy(&self.folder, folder.path());
        let mut arguments = vec!["run", "query.sql", "--format", "json", "--summary", "json"];
        for setting in overrides {
            arguments.extend(["--set", setting.as_str()]);
        }
        (folder.run(&arguments), folder)
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &target) } else { std::fs::copy(entry.path(), target).map(|_| ()).unwrap() }
    }
}

/// A value with numbers in one form: floating point is equal within a billionth.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            number.as_i64().map_or_else(|| number.as_u64().map_or_else(|| float(number.as_f64().unwrap()), |n| n.to_string()), |n| n.to_string())
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => format!("{{{}}}", fields.iter().map(|(name, value)| format!("{name}:{}", canonical(value))).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn float(number: f64) -> String {
    if number == number.trunc() && number.abs() < 1e15 { format!("{}", number as i64) } else { format!("{number:.9e}") }
}

fn rows(values: &[Value], in_order: bool) -> Vec<String> {
    let mut rows: Vec<String> = values.iter().map(canonical).collect();
    if !in_order {
        rows.sort();
    }
    rows
}

fn read_output(case: &Case, folder: &Folder, ran: &Ran, output: &str) -> Vec<Value> {
    if output.is_empty() {
        return ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    }
    let key = format!("'{output}.path'");
    let path = case.query.split(&key).nth(1).and_then(|rest| rest.split('\'').nth(1)).unwrap_or_else(|| panic!("{}: sink {output} has no path", case.name));
    let found: Vec<String> = if folder.path().join(path).is_dir() { folder.list(path) } else { vec![path.to_owned()] };
    found
        .iter()
        .flat_map(|file| {
            let sql = format!("SELECT * FROM x WITH ('x.type'='file','x.path'='{file}')");
            let text = if file.ends_with(".jsonl") || file.ends_with(".json") {
                folder.read(file)
            } else {
                folder.run(&["--format", "json", "--sql", &sql]).expect(0).out
            };
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
        })
        .collect()
}

/// The last row of each key, which takes the place of those before it.
fn last_of_each(rows: &[Value], keys: &str) -> Vec<Value> {
    let key = |row: &Value| keys.split_whitespace().map(|key| canonical(&row[key])).collect::<Vec<_>>();
    let last: BTreeMap<Vec<String>, Value> = rows.iter().map(|row| (key(row), row.clone())).collect();
    last.into_values().collect()
}

/// How a case is run: a name, and settings.
fn variants(case: &Case) -> Vec<(String, Vec<String>)> {
    let mut variants = vec![("batch".to_owned(), vec!["execution.mode=batch".to_owned()])];
    if !case.streams() {
        return variants;
    }
    let stream = |extra: Vec<String>| {
        let mut settings = vec!["execution.mode=stream".to_owned(), "batch.strategy=fixed_size".to_owned(), "batch.timeout=60s".to_owned()];
        settings.extend(extra);
        settings
    };
    for rows in [1, 7, 1000] {
        variants.push((format!("epochs of {rows}"), stream(vec![format!("batch.size={rows}")])));
    }
    let sources = case.sources();
    let one_statement = case.query.split(';').filter(|part| part.contains("SELECT")).count() < 2;
    if sources.len() > 1 && one_statement {
        for shift in 0..2 {
            let sizes = |at: usize| [1, 1000, 7][(at + shift) % 3];
            let extra = sources.iter().enumerate().map(|(at, name)| format!("{name}.batch.size={}", sizes(at))).collect();
            variants.push((format!("interleaved {shift}"), stream(extra)));
        }
    }
    variants
}

/// A statement that is refused: the status, every line of the expected error, and nothing written.
fn check_refusal(case: &Case, error: &str) -> Result<usize, String> {
    let (ran, folder) = case.run(&[]);
    let status = case.header("exit").and_then(|status| status.parse().ok()).unwrap_or(2);
    let missing = error.lines().find(|line| !ran.err.contains(line.trim()));
    if ran.status != status || missing.is_some() || folder.exists("out") {
        return Err(format!("{}: status {}, lacks {missing:?}:\n{}", case.name, ran.status, ran.err));
    }
    Ok(1)
}

fn check(case: &Case) -> Result<usize, String> {
    if let Ok(error) = std::fs::read_to_string(case.folder.join("expected_error.txt")) {
        return check_refusal(case, &error);
    }
    let expected = case.expected();
    if expected.is_empty() {
        return Err(format!("{}: no expected rows", case.name));
    }
    let variants = variants(case);
    for (variant, settings) in &variants {
        let (ran, folder) = case.run(settings);
        if ran.status != 0 {
            return Err(format!("{} ({variant}): status {}\n{}", case.name, ran.status, ran.err));
        }
        for (output, wanted) in &expected {
            let mut found = read_output(case, &folder, &ran, output);
            if let Some(keys) = case.header("updates").filter(|_| variant != "batch") {
                found = last_of_each(&found, &keys);
            }
            let found = rows(&found, case.in_order());
            let wanted = rows(wanted, case.in_order());
            if found != wanted {
                let differs = found.iter().zip(&wanted).find(|(a, b)| a != b);
                return Err(format!(
                    "{} ({variant}) {output}: {} rows, expected {}; first difference (found, expected): {differs:?}",
                    case.name,
                    found.len(),
                    wanted.len()
                ));
            }
        }
        for job in ran.summary()["jobs"].as_array().unwrap() {
            let count = |name: &str| job[name].as_u64().unwrap();
            if count("in") + count("expanded") != count("out") + count("filtered") + count("rejected") {
                return Err(format!("{} ({variant}): the rows don't balance: {job}", case.name));
            }
        }
    }
    Ok(variants.len())
}

#[test]
fn every_case_gives_the_expected_rows_for_every_cut() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let runs = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match check(case) {
                        Ok(count) => {
                            runs.fetch_add(count, Ordering::Relaxed);
                        }
                        Err(failure) => failures.lock().unwrap().push(failure),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n\n"));
    println!("{} cases, {} runs", cases.len(), runs.into_inner());
}

/// Fails unless a run is refused before anything is written, with what to write instead.
fn check_refused_with_advice(case: &Case, settings: &[String]) {
    let (ran, folder) = case.run(settings);
    assert_eq!(ran.status, 2, "{} is not refused: {}", case.name, ran.err);
    assert!(ran.out.is_empty() && !folder.exists("out"), "{} has written", case.name);
    assert!(ran.err.contains("over a stream") || ran.err.contains("may never end"), "{}: {}", case.name, ran.err);
    let says_what_instead = ["run it over bounded sources with 'execution.mode' = 'batch'", "run it with 'execution.mode' = 'batch'"];
    assert!(says_what_instead.iter().any(|text| ran.err.contains(text)), "{} does not say what to write instead: {}", case.name, ran.err);
}

#[test]
fn what_is_marked_as_batch_only_is_refused_as_a_stream() {
    let cases: Vec<Case> = cases().into_iter().filter(|case| !case.streams() && !case.folder.join("expected_error.txt").exists()).collect();
    assert!(cases.len() >= 10, "{} cases", cases.len());
    for case in cases {
        check_refused_with_advice(&case, &["execution.mode=stream".to_owned()]);
    }
}

#[test]
fn pairs_of_sources_without_an_end_come_out_before_the_end() {
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.name.starts_with("within_inner") || case.name == "join_two_streams_unbounded").collect();
    assert!(cases.len() >= 5, "{} cases", cases.len());
    for case in cases {
        let folder = Folder::new();
        copy(&case.folder, folder.path());
        let follow: Vec<String> = case.sources().iter().map(|source| format!("{source}.follow=true")).collect();
        let mut arguments = vec!["run", "query.sql", "--format", "json"];
        follow.iter().for_each(|setting| arguments.extend(["--set", setting.as_str()]));
        let expected = rows(&case.expected()[""], false);
        let mut job = folder.start(&arguments);
        let found = || job.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>();
        eventually_or(&case.name, || found().len() >= expected.len(), || job.log());
        job.signal(libc::SIGTERM);
        let found = rows(&found(), false);
        assert_eq!(job.wait(), 0, "{}", job.log());
        assert_eq!(found, expected, "{}", case.name);
    }
}

#[test]
fn every_form_of_the_language_has_a_case_or_says_what_it_needs() {
    let coverage = std::fs::read_to_string(root().join("COVERAGE.md")).unwrap();
    let named = |id: &str, text: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == id);
    let cases = cases();
    for number in (1..=18).chain(20..=36).chain(40..=56).chain(60..=70) {
        let id = format!("A{number}");
        let by_case = cases.iter().any(|case| case.query.lines().filter(|line| line.trim_start().starts_with("--")).any(|line| named(&id, line)));
        let by_note = coverage.lines().any(|line| named(&id, line) && (line.contains("needs") || line.contains("tests/it") || line.contains("sql-extensions")));
        assert!(by_case || by_note, "{id} is neither in the head of a case nor explained in COVERAGE.md");
    }
}
