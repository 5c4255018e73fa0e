//! Other engines at the same work, see `benches/peers`. Their rates leave their start out, ours is that of the whole process.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::broker::Broker;
use super::load;
use super::throughput::{per_second, source};
use crate::process::velo;
use crate::{Bench, REPEATS};

const SELECT: &str = "SELECT order_id, customer_id, amount * 1.1 AS gross, CASE WHEN amount > 500 THEN 'high' WHEN amount > 100 THEN 'mid' ELSE 'low' END AS band, status, ts FROM t WHERE quantity > 0";

impl Bench {
    /// Only where it is asked for by name: it installs the others, some 2 GB.
    pub(crate) fn kafka_peers(&mut self) {
        if !self.wanted.iter().any(|wanted| wanted == "peers") {
            return;
        }
        let (broker, count) = (Broker::real(&self.folder), self.messages());
        broker.create("orders");
        load::fill(&broker.servers, "orders", count);
        let run = || {
            self.once(&broker, "ours", count / 10 * 9, |out| {
                let sink = format!("'o.type'='kafka','o.topic'='{out}','o.bootstrap.servers'='{}'", broker.servers);
                velo(&[
                    "--quiet",
                    "--summary",
                    "none",
                    "--sql",
                    &format!("{SELECT} INTO o WITH ({},{sink},'execution.mode'='stream')", source(&broker, "orders", "")),
                ])
            })
        };
        let ours = (1..REPEATS).fold(run(), |best, _| best.better(run()));
        let mut command = Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/peers/run"));
        let output = command.args([broker.servers.as_str(), "orders", &count.to_string()]).stderr(Stdio::inherit()).output().unwrap();
        let own = count as f64 / ours.wall.as_secs_f64();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            println!("{line}");
            let peer: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(rate) = peer["rate"].as_f64() {
                let detail = format!(
                    "{} against {:.2} M/s, {:.1} CPU s against {}, {} MB against {}",
                    per_second(count, ours),
                    rate / 1e6,
                    ours.cpu.as_secs_f64(),
                    peer["cpu_seconds"],
                    ours.megabytes(),
                    peer["peak_mb"]
                );
                self.report(
                    &format!("Kafka JSON -> Kafka JSON / {} {}", peer["peer"].as_str().unwrap(), peer["version"].as_str().unwrap_or_default()),
                    own / rate,
                    "3",
                    detail,
                );
            }
        }
    }
}
