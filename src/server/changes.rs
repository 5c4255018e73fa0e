//! How jobs are deployed, started again and removed.

use std::sync::Arc;

use super::deployment::{Deployed, Deployment, unnamed};
use super::job::{End, Job};
use super::status::{DeployError, JobState};
use super::stream_job_server::Inner;
use super::unit::{Group, Unit};
use crate::deploy::Claims;
use crate::error::{Error, Result, Script};
use crate::runtime::{JobCounters, JobOutcome, Tap, TapReaders, start};
use crate::sources::SourceKind;
use crate::stream::visible;

impl Inner {
    pub(super) async fn deploy(self: &Arc<Self>, script: Arc<Script>) -> Result<Vec<String>, DeployError> {
        let _alone = self.changing.lock().await;
        let names = self.free_names(&script);
        let deployment = self.deployment(script, names, None, &[])?;
        let Deployed { groups, claims } = deployment.prepare().await.map_err(|errors| DeployError { errors })?;
        let mut names: Vec<(usize, String)> = Vec::new();
        for group in &groups {
            names.extend(group.origin.statements.iter().copied().zip(group.jobs.iter().map(|job| job.spec.name.clone())));
        }
        self.open()?;
        let units = self.start_all(groups, claims)?;
        let refusals = self.refusals(&units).await;
        if !refusals.is_empty() {
            for unit in &units {
                self.stop(unit).await;
                self.forget(unit);
            }
            return Err(DeployError { errors: refusals });
        }
        names.sort();
        Ok(names.into_iter().map(|(_, name)| name).collect())
    }

    pub(super) async fn restart(self: &Arc<Self>, name: &str) -> Result<Vec<String>, DeployError> {
        let _alone = self.changing.lock().await;
        let unit = self.unit(name)?;
        self.open()?;
        self.stop(&unit).await;
        let origin = unit.origin.clone();
        let deployment = self.deployment(origin.script, origin.names, Some(origin.statements), &unit.members)?;
        let Deployed { groups, claims } = deployment.prepare().await.map_err(|errors| DeployError { errors })?;
        self.open()?;
        let units = self.start_all(groups, claims)?;
        let refusals = self.refusals(&units).await;
        if refusals.is_empty() { Ok(unit.members.clone()) } else { Err(DeployError { errors: refusals }) }
    }

    /// Names for the statements of a script that have none.
    fn free_names(&self, script: &Script) -> Vec<String> {
        let state = self.state.lock();
        let mut next = 0;
        let mut free = || loop {
            next += 1;
            let name = format!("query_{next}");
            if !state.jobs.contains_key(&name) {
                return name;
            }
        };
        unnamed(script).into_iter().map(|unnamed| if unnamed { free() } else { String::new() }).collect()
    }

    /// What is to be deployed, beside the jobs that are there; `replaced` are started again.
    fn deployment(&self, script: Arc<Script>, names: Vec<String>, only: Option<Vec<usize>>, replaced: &[String]) -> Result<Deployment> {
        self.open()?;
        let state = self.state.lock();
        let others = || state.jobs.values().filter(|job| !replaced.contains(&job.name));
        let is_stream = |job: &&Job| job.named && !matches!(job.state(), JobState::Finished);
        let stream = |job: &Job| (job.name.clone(), Arc::new(TapReaders(Arc::clone(&job.tap))) as Arc<dyn SourceKind>);
        let mut claims = state.claims.clone();
        replaced.iter().for_each(|job| claims.forget(job));
        Ok(Deployment {
            settings: Arc::clone(&self.settings),
            script,
            only,
            names,
            streams: others().filter(is_stream).map(stream).collect(),
            claims,
            taken: others().map(|job| job.name.clone()).collect(),
            running: others().filter(|job| job.unit.is_active()).count(),
        })
    }

    /// Starts all jobs that were prepared.
    fn start_all(self: &Arc<Self>, groups: Vec<Group>, claims: Claims) -> Result<Vec<Arc<Unit>>> {
        self.state.lock().claims = claims;
        groups.into_iter().map(|group| self.start(group)).collect()
    }

    /// Waits until jobs have started or ended; what was refused at the last moment, when their sinks were looked at.
    async fn refusals(&self, units: &[Arc<Unit>]) -> Vec<Error> {
        for unit in units {
            let members: Vec<Arc<JobCounters>> = {
                let state = self.state.lock();
                unit.members.iter().filter_map(|member| state.jobs.get(member)).map(|job| Arc::clone(&job.counters)).collect()
            };
            tokio::select! {
                () = unit.ended() => {}
                _ = futures::future::join_all(members.iter().map(|counters| counters.until_started())) => {}
            }
        }
        let mut state = self.state.lock();
        let members = units.iter().flat_map(|unit| &unit.members);
        members.filter_map(|member| state.jobs.get_mut(member)?.end.as_mut()?.refusal.take()).collect()
    }

    pub(super) fn forget(&self, unit: &Unit) {
        let mut state = self.state.lock();
        for member in &unit.members {
            state.jobs.remove(member);
        }
    }

    /// Starts jobs that were prepared.
    fn start(self: &Arc<Self>, group: Group) -> Result<Arc<Unit>> {
        let Group { jobs, origin, reads } = group;
        let members: Vec<String> = jobs.iter().map(|job| job.spec.name.clone()).collect();
        let unit = Arc::new(Unit::new(members, origin, reads));
        let mut parts = Vec::new();
        let mut specs = Vec::new();
        {
            let state = self.state.lock();
            for mut job in jobs {
                let columns = visible(&job.spec.plan.schema);
                let earlier = state.jobs.get(&job.spec.name).map(|earlier| Arc::clone(&earlier.tap));
                let tap = match earlier {
                    Some(tap) if tap.schema() == &columns => tap,
                    Some(tap) if tap.has_readers() => {
                        return Err(Error::config(format!("job '{}' has other columns than before, and other jobs read it", job.spec.name))
                            .with_help("stop these first"));
                    }
                    _ => Arc::new(Tap::new(columns)),
                };
                job.spec.tap = Some(Arc::clone(&tap));
                job.warnings.iter().for_each(|warning| crate::telemetry::warning(warning));
                parts.push((job.sources, tap));
                specs.push(job.spec);
            }
        }
        parts.iter().for_each(|(_, tap)| tap.here());
        let running = start(specs, &self.settings.output, &unit.shutdown);
        {
            let mut state = self.state.lock();
            for ((name, counters), (sources, tap)) in running.jobs.iter().zip(parts) {
                let named = !unit.origin.names.contains(name);
                let job = Job { name: name.clone(), unit: Arc::clone(&unit), counters: Arc::clone(counters), sources, named, tap, end: None };
                state.jobs.insert(name.clone(), job);
            }
        }
        let server = Arc::downgrade(self);
        let started = Arc::clone(&unit);
        tokio::spawn(async move {
            let outcomes = running.finished().await;
            if let Some(server) = server.upgrade() {
                server.take_note(&unit, outcomes);
            }
            unit.end();
        });
        Ok(started)
    }

    /// The jobs of a unit have ended.
    fn take_note(&self, unit: &Arc<Unit>, outcomes: Vec<JobOutcome>) {
        let mut state = self.state.lock();
        for outcome in outcomes {
            let name = outcome.name.clone();
            state.claims.forget(&name);
            let closed = state.closed;
            let Some(job) = state.jobs.get_mut(&name).filter(|job| Arc::ptr_eq(&job.unit, unit)) else { continue };
            let end = End::of(outcome, unit.is_stopping());
            if let Some(error) = end.error.as_ref().filter(|_| end.incomplete) {
                tracing::error!("Job '{name}' failed: {}", error.message);
            }
            match (end.incomplete, unit.is_stopping()) {
                _ if closed => job.tap.end(),
                (true, _) => job.tap.away(&format!("job '{name}' has failed")),
                (false, true) => job.tap.away(&format!("job '{name}' is stopped")),
                (false, false) => job.tap.end(),
            }
            job.end = Some(end);
        }
    }
}
