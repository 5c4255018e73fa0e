//! Scripts from files, the command line, or standard input, and their binding.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sql_extensions::StreamingSqlParser;

use super::arguments::Overrides;
use crate::config::{Application, ApplicationEnvironment, BindRequest, Binding, Embedding, Environment, Limits, ProcessEnvironment, Unfit, bind_script};
use crate::deploy::{Claims, GROUP_BASE, Look, PrepareRequest, Prepared, prepare};
use crate::error::{Error, Script, io_text};
use crate::runtime::EngineMemory;
use crate::stream::DataSink;

/// A script, and the folder its relative names are looked up in after the working directory.
pub(super) struct Loaded {
    pub script: Arc<Script>,
    folder: Option<PathBuf>,
    from_stdin: bool,
}

/// What is set besides the scripts.
#[derive(Clone, Copy)]
pub(super) struct Settings<'a> {
    /// `--set key=value`.
    pub overrides: &'a [(String, String)],
    /// The application file.
    pub application: Option<&'a Application>,
}

impl<'a> Settings<'a> {
    /// Those of a command.
    pub(super) fn of(overrides: &'a Overrides, application: Option<&'a Application>) -> Self {
        Self { overrides: &overrides.set, application }
    }
}

/// Largest script read.
const LARGEST: u64 = 16 << 20;

/// Reads a script file, or standard input for `-`.
pub(super) fn load(path: &Path) -> Result<Loaded, Error> {
    let name = path.display().to_string();
    let fault = |error: std::io::Error| Error::config(format!("cannot read {name}: {}", io_text(&error)));
    let mut bytes = Vec::new();
    let read = if name == "-" {
        std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(fault)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::config(format!("{name} is larger than {} MiB; that is no script", LARGEST >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| Error::config(format!("{name} is not UTF-8 (byte {})", error.utf8_error().valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let from_stdin = name == "-";
    let folder = path.parent().filter(|_| !from_stdin).map(Path::to_owned);
    let name = if from_stdin { "<stdin>".to_owned() } else { name };
    Ok(Loaded { script: Arc::new(Script { name, text }), folder, from_stdin })
}

/// A script from the command line.
pub(super) fn inline(sql: &str) -> Loaded {
    Loaded { script: Arc::new(Script { name: "--sql".to_owned(), text: sql.to_owned() }), folder: None, from_stdin: false }
}

/// Parses and binds a script.
fn bind(loaded: &Loaded, settings: Settings<'_>, environment: &dyn Environment, limits: Option<Limits>) -> Vec<Binding> {
    let script = &loaded.script;
    let statements = StreamingSqlParser::new().parse_each(&script.text);
    let folders: Vec<PathBuf> = [Some(PathBuf::new()), loaded.folder.clone()].into_iter().flatten().collect();
    let Settings { overrides, application } = settings;
    bind_script(BindRequest { script, statements, environment, overrides, application, limits, folders: &folders, embedding: &Embedding::default() })
}

/// Parses, binds and prepares scripts; what is wrong with one does not hide what is wrong with another. Statements read each other only within one script.
pub(super) async fn prepare_all(
    scripts: Vec<Result<Loaded, Error>>,
    settings: Settings<'_>,
    stdout: &Arc<dyn DataSink>,
    row_limit: Option<usize>,
    look: Look,
) -> Result<Prepared, Vec<Error>> {
    let (mut all, mut errors): (_, Vec<Error>) = (Prepared::default(), Vec::new());
    let mut fit = Fit::default();
    // What can't be read may have any key; its fault is told in its turn.
    let unreadable = |error| vec![Binding { faults: vec![error], ..Binding::default() }];
    let mut claims = Claims::default();
    scripts.iter().flatten().filter(|loaded| loaded.from_stdin).for_each(|loaded| claims.script_from_stdin(&loaded.script.name));
    let environment = ApplicationEnvironment::new(&ProcessEnvironment, settings.application);
    let limits = Limits::read(&environment).map_err(|error| errors.push(error)).ok();
    let mut bound: Vec<Vec<Binding>> =
        scripts.into_iter().map(|loaded| loaded.map_or_else(unreadable, |loaded| bind(&loaded, settings, &environment, limits))).collect();
    errors.extend(limits.and_then(|limits| limits.check_jobs(bound.iter().map(Vec::len).sum()).err()));
    let own_brokers = bound.iter().flatten().any(|binding| binding.own_brokers);
    errors.extend(settings.application.and_then(Application::unresolved_brokers).filter(|_| !own_brokers));
    bound.iter_mut().flatten().for_each(|binding| fit.add(binding));
    let unfit = fit.into_errors(settings.overrides);
    bound.iter_mut().for_each(|bindings| claims.add(bindings));
    let memory = Arc::new(EngineMemory::new(limits.and_then(|limits| limits.memory)));
    let refused = !errors.is_empty() || !unfit.is_empty() || bound.iter().flatten().any(|binding| !binding.faults.is_empty());
    for bindings in bound {
        let stdout = Arc::clone(stdout);
        let (group_base, functions) = (GROUP_BASE, [].as_slice());
        match prepare(PrepareRequest { bindings, environment: &environment, stdout, row_limit, look, group_base, functions, refused, memory: &memory }).await {
            Ok(mut prepared) => {
                let before = all.jobs.len();
                prepared.jobs.iter_mut().flat_map(|job| &mut job.spec.chained).for_each(|chained| chained.job += before);
                all.jobs.extend(prepared.jobs);
                all.unplanned.extend(prepared.unplanned);
            }
            Err(faults) => errors.extend(faults),
        }
    }
    errors.extend(unfit);
    // A variable or a key of the command line is wrong in every statement that it is for.
    let mut told = HashSet::new();
    errors.retain(|error| told.insert(error.render()));
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// Which keys of the command line fit a statement: each has to fit one of them.
#[derive(Default)]
struct Fit {
    statements: usize,
    /// Whether a key may fit a statement of which too little is known.
    uncertain: bool,
    /// For each key, the statements that it does not fit, and the error.
    unfit: HashMap<String, (usize, Unfit)>,
}

impl Fit {
    fn add(&mut self, binding: &mut Binding) {
        self.uncertain |= binding.statement.is_none();
        self.statements += 1;
        let mut keys = HashSet::new();
        for unfit in std::mem::take(&mut binding.unfit) {
            let first = keys.insert(unfit.key.clone());
            match self.unfit.entry(unfit.key.clone()) {
                Entry::Occupied(mut known) => {
                    let (count, error) = known.get_mut();
                    *count += usize::from(first);
                    // An error about a source or sink says more than one about the job.
                    if error.of_job && !unfit.of_job {
                        *error = unfit;
                    }
                }
                Entry::Vacant(entry) => {
                    entry.insert((1, unfit));
                }
            }
        }
    }

    fn into_errors(mut self, overrides: &[(String, String)]) -> Vec<Error> {
        if self.uncertain {
            return Vec::new();
        }
        let unfit = overrides.iter().filter_map(|(key, _)| self.unfit.remove(key));
        unfit.filter(|(count, _)| *count == self.statements).map(|(_, unfit)| unfit.error).collect()
    }
}
