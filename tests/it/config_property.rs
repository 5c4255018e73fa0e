//! What holds of any bytes as a configuration file, and of any text as keys and values; shared by the loop of `config_fuzz` and the fuzz target.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sql_extensions::StreamingSqlParser;
use velostream::config::{Application, ApplicationEnvironment, BindRequest, Embedding, Limits, bind_script, show};
use velostream::error::{Error, Script};
use velostream::options::scrub;

/// The value of a variable that is a secret; nothing that is told holds it.
const SECRET: &str = "fuzz-secret-7d1";
/// Longest time for a file; an unoptimised build on a busy machine takes a hundredth of it for the largest ones.
const LONGEST: Duration = Duration::from_secs(5);
const SEPARATOR: char = '\u{1f}';
const SOURCE: &str = "'t.type'='file','t.path'='t.csv'";

fn environment() -> BTreeMap<String, String> {
    [("PW", SECRET), ("STAGE", "dev"), ("ODD", "${STAGE}${"), ("HOME", "/nonexistent")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn assert_error(error: &Error) {
    let told = scrub(&error.render());
    assert!(!told.contains(SECRET), "the secret is told: {told}");
    assert!(told.len() < 20_000, "an error of {} bytes: {told:.500}", told.len());
    // What separates the elements of a list is none of the user's letters; those are taken out before.
    assert!(!told.contains(SEPARATOR), "the sign between elements of a list is told: {told}");
}

/// Binds a statement in every way that a file may be used in.
fn bind(sql: String, application: Option<&Application>, overrides: &[(String, String)], folder: &Path) {
    let variables = environment();
    let environment = ApplicationEnvironment::new(&variables, application);
    let limits = Limits::read(&environment).map_err(|error| assert_error(&error)).ok();
    let statements = StreamingSqlParser::new().parse_each(&sql);
    let script = Arc::new(Script { name: "s.sql".to_owned(), text: sql });
    let folders = [folder.to_owned()];
    let request = BindRequest {
        script: &script,
        statements,
        environment: &environment,
        overrides,
        application,
        limits,
        folders: &folders,
        embedding: &Embedding::default(),
    };
    for binding in bind_script(request) {
        binding.faults.iter().chain(binding.unfit.iter().map(|unfit| &unfit.error)).for_each(assert_error);
        for setting in binding.statement.iter().flat_map(|statement| &statement.settings) {
            assert!(!scrub(&format!("{} {}", setting.value, setting.whence())).contains(SECRET), "the secret is told: {setting:?}");
        }
    }
}

/// Any bytes as a file: they are read or refused, soon, and no secret is told.
pub fn check_file(bytes: &[u8], folder: &Path) {
    if bytes.windows(2).any(|pair| pair.eq_ignore_ascii_case(b"1f")) || bytes.contains(&0x1f) {
        return;
    }
    let began = Instant::now();
    let file: PathBuf = folder.join("fuzzed.yaml");
    if let Err(error) = std::fs::write(&file, bytes) {
        panic!("{}: {error}", file.display());
    }
    for profile in [None, Some("p")] {
        match show(&file, profile, &environment()) {
            Ok(settings) => {
                for setting in settings {
                    assert!(!scrub(&format!("{setting:?}")).contains(SECRET), "the secret is told: {setting:?}");
                }
            }
            Err(error) => assert_error(&error),
        }
        let application = Application::load(Some(&file), profile, &environment());
        match &application {
            Ok(application) => bind(format!("SELECT id FROM t WITH ({SOURCE},'t.format'='${{x}}')"), application.as_ref(), &[], folder),
            Err(error) => assert_error(error),
        }
    }
    bind("SELECT id FROM t INTO o WITH ('t.config_file'='fuzzed.yaml','o.config_file'='fuzzed.yaml')".to_owned(), None, &[], folder);
    bind("SELECT id FROM k WITH ('k.type'='kafka','k.config_file'='fuzzed.yaml')".to_owned(), None, &[], folder);
    assert!(began.elapsed() < LONGEST, "{:?} for {} bytes", began.elapsed(), bytes.len());
}

/// Any texts as a key and its value, of a statement and of the command line: they are taken or refused, soon, and no secret is told.
pub fn check_setting(key: &str, value: &str, folder: &Path) {
    let (key, value) = (key.replace(SEPARATOR, ""), value.replace(SEPARATOR, ""));
    let began = Instant::now();
    let quoted = |text: &str| text.replace('\'', "''");
    let overrides = [(key.clone(), value.clone())];
    for kind in ["file", "kafka"] {
        bind(format!("SELECT id FROM t WITH ('t.type'='{kind}','{}'='{}')", quoted(&key), quoted(&value)), None, &[], folder);
        bind(format!("SELECT id FROM t INTO o WITH ('t.type'='{kind}','t.path'='t.csv','o.type'='{kind}')"), None, &overrides, folder);
    }
    assert!(began.elapsed() < LONGEST, "{:?} for {key:.200} = {value:.200}", began.elapsed());
}
