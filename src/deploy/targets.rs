//! Outputs that collide: two sinks with one target, and a sink that is also a source.

use std::collections::HashMap;

use super::prepare::PreparedJob;
use crate::error::Error;

/// Finds the collisions of a script.
pub(super) fn collisions(jobs: &[PreparedJob]) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut written: HashMap<String, String> = HashMap::new();
    for job in jobs {
        for sink in &job.spec.sinks {
            let name = sink.sink.name();
            for target in sink.sink.targets() {
                let this = format!("sink '{name}' of job '{}'", job.spec.name);
                if let Some(other) = written.insert(target.clone(), this.clone()) {
                    errors.push(
                        Error::config(format!("{this} and {other} write to one file, {target}"))
                            .with_help("give one of them another path")
                            .at(&job.script, job.sink_span(name)),
                    );
                }
            }
        }
    }
    for job in jobs {
        for source in &job.spec.sources {
            for input in source.source.inputs() {
                if let Some(sink) = written.get(&input) {
                    let message = format!("source '{}' of job '{}' reads {input}, which {sink} writes", source.source.name(), job.spec.name);
                    errors.push(
                        Error::config(message)
                            .with_help("write to another file; statements of one script read each other by the name of the stream")
                            .at(&job.script, job.span),
                    );
                }
            }
        }
    }
    errors
}
