//! Log lines on standard error, without any secret.

use std::fmt;
use std::io::Write;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use super::arguments::{Arguments, LogLevel};
use crate::options::scrub;
use crate::telemetry::NOTICE;

/// Starts logging; once a process. `profile`: the level of the application file.
pub(super) fn start(arguments: &Arguments, profile: Option<&str>) {
    let level = match (arguments.output.quiet, arguments.output.log_level) {
        (_, Some(LogLevel::Error)) | (true, None) => "error",
        (_, Some(LogLevel::Warn)) => "warn",
        (_, Some(LogLevel::Debug)) => "debug",
        (_, Some(LogLevel::Trace)) => "trace",
        (_, Some(LogLevel::Info)) => "info",
        (false, None) => profile.unwrap_or("info"),
    };
    let filter = EnvFilter::new(format!("velostream={level},librdkafka={level}"));
    let started = Registry::default().with(filter).with(Lines).try_init();
    if started.is_err() {
        super::report::tell("warn another part of the process has set up logging");
    }
}

/// One line an event: the level in words where it is not information.
struct Lines;

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let level = match *event.metadata().level() {
            _ if event.metadata().target() == NOTICE => "Warning: ",
            Level::ERROR => "Error: ",
            Level::WARN => "warn ",
            Level::INFO => "",
            Level::DEBUG => "debug ",
            Level::TRACE => "trace ",
        };
        // If standard error is gone there is nobody to tell.
        let _nobody_reads = writeln!(std::io::stderr().lock(), "{level}{}", scrub(&message.0));
    }
}
