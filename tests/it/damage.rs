//! Damaged inputs: what stands before and after the damage is read, and the damage is told once.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::velo::{Folder, assert_balanced};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn lines(ids: std::ops::Range<u32>) -> String {
    ids.map(|id| format!("{{\"id\":{id},\"t\":\"text {}\"}}\n", u64::from(id) * 7_919_777 % 1_000_003)).collect()
}

/// The ids that a source gives under LogAndContinue, how many records were rejected, and the log.
fn ids(folder: &Folder, settings: &str) -> (Vec<u32>, u64, String) {
    let mut found = None;
    for mode in ["batch", "stream"] {
        let sql = format!("SELECT id FROM t WITH ('t.type'='file',{settings},'failure_strategy'='LogAndContinue','execution.mode'='{mode}')");
        let ran = folder.sql(&sql).expect(0);
        let job = ran.job();
        assert_balanced(&job);
        let ids: Vec<u32> =
            ran.out.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64()).map(|id| id as u32).collect();
        let result = (ids, job["rejected"].as_u64().unwrap());
        assert!(found.as_ref().is_none_or(|(known, _)| *known == result), "{mode}");
        found = Some((result, ran.err));
    }
    let ((ids, rejected), log) = found.unwrap();
    (ids, rejected, log)
}

fn fails(folder: &Folder, settings: &str) -> String {
    let mut log = String::new();
    for strategy in ["RetryWithBackoff", "FailBatch"] {
        let sql = format!("SELECT id FROM t WITH ('t.type'='file',{settings},'failure_strategy'='{strategy}','retry_backoff'='10ms')");
        log = folder.sql(&sql).expect(1).err;
    }
    log
}

#[test]
fn a_torn_line_of_a_json_file_is_one_bad_record() {
    let folder = Folder::new();
    let id = "'t.schema'='id BIGINT, n VARCHAR'";
    for (name, torn) in [("text", "{\"id\":2,\"n\":\"cut"), ("brace", "{\"id\":2,\"n\":{\"a\":1"), ("list", "{\"id\":2,\"n\":[1,")] {
        let rest: String = (3..=9).map(|id| format!("{{\"id\":{id},\"n\":\"x\"}}\n")).collect();
        folder.write(&format!("{name}.json"), format!("{{\"id\":1,\"n\":\"x\"}}\n{torn}\n{rest}"));
        let (found, rejected, log) = ids(&folder, &format!("'t.path'='{name}.json',{id}"));
        assert_eq!((found, rejected), ([1].into_iter().chain(3..=9).collect(), 1), "{name}");
        assert!(log.contains(&format!("{name}.json, line 2: not valid JSON")), "{log}");
        assert!(fails(&folder, &format!("'t.path'='{name}.json',{id}")).contains("line 2: not valid JSON"));
    }
    // A crash and an append: what a sink wrote is read back.
    folder.write("sink.json", "{\"id\":1}\n{\"id\":2,\"n\":\"to");
    folder.write("more.jsonl", "{\"id\":3}\n{\"id\":4}\n");
    folder.sql("SELECT id FROM m INTO o WITH ('m.type'='file','m.path'='more.jsonl','o.type'='file','o.path'='sink.json','o.append'='true')").expect(0);
    assert_eq!(ids(&folder, "'t.path'='sink.json'").0, [1, 3, 4]);
}

#[test]
fn an_open_quote_of_a_csv_file_is_one_bad_record() {
    let folder = Folder::new();
    let rest: String = (3..2000).map(|id| format!("{id},x\n")).collect();
    folder.write("a.csv", format!("id,t\n1,x\n2,\"open\n{rest}"));
    let (found, rejected, log) = ids(&folder, "'t.path'='a.csv'");
    assert_eq!((found.len(), rejected), (1998, 1));
    assert!(log.contains("a.csv, line 3: a quote is not closed"), "{log}");
}

#[test]
fn an_array_without_its_end_is_told() {
    let folder = Folder::new();
    folder.write("a.json", "[{\"id\":1},{\"id\":2}");
    let (found, rejected, log) = ids(&folder, "'t.path'='a.json'");
    assert_eq!((found, rejected), (vec![1, 2], 1));
    assert!(log.contains("the array is not closed"), "{log}");
}

#[test]
fn a_compressed_file_that_is_cut_off_gives_what_it_has() {
    let folder = Folder::new();
    let whole = gzip(&lines(0..40_000));
    let cut = &whole[..whole.len() / 2];
    let mut readable = Vec::new();
    let _cut_off = flate2::read::GzDecoder::new(cut).read_to_end(&mut readable);
    let expected = readable.iter().filter(|byte| **byte == b'\n').count() as u32;
    assert!(expected > 10_000);
    folder.write("one.jsonl.gz", cut);
    let (found, rejected, log) = ids(&folder, "'t.path'='one.jsonl.gz'");
    assert_eq!((found, rejected), ((0..expected).collect(), 1));
    assert!(log.contains(&format!("one.jsonl.gz, line {}: the file is damaged (it ends too early)", expected + 1)), "{log}");
    assert!(fails(&folder, "'t.path'='one.jsonl.gz'").contains("the file is damaged"));

    folder.write("d/1.jsonl.gz", gzip(&lines(0..10)));
    folder.write("d/2.jsonl.gz", cut);
    folder.write("d/3.jsonl.gz", gzip(&lines(50_000..50_010)));
    let (found, rejected, _) = ids(&folder, "'t.path'='d'");
    assert_eq!((found, rejected), ((0..10).chain(0..expected).chain(50_000..50_010).collect(), 1));

    folder.write("e/1.jsonl.zst", &zstd::encode_all(lines(0..40_000).as_bytes(), 0).unwrap()[..60_000]);
    folder.write("e/2.jsonl.zst", "no such thing");
    folder.write("e/3.jsonl.zst", zstd::encode_all(lines(50_000..50_010).as_bytes(), 0).unwrap());
    let (found, rejected, _) = ids(&folder, "'t.path'='e','t.schema'='id BIGINT'");
    assert!(found.len() > 1000 && found.ends_with(&[50_008, 50_009]), "{}", found.len());
    assert_eq!(rejected, 2);

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0xff;
    folder.write("flipped.jsonl.gz", flipped);
    let (found, rejected, _) = ids(&folder, "'t.path'='flipped.jsonl.gz','t.schema'='id BIGINT'");
    assert!(found.len() > expected as usize / 2 && rejected >= 1, "{} {rejected}", found.len());
}

#[test]
fn gzip_files_may_be_padded_with_zeros() {
    let folder = Folder::new();
    folder.write("a.jsonl.gz", [gzip(&lines(0..3)), vec![0; 1000]].concat());
    let (found, rejected, _) = ids(&folder, "'t.path'='a.jsonl.gz'");
    assert_eq!((found, rejected), (vec![0, 1, 2], 0));
}

#[test]
fn damaged_columnar_files_give_what_they_have_and_the_others_go_on() {
    let folder = Folder::new();
    folder.write("a.jsonl", lines(0..50_000));
    folder.write("b.jsonl", lines(60_000..60_003));
    for format in ["avro", "parquet"] {
        for (from, to) in [("a", "1"), ("a", "2"), ("b", "3")] {
            folder
                .sql(&format!("SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='{from}.jsonl','o.type'='file','o.path'='{format}/{to}.{format}')"))
                .expect(0);
        }
        let path = folder.path().join(format!("{format}/2.{format}"));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let (found, rejected, log) = ids(&folder, &format!("'t.path'='{format}','t.schema'='id BIGINT'"));
        assert!(found.starts_with(&(0..50_000).collect::<Vec<_>>()) && found.ends_with(&[60_000, 60_001, 60_002]), "{format}: {}", found.len());
        // Parquet has its index at the end, so nothing is left of it.
        assert_eq!(found.len() > 50_003, format == "avro", "{}", found.len());
        assert_eq!(rejected, 1);
        assert!(log.contains(&format!("2.{format}, row ")), "{log}");
        assert!(fails(&folder, &format!("'t.path'='{format}','t.schema'='id BIGINT'")).contains(&format!("2.{format}")));
    }
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_told() {
    let folder = Folder::new();
    for (strategy, status) in [("RetryWithBackoff", 1), ("FailBatch", 1), ("LogAndContinue", 0)] {
        folder.write("a.jsonl", lines(0..2_000_000));
        let sql = format!("SELECT id, t FROM a WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, t VARCHAR','failure_strategy'='{strategy}')");
        // Nobody takes the rows, so the file can't be read to its end.
        let mut child = folder
            .command(&["--summary", "json", "--sql", &sql])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.path().join("err")).unwrap())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 1000]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let file = std::fs::OpenOptions::new().write(true).open(folder.path().join("a.jsonl")).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length * 9 / 10).unwrap();
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        let log = folder.read("err");
        assert_eq!(child.wait().unwrap().code(), Some(status), "{log}");
        assert!(log.contains(&format!("the file was {length} bytes long and became shorter while it was read")), "{log}");
        if strategy == "LogAndContinue" {
            assert!(log.contains("\"rejected\":1"), "{log}");
        }
    }
}

#[test]
fn bytes_that_are_not_of_the_encoding_are_the_fault_of_their_record() {
    let folder = Folder::new();
    let mut text = b"id,name\n".to_vec();
    for id in 0..5 {
        text.extend_from_slice(format!("{id},").as_bytes());
        text.extend_from_slice(if id == 2 { b"\x81\n" } else { b"\x82\xa0\n" });
    }
    folder.write("a.csv", &text);
    let (found, rejected, log) = ids(&folder, "'t.path'='a.csv','t.encoding'='shift_jis'");
    assert_eq!((found, rejected), (vec![0, 1, 3, 4], 1));
    assert!(log.contains("a.csv, line 4: not valid Shift_JIS"), "{log}");
}

#[test]
fn headers_that_can_not_be_used_refuse_the_start() {
    let folder = Folder::new();
    folder.write("twice.csv", "id,name,id\n1,a,2\n");
    folder.write("bytes.csv", b"id,na\xffme\n1,a\n");
    folder.write("mac.csv", "id,name\r1,a\r2,b\r");
    let refused = |path: &str, schema: &str| folder.sql(&format!("SELECT * FROM t WITH ('t.type'='file','t.path'='{path}'{schema})")).expect(2).err;
    for schema in ["", ",'t.schema'='id BIGINT'"] {
        assert!(refused("twice.csv", schema).contains("twice.csv: two columns of the header are called 'id'"));
        assert!(refused("bytes.csv", schema).contains("bytes.csv: the name 'na\u{fffd}me' in the header is not valid in its encoding"));
        assert!(refused("mac.csv", schema).contains("mac.csv: its lines seem to end with carriage returns"));
    }
    let without = ",'t.has_headers'='false','t.schema'='id BIGINT, name VARCHAR'";
    assert!(refused("mac.csv", without).contains("carriage returns"));
}
