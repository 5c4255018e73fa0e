//! Application files as texts: what counts, and what is refused with its line.

use super::*;

const APPLICATION: &str = "active_profile: \"${VELO_PROFILE:-development}\"\nVELO_MAX_JOBS: 7\nprofiles:\n  base: &base\n    log_level: INFO\n    batch_size: 1000\n  development:\n    <<: *base\n    log_level: \"DEBUG\"\n    kafka_brokers: localhost:9092\n  production:\n    <<: *base\n    kafka_brokers: \"${KAFKA_BROKERS}\"\n    topics: {orders: \"orders@${kafka_brokers}\"}\n";

fn load(text: &str, profile: Option<&str>, variables: &[(&str, &str)]) -> Result<Application> {
    let environment: BTreeMap<String, String> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let application = Application::parse(text, Path::new("app.yaml"), profile, &environment)?;
    application.check_variables()?;
    application.check_values()?;
    Ok(application)
}

fn message(text: &str) -> String {
    load(text, None, &[]).expect_err(text).to_string()
}

#[test]
fn the_command_line_counts_more_than_the_environment_and_that_more_than_the_file() {
    let profile = |profile, variables: &[(&str, &str)]| load(APPLICATION, profile, variables).map(|application| application.profile().map(str::to_owned));
    assert_eq!(profile(None, &[]).expect("the default"), Some("development".to_owned()));
    let production = [("VELO_PROFILE", "production"), ("KAFKA_BROKERS", "k:1")];
    assert_eq!(profile(None, &production).expect("the environment's"), Some("production".to_owned()));
    assert_eq!(profile(Some("base"), &production).expect("the command line's"), Some("base".to_owned()));
    let error = profile(Some("prodution"), &[]).expect_err("misspelt").to_string();
    assert_eq!(error, "--profile: app.yaml has no profile 'prodution'; nearest: production; it has base, development, production");
}

#[test]
fn a_profile_is_its_own_keys_over_merged_ones_and_those_of_the_file() {
    let development = load(APPLICATION, None, &[]).expect("valid");
    let jobs: Vec<_> = development.job_settings().map(|(key, held)| (key, held.entry.value.as_str(), held.entry.line)).collect();
    assert_eq!((development.log_level(), jobs), (Some("debug"), vec![("batch.size", "1000", 6)]));
    assert_eq!(development.text("kafka_brokers"), Some("localhost:9092"));
    let nothing = BTreeMap::new();
    assert_eq!(ApplicationEnvironment::new(&nothing, Some(&development)).get("VELO_MAX_JOBS").as_deref(), Some("7"));
    let variable: BTreeMap<String, String> = [("VELO_MAX_JOBS".to_owned(), "9".to_owned())].into();
    assert_eq!(ApplicationEnvironment::new(&variable, Some(&development)).get("VELO_MAX_JOBS").as_deref(), Some("9"));
}

#[test]
fn only_the_active_profile_needs_its_variables() {
    let unset = load(APPLICATION, Some("production"), &[]).expect_err("the topic needs the brokers").to_string();
    assert!(unset.starts_with("app.yaml:13: environment variable KAFKA_BROKERS is not set"), "{unset}");
    let brokers =
        load(&APPLICATION.replace("    topics: {orders: \"orders@${kafka_brokers}\"}\n", ""), Some("production"), &[]).expect("brokers may stand elsewhere");
    let error = brokers.unresolved_brokers().expect("not set").to_string();
    assert!(error.starts_with("app.yaml:13: environment variable KAFKA_BROKERS is not set; 'kafka_brokers' needs it"), "{error}");
    let production = load(APPLICATION, Some("production"), &[("KAFKA_BROKERS", "k1:9092,k2:9092")]).expect("set");
    let nothing = BTreeMap::new();
    let topic = ApplicationEnvironment::new(&nothing, Some(&production)).get("topics.orders");
    assert_eq!(topic.as_deref(), Some("orders@k1:9092,k2:9092"), "keys of a profile are variables, in other keys, too");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let misspelt = message("log_level: INFO\nkafka_borkers: k:1\n");
    assert!(misspelt.starts_with("app.yaml:2: unknown key 'kafka_borkers'; nearest: kafka_brokers"), "{misspelt}");
    assert!(message("profles: {a: {x: 1}}\n").starts_with("app.yaml:1: unknown key 'profles.a.x'; nearest: profiles"));
    assert_eq!(message("metrics_enabled: perhaps\n"), "app.yaml:1: 'metrics_enabled' = 'perhaps': expected true or false");
    assert_eq!(message("log_level: loud\n"), "app.yaml:1: 'log_level' = 'loud': expected error, warn, info, debug or trace");
    assert_eq!(message("x: 1\na: ${b}\nb: ${a}\n"), "app.yaml:2: the values of these keys need each other: a, b");
    assert_eq!(message("- x\n"), "app.yaml:1: an application file is no map of keys");
    assert_eq!(message("x: 1\nVELO_MAX_MEMORY_MB: much\n"), "app.yaml:2: 'VELO_MAX_MEMORY_MB' = 'much': expected a count of 1 or more");
}

#[test]
fn names_like_the_engines_own_are_no_variables() {
    for (written, near) in [
        ("VELO_MAX_JOBSS", "VELO_MAX_JOBS"),
        ("velo_max_jobs", "VELO_MAX_JOBS"),
        ("VELO_MAX_SINK_PER_JOB", "VELO_MAX_SINKS_PER_JOB"),
        ("Log_Level", "log_level"),
    ] {
        let message = message(&format!("{written}: 3\n"));
        assert!(message.starts_with(&format!("app.yaml:1: unknown key '{written}'; nearest: {near}; ")), "{message}");
    }
    assert!(message("VELO_WHATEVER_ELSE: 3\n").starts_with("app.yaml:1: unknown key 'VELO_WHATEVER_ELSE'; "));
    assert!(message("VELO_PROFILE: x\n").starts_with("app.yaml:1: 'VELO_PROFILE' is a variable of the environment alone"));
    assert!(load("VELO_MAX_MEMORY_MB: 2048\nVELO_ENCRYPTION_KEY: abcd\nmy_own: 1\n", None, &[]).is_ok());
}

#[test]
fn spellings_of_one_key_are_one_key() {
    let file = "batch_size: 1\nprofiles:\n  p: {max_batch_size: 2}\n  q: {<<: {batch.size: 3, batch_timeout: 4}, batch: {size: 5}}\n";
    let jobs = |profile: &str| -> Vec<(String, String)> {
        let application = load(file, Some(profile), &[]).expect("valid");
        application.job_settings().map(|(key, held)| (key.to_owned(), held.entry.value.clone())).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
    assert_eq!(jobs("p"), pairs(&[("batch.size", "2")]));
    assert_eq!(jobs("q"), pairs(&[("batch.size", "5"), ("batch.timeout", "4")]), "own keys count more than merged ones, in any spelling");
    let application = load(file, Some("p"), &[]).expect("valid");
    let nothing = BTreeMap::new();
    for spelling in ["batch_size", "batch.size", "max_batch_size"] {
        assert_eq!(ApplicationEnvironment::new(&nothing, Some(&application)).get(spelling).as_deref(), Some("2"), "{spelling}");
    }
    assert_eq!(
        message("batch_size: 1\nbatch: {size: 2}\n"),
        "app.yaml:2: 'batch.size' is another spelling of 'batch_size', with another value in line 1; keep 'batch.size'"
    );
    assert_eq!(message("x: {y: 1}\nx.y: 2\n"), "app.yaml:2: 'x.y' is set twice, with another value in line 1; keep 'x.y'");
}

#[test]
fn nothing_is_a_file_without_profiles_and_a_profile_without_keys() {
    for text in ["", "# nothing\n", "---\n", "profiles:\n", "profiles: {}\n"] {
        assert!(load(text, None, &[]).expect(text).profile().is_none());
        let error = load(text, Some("p"), &[]).expect_err(text).to_string();
        assert_eq!(error, "--profile: app.yaml has no profile 'p'; it has none", "{text}");
        let error = load(text, None, &[("VELO_PROFILE", "p")]).expect_err(text).to_string();
        assert_eq!(error, "environment variable VELO_PROFILE: app.yaml has no profile 'p'; it has none", "{text}");
    }
    for text in ["x: 1\nprofiles:\n  p:\n", "x: 1\nactive_profile: p\nprofiles: {p: {}}\n", "x: 1\nactive_profile:\nprofiles: {p: }\n"] {
        let application = load(text, Some("p"), &[]).expect(text);
        assert_eq!((application.profile(), application.text("x")), (Some("p"), Some("1")));
    }
    assert!(load("active_profile: ${NONE:-}\nprofiles: {p: {x: 1}}\n", None, &[]).expect("none").profile().is_none());
}

#[test]
fn lists_stand_where_lists_are_meant() {
    assert_eq!(message("x: 1\nlog_level: [info, debug]\n"), "app.yaml:2: 'log_level' = 'info, debug': expected one value, found a list");
    assert_eq!(message("script: [a.sql, b.sql]\n"), "app.yaml:1: 'script' = 'a.sql, b.sql': expected one value, found a list");
    assert_eq!(message("metrics_enabled: [true, true]\n"), "app.yaml:1: 'metrics_enabled' = 'true, true': expected one value, found a list");
    assert_eq!(message("active_profile: [a, b]\n"), "app.yaml:1: 'active_profile' is no text");
    let lists = load("kafka_brokers: [a:1, b:2]\n", None, &[]).expect("valid");
    let nothing = BTreeMap::new();
    assert_eq!(ApplicationEnvironment::new(&nothing, Some(&lists)).get("kafka_brokers").as_deref(), Some("a:1,b:2"));
}

#[test]
fn what_is_put_in_is_put_in_once() {
    let application = load("x: ${ODD}\nbatch_size: ${x}\n", None, &[("ODD", "${HOME}${nope")]).expect("valid");
    assert_eq!((application.text("x"), application.text("batch.size")), (Some("${HOME}${nope"), Some("${HOME}${nope")));
}

#[test]
fn keys_that_statements_may_say_something_else_about_may_lack_variables() {
    let application = load("batch_size: ${SIZE}\nkafka_brokers: ${KAFKA_BROKERS}\n", None, &[]).expect("valid");
    assert!(application.job_settings().all(|(_, held)| held.value.is_err()) && application.unresolved_brokers().is_some());
    assert!(message("x: 1\nfolder: ${FOLDER}\n").starts_with("app.yaml:2: environment variable FOLDER is not set; 'folder' needs it"));
    assert!(load("folder: ${folder:-here}\n", None, &[]).expect("itself").text("folder") == Some("here"));
}

#[test]
fn secrets_go_with_the_variables_they_are_put_into() {
    let application = load("x: \"<${PW}>\"\ny: ${x}${plain}\nplain: p\nmy_password: q\n", None, &[("PW", "sentinel-of-x")]).expect("valid");
    let nothing = BTreeMap::new();
    let secret = |name: &str| ApplicationEnvironment::new(&nothing, Some(&application)).variable(name).expect("resolved").expect("set").secret;
    assert_eq!(["x", "y", "plain", "my_password"].map(secret), [true, true, false, true]);
    let wrong = load("log_level: ${PW}\n", None, &[("PW", "abc")]).expect_err("no level").to_string();
    assert_eq!(wrong, "app.yaml:1: 'log_level' = '****': expected error, warn, info, debug or trace", "even a short one");
    let profile = load("active_profile: ${PW}\n", None, &[("PW", "abc")]).expect_err("no profile").to_string();
    assert_eq!(profile, "app.yaml:1: app.yaml has no profile '****'; it has none");
}

#[test]
fn variables_of_variables_are_bounded() {
    let chain = |from: usize, link: &dyn Fn(usize) -> String| (from..9_000).map(link).collect::<String>();
    let long = chain(1, &|n| format!("k{n}: ${{k{}}}\n", n - 1)) + "k0: x\n";
    assert_eq!(load(&long, None, &[]).expect("a chain").text("k8999"), Some("x"));
    let laughs = chain(1, &|n| format!("k{n}: ${{k{0}}}${{k{0}}}\n", n - 1)) + "k0: lol\n";
    assert!(message(&laughs).contains("has more than 256 KiB with its variables"), "{}", message(&laughs));
    let wide = chain(1, &|n| format!("k{n}: ${{k0}}\n")) + &format!("k0: {}\n", "x".repeat(60_000));
    assert!(message(&wide).ends_with("with their variables, all values have more than 16 MiB"), "{}", message(&wide));
    let cycle = chain(0, &|n| format!("k{n}: ${{k{}}}\n", (n + 1) % 9_000));
    assert!(message(&cycle).starts_with("app.yaml:1: the values of these keys need each other: k0, k1, "), "{}", message(&cycle));
}
