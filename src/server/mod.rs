//! Jobs that an application deploys, watches and stops while it runs. In reading order:
//! - `stream_job_server`: the server, by its methods
//! - `changes`: how jobs are deployed, started again and removed
//! - `reservation`: what is kept for a deployment while it connects
//! - `engine`: the threads of the jobs
//! - `builder`: how one is set up
//! - `settings`: what all deployments share
//! - `deployment`: a script to jobs that can be started
//! - `unit`: jobs that start and stop together
//! - `job`: what is known of one
//! - `ending`: how everything is stopped
//! - `status`: the same for those who ask
//! - `figures`: the same for Prometheus

mod builder;
mod changes;
mod deployment;
mod ending;
mod engine;
mod figures;
mod job;
mod reservation;
mod settings;
mod status;
mod stream_job_server;
mod unit;

pub use crate::runtime::JobMetrics;
pub use builder::ServerBuilder;
pub use status::{DeployError, JobError, JobReport, JobState, JobStatus, SinkFigures, SourceFigures};
pub use stream_job_server::StreamJobServer;
