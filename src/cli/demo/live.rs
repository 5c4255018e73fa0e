//! The demo's job, and what is told of it.

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::generate;
use super::reader::Reader;
use crate::cli::arguments::{Arguments, DemoCommand};
use crate::cli::exit::ExitStatus;
use crate::cli::report::{grouped, print, refused, seconds, tell};
use crate::cli::run::{finish, stdout_sink};
use crate::cli::script::{Settings, inline, prepare_all};
use crate::cli::signals;
use crate::deploy::Look;
use crate::error::{Error, io_text};
use crate::kafka::EmbeddedBroker;
use crate::runtime::{JobCounters, JobSummary, Shutdown, start};

const EXAMPLE: &str = include_str!("../../../configs/examples/ecommerce.sql");

/// The topics of the example, which are called like its source and its sink.
const ORDERS: &str = "orders";
const FULFILLMENT: &str = "fulfillment";

/// The file by which a folder is known as a demo's, locked while the demo runs.
const LOCK: &str = ".velo-demo.lock";

/// How long the last rows may take to be read back.
const LAST_ROWS: Duration = Duration::from_secs(10);

/// Runs the demo.
pub(in crate::cli) async fn demo(command: &DemoCommand, arguments: &Arguments) -> ExitStatus {
    let (folder, lock) = match folder(&command.folder) {
        Ok(found) => found,
        Err(error) => return refused(&[error]),
    };
    let partitions = partitions(command);
    let broker = match broker(partitions) {
        Ok(broker) => broker,
        Err(error) => return refused(&[error]),
    };
    let (brokers, place, quiet) = (broker.brokers(), folder.display().to_string(), arguments.output.quiet);
    let settings = Settings { overrides: &overrides(&folder, &brokers), application: None };
    let jobs = match prepare_all(vec![Ok(inline(EXAMPLE))], settings, &stdout_sink(None), None, Look::Run).await {
        Ok(prepared) => prepared.jobs,
        Err(faults) => return refused(&faults),
    };
    if !quiet {
        tell(&format!(
            "embedded Kafka on {brokers} (in this process; nothing is installed), {} orders a second for {} s · statement: configs/examples/ecommerce.sql",
            grouped(command.rate.into()),
            command.seconds
        ));
        let query = format!("SELECT * FROM f LIMIT 5 WITH ('f.type'='kafka','f.topic'='{FULFILLMENT}','f.bootstrap.servers'='{brokers}')");
        tell(&format!("While it runs, look at the output topic from another terminal:\n  {} --sql {}", program(), quoted(&query)));
    }
    let shutdown = Shutdown::new();
    signals::listen(&shutdown);
    let began = Instant::now();
    let running = start(jobs.into_iter().map(|job| job.spec).collect(), &stdout_sink(None), &shutdown);
    let Some(counters) = running.jobs.first().map(|(_, counters)| Arc::clone(counters)) else { return ExitStatus::Failed };
    let reader = Arc::new(Reader::default());
    let reading = tokio::task::spawn_blocking({
        let (reader, brokers) = (Arc::clone(&reader), brokers.clone());
        move || reader.run(&brokers, FULFILLMENT, partitions)
    });
    let generated = Arc::new(AtomicU64::new(u64::MAX));
    let generator = generate_orders(brokers, command, &shutdown, &counters, &generated);
    let live = Live { counters: Arc::clone(&counters), reader: Arc::clone(&reader), generated, shutdown: shutdown.clone(), began, quiet };
    let live = tokio::spawn(live.watch());
    let outcomes = running.finished().await;
    shutdown.request();
    live.abort();
    let generated = generator.await;
    let out = counters.summary("").out;
    let waited = Instant::now();
    while reader.rows() < out && waited.elapsed() < LAST_ROWS && !reading.is_finished() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    reader.stop();
    let read = reading.await;
    let status = finish(&outcomes, None, quiet, began.elapsed());
    drop(lock);
    let faults = [generated.map(|orders| orders.map(|_| ())), read];
    let ended = |ended: Result<Result<(), Error>, tokio::task::JoinError>| {
        ended.unwrap_or_else(|error| Err(Error::internal("a part of the demo failed").with_source(error)))
    };
    if let Some(fault) = faults.into_iter().find_map(|part| ended(part).err()) {
        tell(&format!("Error: {}", fault.render()));
        return ExitStatus::Failed;
    }
    if status == ExitStatus::Done { advice(&place, &reader) } else { status }
}

/// So many partitions that the embedded Kafka, which keeps about 5 MiB of each, keeps all rows of a short demo.
fn partitions(command: &DemoCommand) -> i32 {
    const ROWS_KEPT: u64 = 15_000;
    let rows = u64::from(command.rate) * u64::from(command.seconds);
    i32::try_from((rows / ROWS_KEPT + 1).clamp(4, 64)).unwrap_or(64)
}

fn broker(partitions: i32) -> Result<EmbeddedBroker, Error> {
    let broker = EmbeddedBroker::start(1)?;
    for topic in [ORDERS, FULFILLMENT] {
        broker.create_topic(topic, partitions)?;
    }
    Ok(broker)
}

/// The folder, or the next free one of its name if another demo is using it; the lock is held while the demo runs.
fn folder(wanted: &Path) -> Result<(PathBuf, File), Error> {
    const MOST: usize = 100;
    for number in 1..MOST {
        let folder = if number == 1 { wanted.to_owned() } else { PathBuf::from(format!("{}-{number}", wanted.display())) };
        let fault = |error: std::io::Error| {
            Error::config(format!("cannot write the demo into {}: {}", folder.display(), io_text(&error)))
                .with_help("give another place with --folder, or change to a folder that you may write to")
        };
        std::fs::create_dir_all(&folder).map_err(fault)?;
        // What an earlier demo left is replaced, but nothing of somebody else's.
        if !folder.join(LOCK).exists() && std::fs::read_dir(&folder).map_err(fault)?.next().is_some() {
            return Err(Error::config(format!("{} has files that no demo wrote", folder.display())).with_help("give an empty or a new folder with --folder"));
        }
        let lock = File::create(folder.join(LOCK)).map_err(fault)?;
        if lock.try_lock().is_err() {
            continue;
        }
        if folder.join("audit.jsonl").exists() {
            std::fs::remove_file(folder.join("audit.jsonl")).map_err(fault)?;
        }
        if folder.join("lake").exists() {
            std::fs::remove_dir_all(folder.join("lake")).map_err(fault)?;
        }
        generate::tables(&folder).map_err(fault)?;
        return Ok((folder, lock));
    }
    Err(Error::config(format!("{MOST} demos are running below {} already", wanted.display())))
}

/// The example's paths, in the demo's folder, and its brokers.
fn overrides(folder: &Path, brokers: &str) -> Vec<(String, String)> {
    let paths = [("customers", "customers.csv"), ("products", "products.json"), ("audit", "audit.jsonl"), ("lake", "lake")];
    let path = |(name, file): (&str, &str)| (format!("{name}.path"), folder.join(file).to_string_lossy().into_owned());
    let at = |name: &str| (format!("{name}.bootstrap.servers"), brokers.to_owned());
    // The embedded Kafka answers an empty fetch only after this wait.
    let quick = ("orders.fetch.max.wait.ms".to_owned(), "5".to_owned());
    paths.into_iter().map(path).chain([ORDERS, FULFILLMENT].map(at)).chain([quick]).collect()
}

fn generate_orders(
    brokers: String,
    command: &DemoCommand,
    shutdown: &Shutdown,
    counters: &Arc<JobCounters>,
    generated: &Arc<AtomicU64>,
) -> tokio::task::JoinHandle<Result<u64, Error>> {
    let (rate, seconds) = (command.rate, command.seconds);
    let (shutdown, counters, generated) = (shutdown.clone(), Arc::clone(counters), Arc::clone(generated));
    tokio::task::spawn_blocking(move || {
        let count = generate::orders(&brokers, ORDERS, rate, seconds, &|| counters.summary("").input, &|| shutdown.is_requested())?;
        generated.store(count, Ordering::Relaxed);
        Ok(count)
    })
}

/// What is told while the demo runs.
struct Live {
    counters: Arc<JobCounters>,
    reader: Arc<Reader>,
    generated: Arc<AtomicU64>,
    shutdown: Shutdown,
    began: Instant,
    quiet: bool,
}

impl Live {
    /// Tells once a second what the job has done, as a table on a terminal and else in a line, and ends it when all generated orders have been read.
    async fn watch(self) {
        let mut told = Instant::now();
        let (mut last, mut p95) = (0, None);
        let table = (std::io::stderr().is_terminal() && !self.quiet).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let summary = self.counters.summary("enriched_orders");
            let done = summary.input >= self.generated.load(Ordering::Relaxed);
            if !self.quiet && (done || told.elapsed() >= Duration::from_secs(1)) {
                p95 = self.reader.p95().or(p95);
                let rate = ((summary.input - last) as f64 / told.elapsed().as_secs_f64().max(1e-3)) as u64;
                (told, last) = (Instant::now(), summary.input);
                match &table {
                    Some(bar) => {
                        bar.set_message(self.table(&summary, rate, p95));
                        bar.tick();
                    }
                    None => tell(&self.line(&summary, rate, p95)),
                }
            }
            if done {
                if let Some(bar) = table {
                    bar.abandon();
                }
                self.shutdown.request();
                return;
            }
        }
    }

    fn lag(summary: &JobSummary) -> u64 {
        summary.sources.iter().flat_map(|source| source.lag.values()).sum()
    }

    fn line(&self, summary: &JobSummary, rate: u64, p95: Option<u32>) -> String {
        let sinks = summary.sinks.iter().map(|sink| format!("{} {}", sink.name, grouped(sink.rows))).collect::<Vec<_>>().join("  ");
        let (input, out, rejected) = (grouped(summary.input), grouped(summary.out), grouped(summary.rejected));
        let (took, lag) = (seconds(self.began.elapsed()), grouped(Self::lag(summary)));
        format!("{took:>6}  {input} orders in ({}/s, lag {lag}), {out} enriched  {sinks}  rejected {rejected}  p95 {}", grouped(rate), millis(p95))
    }

    fn table(&self, summary: &JobSummary, rate: u64, p95: Option<u32>) -> String {
        let mut rows = vec![
            ("orders in".to_owned(), grouped(summary.input), format!("{}/s, lag {}", grouped(rate), grouped(Self::lag(summary)))),
            ("enriched".to_owned(), grouped(summary.out), format!("rejected {}", grouped(summary.rejected))),
        ];
        rows.extend(summary.sinks.iter().map(|sink| {
            let note = if sink.name == FULFILLMENT { format!("p95 {} until another program has read it", millis(p95)) } else { String::new() };
            (format!("  {}", sink.name), grouped(sink.rows), note)
        }));
        let rows = rows.into_iter().map(|(name, count, note)| format!("  {name:<14} {count:>12}   {note}"));
        std::iter::once(format!("  {}", seconds(self.began.elapsed()))).chain(rows).collect::<Vec<_>>().join("\n")
    }
}

fn millis(millis: Option<u32>) -> String {
    millis.map_or_else(|| "–".to_owned(), |millis| format!("{millis} ms"))
}

/// The last rows of the topic, and commands that read the files, as a shell takes them.
fn advice(place: &str, reader: &Reader) -> ExitStatus {
    let place = place.replace('\'', "''");
    let queries = [
        format!("SELECT lane, count(*) AS orders, sum(line_total) AS total FROM a GROUP BY 1 ORDER BY 1 WITH ('a.type'='file','a.path'='{place}/audit.jsonl')"),
        format!(
            "SELECT product_name, sum(quantity) AS sold FROM l GROUP BY 1 ORDER BY 2 DESC LIMIT 5 WITH ('l.type'='file','l.path'='{place}/lake','l.format'='parquet')"
        ),
    ];
    let program = program();
    let commands: String = queries.iter().map(|query| format!("  {program} --sql {}\n", quoted(query))).collect();
    let last: String = reader.last().iter().map(|row| format!("  {row}\n")).collect();
    print(&format!("Done. The last of {} rows that were read back from topic {FULFILLMENT}:\n{last}Look at the files:\n{commands}", grouped(reader.rows())))
}

/// What was typed to start the demo starts the commands, too; cargo and tests run it by its path.
fn program() -> String {
    std::env::args().next().filter(|program| program.contains('/')).map_or_else(|| "velo-sql".to_owned(), |program| plain_or_quoted(&program))
}

fn plain_or_quoted(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    if plain { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes, as a shell reads it back.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
