//! Who reads and writes what, over all scripts of a run: outputs that collide, and what can be read only once.

use std::path::Path;

use crate::config::{Binding, BoundStatement, SourceInput};
use crate::error::Error;
use crate::stream::Place;

/// What was claimed so far.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    statements: usize,
    made: Vec<Claim>,
}

#[derive(Clone, Debug)]
struct Claim {
    /// Name of the job; none for a script.
    job: String,
    /// The number of the statement.
    statement: usize,
    /// `sink 'x' of job 'y'`.
    by: String,
    /// The script's name.
    script: String,
    writes: bool,
    places: Vec<Place>,
}

impl Claim {
    /// Why both can't be; in the words of this one.
    fn conflict(&self, earlier: &Self) -> Option<Error> {
        let place = self.places.iter().find(|place| earlier.places.iter().any(|other| place.meets(other)))?;
        if place.is_shared() && (self.writes == earlier.writes || self.statement != earlier.statement) {
            return None;
        }
        let other = if self.script == earlier.script { earlier.by.clone() } else { format!("{} ({})", earlier.by, earlier.script) };
        let (this, other) = (self.by.as_str(), other.as_str());
        let only_once = matches!(place, Place::Pipe(_));
        Some(match (self.writes, earlier.writes) {
            (true, true) => Error::config(format!("{this} and {other} write to one file, {place}")).with_help("give one of them another path"),
            (true, false) => own_output(other, this, place),
            (false, true) => own_output(this, other, place),
            (false, false) if only_once => {
                let help = "a table that is named twice in one statement is read once; otherwise save it to a file first";
                Error::config(format!("{this} and {other} read {place}, which can be read only once")).with_help(help)
            }
            (false, false) => return None,
        })
    }
}

fn own_output(source: &str, sink: &str, place: &Place) -> Error {
    let help = if place.is_shared() {
        "write to another topic; the job would read its own output for ever"
    } else {
        "write to another file; statements of one script read each other by the name of the stream"
    };
    Error::config(format!("{source} reads {place}, which {sink} writes")).with_help(help)
}

impl Claims {
    /// A script was read from standard input.
    pub fn script_from_stdin(&mut self, script: &str) {
        self.statements += 1;
        let (by, script) = ("the script".to_owned(), script.to_owned());
        self.made.push(Claim { job: String::new(), statement: self.statements, by, script, writes: false, places: vec![Place::pipe(Path::new("-"))] });
    }

    /// Forgets the claims of a job that has ended.
    pub fn forget(&mut self, job: &str) {
        self.made.retain(|claim| claim.job != job);
    }

    /// Adds the claims of a script's statements; what is against them becomes their faults.
    pub fn add(&mut self, bindings: &mut [Binding]) {
        for binding in bindings {
            binding.faults.extend(binding.statement.iter().flat_map(|statement| self.of(statement)));
        }
    }

    /// Adds the claims of a statement; returns what is against them, each pair once.
    fn of(&mut self, statement: &BoundStatement) -> Vec<Error> {
        self.statements += 1;
        let mut errors = Vec::new();
        let sources = statement.sources.iter().filter_map(|source| match &source.input {
            SourceInput::Connector(connector) => Some((&source.name, source.span, false, connector.places(&source.name))),
            SourceInput::Chained(_) | SourceInput::Unknown => None,
        });
        let sinks = statement.sinks.iter().map(|sink| (&sink.name, sink.span, true, sink.connector.place(&sink.name).into_iter().collect()));
        for (name, span, writes, places) in sources.chain(sinks) {
            let role = if writes { "sink" } else { "source" };
            let by = format!("{role} '{name}' of job '{}'", statement.name);
            let claim = Claim { job: statement.name.clone(), statement: self.statements, by, script: statement.script.name.clone(), writes, places };
            errors.extend(self.made.iter().filter_map(|earlier| claim.conflict(earlier)).map(|error| error.at(&statement.script, span)));
            self.made.push(claim);
        }
        errors
    }
}
