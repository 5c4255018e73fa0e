//! The figures of all jobs for Prometheus. They are read when they are asked for, so that a job that is removed leaves none behind.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, Opts, Registry, TextEncoder};

use super::job::Job;
use super::status::JobReport;
use super::stream_job_server::{Inner, StreamJobServer};
use crate::error::{Error, Result};
use crate::operators::OperatorFigures;
use crate::stream::ConnectionState;

/// Whether a figure only grows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

use Kind::{Counter, Gauge};

/// Labels of all figures of a server.
type Labels = HashMap<String, String>;

/// Values, each with those of its labels.
type Values = Vec<(Vec<String>, f64)>;

/// A figure: its name, its meaning, its labels, and its values at one time.
struct Figure {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    values: fn(&Seen<'_>) -> Values,
}

/// A job, looked at once.
struct Seen<'a> {
    job: &'a Job,
    report: JobReport,
}

const JOB: &[&str] = &["job"];
const STATUS: &[&str] = &["job", "status"];
const SOURCE: &[&str] = &["job", "source"];
const SINK: &[&str] = &["job", "sink"];
const OPERATOR: &[&str] = &["job", "operator"];

const fn figure(name: &'static str, kind: Kind, labels: &'static [&'static str], values: fn(&Seen<'_>) -> Values, help: &'static str) -> Figure {
    Figure { name, help, kind, labels, values }
}

fn of_job(seen: &Seen<'_>, value: f64) -> Values {
    vec![(vec![seen.job.name.clone()], value)]
}

fn of_sources(seen: &Seen<'_>, value: fn(&super::SourceFigures) -> f64) -> Values {
    seen.report.sources.iter().map(|(name, source)| (vec![seen.job.name.clone(), name.clone()], value(source))).collect()
}

fn of_sinks(seen: &Seen<'_>, value: fn(&super::SinkFigures) -> f64) -> Values {
    seen.report.sinks.iter().map(|(name, sink)| (vec![seen.job.name.clone(), name.clone()], value(sink))).collect()
}

fn operator(seen: &Seen<'_>, at: usize, figures: &OperatorFigures) -> Vec<String> {
    vec![seen.job.name.clone(), format!("{} {}", at + 1, figures.name())]
}

fn of_operators(seen: &Seen<'_>, value: fn(&OperatorFigures) -> f64) -> Values {
    seen.job.counters.operators.iter().enumerate().map(|(at, figures)| (operator(seen, at, figures), value(figures))).collect()
}

fn connected(state: ConnectionState) -> f64 {
    f64::from(u8::from(state == ConnectionState::Connected))
}

/// Names that were promised come first. A total of sources or sinks is their number, which is a gauge in spite of the name.
const FIGURES: [Figure; 25] = [
    figure("velo_job_sources_total", Gauge, JOB, |seen| of_job(seen, seen.job.sources.len() as f64), "Sources of the job."),
    figure("velo_job_sinks_total", Gauge, JOB, |seen| of_job(seen, seen.job.counters.sinks.len() as f64), "Sinks of the job."),
    figure("velo_job_source_records_total", Counter, SOURCE, |seen| of_sources(seen, |source| source.records as f64), "Records read from the source."),
    figure("velo_job_sink_records_total", Counter, SINK, |seen| of_sinks(seen, |sink| sink.records as f64), "Rows written to the sink."),
    figure(
        "velo_job_status",
        Gauge,
        STATUS,
        |seen| vec![(vec![seen.job.name.clone(), format!("{:?}", seen.job.state())], 1.0)],
        "1 for the state that the job is in.",
    ),
    figure("velo_job_records_total", Counter, JOB, |seen| of_job(seen, seen.report.metrics.records_processed as f64), "Records the job has read."),
    figure(
        "velo_job_batches_total",
        Counter,
        JOB,
        |seen| of_job(seen, seen.report.metrics.batches_processed as f64),
        "Batches that went through the statement.",
    ),
    figure("velo_job_batches_failed_total", Counter, JOB, |seen| of_job(seen, seen.report.metrics.batches_failed as f64), "Batches that failed the job."),
    figure(
        "velo_job_errors_total",
        Counter,
        JOB,
        |seen| of_job(seen, seen.report.metrics.errors as f64),
        "Records and rows that were rejected, refused or given up.",
    ),
    figure(
        "velo_job_memory_bytes",
        Gauge,
        JOB,
        |seen| of_job(seen, seen.job.counters.memory.reserved() as f64),
        "Memory that the job takes: its tables, what its operators keep, and rows that wait.",
    ),
    figure("velo_job_source_errors_total", Counter, SOURCE, |seen| of_sources(seen, |source| source.errors as f64), "Records that could not be decoded."),
    figure("velo_job_source_bytes_total", Counter, SOURCE, |seen| of_sources(seen, |source| source.bytes as f64), "Encoded bytes read from the source."),
    figure(
        "velo_job_source_latency_seconds",
        Gauge,
        SOURCE,
        |seen| of_sources(seen, |source| source.latency_ms / 1e3),
        "Mean time of a batch from its reading to the end of its epoch.",
    ),
    figure(
        "velo_job_source_lag_records",
        Gauge,
        SOURCE,
        |seen| of_sources(seen, |source| source.lag as f64),
        "Records that wait to be read, where the source tells.",
    ),
    figure("velo_job_source_connected", Gauge, SOURCE, |seen| of_sources(seen, |source| connected(source.status)), "1 while the source is connected."),
    figure(
        "velo_job_sink_errors_total",
        Counter,
        SINK,
        |seen| of_sinks(seen, |sink| sink.errors as f64),
        "Rows that the sink refused, and rows that were given up.",
    ),
    figure("velo_job_sink_retries_total", Counter, SINK, |seen| of_sinks(seen, |sink| sink.retries as f64), "Tries after a failed write."),
    figure("velo_job_sink_latency_seconds", Gauge, SINK, |seen| of_sinks(seen, |sink| sink.write_latency_ms / 1e3), "Mean time of a write."),
    figure(
        "velo_operator_rows_in_total",
        Counter,
        OPERATOR,
        |seen| of_operators(seen, |rows| rows.rows().0 as f64),
        "Rows that came into an operator that keeps rows.",
    ),
    figure("velo_operator_rows_out_total", Counter, OPERATOR, |seen| of_operators(seen, |rows| rows.rows().1 as f64), "Rows that went out of it."),
    figure(
        "velo_operator_late_rows_total",
        Counter,
        OPERATOR,
        |seen| of_operators(seen, |rows| rows.late() as f64),
        "Rows whose result had been closed when they came.",
    ),
    figure("velo_operator_state_rows", Gauge, OPERATOR, |seen| of_operators(seen, |rows| rows.state().0 as f64), "Rows (of a grouping: groups) that it holds."),
    figure("velo_operator_state_bytes", Gauge, OPERATOR, |seen| of_operators(seen, |rows| rows.state().1 as f64), "Bytes of these."),
    figure(
        "velo_operator_watermark_lag_seconds",
        Gauge,
        OPERATOR,
        |seen| {
            let now = crate::clock::system_nanos() as f64 / 1e9;
            let known =
                seen.job.counters.operators.iter().enumerate().filter_map(|(at, rows)| Some((operator(seen, at, rows), now - rows.watermark()? as f64 / 1e6)));
            known.collect()
        },
        "How far its results are complete, behind the present time.",
    ),
    figure("velo_job_sink_connected", Gauge, SINK, |seen| of_sinks(seen, |sink| connected(sink.status)), "1 while the sink is connected."),
];

impl Figure {
    fn options(&self, server: &Labels) -> Opts {
        Opts::new(self.name, self.help).const_labels(server.clone())
    }

    fn collect(&self, server: &Labels, jobs: &[Seen<'_>]) -> prometheus::Result<Vec<MetricFamily>> {
        let values = jobs.iter().flat_map(|seen| (self.values)(seen));
        match self.kind {
            Counter => {
                let counter = CounterVec::new(self.options(server), self.labels)?;
                for (of, value) in values {
                    counter.get_metric_with_label_values(&of)?.inc_by(value);
                }
                Ok(counter.collect())
            }
            Gauge => {
                let gauge = GaugeVec::new(self.options(server), self.labels)?;
                for (of, value) in values {
                    gauge.get_metric_with_label_values(&of)?.set(value);
                }
                Ok(gauge.collect())
            }
        }
    }
}

/// Reads the figures of a server's jobs.
struct Figures {
    server: Weak<Inner>,
    labels: Labels,
    descriptions: Vec<Desc>,
}

impl Collector for Figures {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(server) = self.server.upgrade() else { return Vec::new() };
        let state = server.state.lock();
        let jobs: Vec<Seen<'_>> = state.jobs.values().map(|job| Seen { job, report: job.report() }).collect();
        // Names and labels are constants that a test has seen work.
        FIGURES.iter().flat_map(|figure| figure.collect(&self.labels, &jobs).unwrap_or_default()).collect()
    }
}

impl StreamJobServer {
    /// Adds the figures of this server's jobs to a registry, of which it may be one part. Nothing is added if the server was built without monitoring.
    ///
    /// **Errors**: the registry has a figure of the same name, such as those of another server without a [name](super::ServerBuilder::name) of its own.
    pub fn register_metrics(&self, registry: &Registry) -> Result<()> {
        if !self.inner.settings.monitoring {
            return Ok(());
        }
        let labels: Labels = self.inner.settings.name.iter().map(|name| ("server".to_owned(), name.clone())).collect();
        let fault = |error: prometheus::Error| {
            Error::config(format!("the figures of the jobs can't be registered: {error}"))
                .with_help("give each server of a registry a name of its own, with the builder's 'name'")
        };
        let label_names = |figure: &Figure| figure.labels.iter().map(|label| (*label).to_owned()).collect();
        let description = |figure: &Figure| Desc::new(figure.name.to_owned(), figure.help.to_owned(), label_names(figure), labels.clone());
        let descriptions = FIGURES.iter().map(description).collect::<prometheus::Result<_>>().map_err(fault)?;
        registry.register(Box::new(Figures { server: Arc::downgrade(&self.inner), labels: labels.clone(), descriptions })).map_err(fault)
    }

    /// The figures of all jobs in Prometheus's text format; empty if the server was built without monitoring.
    ///
    /// **Errors**: the engine has broken its own rules.
    pub fn metrics_text(&self) -> Result<String> {
        let registry = Registry::new();
        self.register_metrics(&registry)?;
        TextEncoder::new().encode_to_string(&registry.gather()).map_err(|error| Error::internal("the figures of the jobs can't be told").with_source(error))
    }
}
