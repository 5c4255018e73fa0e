//! Spans of jobs, sources, sinks and epochs.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::kinds::{Bench, copy};

/// The paths of spans that were seen: `job a/source source_a`.
#[derive(Clone, Default)]
struct Paths(Arc<Mutex<BTreeSet<String>>>);

struct Named(String);

impl tracing::field::Visit for Named {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "name" {
            self.0 = format!("{value:?}").trim_matches('"').to_owned();
        }
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Paths {
    fn on_new_span(&self, attributes: &tracing::span::Attributes<'_>, id: &tracing::Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut named = Named(String::new());
        attributes.record(&mut named);
        let own = format!("{} {}", span.name(), named.0).trim_end().to_owned();
        let parent = span.parent().and_then(|parent| parent.extensions().get::<String>().cloned());
        let path = parent.map_or(own.clone(), |parent| format!("{parent}/{own}"));
        span.extensions_mut().insert(path.clone());
        self.0.lock().insert(path);
    }
}

#[test]
fn jobs_sources_sinks_and_epochs_have_spans() {
    let paths = Paths::default();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::Registry::default().with(paths.clone()));
    // For all threads of this runtime, those of sinks among them, and no others.
    let on_thread = dispatch.clone();
    let start = move || std::mem::forget(tracing::dispatcher::set_default(&on_thread));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().on_thread_start(start).build().unwrap();
    let work = async {
        let bench = Bench::new();
        bench.server.deploy(&copy("spanned")).await.unwrap();
        bench.feeds.send("spanned", [1]);
        bench.heaps.wait("spanned", 1).await;
        bench.server.stop("spanned").await.unwrap();
    };
    tracing::dispatcher::with_default(&dispatch, || runtime.block_on(work));
    let seen = paths.0.lock().clone();
    for path in ["job spanned", "job spanned/source source_spanned", "job spanned/sink out_spanned", "job spanned/epoch"] {
        assert!(seen.contains(path), "{path}: {seen:?}");
    }
}
