//! Scripts from files, the command line, or standard input, and their binding.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sql_extensions::StreamingSqlParser;

use crate::config::{BindRequest, BoundStatement, ProcessEnvironment, bind_script};
use crate::deploy::{Note, PrepareRequest, PreparedJob, prepare};
use crate::error::{Error, Script, io_text};
use crate::stream::DataSink;

/// A script, and the folder its relative names are looked up in after the working directory.
pub(super) struct Loaded {
    pub script: Arc<Script>,
    folder: Option<PathBuf>,
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
    let folder = path.parent().filter(|_| name != "-").map(Path::to_owned);
    let name = if name == "-" { "<stdin>".to_owned() } else { name };
    Ok(Loaded { script: Arc::new(Script { name, text }), folder })
}

/// A script from the command line.
pub(super) fn inline(sql: &str) -> Loaded {
    Loaded { script: Arc::new(Script { name: "--sql".to_owned(), text: sql.to_owned() }), folder: None }
}

/// Parses and binds a script.
pub(super) fn bind(loaded: &Loaded, overrides: &[(String, String)]) -> Result<Vec<BoundStatement>, Vec<Error>> {
    let script = &loaded.script;
    let statements =
        StreamingSqlParser::new().parse_script(&script.text).map_err(|errors| errors.iter().map(|error| Error::from_sql(error, script)).collect::<Vec<_>>())?;
    let folders: Vec<PathBuf> = [Some(PathBuf::new()), loaded.folder.clone()].into_iter().flatten().collect();
    bind_script(BindRequest { script, statements, environment: &ProcessEnvironment, overrides, folders: &folders })
}

/// Parses, binds and prepares scripts. Statements read each other only within one script.
pub(super) async fn prepare_all(
    scripts: &[Loaded],
    overrides: &[(String, String)],
    stdout: &Arc<dyn DataSink>,
    row_limit: Option<usize>,
    offline: bool,
) -> Result<(Vec<PreparedJob>, Vec<Note>), Vec<Error>> {
    let (mut jobs, mut notes, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for loaded in scripts {
        let bound = match bind(loaded, overrides) {
            Ok(bound) => bound,
            Err(faults) => {
                errors.extend(faults);
                continue;
            }
        };
        let request = PrepareRequest { statements: bound, environment: &ProcessEnvironment, stdout: Arc::clone(stdout), row_limit, offline };
        match prepare(request).await {
            Ok((mut prepared, noted)) => {
                let before = jobs.len();
                prepared.iter_mut().flat_map(|job| &mut job.spec.chained).for_each(|chained| chained.job += before);
                jobs.extend(prepared);
                notes.extend(noted);
            }
            Err(faults) => errors.extend(faults),
        }
    }
    if errors.is_empty() { Ok((jobs, notes)) } else { Err(errors) }
}
