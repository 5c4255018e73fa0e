//! The server of jobs, through its public interface only. In reading order:
//! - `kinds`: a source, a sink and a function from outside
//! - `life`: deploying, watching, pausing, stopping, starting again
//! - `panics`: what a job that panics does to others
//! - `ends`: what blocks, and the end of that
//! - `settings`: what the builder sets, and what jobs share
//! - `spans`: spans of jobs, sources, sinks and epochs
//! - `streams`: statements that read jobs of other deployments
//! - `together`: deployments at the same time, and the end in the midst of them
//! - `registered`: tables, functions, sources and sinks from outside
//! - `figures`: what is told to Prometheus
//! - `threads`: on which threads jobs run
//! - `example`: the example of embedding

mod ends;
mod example;
mod figures;
mod kinds;
mod life;
mod panics;
mod registered;
mod settings;
mod spans;
mod streams;
mod threads;
mod together;
