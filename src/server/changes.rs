//! How jobs are deployed, started again and removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::deployment::{Bound, Deployment, Stream, names};
use super::job::{End, Job};
use super::reservation::Reservation;
use super::status::{DeployError, JobState};
use super::stream_job_server::{Inner, State};
use super::unit::{Group, Unit};
use crate::deploy::PreparedJob;
use crate::error::{Error, Result, Script};
use crate::runtime::{Gate, JobCounters, JobOutcome, Tap, start_at};
use crate::stream::visible;

/// A job that is about to start: its sources in the order of the statement, and where others read it.
type Part = (Vec<String>, Arc<Tap>);

/// Undoes a deployment whose future is dropped before it is known whether all of it starts.
struct GivenUp<'a> {
    server: &'a Inner,
    units: Vec<Arc<Unit>>,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        for unit in self.units.drain(..) {
            unit.stop();
            self.server.forget(&unit);
        }
    }
}

impl Inner {
    pub(super) async fn deploy(self: &Arc<Self>, script: Arc<Script>) -> Result<Vec<String>, DeployError> {
        let mut reservation = self.reservation();
        let (units, refusals) = self.launch(script, None, &mut reservation).await?;
        if !refusals.is_empty() {
            for unit in &units {
                self.stop(unit).await;
                self.forget(unit);
            }
            return Err(DeployError::of(refusals));
        }
        let places = |unit: &Arc<Unit>| unit.origin.statements.iter().copied().zip(unit.members.clone()).collect::<Vec<_>>();
        let mut names: Vec<(usize, String)> = units.iter().flat_map(places).collect();
        names.sort();
        Ok(names.into_iter().map(|(_, name)| name).collect())
    }

    pub(super) async fn restart(self: &Arc<Self>, name: &str) -> Result<Vec<String>, DeployError> {
        let (unit, mut reservation) = self.alone(name).await?;
        self.check_open()?;
        self.stop(&unit).await;
        let origin = unit.origin.clone();
        let (_, refusals) = self.launch(origin.script, Some((origin.names, origin.statements)), &mut reservation).await?;
        if refusals.is_empty() { Ok(unit.members.clone()) } else { Err(DeployError::of(refusals)) }
    }

    pub(super) async fn remove(self: &Arc<Self>, name: &str) -> Result<Vec<String>> {
        let (unit, _reservation) = self.alone(name).await?;
        let readers = self.state.lock().readers(&unit.members);
        if !readers.is_empty() {
            return Err(Error::config(format!("job '{name}' is read by {}", readers.join(", "))).with_help("stop these first"));
        }
        self.stop(&unit).await;
        self.forget(&unit);
        Ok(unit.members.clone())
    }

    /// Starts statements of a script; `again` are those that were started before, with the names of all that have none. Also returns what was refused at the last moment.
    async fn launch(
        self: &Arc<Self>,
        script: Arc<Script>,
        again: Option<(Vec<String>, Vec<usize>)>,
        reservation: &mut Reservation,
    ) -> Result<(Vec<Arc<Unit>>, Vec<Error>), DeployError> {
        let is_new = again.is_none();
        let (bound, errors) = self.bind(script, again, reservation).await?;
        // Sources may take long to connect; others need not wait for them.
        let groups = self.while_open(bound.prepare(errors)).await?.map_err(DeployError::of)?;
        let units = self.start_all(groups, reservation)?;
        let mut given_up = GivenUp { server: self, units: if is_new { units.clone() } else { Vec::new() } };
        let refusals = self.refusals(&units).await;
        given_up.units.clear();
        Ok((units, refusals))
    }

    /// Finds the settings of statements and reserves what they need. Also returns what is wrong with all of them together.
    async fn bind(
        self: &Arc<Self>,
        script: Arc<Script>,
        again: Option<(Vec<String>, Vec<usize>)>,
        reservation: &mut Reservation,
    ) -> Result<(Bound, Vec<Error>), DeployError> {
        // One after the other, so that names, limits and outputs are looked at as they will be.
        let _alone = self.while_open(self.binding.lock()).await?;
        let (names, only) = match again {
            Some((names, only)) => (names, Some(only)),
            None => (self.free_names(&script), None),
        };
        let streams = {
            let state = self.state.lock();
            let is_stream = |job: &&Job| job.named && !reservation.names.contains(&job.name) && !matches!(job.state(), JobState::Finished);
            state.jobs.values().filter(is_stream).map(|job| (job.name.clone(), Stream::of(&job.tap))).collect()
        };
        let deployment = Deployment { settings: Arc::clone(&self.settings), script, only, names, streams };
        let mut bound = self.while_open(deployment.bind()).await?.map_err(DeployError::of)?;
        let errors = self.reserve(&mut bound, reservation);
        Ok((bound, errors))
    }

    /// Names for the statements of a script that have none.
    fn free_names(&self, script: &Script) -> Vec<String> {
        let names = names(script);
        let state = self.state.lock();
        let is_free = |name: &String| !state.jobs.contains_key(name) && !state.reserved.contains_key(name) && !names.contains(&Some(name.clone()));
        let mut free = (1..).map(|number| format!("query_{number}")).filter(is_free);
        names.iter().map(|name| if name.is_none() { free.next().unwrap_or_default() } else { String::new() }).collect()
    }

    /// Reserves what the jobs need, if nothing is wrong; returns what is wrong with all of them together.
    fn reserve(&self, bound: &mut Bound, reservation: &mut Reservation) -> Vec<Error> {
        let mut state = self.state.lock();
        let others = |name: &&String| !reservation.names.contains(*name);
        bound.check_names(|name| !reservation.names.iter().any(|own| own == name) && (state.jobs.contains_key(name) || state.reserved.contains_key(name)));
        let active = state.jobs.values().filter(|job| job.unit.is_active()).map(|job| &job.name);
        let running: BTreeSet<&String> = active.chain(state.reserved.keys()).filter(others).collect();
        let running = running.len();
        let help = format!("{running} of them run already; stop some, or raise VELO_MAX_JOBS (the server's max_jobs counts more)");
        let too_many = self.settings.limits.check_jobs(running + bound.bindings.len()).err();
        let mut errors: Vec<Error> = too_many.map(|error| error.with_help(help)).into_iter().collect();
        let jobs = bound.jobs();
        let is_there = |name: &&String| bound.stream(name).is_some_and(|read| state.jobs.get(*name).is_some_and(|job| Arc::ptr_eq(&job.tap, &read.tap)));
        let gone = jobs.iter().flat_map(|(_, reads)| reads).filter(|name| !is_there(name));
        errors.extend(gone.map(|name| Error::config(format!("job '{name}' was removed meanwhile"))));
        let mut claims = state.claims.clone();
        claims.add(&mut bound.bindings);
        if errors.is_empty() && bound.is_sound() {
            state.claims = claims;
            reservation.names.extend(jobs.iter().map(|(name, _)| name.clone()));
            reservation.claimed = true;
            state.reserved.extend(jobs);
        }
        errors
    }

    /// Starts all jobs that were prepared, or none of them.
    fn start_all(self: &Arc<Self>, mut groups: Vec<Group>, reservation: &mut Reservation) -> Result<Vec<Arc<Unit>>> {
        groups.iter().flat_map(|group| &group.jobs).flat_map(|job| &job.warnings).for_each(|warning| crate::telemetry::warning(warning));
        let mut state = self.state.lock();
        self.check_open()?;
        let parts: Vec<Vec<Part>> = groups.iter_mut().map(|group| state.parts(group)).collect::<Result<_>>()?;
        reservation.claimed = false;
        let gate = Gate::of(groups.len());
        Ok(groups.into_iter().zip(parts).map(|(group, parts)| self.start(group, parts, &gate, &mut state)).collect())
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

    fn forget(&self, unit: &Arc<Unit>) {
        self.state.lock().jobs.retain(|_, job| !Arc::ptr_eq(&job.unit, unit));
    }

    /// Starts jobs that were prepared.
    fn start(self: &Arc<Self>, group: Group, parts: Vec<Part>, gate: &Gate, state: &mut State) -> Arc<Unit> {
        let Group { jobs, origin, reads } = group;
        let members: Vec<String> = jobs.iter().map(|job| job.spec.name.clone()).collect();
        let unit = Arc::new(Unit::new(members, origin, reads));
        parts.iter().for_each(|(_, tap)| tap.here());
        let running = start_at(Some(gate), jobs.into_iter().map(|job| job.spec).collect(), &self.settings.output, &unit.shutdown);
        for ((name, counters), (sources, tap)) in running.jobs.iter().zip(parts) {
            let named = !unit.origin.names.contains(name);
            let job = Job { name: name.clone(), unit: Arc::clone(&unit), counters: Arc::clone(counters), sources, named, tap, end: None };
            state.jobs.insert(name.clone(), job);
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
        started
    }

    /// The jobs of a unit have ended.
    fn take_note(&self, unit: &Arc<Unit>, outcomes: Vec<JobOutcome>) {
        let mut state = self.state.lock();
        for outcome in outcomes {
            let name = outcome.name.clone();
            state.claims.forget(&name);
            let Some(job) = state.jobs.get_mut(&name).filter(|job| Arc::ptr_eq(&job.unit, unit)) else { continue };
            let end = End::of(outcome, unit.is_stopping());
            if let Some(error) = end.error.as_ref().filter(|_| end.incomplete) {
                tracing::error!("Job '{name}' failed: {}", error.message);
            }
            match (end.incomplete, unit.is_stopping()) {
                _ if self.closed.is_cancelled() => job.tap.end(),
                (true, _) => job.tap.away(&format!("job '{name}' has failed")),
                (false, true) => job.tap.away(&format!("job '{name}' is stopped")),
                (false, false) => job.tap.end(),
            }
            job.end = Some(end);
        }
    }
}

impl State {
    /// Jobs that read one of these, be it that they are only about to.
    pub(super) fn readers(&self, members: &[String]) -> Vec<String> {
        let reads_one = |reads: &[String]| reads.iter().any(|read| members.contains(read));
        let running = self.jobs.values().filter(|job| job.unit.is_active() && reads_one(&job.unit.reads)).map(|job| &job.name);
        let starting = self.reserved.iter().filter(|(_, reads)| reads_one(reads)).map(|(name, _)| name);
        running.chain(starting).collect::<BTreeSet<_>>().into_iter().map(|name| format!("'{name}'")).collect()
    }

    /// Where others read these jobs: at the same place as before, so that they go on.
    fn parts(&self, group: &mut Group) -> Result<Vec<Part>> {
        let part = |job: &mut PreparedJob| {
            let name = &job.spec.name;
            let columns = visible(&job.spec.plan.schema);
            let tap = match self.jobs.get(name).map(|earlier| &earlier.tap) {
                Some(tap) if tap.schema() == &columns => Arc::clone(tap),
                Some(_) if !self.readers(std::slice::from_ref(name)).is_empty() => {
                    return Err(Error::config(format!("job '{name}' has other columns than before, and other jobs read it")).with_help("stop these first"));
                }
                _ => Arc::new(Tap::new(columns, job.spec.plan.updates.is_some())),
            };
            job.spec.tap = Some(Arc::clone(&tap));
            Ok((std::mem::take(&mut job.sources), tap))
        };
        group.jobs.iter_mut().map(part).collect()
    }
}
