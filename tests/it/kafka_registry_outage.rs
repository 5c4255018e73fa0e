//! A schema registry that is away while a job runs.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::kafka::Broker;
use crate::velo::{Folder, eventually_or};

/// Answers every request with one schema, as a registry does that is asked for its number.
fn answer(listener: &TcpListener) {
    let body = r#"{"schema":"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"}]}"}"#;
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
        assert!(head > 0);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).unwrap();
    }
}

#[test]
fn a_registry_that_is_away_is_waited_for() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    // A port that nobody listens at, for now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(
        "CREATE STREAM waiting AS SELECT id FROM t INTO o WITH ({},'t.value.format'='avro','t.schema'='id BIGINT','t.schema.registry.url'='http://{address}',
         'o.type'='file','o.path'='o.jsonl','max_retries'='1','retry_backoff'='10ms')",
        broker.source("t", "t")
    );
    broker.send("t", &[(None, &[0, 0, 0, 0, 1, 84])]);
    let mut job = folder.start(&["--sql", &text, "--summary", "json"]);
    eventually_or("the outage", || job.log().contains(&format!("schema registry http://{address}: Connection refused; status Reconnecting")), || job.log());
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    assert_eq!(job.log().matches("Reconnecting").count(), 1, "{}", job.log());
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || answer(&listener));
    eventually_or("the row", || folder.exists("o.jsonl") && folder.read("o.jsonl") == "{\"id\":42}\n", || job.log());
    eventually_or("status Connected", || job.log().contains("source 't': status Connected"), || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
}
