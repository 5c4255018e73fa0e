//! How long messages take at a pace, and the figures that the settings of the user guide promise.

use std::time::Duration;

use super::broker::Broker;
use super::load::{Latencies, Pace, paced};
use crate::Bench;
use crate::process::{Measured, beside};

/// A job and the pace it has to keep.
struct Promise {
    name: &'static str,
    /// Of the group that `cargo bench -- NAME` selects.
    group: &'static str,
    rate: u64,
    /// Bytes of padding in a message.
    padding: usize,
    select: &'static str,
    settings: &'static str,
    /// Sinks besides the topic.
    more_sinks: &'static [&'static str],
    /// Most milliseconds for 95 % of the messages, and most megabytes.
    p95: f64,
    megabytes: Option<u64>,
}

const PLAIN: &str = "SELECT id, sent, amount * 1.1 AS gross, CASE WHEN amount > 50 THEN 'high' ELSE 'low' END AS band, status, pad FROM t WHERE quantity > 0";
const JOIN: &str = "SELECT t.id, t.sent, c.name, p.title, t.quantity * p.price AS total, t.status, t.pad FROM t JOIN customers c ON t.customer_id = c.id JOIN products p ON t.product_id = p.id WHERE t.quantity > 0";
const LEFT_JOIN: &str = "SELECT t.id, t.sent, c.name, p.title, t.quantity * COALESCE(p.price, 1.0) AS total, t.status, t.pad FROM t LEFT JOIN customers c ON t.customer_id = c.id LEFT JOIN products p ON t.product_id = p.id";
const LARGE: &str = "SELECT id, sent, status, BYTE_LENGTH(pad) AS size, pad FROM t";
const ALERTS: &str = "SELECT id, sent, status, amount FROM t WHERE status IN ('paid', 'returned', 'created')";

const PROMISES: [Promise; 11] = [
    Promise {
        name: "no job, broker alone, 1 k/s",
        group: "latency",
        rate: 1_000,
        padding: 60,
        select: "",
        settings: "",
        more_sinks: &[],
        p95: 0.0,
        megabytes: None,
    },
    Promise {
        name: "no job, broker alone, 50 k/s",
        group: "latency",
        rate: 50_000,
        padding: 60,
        select: "",
        settings: "",
        more_sinks: &[],
        p95: 0.0,
        megabytes: None,
    },
    Promise {
        name: "low_latency at 1 k/s",
        group: "latency",
        rate: 1_000,
        padding: 60,
        select: PLAIN,
        settings: "'batch.strategy'='low_latency','batch.eager_processing'='true','o.linger.ms'='0'",
        more_sinks: &[],
        p95: 6.0,
        megabytes: None,
    },
    Promise {
        name: "low_latency at 50 k/s",
        group: "latency",
        rate: 50_000,
        padding: 60,
        select: PLAIN,
        settings: "'batch.strategy'='low_latency','batch.eager_processing'='true','o.linger.ms'='1'",
        more_sinks: &[],
        p95: 12.0,
        megabytes: None,
    },
    Promise {
        name: "E1 fixed_size 2000, 50 ms, at 100 k/s",
        group: "guide",
        rate: 100_000,
        padding: 60,
        select: PLAIN,
        settings: "'batch.strategy'='FixedSize','max_batch_size'='2000','batch_timeout'='50'",
        more_sinks: &[],
        p95: 200.0,
        megabytes: Some(100),
    },
    Promise {
        name: "E2 low_latency 10, 10 ms, at 50 k/s",
        group: "guide",
        rate: 50_000,
        padding: 60,
        select: PLAIN,
        settings: "'batch.strategy'='LowLatency','max_batch_size'='10','batch_timeout'='10'",
        more_sinks: &[],
        p95: 50.0,
        megabytes: Some(50),
    },
    Promise {
        name: "E4 3 sources at 75 k/s",
        group: "guide",
        rate: 75_000,
        padding: 60,
        select: JOIN,
        settings: "'batch.strategy'='FixedSize','max_batch_size'='2000','batch_timeout'='50'",
        more_sinks: &[],
        p95: 300.0,
        megabytes: Some(150),
    },
    Promise {
        name: "E6 orders to 3 sinks at 10 k/s",
        group: "guide",
        rate: 10_000,
        padding: 60,
        select: JOIN,
        settings: "'batch.strategy'='fixed_size','batch.size'='500','batch.timeout'='2000ms','failure_strategy'='LogAndContinue'",
        more_sinks: &["e6.jsonl", "e6.parquet"],
        p95: 500.0,
        megabytes: None,
    },
    Promise {
        name: "E9 adaptive_size at 25 k/s",
        group: "guide",
        rate: 25_000,
        padding: 60,
        select: LEFT_JOIN,
        settings: "'batch.strategy'='adaptive_size','batch.min_size'='100','batch.adaptive_max_size'='5000','batch.target_latency'='200ms','batch.timeout'='10000ms','t.fetch.min.bytes'='32768','o.batch.size'='65536','o.linger.ms'='50','o.compression.type'='snappy'",
        more_sinks: &["e9.jsonl", "e9.parquet"],
        p95: 400.0,
        megabytes: None,
    },
    Promise {
        name: "E10 memory_based 16 MiB at 500 large/s",
        group: "guide",
        rate: 500,
        padding: 32_000,
        select: LARGE,
        settings: "'batch.strategy'='memory_based','batch.memory_size'='16777216','batch.timeout'='30000ms'",
        more_sinks: &["e10-{batch_id}.jsonl"],
        p95: 31_000.0,
        megabytes: None,
    },
    Promise {
        name: "E11 low_latency alerts at 10 k/s",
        group: "guide",
        rate: 10_000,
        padding: 60,
        select: ALERTS,
        settings: "'batch.strategy'='low_latency','batch.low_latency_max_size'='5','batch.low_latency_wait'='10ms','batch.eager_processing'='true','t.fetch.max.wait.ms'='1','o.linger.ms'='1','o.batch.size'='1024'",
        more_sinks: &[],
        p95: 50.0,
        megabytes: None,
    },
];

impl Bench {
    /// Every promise, one after the other, on one real broker.
    pub(crate) fn kafka_latency(&mut self) {
        let wanted: Vec<&Promise> = PROMISES.iter().filter(|promise| self.wants(promise.group) || self.wants(promise.name)).collect();
        if wanted.is_empty() {
            return;
        }
        let seconds = std::env::var("VELO_BENCH_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
        let broker = Broker::real(&self.folder);
        broker.create("warm");
        let message_of = |id: u64, sent: u64| message(id, sent, "");
        // A broker's first minute is spent on compiling itself.
        paced(&Pace { servers: &broker.servers, input: "warm", output: "warm", rate: 50_000, seconds: 30, message: &message_of });
        for (number, promise) in wanted.into_iter().enumerate() {
            let (input, output) = (format!("in-{number}"), format!("out-{number}"));
            broker.create(&input);
            broker.create(&output);
            let (latencies, measured) = self.keep(&broker, promise, (&input, &output), seconds);
            let detail = format!(
                "p50 {:.1} mean {:.1} p99 {:.1} max {:.0} ms, {} messages, {} MB, {:.0} % of a CPU",
                latencies.within(0.5),
                latencies.mean(),
                latencies.within(0.99),
                latencies.within(1.0),
                latencies.count(),
                measured.megabytes(),
                100.0 * measured.cpu.as_secs_f64() / measured.wall.as_secs_f64().max(1e-9)
            );
            self.report(
                &format!("{}, p95 ms", promise.name),
                latencies.within(0.95),
                &if promise.p95 > 0.0 { format!("< {}", promise.p95) } else { "-".to_owned() },
                detail,
            );
            if let Some(megabytes) = promise.megabytes {
                self.report(&format!("{}, peak MB", promise.name), measured.megabytes() as f64, &format!("< {megabytes}"), String::new());
            }
            broker.delete(&input);
            broker.delete(&output);
        }
    }

    fn keep(&self, broker: &Broker, promise: &Promise, (input, output): (&str, &str), seconds: u64) -> (Latencies, Measured) {
        let padding = "x".repeat(promise.padding);
        let message = |id: u64, sent: u64| message(id, sent, &padding);
        if promise.select.is_empty() {
            // The broker and the two clients of the bench alone.
            let pace = Pace { servers: &broker.servers, input, output: input, rate: promise.rate, seconds, message: &message };
            return (paced(&pace), Measured::default());
        }
        let folder = self.folder.display();
        let names = ["a", "b"];
        let sinks: String = names.iter().zip(promise.more_sinks).map(|(name, path)| format!(",'{name}.type'='file','{name}.path'='{folder}/{path}'")).collect();
        let into: String = names[..promise.more_sinks.len()].iter().map(|name| format!(", {name}")).collect();
        let tables = if promise.select.contains("customers") {
            format!(",'customers.type'='file','customers.path'='{folder}/customers.csv','products.type'='file','products.path'='{folder}/products.csv'")
        } else {
            String::new()
        };
        let sql = format!(
            "CREATE STREAM measured_{} AS {} INTO o{into} WITH ('t.type'='kafka','t.topic'='{input}','t.bootstrap.servers'='{servers}',
             't.schema'='id BIGINT, sent BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, amount DOUBLE, status VARCHAR, pad VARCHAR',
             'o.type'='kafka','o.topic'='{output}','o.bootstrap.servers'='{servers}',{}{sinks}{tables})",
            input.replace('-', "_"),
            promise.select,
            promise.settings,
            servers = broker.servers
        );
        // For trying what a setting does.
        let more = std::env::var("VELO_BENCH_SETTINGS").unwrap_or_default();
        let sql = sql.strip_suffix(')').map(|sql| format!("{sql}{more})")).unwrap();
        let pace = Pace { servers: &broker.servers, input, output, rate: promise.rate, seconds, message: &message };
        beside(&["--quiet", "--summary", "none", "--sql", &sql], Duration::from_secs(30), || paced(&pace))
    }
}

fn message(id: u64, sent: u64, padding: &str) -> Vec<u8> {
    let status = ["created", "paid", "returned"][(id % 3) as usize];
    format!(
        "{{\"id\":{id},\"sent\":{sent},\"customer_id\":{},\"product_id\":{},\"quantity\":{},\"amount\":{},\"status\":\"{status}\",\"pad\":\"{padding}\"}}",
        id % 10_000,
        id % 1_000,
        1 + id % 9,
        id % 100
    )
    .into_bytes()
}
