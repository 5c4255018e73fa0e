//! The demo's job, and what is told of it.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::generate;
use crate::cli::arguments::{Arguments, DemoCommand};
use crate::cli::exit::ExitStatus;
use crate::cli::report::{grouped, print, refused, seconds, tell};
use crate::cli::run::{finish, stdout_sink};
use crate::cli::script::{inline, prepare_all};
use crate::cli::signals;
use crate::deploy::Look;
use crate::error::{Error, io_text};
use crate::runtime::{JobCounters, Shutdown, start};

const EXAMPLE: &str = include_str!("../../../configs/examples/ecommerce.sql");

/// The file by which a folder is known as a demo's, locked while the demo runs.
const LOCK: &str = ".velo-demo.lock";

/// Runs the demo.
pub(in crate::cli) async fn demo(command: &DemoCommand, arguments: &Arguments) -> ExitStatus {
    let (folder, lock) = match folder(&command.folder) {
        Ok(found) => found,
        Err(error) => return refused(&[error]),
    };
    let place = folder.display().to_string();
    tell(&format!(
        "orders into {place}/orders.jsonl, {} a second for {} s · statement: configs/examples/ecommerce.sql",
        grouped(command.rate.into()),
        command.seconds
    ));
    let overrides = overrides(&folder);
    let jobs = match prepare_all(vec![Ok(inline(EXAMPLE))], &overrides, &stdout_sink(None), None, Look::Run).await {
        Ok(prepared) => prepared.jobs,
        Err(faults) => return refused(&faults),
    };
    let shutdown = Shutdown::new();
    signals::listen(&shutdown);
    let began = Instant::now();
    let running = start(jobs.into_iter().map(|job| job.spec).collect(), &stdout_sink(None), &shutdown);
    let counters = running.jobs.first().map(|(_, counters)| Arc::clone(counters));
    let generated = Arc::new(AtomicU64::new(u64::MAX));
    let generator = generate_orders(&folder, command, &shutdown, &generated);
    let live = counters.map(|counters| tokio::spawn(watch(counters, generated, shutdown.clone(), began, arguments.output.quiet)));
    let outcomes = running.finished().await;
    shutdown.request();
    if let Some(live) = live {
        live.abort();
    }
    let generated = generator.await;
    let status = finish(&outcomes, None, arguments.output.quiet, began.elapsed());
    drop(lock);
    if let Ok(Err(error)) = generated {
        tell(&format!("Error: {place}/orders.jsonl: {}", io_text(&error)));
        return ExitStatus::Failed;
    }
    if status == ExitStatus::Done { advice(&place) } else { status }
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
        for old in ["audit.jsonl", "fulfillment.csv"] {
            if folder.join(old).exists() {
                std::fs::remove_file(folder.join(old)).map_err(fault)?;
            }
        }
        if folder.join("lake").exists() {
            std::fs::remove_dir_all(folder.join("lake")).map_err(fault)?;
        }
        generate::tables(&folder).map_err(fault)?;
        return Ok((folder, lock));
    }
    Err(Error::config(format!("{MOST} demos are running below {} already", wanted.display())))
}

/// The example's paths, in the demo's folder.
fn overrides(folder: &Path) -> Vec<(String, String)> {
    let names = [
        ("orders", "orders.jsonl"),
        ("customers", "customers.csv"),
        ("products", "products.json"),
        ("audit", "audit.jsonl"),
        ("fulfillment", "fulfillment.csv"),
        ("lake", "lake"),
    ];
    let path = |(name, file): (&str, &str)| (format!("{name}.path"), folder.join(file).to_string_lossy().into_owned());
    names.into_iter().map(path).collect()
}

fn generate_orders(folder: &Path, command: &DemoCommand, shutdown: &Shutdown, generated: &Arc<AtomicU64>) -> tokio::task::JoinHandle<std::io::Result<u64>> {
    let (file, rate, seconds) = (folder.join("orders.jsonl"), command.rate, command.seconds);
    let (shutdown, generated) = (shutdown.clone(), Arc::clone(generated));
    tokio::task::spawn_blocking(move || {
        let count = generate::orders(&file, rate, seconds, &|| shutdown.is_requested())?;
        generated.store(count, Ordering::Relaxed);
        Ok(count)
    })
}

/// Tells once a second what the job has done, and ends it when all generated orders have been read.
async fn watch(counters: Arc<JobCounters>, generated: Arc<AtomicU64>, shutdown: Shutdown, began: Instant, quiet: bool) {
    let mut told = Instant::now();
    let on_terminal = std::io::stderr().is_terminal();
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let summary = counters.summary("enriched_orders");
        let done = summary.input >= generated.load(Ordering::Relaxed);
        if !quiet && (done || told.elapsed() >= Duration::from_secs(1)) {
            told = Instant::now();
            let sinks = summary.sinks.iter().map(|sink| format!("{} {}", sink.name, grouped(sink.rows))).collect::<Vec<_>>().join("  ");
            let line = format!(
                "{:>6}  {} orders in, {} enriched  {sinks}  rejected {}",
                seconds(began.elapsed()),
                grouped(summary.input),
                grouped(summary.out),
                grouped(summary.rejected)
            );
            if on_terminal && !done {
                redraw(&format!("\r{line}\x1b[K"));
            } else if on_terminal {
                redraw(&format!("\r{line}\x1b[K\n"));
            } else {
                tell(&line);
            }
        }
        if done {
            shutdown.request();
            return;
        }
    }
}

/// Writes on standard error without ending the line.
fn redraw(text: &str) {
    // If standard error is gone there is nobody to tell.
    let _nobody_reads = std::io::stderr().write_all(text.as_bytes());
}

/// Commands that read the outputs, as a shell takes them.
fn advice(place: &str) -> ExitStatus {
    let place = place.replace('\'', "''");
    let queries = [
        format!(
            "SELECT customer_tier, count(*) AS orders, sum(line_total) AS total FROM f GROUP BY 1 ORDER BY 1 WITH ('f.type'='file','f.path'='{place}/fulfillment.csv')"
        ),
        format!("SELECT lane, count(*) AS orders FROM a GROUP BY 1 ORDER BY 1 WITH ('a.type'='file','a.path'='{place}/audit.jsonl')"),
        format!(
            "SELECT product_name, sum(quantity) AS sold FROM l GROUP BY 1 ORDER BY 2 DESC LIMIT 5 WITH ('l.type'='file','l.path'='{place}/lake','l.format'='parquet')"
        ),
    ];
    // What was typed to start the demo starts the commands, too; cargo and tests run it by its path.
    let program = std::env::args().next().filter(|program| program.contains('/')).map_or_else(|| "velo-sql".to_owned(), |program| plain_or_quoted(&program));
    let commands: String = queries.iter().map(|query| format!("  {program} --sql {}\n", quoted(query))).collect();
    print(&format!("Done. Look at the results:\n{commands}"))
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
