//! Every key of this build has an effect that a test holds. A key without a test is not taken on trust: it fails here, and so does one whose test is gone or does not name it.

mod jobs;
mod kafka;
mod planned;
mod sinks;
mod sources;
mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::velo::Folder;

/// The component, its keys, and the test that fails when one of them has no effect: `file::function`, from `tests/it` or, for tests inside the crate, from the root.
const HELD: &[(&str, &[&str], &str)] = &[
    ("job", &["execution.mode"], "keys/jobs::a_statement_is_run_as_it_says"),
    ("job", &["use_transactions"], "configuration::transactions_that_can_not_be_given_are_told_once"),
    ("job", &["failure_strategy"], "keys/sources::a_source_meets_its_bad_records_as_it_says"),
    ("job", &["max_retries", "retry_backoff"], "keys/sinks::a_sink_is_tried_again_as_it_or_its_job_says"),
    ("job", &["batch.strategy", "batch.size"], "batching::fixed_size_cuts_at_rows"),
    ("job", &["batch.enable"], "batching::batches_can_be_turned_off"),
    ("job", &["batch.adaptive_max_size", "batch.min_size", "batch.target_latency"], "keys/jobs::batches_grow_towards_their_target"),
    ("job", &["batch.timeout", "batch.low_latency_wait"], "keys/jobs::batches_wait_for_rows_as_long_as_they_say"),
    ("job", &["batch.memory_limit_mb"], "keys/jobs::megabytes_limit_a_batch"),
    ("job", &["batch.memory_size"], "batching::memory_based_cuts_at_bytes"),
    ("job", &["batch.low_latency_max_size"], "batching::low_latency_cuts_small"),
    ("job", &["batch.eager_processing"], "keys/jobs::eager_batches_do_not_wait"),
    ("job", &["source.buffer_size"], "keys/jobs::reading_pauses_when_the_buffer_is_full"),
    ("job", &["memory.limit", "memory.recommended_limit"], "job_memory/mod::a_table_that_does_not_fit_fails_the_job"),
    ("job", &["emit"], "updates::windows_are_told_while_they_are_open_if_a_job_wants_it"),
    ("job", &["over.order"], "event_time::rows_of_over_wait_for_their_time_unless_they_are_taken_as_they_come"),
    ("job", &["state.dir"], "checkpoints::running_counts_go_on_after_a_fall"),
    ("job", &["checkpoint.interval"], "checkpoints::records_are_written_as_often_as_is_said"),
    ("job", &["state.ttl"], "event_time::joins_that_say_nothing_about_time_are_bounded_by_state_ttl"),
    ("job", &["shutdown.timeout"], "faults::a_sink_that_hangs_is_given_the_shutdown_timeout"),
    ("application", &["active_profile", "profiles"], "keys/jobs::an_application_file_has_profiles_and_names_one"),
    ("application", &["script"], "application::an_application_file_names_its_script"),
    ("application", &["log_level"], "keys/jobs::an_application_file_says_how_much_is_told"),
    ("application", &["kafka_brokers", "VELO_BATCH_TIMEOUT_MS"], "keys/jobs::an_application_file_gives_brokers_and_the_longest_wait"),
    ("application", &["VELO_MAX_JOBS", "VELO_MAX_SOURCES_PER_JOB", "VELO_MAX_SINKS_PER_JOB"], "keys/jobs::an_application_file_limits_jobs_sources_and_sinks"),
    ("application", &["VELO_MAX_MEMORY_MB"], "job_memory/mod::a_table_that_does_not_fit_fails_the_job"),
    ("source", &["type"], "keys/sources::types_say_what_reads"),
    ("source", &["config_file"], "configuration::precedence_is_command_line_inline_file_environment"),
    ("source", &["extends"], "application::a_configuration_file_begins_with_those_that_it_extends"),
    ("source", &["schema"], "keys/sources::columns_are_those_that_are_declared"),
    ("source", &["schema_file"], "configuration::a_schema_may_be_a_file"),
    ("source", &["event_time", "event_time.unit"], "keys/sources::event_times_are_of_a_column_and_of_a_unit"),
    ("source", &["watermark.max_out_of_orderness", "allowed_lateness"], "event_time::rows_are_waited_for_as_long_as_a_source_says"),
    ("source", &["watermark.idle_timeout"], "event_time::a_silent_source_is_not_waited_for"),
    ("source", &["refresh_interval"], "streaming::a_refreshed_table_takes_effect_between_epochs"),
    ("source", &["failure_strategy"], "keys/sources::a_source_meets_its_bad_records_as_it_says"),
    ("source", &["max_retries", "retry_backoff"], "keys/sources::a_source_is_tried_again_as_it_says"),
    ("source", &["batch.strategy", "batch.size"], "keys/sources::a_source_is_cut_into_batches_of_its_own"),
    ("source", &["batch.timeout"], "keys/sources::a_source_waits_for_a_full_batch_as_long_as_it_says"),
    ("sink", &["type"], "keys/sinks::types_say_what_writes"),
    ("sink", &["config_file"], "keys/kafka::lists_of_brokers_are_lists_in_files_too"),
    ("sink", &["extends"], "keys/sinks::a_file_of_a_sink_begins_with_another"),
    ("sink", &["failure_strategy", "max_retries", "retry_backoff"], "keys/sinks::a_sink_is_tried_again_as_it_or_its_job_says"),
    ("file_source", &["path", "format"], "keys/sources::what_a_file_is_and_where"),
    ("file_source", &["compression"], "files::compressed_files_are_known_by_suffix_or_key"),
    ("file_source", &["has_headers", "delimiter", "encoding"], "files::csv_has_its_options"),
    ("file_source", &["follow", "until"], "keys/sources::a_followed_file_ends_where_it_is_told_to"),
    ("file_source", &["follow.interval"], "keys/sources::a_followed_file_is_looked_at_as_often_as_it_says"),
    ("file_source", &["start"], "files::start_latest_reads_only_what_is_appended"),
    ("file_source", &["max_record_size"], "keys/sources::records_that_are_too_long_are_rejected"),
    ("file_sink", &["path", "format"], "keys/sinks::what_a_file_is_and_where"),
    ("file_sink", &["append"], "files::append_keeps_and_its_absence_replaces"),
    ("file_sink", &["compression"], "keys/sinks::files_are_compressed_as_they_say"),
    ("file_sink", &["rotation"], "keys/sinks::rotated_files_are_named_after_their_period"),
    ("file_sink", &["max_files", "roll.size"], "files::rolled_files_are_numbered_and_the_oldest_deleted"),
    ("file_sink", &["roll.interval"], "keys/sinks::a_file_is_ended_at_its_age"),
    ("file_sink", &["buffer_size_bytes"], "keys/sinks::bytes_are_collected_before_they_are_written"),
    ("file_sink", &["encryption", "encryption.key"], "keys/sinks::the_key_of_an_encryption_may_be_a_setting"),
    ("file_sink", &["partition_columns"], "files::rows_go_to_the_folders_of_their_partition"),
    ("file_sink", &["has_headers", "delimiter"], "keys/sinks::csv_is_written_as_it_says"),
    ("kafka_source", &["bootstrap.servers"], "keys/kafka::lists_of_brokers_are_lists_in_files_too"),
    ("kafka_source", &["topic"], "keys/kafka::a_source_reads_its_topic_or_that_of_its_name"),
    ("kafka_source", &["value.format"], "kafka_avro::without_a_registry_messages_are_bare_records_of_the_file"),
    ("kafka_source", &["key.format"], "kafka_keys::keys_that_are_no_text_pass_as_they_are"),
    ("kafka_source", &["schema.registry.url"], "kafka_registry_outage::a_registry_that_is_away_is_waited_for"),
    ("kafka_source", &["schema.registry.basic.auth.user.info", "schema.registry.ssl.ca.location"], "kafka_avro::users_and_authorities_are_checked"),
    ("kafka_source", &["schema.registry.timeout"], "keys/kafka::registries_are_waited_for_as_long_as_it_says"),
    ("kafka_source", &["group.id"], "keys/kafka::groups_are_called_as_they_say"),
    ("kafka_source", &["auto.offset.reset"], "real_broker/source_keys::groups_without_offsets_begin_where_they_are_told"),
    ("kafka_source", &["start", "until"], "kafka::begin_and_end_as_written"),
    ("kafka_source", &["max.poll.records"], "keys/kafka::no_more_messages_are_taken_at_once_than_a_source_says"),
    ("kafka_source", &["security.protocol", "sasl.mechanism", "sasl.username", "sasl.password"], "real_broker/basics::users_and_certificates_are_checked"),
    ("kafka_source", OAUTH, "real_broker/tokens::settings"),
    ("kafka_source", &["sasl.oauthbearer.extensions"], "keys/tokens::extensions_are_told_with_a_token"),
    ("kafka_source", &["https.ca.location"], "kafka_avro::authorities_of_token_endpoints_are_checked"),
    ("kafka_source", &["session.timeout.ms"], "real_broker/source_keys::a_dead_member_is_missed_after_session_timeout"),
    ("kafka_source", &["fetch.min.bytes", "fetch.max.wait.ms"], "real_broker/source_keys::a_fetch_waits_for_bytes_and_no_longer_than_it_may"),
    ("kafka_source", &["connect.timeout"], "keys/kafka::brokers_are_waited_for_as_long_as_it_says"),
    ("kafka_source", &["max_record_size"], "keys/kafka::messages_that_are_too_long_are_rejected"),
    ("kafka_sink", &["bootstrap.servers"], "keys/kafka::lists_of_brokers_are_lists_in_files_too"),
    ("kafka_sink", &["topic"], "keys/kafka::a_sink_writes_its_topic_or_that_of_its_name"),
    ("kafka_sink", &["value.format", "schema_file"], "kafka_avro::without_a_registry_messages_are_bare_records_of_the_file"),
    ("kafka_sink", &["schema.registry.url", "schema.registry.timeout"], "keys/kafka::registries_are_waited_for_as_long_as_it_says"),
    ("kafka_sink", &["schema.registry.basic.auth.user.info", "schema.registry.ssl.ca.location"], "kafka_avro::users_and_authorities_are_checked"),
    ("kafka_sink", &["subject.name.strategy", "avro.record.name"], "kafka_avro::subjects_are_called_after_topic_and_record"),
    ("kafka_sink", &["auto.register.schemas"], "kafka_avro::schemas_that_do_not_go_with_earlier_ones_are_refused"),
    ("kafka_sink", &["key", "headers", "timestamp"], "kafka::keys_headers_and_times_of_columns"),
    ("kafka_sink", &["key.format"], "real_broker/sink_keys::keys_are_texts_or_objects"),
    ("kafka_sink", &["topic.create"], "keys/kafka::topics_are_made_unless_a_sink_says_no"),
    ("kafka_sink", &["topic.partitions", "topic.replication.factor"], "real_broker/sink_keys::topics_are_made_as_a_sink_says"),
    ("kafka_sink", &["batch.size"], "real_broker/sink_keys::batch_size_limits_the_bytes_of_a_request"),
    ("kafka_sink", &["linger.ms"], "real_broker/sink_keys::linger_makes_messages_wait_for_each_other"),
    ("kafka_sink", &["acks"], "real_broker/sink_keys::without_acks_nobody_learns_of_a_refusal"),
    ("kafka_sink", &["enable.idempotence"], "real_broker/sink_keys::idempotent_producers_have_a_number"),
    ("kafka_sink", &["compression.type"], "real_broker/sink_keys::codecs_are_those_that_are_asked_for"),
    ("kafka_sink", &["security.protocol", "sasl.mechanism", "sasl.username", "sasl.password"], "real_broker/basics::users_and_certificates_are_checked"),
    ("kafka_sink", OAUTH, "real_broker/tokens::settings"),
    ("kafka_sink", &["sasl.oauthbearer.extensions"], "keys/tokens::extensions_are_told_with_a_token"),
    ("kafka_sink", &["https.ca.location"], "kafka_avro::authorities_of_token_endpoints_are_checked"),
    ("kafka_sink", &["connect.timeout"], "keys/kafka::brokers_are_waited_for_as_long_as_it_says"),
];

/// What the tests of tokens set with one helper, for a source and a sink alike.
const OAUTH: &[&str] = &[
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.scope",
];

/// The keys of this build by component, with their other spellings.
fn keys() -> Vec<(String, Vec<String>)> {
    let rows: Vec<Value> = serde_json::from_str(&Folder::new().run(&["options", "--format", "json"]).expect(0).out).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let available = rows.iter().filter(|row| row["available"] == true);
    available.map(|row| (text(&row["component"]), std::iter::once(&row["key"]).chain(row["aliases"].as_array().unwrap()).map(text).collect())).collect()
}

#[test]
fn every_key_has_a_test_and_every_test_a_key() {
    let all = keys();
    let is_held = |component: &str, key: &str| HELD.iter().any(|(owner, keys, _)| *owner == component && keys.contains(&key));
    let untested: Vec<String> =
        all.iter().filter(|(component, keys)| !is_held(component, &keys[0])).map(|(component, keys)| format!("{component} {}", keys[0])).collect();
    assert!(untested.is_empty(), "no test holds the effect of {untested:#?}");
    let known: BTreeSet<(&str, &str)> = all.iter().map(|(component, keys)| (component.as_str(), keys[0].as_str())).collect();
    let gone: Vec<_> = HELD.iter().flat_map(|(owner, keys, _)| keys.iter().map(|key| (*owner, *key))).filter(|key| !known.contains(key)).collect();
    assert!(gone.is_empty(), "there are no keys {gone:?}");
}

/// The text of a function, from its name to the line that ends it.
fn function<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.find(&format!("\nfn {name}("))? + 1;
    Some(&text[at..at + text[at..].find("\n}\n")?])
}

#[test]
fn the_tests_are_there_and_name_their_keys() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let all = keys();
    for (component, own, test) in HELD {
        let (file, name) = test.split_once("::").unwrap();
        let path: PathBuf = folder.join(format!("{file}.rs"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let body = function(&text, name).unwrap_or_else(|| panic!("{test} is not there"));
        let is_test =
            text.contains(&format!("#[test]\nfn {name}(")) || text.matches(&format!("{name}(")).count() > 1 || text.matches(&format!("{name},")).count() > 0;
        assert!(is_test, "nothing runs {test}");
        for key in *own {
            let spellings = &all.iter().find(|(owner, keys)| owner == component && keys[0] == *key).unwrap().1;
            assert!(spellings.iter().any(|spelling| names(body, spelling)), "{test} does not name '{key}'");
        }
    }
}

/// Whether a text has a key in it that is not a part of another one.
fn names(text: &str, key: &str) -> bool {
    let text = text.replace("\\n", " ");
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(key).any(|(at, _)| {
        let behind = &text[at + key.len()..];
        !is_part(text[..at].chars().next_back()) && !is_part(behind.chars().next()) && !behind.starts_with('.')
    })
}
