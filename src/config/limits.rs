//! How much may run: variables `VELO_MAX_…`, or the same names in an application file.

use sql_extensions::{QueryAnalysis, Span};

use super::environment::Environment;
use crate::error::{Error, Result, excerpt};
use crate::options::{MASK, OptionValue, Origin};

/// How many jobs there may be, and how many sources and sinks of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs.
    pub jobs: usize,
    /// Sources of a job.
    pub sources: usize,
    /// Sinks of a job.
    pub sinks: usize,
    /// Bytes that all jobs together may take; `None`: as much as there is.
    pub memory: Option<u64>,
}

const JOBS: &str = "VELO_MAX_JOBS";
const SOURCES: &str = "VELO_MAX_SOURCES_PER_JOB";
const SINKS: &str = "VELO_MAX_SINKS_PER_JOB";
const MEMORY: &str = "VELO_MAX_MEMORY_MB";
const MEGABYTE: usize = 1_000_000;
/// Where nothing is said.
const USUAL_MEGABYTES: usize = 2048;
/// Most MB whose bytes can be counted.
pub(super) const MOST_MEGABYTES: usize = usize::MAX / MEGABYTE;

impl Default for Limits {
    fn default() -> Self {
        Self { jobs: 50, sources: 10, sinks: 5, memory: Some((USUAL_MEGABYTES * MEGABYTE) as u64) }
    }
}

impl Limits {
    /// The limits that the variables say, and the usual ones otherwise.
    ///
    /// **Errors**: a variable is no count of at least 1.
    pub fn read(environment: &dyn Environment) -> Result<Self> {
        let number = |name: &str, usual: usize, most: usize| {
            let Some(variable) = environment.variable(name)? else { return Ok(usual) };
            let of_environment = matches!(variable.origin, Origin::Environment { .. });
            let text = variable.value.trim();
            // A variable of the environment that is set and empty is not set.
            if of_environment && text.is_empty() {
                return Ok(usual);
            }
            usize::parse(text).ok().filter(|count| (1..=most).contains(count)).ok_or_else(|| {
                let shown = if variable.secret { MASK.to_owned() } else { excerpt(text) };
                let too_many = if most == usize::MAX { String::new() } else { format!(", and no more than {most}") };
                let whose = if of_environment { "environment variable " } else { "" };
                let error = Error::config(format!("{whose}{name} = '{shown}': expected a count of 1 or more{too_many}"));
                if of_environment { error } else { variable.origin.blame_value(error) }
            })
        };
        let megabytes = |name: &str| number(name, USUAL_MEGABYTES, MOST_MEGABYTES).map(|count| Some((count * MEGABYTE) as u64));
        let count = |name: &str, usual: usize| number(name, usual, usize::MAX);
        let usual = Self::default();
        Ok(Self { jobs: count(JOBS, usual.jobs)?, sources: count(SOURCES, usual.sources)?, sinks: count(SINKS, usual.sinks)?, memory: megabytes(MEMORY)? })
    }

    /// Refuses more jobs than may run.
    pub fn check_jobs(&self, count: usize) -> Result<()> {
        if count <= self.jobs {
            return Ok(());
        }
        Err(Error::config(format!("there are {count} statements, each of which is a job; at most {} may run", self.jobs)).with_help(format!("raise {JOBS}")))
    }

    /// Refuses a statement with more sources or sinks than a job may have; each error with the place of the first that is too much.
    pub(super) fn check(&self, analysis: &QueryAnalysis, job: &str) -> Vec<(Error, Span)> {
        let sources: Vec<Span> = analysis.required_sources.iter().map(|source| source.span).collect();
        let sinks: Vec<Span> = analysis.required_sinks.iter().map(|sink| sink.span).collect();
        let over = |spans: &[Span], most: usize, what: &str, variable: &str| {
            let place = *spans.get(most)?;
            let error = Error::config(format!("job '{job}' has {} {what}; at most {most} {} allowed", spans.len(), if most == 1 { "is" } else { "are" }));
            Some((error.with_help(format!("raise {variable}")), place))
        };
        [over(&sources, self.sources, "sources", SOURCES), over(&sinks, self.sinks, "sinks", SINKS)].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn variables_say_how_much_and_nonsense_is_refused() {
        let read = |variables: &[(&str, &str)]| {
            let environment: BTreeMap<String, String> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Limits::read(&environment).map_err(|error| error.to_string())
        };
        assert_eq!(read(&[]), Ok(Limits { jobs: 50, sources: 10, sinks: 5, memory: Some(2_048_000_000) }));
        assert_eq!(read(&[(JOBS, "2"), (SOURCES, " 30 "), (SINKS, "")]), Ok(Limits { jobs: 2, sources: 30, sinks: 5, memory: Some(2_048_000_000) }));
        for wrong in ["0", "-1", "+5", "many", "1.5"] {
            assert_eq!(read(&[(SINKS, wrong)]), Err(format!("environment variable VELO_MAX_SINKS_PER_JOB = '{wrong}': expected a count of 1 or more")));
        }
        assert_eq!(read(&[(MEMORY, "16")]).map(|limits| limits.memory), Ok(Some(16_000_000)));
        let error = read(&[(MEMORY, "20000000000000000")]).expect_err("more bytes than can be counted");
        assert!(
            error.starts_with("environment variable VELO_MAX_MEMORY_MB = '20000000000000000': expected a count of 1 or more, and no more than "),
            "{error}"
        );
    }
}
