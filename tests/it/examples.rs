//! Every statement of `configs/examples` runs, on data of its own and a broker inside this process.

use std::collections::BTreeSet;

use crate::kafka::Broker;
use crate::velo::{Folder, Started, eventually_or};

fn example(name: &str) -> String {
    format!("{}/configs/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn start(folder: &Folder, broker: &Broker, name: &str) -> Started {
    let servers = broker.servers();
    folder.start_with(&["run", &example(name), "--set", "shutdown.timeout=10s"], &[("KAFKA_BROKERS", &servers)])
}

/// All lines of the files below a folder.
fn lines(folder: &Folder, place: &str) -> Vec<String> {
    folder.list(place).iter().filter(|file| !file.ends_with(".tmp")).flat_map(|file| folder.read(file).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn end(mut job: Started) -> String {
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    job.log()
}

#[test]
fn no_example_is_left_out() {
    let all: BTreeSet<String> =
        std::fs::read_dir(example("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(|name| name.ends_with(".sql")).collect();
    let tested = ["ecommerce.sql", "ecommerce_files.sql", "parcels_batched.sql", "readings_by_comma.sql", "scans_by_memory.sql"].map(str::to_owned);
    assert_eq!(all, BTreeSet::from(tested));
}

#[test]
fn orders_over_files_and_over_kafka_give_the_same_rows() {
    let (folder, broker) = (Folder::new(), Broker::start());
    let orders: Vec<String> = (1..=200u32)
        .map(|id| {
            format!(
                "{{\"order_id\":{id},\"customer_id\":{},\"product_id\":{},\"quantity\":{},\"ordered_at\":\"2026-01-31T10:00:{:02}Z\"}}",
                id % 7,
                id % 5,
                id % 4,
                id % 60
            )
        })
        .collect();
    folder.write("orders.jsonl", orders.join("\n") + "\n");
    folder.write("customers.csv", "id,name,tier\n1,Ada,gold\n2,Bob,silver\n3,Cyd,bronze\n");
    folder.write(
        "products.json",
        "{\"id\":1,\"name\":\"lamp\",\"price\":19.99}\n{\"id\":2,\"name\":\"desk\",\"price\":300.00}\n{\"id\":3,\"name\":\"chair\",\"price\":45.50}\n",
    );
    let files = start(&folder, &broker, "ecommerce_files.sql");
    let expected = orders.iter().enumerate().filter(|(at, _)| (at + 1) % 4 > 0 && (1..=3).contains(&((at + 1) % 5))).count();
    eventually_or(
        "rows from files",
        || folder.exists("audit.jsonl") && lines(&folder, "").iter().filter(|line| line.contains("\"lane\"")).count() >= expected,
        || files.log(),
    );
    end(files);
    let mut from_files: Vec<String> = folder.read("audit.jsonl").lines().map(str::to_owned).collect();
    assert_eq!((from_files.len(), folder.read("fulfillment.csv").lines().count()), (expected, expected + 1));
    std::fs::remove_file(folder.path().join("audit.jsonl")).unwrap();
    // The embedded broker can't be asked for topics.
    broker.topic("fulfillment", 2);
    broker.topic("orders", 3);
    let messages: Vec<(Option<&str>, &[u8])> = orders.iter().map(|order| (Some(order.as_str()), order.as_bytes())).collect();
    broker.send("orders", &messages);
    let kafka = start(&folder, &broker, "ecommerce.sql");
    eventually_or("rows from Kafka", || folder.exists("audit.jsonl") && folder.read("audit.jsonl").lines().count() >= expected, || kafka.log());
    end(kafka);
    let mut from_kafka: Vec<String> = folder.read("audit.jsonl").lines().map(str::to_owned).collect();
    from_files.sort();
    from_kafka.sort();
    assert_eq!(from_kafka, from_files);
    let topic = format!(
        "SELECT count(*) AS n, count(DISTINCT _key) AS keys FROM f WITH ('f.type'='kafka','f.topic'='fulfillment','f.bootstrap.servers'='{}','f.until'='latest')",
        broker.servers()
    );
    assert_eq!(folder.sql(&topic).expect(0).out, format!("{{\"n\":{expected},\"keys\":7}}\n"));
    let lake = folder.sql("SELECT count(*) AS n FROM l WITH ('l.type'='file','l.path'='lake','l.format'='parquet')").expect(0).out;
    assert_eq!(lake, format!("{{\"n\":{expected}}}\n"));
}

#[test]
fn parcels_are_priced_in_batches_that_follow_the_load() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("parcels", 2);
    broker.topic("priced-parcels", 1);
    let parcels: Vec<String> = (1..=3_000u32)
        .map(|id| {
            let state = if id % 10 == 0 { "REFUSED" } else { "ACCEPTED" };
            format!("{{\"parcel_id\":{id},\"sender_id\":{},\"zone\":\"z{}\",\"weight\":{}.500,\"state\":\"{state}\"}}", id % 3, id % 4, id % 30)
        })
        .collect();
    let messages: Vec<(Option<&str>, &[u8])> = parcels.iter().map(|parcel| (Some(parcel.as_str()), parcel.as_bytes())).collect();
    broker.send("parcels", &messages);
    folder.write("senders.csv", "id,contract,discount\n1,large,0.25\n2,small,0.05\n");
    folder.write("zones.json", "{\"zone\":\"z1\",\"country\":\"DE\",\"rate\":2.00}\n{\"zone\":\"z2\",\"country\":\"FR\",\"rate\":3.00}\n");
    let job = start(&folder, &broker, "parcels_batched.sql");
    eventually_or("all parcels", || lines(&folder, "audit").len() >= 2_700, || job.log());
    let log = end(job);
    assert!(!log.contains("no effect"), "{log}");
    let rows = lines(&folder, "audit");
    assert_eq!(rows.len(), 2_700);
    // 1.5 × 2.00 × 0.80, sent by the large sender.
    assert!(rows.iter().any(|row| row.contains("\"parcel_id\":1,") && row.contains("\"contract\":\"large\"") && row.contains("\"price\":2.4")), "{}", rows[0]);
    let archived =
        folder.sql("SELECT count(*) AS n, count(DISTINCT country) AS c FROM a WITH ('a.type'='file','a.path'='archive','a.format'='parquet')").expect(0).out;
    assert_eq!(archived, "{\"n\":2700,\"c\":2}\n");
}

#[test]
fn scans_are_cut_by_memory_and_readings_joined_by_a_comma() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("scans", 1);
    let scans: Vec<String> =
        (1..=12u32).map(|id| format!("{{\"scan_id\":{id},\"office\":\"o\",\"page\":\"{}\"}}", "x".repeat(if id == 5 { 600_000 } else { 400_000 }))).collect();
    let messages: Vec<(Option<&str>, &[u8])> = scans.iter().map(|scan| (Some("k"), scan.as_bytes())).collect();
    broker.send("scans", &messages);
    let job = start(&folder, &broker, "scans_by_memory.sql");
    eventually_or("all scans", || lines(&folder, "scans").len() >= 11, || job.log());
    end(job);
    let files = folder.list("scans");
    assert!((2..=4).contains(&files.len()), "{files:?}");
    broker.topic("readings", 1);
    let readings: Vec<String> = (1..=50u32).map(|id| format!("{{\"reading_id\":{id},\"device\":\"d{}\",\"celsius\":{}.25}}", id % 5, id)).collect();
    let messages: Vec<(Option<&str>, &[u8])> = readings.iter().map(|reading| (None, reading.as_bytes())).collect();
    broker.send("readings", &messages);
    folder.write("devices.csv", "id,room\nd1,kitchen\nd2,hall\n");
    let job = start(&folder, &broker, "readings_by_comma.sql");
    eventually_or("all readings", || folder.exists("located.jsonl") && folder.read("located.jsonl").lines().count() >= 20, || job.log());
    let log = end(job);
    assert!(log.contains("asks for transactions, but sink 'located' has none in this build"), "{log}");
    assert!(folder.read("located.jsonl").contains("{\"reading_id\":1,\"celsius\":1.25,\"room\":\"kitchen\"}\n"));
}
