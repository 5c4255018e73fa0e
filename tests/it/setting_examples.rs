//! The examples of settings in files: `configs/examples/shop`, `plant` and `stages`. Their topics and files are real; databases and S3, which this build does not have, are checked up to that answer, and then stood in for by files.

use serde_json::{Value, json};

use crate::kafka::Broker;
use crate::kafka_avro::{Registry, encoded, framed, send, values};
use crate::velo::{Folder, Ran};

fn example(name: &str) -> String {
    format!("{}/configs/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The errors of a text, each with the words under its mark.
fn errors(ran: &Ran) -> Vec<&str> {
    ran.err.split("Error: ").skip(1).collect()
}

/// Some columns of the rows of the one file in a folder.
fn columns(folder: &Folder, place: &str, columns: &[&str]) -> Vec<Value> {
    let files = folder.list(place);
    assert_eq!(files.len(), 1, "{files:?}");
    // What is not compressed passes as it is.
    let output = std::process::Command::new("gzip").arg("-dcf").arg(folder.path().join(&files[0])).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect()
}

/// A source of Avro, a table that is a file instead of a database, a CSV file; a topic, a Parquet folder instead of S3, a compressed file.
pub fn shop(registry: &Registry, broker: &Broker) {
    let folder = Folder::new();
    let servers = broker.servers();
    let variables = [
        ("KAFKA_BROKERS", servers.as_str()),
        ("SCHEMA_REGISTRY_URL", registry.url.as_str()),
        ("DB_USER", "clerk"),
        ("DB_PASSWORD", "a-word-of-the-clerk"),
        ("AWS_ACCESS_KEY_ID", "an-id"),
        ("AWS_SECRET_ACCESS_KEY", "a-word-of-the-cloud"),
    ];
    let script = example("shop/purchases.sql");
    let ran = folder.run_with(&["validate", &script], &variables, b"").expect(2);
    let told = errors(&ran);
    assert_eq!(told.len(), 2, "{}", ran.err);
    assert!(
        told[0].starts_with("No supported datasource found in query analysis for job 'confirmed_purchases'") && told[0].contains("kind database"),
        "{}",
        ran.err
    );
    assert!(told[1].starts_with("sink 'warehouse' is of kind s3, which this build does not have"), "{}", ran.err);

    let schema = json!({ "type": "record", "name": "Purchase", "fields": [
        { "name": "purchase_id", "type": "long" }, { "name": "member_id", "type": "long" }, { "name": "sku", "type": "long" },
        { "name": "quantity", "type": "int" }, { "name": "purchase_date", "type": { "type": "int", "logicalType": "date" } } ] });
    broker.topic("purchases", 1);
    broker.topic("confirmations-dev", 1);
    let number = registry.register("purchases-value", &schema);
    let rows: Vec<String> = [(1, 7, 10, 2), (2, 8, 11, 1), (3, 9, 10, 5), (4, 7, 10, 0), (5, 7, 99, 1)]
        .map(|(id, member, sku, quantity)| {
            format!("{{'purchase_id': {id}, 'member_id': {member}, 'sku': {sku}, 'quantity': {quantity}, 'purchase_date': date(2026, 3, {id})}}")
        })
        .into();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    send(broker, "purchases", &encoded(&schema, &rows).iter().map(|value| framed(number, value)).collect::<Vec<_>>());
    folder.write("members.csv", "id,member_name,member_tier\n7,Ida,gold\n8,Tom,basic\n");
    folder.write("catalogue_dev.csv", "sku,title,price\n10,pen,1.50\n11,ink,20.00\n");
    folder.write("members_file.yaml", "path: members.csv\n");
    folder.write("warehouse_file.yaml", "path: warehouse\nformat: parquet\npartition_columns: [member_tier, purchase_date]\ncompression: snappy\n");
    let stand_ins = [
        "members.type=file_source",
        "members.config_file=members_file.yaml",
        "warehouse.type=file_sink",
        "warehouse.config_file=warehouse_file.yaml",
        "purchases.until=latest",
    ];
    let arguments: Vec<&str> = [script.as_str()].into_iter().chain(stand_ins.iter().flat_map(|set| ["--set", set])).collect();
    folder.run_with(&[&["run"][..], &arguments].concat(), &variables, b"").expect(0);
    let expected = [json!([1, "Ida", "pen", 3.0]), json!([2, "Tom", "ink", 20.0])];
    assert_eq!(columns(&folder, "trail/dev", &["purchase_id", "member_name", "title", "total"]), expected);
    assert!(folder.exists("warehouse/member_tier=gold/purchase_date=2026-03-01") && folder.exists("warehouse/member_tier=basic/purchase_date=2026-03-02"));
    let sent: Vec<Value> = values(broker, "confirmations-dev", 2).iter().map(|value| serde_json::from_slice(value).unwrap()).collect();
    assert_eq!(sent.iter().map(|row| row["total"].as_f64().unwrap()).collect::<Vec<_>>(), [3.0, 20.0]);
    // Every setting tells its place; what is extended does too.
    let told = folder.run_with(&[&["explain"][..], &arguments].concat(), &variables, b"").expect(0).out;
    for line in [
        "shop/purchases.yaml:2)",
        "shop/kafka.yml:6)",
        "members.path = members.csv (members_file.yaml:1)",
        "warehouse.format = parquet (warehouse_file.yaml:2)",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

/// A base that wants variables, and settings of files that the statement sets again.
pub fn plant(registry: &Registry, broker: &Broker) {
    let folder = Folder::new();
    let servers = broker.servers();
    let variables = [
        ("KAFKA_BROKERS", servers.as_str()),
        ("SCHEMA_REGISTRY_URL", registry.url.as_str()),
        ("KAFKA_USERNAME", "gauge"),
        ("KAFKA_PASSWORD", "a-word-of-the-gauge"),
        ("ENVIRONMENT", "hall-2"),
        ("DB_USER", "clerk"),
        ("DB_PASSWORD", "a-word-of-the-clerk"),
    ];
    let script = example("plant/alarms.sql");
    let ran = folder.run_with(&["validate", &script], &variables, b"").expect(2);
    assert!(errors(&ran).len() == 1 && ran.err.contains("source 'vessels' is of kind database, which this build does not have"), "{}", ran.err);
    // A variable without a default is needed, though no user is sent to these brokers.
    let ran = folder.run_with(&["validate", &script], &variables[..3], b"").expect(2);
    assert!(ran.err.contains("plant/kafka.yaml:6") && ran.err.contains("environment variable KAFKA_PASSWORD is not set"), "{}", ran.err);

    let schema = json!({ "type": "record", "name": "Pressure", "fields": [
        { "name": "vessel", "type": "string" }, { "name": "bar", "type": "double" }, { "name": "samples", "type": "long" } ] });
    broker.topic("pressures-hall-2", 1);
    broker.topic("alarms-night-shift", 1);
    let number = registry.register("pressures-hall-2-value", &schema);
    let rows = [
        "{'vessel': 'v1', 'bar': 9.5, 'samples': 101}",
        "{'vessel': 'v1', 'bar': 0.5, 'samples': 500}",
        "{'vessel': 'v1', 'bar': 5.0, 'samples': 101}",
        "{'vessel': 'v1', 'bar': 5.0, 'samples': 100}",
        "{'vessel': 'none', 'bar': 5.0, 'samples': 101}",
    ];
    send(broker, "pressures-hall-2", &encoded(&schema, &rows).iter().map(|value| framed(number, value)).collect::<Vec<_>>());
    folder.write("vessels.csv", "vessel,place,lowest,highest\nv1,yard,1,8\n");
    folder.write("vessels_file.yaml", "path: vessels.csv\nrefresh_interval: \"300000\"\n");
    let stand_ins = ["vessels.type=file_source", "vessels.config_file=vessels_file.yaml", "pressures.until=latest"];
    let arguments: Vec<&str> = ["run", script.as_str()].into_iter().chain(stand_ins.iter().flat_map(|set| ["--set", set])).collect();
    let ran = folder.run_with(&arguments, &variables, b"").expect(0);
    assert!(!ran.err.contains("a-word-of"), "{}", ran.err);
    let expected = [json!(["v1", "yard", "TOO_HIGH"]), json!(["v1", "yard", "TOO_LOW"]), json!(["v1", "yard", "IN_RANGE"])];
    assert_eq!(columns(&folder, "journal", &["vessel", "place", "verdict"]), expected);
    let sent: Vec<Value> = values(broker, "alarms-night-shift", 3).iter().map(|value| serde_json::from_slice(value).unwrap()).collect();
    assert_eq!(sent.iter().map(|row| row["verdict"].as_str().unwrap()).collect::<Vec<_>>(), ["TOO_HIGH", "TOO_LOW", "IN_RANGE"]);
}

#[test]
fn one_statement_runs_in_three_environments() {
    let (folder, broker) = (Folder::new(), Broker::start());
    let servers = broker.servers();
    folder.write("releases.csv", "release\n1.0\n1.1\n");
    let file = example("stages/velo.yaml");
    for (profile, topic, output) in [("development", "events-dev", "out"), ("staging", "events-staging", "out"), ("production", "events-prod", "live")] {
        broker.topic(topic, 1);
        let messages: Vec<String> = (1..=3).map(|id| format!("{{\"id\":{id},\"kind\":\"{profile}\"}}")).collect();
        broker.send(topic, &messages.iter().map(|message| (None, message.as_bytes())).collect::<Vec<_>>());
        let variables = [("KAFKA_BROKERS", servers.as_str()), ("OUT_FOLDER", "live"), ("VELO_PROFILE", profile), ("USER", "tester")];
        // The brokers of the other profiles are names in the file.
        let brokers = format!("events.bootstrap.servers={servers}");
        let mut arguments = vec!["--config", &file, "--set", "events.until=latest"];
        if profile != "production" {
            arguments.extend(["--set", &brokers]);
        }
        if profile == "development" {
            // Its group begins with what comes from now on.
            arguments.extend(["--set", "events.start=earliest"]);
        }
        let told = folder.run_with(&arguments, &variables, b"").expect(0).err;
        assert!(told.contains("'events_by_release' asks for transactions"), "{told}");
        assert_eq!(told.contains("' started"), profile != "production", "the level of the profile: {told}");
        let rows = columns(&folder, output, &["id", "kind", "release"]);
        let own = rows.iter().filter(|row| row[1] == profile).count();
        assert_eq!(own, 6, "three events with each of two releases: {rows:?}");
    }
    let ran = folder.run_with(&["--config", &file, "--profile", "production"], &[], b"").expect(2);
    assert!(ran.err.contains("stages/velo.yaml:25: environment variable KAFKA_BROKERS is not set"), "{}", ran.err);
}

#[test]
fn a_file_of_an_example_that_is_not_there_is_named() {
    let folder = Folder::new();
    folder.write("events.sql", std::fs::read_to_string(example("stages/events.sql")).unwrap());
    folder.write("velo.yaml", std::fs::read_to_string(example("stages/velo.yaml")).unwrap());
    let ran = folder.run(&["run"]).expect(2);
    for file in ["dev_events.yaml", "releases.yaml", "out.yaml"] {
        assert!(ran.err.contains(&format!("cannot read {file}: No such file or directory")), "{}", ran.err);
    }
}
