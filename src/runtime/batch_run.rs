//! A pipeline that runs once: every plan is executed over everything, all at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::batch_driver::{Ends, QUEUE, feed_chained, feed_source, run_once};
use super::counters::JobCounters;
use super::epoch_outputs::{Direct, EpochOutputs};
use super::job_memory::decoded_rows;
use super::leaf_feed::SourceFeed;
use super::panicked;
use super::partial_result::must_be_complete;
use super::pipeline::{DECODED_ROWS, DECODERS, Part, feeds};
use super::plan_root::with_root;
use super::queue::{Sender, queue};
use super::rate_limited_log::RateLimitedLog;
use super::shutdown::Shutdown;
use super::sink_task::SinkEvent;
use super::source_task::SourceTask;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::unwind::guarded_future;

/// Runs the jobs of a pipeline to their end, or until the run is asked to end. An error comes with the number of its job.
pub(super) async fn run_batch(parts: Vec<Part>, mut sinks: mpsc::UnboundedReceiver<SinkEvent>, shutdown: &Shutdown) -> Result<(), (usize, Error)> {
    let mut readers: Vec<(usize, usize, SourceFeed, Arc<JobCounters>)> = Vec::new();
    let mut sources = Vec::new();
    let numbers: Vec<usize> = parts.iter().map(|part| part.number).collect();
    for (at, part) in parts.iter().enumerate() {
        let (own, chained) = feeds(part).map_err(|error| (at, error))?;
        for (source_at, feed) in own {
            sources.push((at, source_at, feed));
        }
        readers.extend(chained.into_iter().map(|(job, feed)| (job, at, feed, Arc::clone(&part.counters))));
    }
    let mut outgoing: Vec<Vec<Sender<_>>> = numbers.iter().map(|_| Vec::new()).collect();
    let edges: Vec<(usize, usize)> = readers
        .iter()
        .filter_map(|(job, at, feed, _)| Some((numbers.iter().position(|number| number == job)?, *at, feed.leaves().count())))
        .flat_map(|(from, to, leaves)| std::iter::repeat_n((from, to), leaves))
        .collect();
    let bounded = is_forest(parts.len(), &edges);
    for (job, at, feed, counters) in readers {
        let Some(upstream) = numbers.iter().position(|number| *number == job) else { continue };
        let (sender, receiver) = queue(bounded.then_some(QUEUE));
        outgoing[upstream].push(sender);
        feed_chained(feed, receiver, counters, bounded, parts[at].spec.plan.context.memory_pool());
    }
    let mut ends: Vec<(usize, Arc<str>, Ends)> = Vec::new();
    for (at, source_at, feed) in sources {
        let part = &parts[at];
        let source = &part.sources[source_at];
        let request = feed.request(
            decoded_rows(part.spec.plan.context.memory_pool(), DECODED_ROWS, feed.row_width()),
            DECODERS,
            &part.counters.health_of(source.source.name()),
        );
        let place = format!("job '{}', source '{}'", part.spec.name, source.source.name());
        let task = SourceTask { source: Arc::clone(&source.source), request, policy: source.failure, place, begin: crate::stream::Position::default() };
        ends.push((
            at,
            Arc::from(source.source.name()),
            feed_source(feed, task, Arc::clone(&part.counters), shutdown.clone(), part.spec.plan.context.memory_pool()),
        ));
    }
    let whole: Vec<Option<BTreeSet<Arc<str>>>> = parts.iter().map(|part| must_be_complete(&part.spec.plan.root)).collect();
    let mut runs = Vec::new();
    for ((at, part), readers) in parts.into_iter().enumerate().zip(outgoing) {
        let sink_names = part.spec.sinks.iter().map(|sink| sink.sink.name().to_owned()).collect();
        let direct = Direct { sinks: Arc::clone(&part.sinks), readers };
        let outputs = Arc::new(EpochOutputs::new(
            sink_names,
            Arc::clone(&part.counters),
            Arc::clone(&part.spec.plan.schema),
            Some(direct),
            part.spec.plan.context.memory_pool(),
        ));
        outputs.begin(1);
        let (root, _) = with_root(&part, &outputs);
        let log = RateLimitedLog::new(format!("job '{}'", part.spec.name));
        // The plan may hold back what it has to say until its end.
        runs.push((
            at,
            tokio::spawn(guarded_future(async move {
                drop(outputs);
                let context = Arc::clone(&part.spec.plan.context);
                super::counters::add(&part.counters.epochs, 1);
                run_once(root, context).await.map_err(|error| (at, error))?;
                let reasons = part.counters.faults.take_reasons();
                if let Some(first) = reasons.first() {
                    log.warn(reasons.len() as u64, || format!("{first}; row skipped"));
                }
                part.sinks.read().await.send(1, Vec::new(), true).await.map_err(|error| (at, error))
            })),
        ));
    }
    let stop: Vec<_> = runs.iter().map(|(_, run)| run.abort_handle()).collect();
    let all = async {
        let mut result = Ok(());
        for (at, run) in runs {
            let ended = match run.await {
                Ok(Ok(ended)) => ended,
                Ok(Err(panic)) => Err((at, panicked(&panic))),
                Err(error) if error.is_cancelled() => Ok(()),
                Err(error) => Err((at, panicked(&error.to_string()))),
            };
            result = result.and(ended);
        }
        result
    };
    let ended = tokio::select! {
        ended = all => ended,
        Some(event) = sinks.recv() => match event {
            SinkEvent::Failed(job, error) => Err((job, error)),
            SinkEvent::ClosedPipe => Ok(()),
        },
    };
    stop.iter().for_each(tokio::task::AbortHandle::abort);
    ended?;
    // A failure that came with the last rows.
    if let Ok(SinkEvent::Failed(job, error)) = sinks.try_recv() {
        return Err((job, error));
    }
    if shutdown.is_requested() {
        let read = |at: usize, name: &Arc<str>| ends.iter().any(|(part, source, end)| *part == at && source == name && end.reached());
        let all_read = ends.iter().all(|(.., end)| end.reached());
        let is_result = |(at, whole): (usize, &Option<BTreeSet<Arc<str>>>)| whole.as_ref().is_some_and(|whole| whole.iter().all(|name| read(at, name)));
        if let Some(at) = (0..whole.len()).find(|at| !all_read && !is_result((*at, &whole[*at]))) {
            let message = "stopped before the end of its input, and over a part of it there is no result; files that are written in place keep what they have";
            return Err((at, Error::new(ErrorKind::Limit, Fault::User, message)));
        }
    }
    Ok(())
}

/// Whether no two ways lead from one job to another. Where they do, one side of a join may wait for its end while the other side's queue, full, keeps that end from coming.
fn is_forest(jobs: usize, edges: &[(usize, usize)]) -> bool {
    let mut group: Vec<usize> = (0..jobs).collect();
    edges.iter().all(|(from, to)| {
        let (from, to) = (group[*from], group[*to]);
        group.iter_mut().for_each(|member| *member = if *member == from { to } else { *member });
        from != to
    })
}

#[cfg(test)]
mod tests {
    use super::is_forest;

    #[test]
    fn diamonds_and_double_edges_are_no_forest() {
        assert!(is_forest(4, &[(0, 1), (1, 2), (0, 3)]));
        assert!(!is_forest(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]));
        assert!(!is_forest(2, &[(0, 1), (0, 1)]));
    }
}
