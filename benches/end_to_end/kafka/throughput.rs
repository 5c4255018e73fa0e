//! How much goes through when there is a backlog.

use std::process::Command;

use super::broker::Broker;
use super::load;
use crate::process::{Measured, velo, velo_on};
use crate::{Bench, REPEATS};

const SELECT: &str = "SELECT order_id, customer_id, amount * 1.1 AS gross, CASE WHEN amount > 500 THEN 'high' WHEN amount > 100 THEN 'mid' ELSE 'low' END AS band, status, ts, note FROM t WHERE quantity > 0";
/// The schema of [`load::SCHEMA`] as Avro.
const AVRO: &str = r#"{"type":"record","name":"Order","fields":[{"name":"order_id","type":"long"},{"name":"customer_id","type":"long"},{"name":"product_id","type":"long"},{"name":"quantity","type":"int"},
{"name":"amount","type":"double"},{"name":"status","type":"string"},{"name":"ts","type":"string"},{"name":"note","type":"string"}]}"#;
const AVRO_OUT: &str = r#"{"type":"record","name":"Banded","fields":[{"name":"order_id","type":"long"},{"name":"customer_id","type":"long"},{"name":"gross","type":"double"},
{"name":"band","type":"string"},{"name":"status","type":"string"},{"name":"ts","type":"string"},{"name":"note","type":"string"}]}"#;

impl Bench {
    pub(super) fn messages(&self) -> u64 {
        self.rows.min(1_000_000)
    }

    /// A topic of its own for each run, deleted afterwards.
    pub(super) fn once(&self, broker: &Broker, topic: &str, rows: u64, run: impl FnOnce(&str) -> Measured) -> Measured {
        // A name that was deleted is free again a while later.
        let topic = format!("{topic}-{:08x}", rand::random::<u32>());
        broker.create(&topic);
        let measured = run(&topic);
        assert_eq!(broker.messages(&topic), rows, "{topic}");
        broker.delete(&topic);
        measured
    }

    fn through(broker: &Broker, from: &str, to: &str, more: (&str, &str), processors: usize) -> Measured {
        let sink = format!("'o.type'='kafka','o.topic'='{to}','o.bootstrap.servers'='{}'{}", broker.servers, more.1);
        let sql = format!("{SELECT} INTO o WITH ({},{sink},'execution.mode'='stream')", source(broker, from, more.0));
        velo_on(processors, &["--quiet", "--summary", "none", "--sql", &sql])
    }

    fn copy(broker: &Broker, from: &str, to: &str, count: u64) -> Measured {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("VELO_BENCH_BASELINE", format!("copy {} {from} {to} {count}", broker.servers));
        crate::process::measure(&mut command)
    }

    /// Everything on the real broker with a backlog.
    pub(crate) fn kafka_throughput(&mut self) {
        let wanted = ["kafka-json", "kafka-avro", "kafka-join"];
        if !wanted.iter().any(|name| self.wants(name)) {
            return;
        }
        let broker = Broker::real(&self.folder);
        broker.create("orders");
        load::fill(&broker.servers, "orders", self.messages());
        if self.wants("kafka-json") {
            self.kafka_json(&broker);
        }
        if self.wants("kafka-avro") {
            self.kafka_avro(&broker);
        }
        if self.wants("kafka-join") {
            self.kafka_join(&broker);
        }
    }

    fn kafka_json(&mut self, broker: &Broker) {
        let (count, kept) = (self.messages(), self.messages() / 10 * 9);
        let (ours, theirs) = self.compare(
            || self.once(broker, "json-out", kept, |out| Self::through(broker, "orders", out, ("", ""), 0)),
            || Some(self.once(broker, "copied", count, |out| Self::copy(broker, "orders", out, count))),
        );
        let theirs = theirs.unwrap();
        let detail = format!("{} against {}, {} MB", per_second(count, ours), per_second(count, theirs), ours.megabytes());
        self.report("Kafka JSON -> Kafka JSON / loop by hand", theirs.wall.as_secs_f64() / ours.wall.as_secs_f64(), "0.8", detail);
        let detail = format!("{:.2} s against {:.2} s", ours.cpu.as_secs_f64(), theirs.cpu.as_secs_f64());
        self.report("the same, CPU / the loop's (less is better)", ours.cpu.as_secs_f64() / theirs.cpu.as_secs_f64(), "<= 2.0", detail);
    }

    fn kafka_avro(&mut self, broker: &Broker) {
        let (count, kept) = (self.messages(), self.messages() / 10 * 9);
        let (input, output) = (self.folder.join("order.avsc"), self.folder.join("banded.avsc"));
        std::fs::write(&input, AVRO).unwrap();
        std::fs::write(&output, AVRO_OUT).unwrap();
        let avro = |who: &str, file: &std::path::Path| format!(",'{who}.value.format'='avro','{who}.schema_file'='{}'", file.display());
        broker.create("orders-avro");
        let sql = format!(
            "SELECT * FROM t INTO o WITH ({},'o.type'='kafka','o.topic'='orders-avro','o.bootstrap.servers'='{}'{})",
            source(broker, "orders", ""),
            broker.servers,
            avro("o", &input)
        );
        velo(&["--quiet", "--summary", "none", "--sql", &sql]);
        let (read, written) = (avro("t", &input), avro("o", &output));
        let (ours, theirs) = self.compare(
            || self.once(broker, "avro-out", kept, |out| Self::through(broker, "orders-avro", out, (&read, &written), 0)),
            || Some(self.once(broker, "json-out", kept, |out| Self::through(broker, "orders", out, ("", ""), 0))),
        );
        let theirs = theirs.unwrap();
        let detail = format!("{} against {}", per_second(count, ours), per_second(count, theirs));
        self.report("Kafka Avro -> Kafka Avro / JSON", theirs.wall.as_secs_f64() / ours.wall.as_secs_f64(), "1.1", detail);
        broker.delete("orders-avro");
    }

    fn kafka_join(&mut self, broker: &Broker) {
        let (count, kept) = (self.messages(), self.messages() / 10 * 9);
        let folder = self.folder.display();
        let sql = |out: &str| {
            format!(
            "SELECT t.order_id, c.name, c.tier, p.title, t.quantity * p.price AS total, t.ts FROM t JOIN customers c ON t.customer_id = c.id JOIN products p ON t.product_id = p.id WHERE t.quantity > 0 INTO o, a, l
             WITH ({},'customers.type'='file','customers.path'='{folder}/customers.csv','products.type'='file','products.path'='{folder}/products.csv','execution.mode'='stream',
             'o.type'='kafka','o.topic'='{out}','o.bootstrap.servers'='{}','a.type'='file','a.path'='{folder}/ka.jsonl','l.type'='file','l.path'='{folder}/kl.parquet')",
            source(broker, "orders", ""),
            broker.servers
        )
        };
        let run = || self.once(broker, "joined", kept, |out| velo(&["--quiet", "--summary", "none", "--sql", &sql(out)]));
        let best = (1..REPEATS).fold(run(), |best, _| best.better(run()));
        let rate = count as f64 / best.wall.as_secs_f64() / 1e3;
        self.report("Kafka join -> Kafka, file, Parquet, thousand/s", rate, "150", format!("{:.2} CPU seconds", best.cpu.as_secs_f64()));
        self.report("the same, peak MB (less is better)", best.megabytes() as f64, "< 150", String::new());
    }

    /// The mock broker, with as many processors for both.
    pub(crate) fn kafka_mock(&mut self) {
        if !self.wants("kafka-mock") {
            return;
        }
        for (processors, must) in [(2, "0.6"), (1, "0.4")] {
            let broker = Broker::mock(self.messages(), processors);
            let run = || Self::through(&broker, "orders", "mock-out", ("", ""), processors);
            let best = (1..REPEATS).fold(run(), |best, _| best.better(run()));
            let rate = self.messages() as f64 / best.wall.as_secs_f64() / 1e6;
            self.report(&format!("mock broker, {processors} processors, million/s"), rate, must, format!("{:.2} CPU seconds", best.cpu.as_secs_f64()));
        }
    }
}

pub(super) fn per_second(count: u64, measured: Measured) -> String {
    format!("{:.2} M/s", count as f64 / measured.wall.as_secs_f64() / 1e6)
}

/// Settings of source `t`. `avro`: the settings of the format; the columns of JSON are declared.
pub(super) fn source(broker: &Broker, topic: &str, avro: &str) -> String {
    let columns = if avro.is_empty() { format!(",'t.schema'='{}'", load::SCHEMA) } else { avro.to_owned() };
    format!("'t.type'='kafka','t.topic'='{topic}','t.bootstrap.servers'='{}','t.until'='latest'{columns}", broker.servers)
}
