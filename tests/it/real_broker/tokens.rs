//! OAUTHBEARER with tokens of an endpoint over HTTP, as OIDC has it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{kafka, lines, write_ids};
use crate::velo::{Folder, Ran, eventually_or};

const SECRET: &str = "s3cret-of-the-client";
const WRONG: &str = "n0t-the-secret-at-all";
/// How long a token is good for, in seconds.
const LIFE: u64 = 10;

/// An endpoint that gives tokens to one client.
struct Endpoint {
    url: String,
    given: Arc<AtomicUsize>,
}

fn token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = serde_json::json!({"sub": "carol", "scope": "topics", "iat": now, "exp": now + LIFE});
    // The broker of these tests takes tokens that nobody has signed.
    format!("{}.{}.", URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn answer(mut stream: TcpStream, given: &AtomicUsize) {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&request).contains("grant_type=client_credentials") {
        let Ok(count @ 1..) = stream.read(&mut part) else { return };
        request.extend_from_slice(&part[..count]);
    }
    let credentials = format!("uthorization: Basic {}\r\n", STANDARD.encode(format!("velo:{SECRET}")));
    let (status, body) = if String::from_utf8_lossy(&request).contains(&credentials) {
        given.fetch_add(1, Ordering::Relaxed);
        ("200 OK", serde_json::json!({"access_token": token(), "token_type": "Bearer", "expires_in": LIFE}))
    } else {
        ("401 Unauthorized", serde_json::json!({"error": "invalid_client", "error_description": "client authentication failed"}))
    };
    let body = body.to_string();
    let _gone = write!(stream, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
}

fn endpoint() -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/token", listener.local_addr().unwrap().port());
    let given = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&given);
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &own)));
    Endpoint { url, given }
}

/// Settings of a connector that gets its tokens there.
fn settings(name: &str, topic: &str, url: &str, secret: &str) -> String {
    format!(
        "'{name}.type'='kafka','{name}.topic'='{topic}','{name}.bootstrap.servers'='{}','{name}.security.protocol'='SASL_SSL','{name}.ssl.ca.location'='{}',
         '{name}.sasl.mechanism'='OAUTHBEARER','{name}.sasl.oauthbearer.method'='oidc','{name}.sasl.oauthbearer.client.id'='velo','{name}.sasl.oauthbearer.client.secret'='{secret}',
         '{name}.sasl.oauthbearer.token.endpoint.url'='{url}','{name}.sasl.oauthbearer.scope'='topics','{name}.connect.timeout'='8s'",
        kafka().secure,
        kafka().certificate("ca.pem")
    )
}

fn assert_hidden(ran: &Ran, secret: &str) {
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains(secret) && !text.contains(&STANDARD.encode(format!("velo:{secret}"))), "{text}");
    }
}

#[test]
fn tokens_come_from_an_endpoint_and_are_renewed() {
    write_ids(kafka(), "tkns", 0..100, "");
    let endpoint = endpoint();
    let folder = Folder::new();
    let text = format!(
        "CREATE STREAM renewing AS SELECT id FROM t INTO k, o WITH ({},'t.schema'='id BIGINT',{},'k.topic.partitions'='1','o.type'='file','o.path'='o.jsonl')",
        settings("t", "tkns", &endpoint.url, SECRET),
        settings("k", "tkns_out", &endpoint.url, SECRET)
    );
    let mut job = folder.start(&["--sql", &text]);
    eventually_or("the rows", || lines(&folder, "o.jsonl").len() >= 100, || job.log());
    let first = endpoint.given.load(Ordering::Relaxed);
    // Source and sink renew theirs before the end of its life.
    eventually_or("new tokens", || endpoint.given.load(Ordering::Relaxed) >= first + 2, || job.log());
    write_ids(kafka(), "tkns", 100..200, "");
    eventually_or("more rows", || lines(&folder, "o.jsonl").len() >= 200, || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(super::count(kafka(), "tkns_out"), "{\"n\":200,\"d\":200}\n");
    assert!(!job.log().contains(SECRET), "{}", job.log());
    folder.write("s.sql", &text);
    for arguments in [&["explain", "s.sql", "--verbose"][..], &["explain", "s.sql", "--format", "json"], &["validate", "s.sql", "--log-level", "trace"]] {
        let ran = folder.run(arguments);
        assert!(ran.status == 0, "{arguments:?}: {}", ran.err);
        assert_hidden(&ran, SECRET);
    }
}

#[test]
fn a_wrong_secret_is_told_in_time_and_not_shown() {
    write_ids(kafka(), "no_tkns", 0..10, "");
    let endpoint = endpoint();
    let folder = Folder::new();
    let run = |url: &str| {
        let text = format!("SELECT id FROM t WITH ({},'t.until'='latest','t.schema'='id BIGINT')", settings("t", "no_tkns", url, WRONG));
        let began = Instant::now();
        let ran = folder.run(&["--log-level", "debug", "--sql", &text]);
        println!("status {} after {:?}: {}", ran.status, began.elapsed(), ran.err.lines().filter(|line| line.starts_with("Error")).collect::<String>());
        assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        assert_hidden(&ran, WRONG);
        ran
    };
    let ran = run(&endpoint.url).expect(2);
    assert!(
        ran.err.contains(&format!("token endpoint {}: it refuses the client (HTTP 401: invalid_client, client authentication failed)", endpoint.url)),
        "{}",
        ran.err
    );
    assert_eq!(endpoint.given.load(Ordering::Relaxed), 0);
    // Nobody listens there: not the user's fault.
    let ran = run("http://127.0.0.1:1/token").expect(1);
    assert!(ran.err.contains("token endpoint http://127.0.0.1:1/token: Connection refused"), "{}", ran.err);
}
