//! What is told with a token, as a broker sees it that speaks just enough of the protocol to be told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::velo::Folder;

/// Gives everybody a token.
fn endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            while !String::from_utf8_lossy(&request).contains("grant_type=") {
                let Ok(count @ 1..) = stream.read(&mut part) else { break };
                request.extend_from_slice(&part[..count]);
            }
            let body = "{\"access_token\":\"abc.def.ghi\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
            let _gone = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        }
    });
    url
}

fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut frame).ok()?;
    Some(frame)
}

/// Says what it speaks, agrees to OAUTHBEARER, and passes on what comes then.
fn listen(mut stream: TcpStream, told: &Sender<String>) -> Option<()> {
    const VERSIONS: i16 = 18;
    const HANDSHAKE: i16 = 17;
    const AUTHENTICATE: i16 = 36;
    loop {
        let request = frame(&mut stream)?;
        let number = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
        let mut answer = request.get(4..8)?.to_vec();
        match (number(0), number(2)) {
            (VERSIONS, version) => {
                // An error tells newer clients to ask in the first version.
                answer.extend(if version > 0 { 35i16 } else { 0 }.to_be_bytes());
                answer.extend(4i32.to_be_bytes());
                for (key, last) in [(3i16, 1i16), (HANDSHAKE, 1), (VERSIONS, 0), (AUTHENTICATE, 0)] {
                    answer.extend([key, 0, last].iter().flat_map(|number| number.to_be_bytes()));
                }
            }
            (HANDSHAKE, _) => {
                answer.extend([0, 0, 0, 0, 0, 1, 0, 11]);
                answer.extend(b"OAUTHBEARER");
            }
            _ => return told.send(String::from_utf8_lossy(&request).into_owned()).ok(),
        }
        stream.write_all(&u32::try_from(answer.len()).unwrap().to_be_bytes()).ok()?;
        stream.write_all(&answer).ok()?;
    }
}

#[test]
fn extensions_are_told_with_a_token() {
    let (folder, url) = (Folder::new(), endpoint());
    folder.write("a.jsonl", "{\"id\":1}\n");
    let told = |statement: &str, extensions: &str| {
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = broker.local_addr().unwrap();
        let (send, receive) = channel();
        std::thread::spawn(move || {
            broker.incoming().flatten().for_each(|stream| {
                let _told = listen(stream, &send);
            })
        });
        let text = format!(
            "{statement},'t.type'='kafka','t.bootstrap.servers'='{address}','t.connect.timeout'='2s','max_retries'='0',
             't.security.protocol'='SASL_PLAINTEXT','t.sasl.mechanism'='OAUTHBEARER','t.sasl.oauthbearer.method'='oidc','t.sasl.oauthbearer.client.id'='velo',
             't.sasl.oauthbearer.client.secret'='not-told-to-brokers','t.sasl.oauthbearer.token.endpoint.url'='{url}'{extensions})"
        );
        let ran = folder.run(&["--sql", &text]);
        receive.recv_timeout(Duration::from_secs(5)).unwrap_or_else(|_| panic!("no token was told: {}", ran.err))
    };
    let source = "SELECT id FROM t WITH ('t.schema'='id BIGINT'";
    let sink = "SELECT id FROM a INTO t WITH ('a.type'='file','a.path'='a.jsonl'";
    for statement in [source, sink] {
        let with = told(statement, ",'t.sasl.oauthbearer.extensions'='tenant=seven, purpose=tests'");
        assert!(with.contains("auth=Bearer abc.def.ghi") && with.contains("\u{1}tenant=seven\u{1}") && with.contains("\u{1}purpose=tests\u{1}"), "{with:?}");
        let without = told(statement, "");
        assert!(without.contains("auth=Bearer abc.def.ghi") && !without.contains("tenant"), "{without:?}");
    }
}
