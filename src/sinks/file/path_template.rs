//! Output paths with placeholders, and back: whether a path is one that a template gives.

use std::path::PathBuf;

use chrono::{DateTime, Datelike, TimeZone, Timelike, Utc};

use super::options::Rotation;
use crate::stream::PathPattern;

/// What stands for something else in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Date,
    Time,
    Timestamp,
    Hour,
    Year,
    Month,
    Day,
    Batch,
    /// The period of a rotation that the placeholders don't show.
    Period(Rotation),
    /// The number of the file among those of one name.
    Number,
}

const SPELLINGS: [(&str, Place); 9] = [
    ("{date}", Place::Date),
    ("{hour}", Place::Hour),
    ("{year}", Place::Year),
    ("{month}", Place::Month),
    ("{day}", Place::Day),
    ("{timestamp}", Place::Timestamp),
    ("{batch_id}", Place::Batch),
    ("${DATE}", Place::Date),
    ("${TIME}", Place::Time),
];

/// The letters of a layout, in the order of the fields of a time.
const FIELDS: &str = "YmdHMS";

impl Place {
    /// How it is written: the letters of a field stand for its digits, other characters for themselves. Numbers have no layout.
    fn layout(self) -> &'static str {
        match self {
            Self::Date | Self::Period(Rotation::Daily) => "YYYY-mm-dd",
            Self::Period(Rotation::Hourly) => "YYYY-mm-dd-HH",
            Self::Time => "HHMMSS",
            Self::Timestamp => "YYYYmmddTHHMMSSZ",
            Self::Hour => "HH",
            Self::Year => "YYYY",
            Self::Month => "mm",
            Self::Day => "dd",
            Self::Batch | Self::Number => "",
        }
    }

    /// The digits of a number.
    fn digits(self, number: u64) -> String {
        if self == Self::Number { format!("{number:04}") } else { number.to_string() }
    }

    fn write(self, moment: FileMoment, out: &mut String) {
        match self {
            Self::Batch => out.push_str(&self.digits(moment.batch)),
            Self::Number => out.push_str(&self.digits(moment.number)),
            _ => {
                let at = moment.begun;
                let fields = [at.year().unsigned_abs(), at.month(), at.day(), at.hour(), at.minute(), at.second()];
                for run in self.layout().as_bytes().chunk_by(|a, b| a == b) {
                    match FIELDS.find(char::from(run[0])) {
                        Some(field) => out.push_str(&format!("{:0width$}", fields[field], width = run.len())),
                        None => run.iter().for_each(|byte| out.push(char::from(*byte))),
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

/// A path, its placeholders found.
#[derive(Clone, Debug)]
pub(super) struct PathTemplate {
    parts: Vec<Part>,
}

/// What a file's name depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileMoment {
    /// Time at which the file was begun.
    pub begun: DateTime<Utc>,
    /// Number of the batch.
    pub batch: u64,
    /// Number of the file among those of one name, from 1.
    pub number: u64,
}

impl PathTemplate {
    /// Finds the placeholders. The period of a rotation that they don't show, and with `numbered` a number, are put before the suffixes of the file's name:
    /// `a/x.jsonl.gz` → `a/x-0001.jsonl.gz`.
    pub(super) fn new(path: &str, rotation: Option<Rotation>, numbered: bool) -> Self {
        let mut parts = Vec::new();
        let mut rest = path;
        while let Some(c) = rest.chars().next() {
            if let Some((place, after)) = SPELLINGS.iter().find_map(|(spelling, place)| rest.strip_prefix(spelling).map(|after| (*place, after))) {
                parts.push(Part::Place(place));
                rest = after;
                continue;
            }
            match parts.last_mut() {
                Some(Part::Text(known)) => known.push(c),
                _ => parts.push(Part::Text(c.to_string())),
            }
            rest = &rest[c.len_utf8()..];
        }
        let mut template = Self { parts };
        let mut extra = Vec::new();
        if let Some(rotation) = rotation.filter(|rotation| !template.shows(*rotation)) {
            extra.extend([Part::Text(".".to_owned()), Part::Place(Place::Period(rotation))]);
        }
        if numbered {
            extra.extend([Part::Text("-".to_owned()), Part::Place(Place::Number)]);
        }
        if !extra.is_empty() {
            let suffixes = template.cut_suffixes();
            template.parts.extend(extra);
            template.parts.push(Part::Text(suffixes));
        }
        template
    }

    /// Takes the suffixes off.
    fn cut_suffixes(&mut self) -> String {
        let is_first = self.parts.len() == 1;
        let Some(Part::Text(text)) = self.parts.last_mut() else { return String::new() };
        let folder_end = text.rfind('/').map(|at| at + 1);
        // A dot at the beginning of a name begins no suffix.
        let name_at = folder_end.or(is_first.then_some(0));
        let at = suffixes_at(text, folder_end.unwrap_or(0), name_at);
        text.split_off(at)
    }

    fn has(&self, place: Place) -> bool {
        self.parts.contains(&Part::Place(place))
    }

    /// Whether names of different periods differ.
    fn shows(&self, rotation: Rotation) -> bool {
        let day = self.has(Place::Date) || (self.has(Place::Year) && self.has(Place::Month) && self.has(Place::Day));
        let exact = self.never_repeats();
        match rotation {
            Rotation::Daily => day || exact,
            Rotation::Hourly => (day && (self.has(Place::Hour) || self.has(Place::Time))) || exact,
        }
    }

    /// Whether every batch has a file of its own.
    pub(super) fn per_batch(&self) -> bool {
        self.has(Place::Batch)
    }

    /// Whether names of earlier batches or seconds don't come back.
    pub(super) fn never_repeats(&self) -> bool {
        self.has(Place::Timestamp) || self.has(Place::Batch)
    }

    /// Words in braces that are no placeholders.
    pub(super) fn unknown(&self) -> Vec<String> {
        let mut found = Vec::new();
        for part in &self.parts {
            let Part::Text(text) = part else { continue };
            let mut rest = text.as_str();
            while let Some(start) = rest.find('{') {
                let Some(length) = rest[start..].find('}') else { break };
                found.push(rest[start..=start + length].to_owned());
                rest = &rest[start + length + 1..];
            }
        }
        found
    }

    fn write(&self, moment: FileMoment, leave_out: Option<Place>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(place) if Some(*place) == leave_out => {}
                Part::Place(place) => place.write(moment, &mut out),
            }
        }
        out
    }

    /// The path of a file.
    pub(super) fn path(&self, moment: FileMoment) -> PathBuf {
        PathBuf::from(self.write(moment, None))
    }

    /// What the paths of a moment have in common: the path without the file's number.
    pub(super) fn name(&self, moment: FileMoment) -> String {
        self.write(moment, Some(Place::Number))
    }

    /// The template of the files that differ from that of `moment` in their number only.
    pub(super) fn of_moment(&self, moment: FileMoment) -> Self {
        let fixed = |part: &Part| match part {
            Part::Place(place) if *place != Place::Number => {
                let mut text = String::new();
                place.write(moment, &mut text);
                Part::Text(text)
            }
            other => other.clone(),
        };
        Self { parts: self.parts.iter().map(fixed).collect() }
    }

    /// The folder up to the first placeholder, and the rest of the path as it was written.
    pub(super) fn fixed_folder(&self) -> (String, String) {
        let fixed = match self.parts.first() {
            Some(Part::Text(text)) => text.as_str(),
            _ => "",
        };
        let end = fixed.rfind('/').map_or(0, |at| at + 1);
        let mut written = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => written.push_str(text),
                Part::Place(place) => {
                    written.push_str(SPELLINGS.iter().find(|(_, known)| known == place).map_or("", |(spelling, _)| spelling));
                }
            }
        }
        (fixed[..end].to_owned(), written[end..].to_owned())
    }

    /// What is left behind [`Self::fixed_folder`].
    pub(super) fn without_fixed_folder(&self) -> Self {
        let mut rest = self.clone();
        if let Some(Part::Text(text)) = rest.parts.first_mut() {
            text.drain(..text.rfind('/').map_or(0, |at| at + 1));
        }
        rest
    }

    /// Whether it is the path of one file only.
    pub(super) fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Adds what all its paths have in common to a pattern.
    pub(super) fn add_to(&self, pattern: &mut PathPattern) {
        for part in &self.parts {
            match part {
                Part::Text(text) => pattern.text(text),
                Part::Place(Place::Batch) => pattern.digits(1, true),
                Part::Place(Place::Number) => pattern.digits(4, true),
                Part::Place(place) => {
                    for letter in place.layout().chars() {
                        if FIELDS.contains(letter) { pattern.digits(1, false) } else { pattern.text(letter.encode_utf8(&mut [0; 4])) }
                    }
                }
            }
        }
    }

    /// What a path of this template was made of; what the template does not show is the beginning of 2000 and 0. `None` if the template can't give this path.
    pub(super) fn moment_of(&self, path: &str) -> Option<FileMoment> {
        parse(&self.parts, path, Found::default())?.moment()
    }

    /// The files on disk whose paths this template gives.
    pub(super) fn existing(&self) -> Vec<(PathBuf, FileMoment)> {
        let mut components: Vec<Vec<Part>> = vec![Vec::new()];
        for part in &self.parts {
            let Part::Text(text) = part else {
                components.last_mut().into_iter().for_each(|component| component.push(part.clone()));
                continue;
            };
            for (at, piece) in text.split('/').enumerate() {
                if at > 0 {
                    components.push(Vec::new());
                }
                if !piece.is_empty() {
                    components.last_mut().into_iter().for_each(|component| component.push(Part::Text(piece.to_owned())));
                }
            }
        }
        let mut paths = Vec::new();
        find(String::new(), &components, &mut paths);
        paths.into_iter().filter_map(|path| Some((PathBuf::from(&path), self.moment_of(&path)?))).filter(|(path, _)| is_file(path)).collect()
    }
}

/// Whether it is a file itself, and no link to one.
fn is_file(path: &std::path::Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Collects the paths below `done` (empty, or with a slash at its end) that may be of the template with these components.
fn find(done: String, components: &[Vec<Part>], paths: &mut Vec<String>) {
    let Some((component, rest)) = components.split_first() else { return };
    let mut step = |name: &str| {
        if rest.is_empty() {
            paths.push(format!("{done}{name}"));
        } else {
            find(format!("{done}{name}/"), rest, paths);
        }
    };
    if component.iter().all(|part| matches!(part, Part::Text(_))) {
        let name: String = component.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "" }).collect();
        return step(&name);
    }
    let Ok(entries) = std::fs::read_dir(if done.is_empty() { "." } else { &done }) else { return };
    for entry in entries.flatten() {
        if let Some(name) = entry.file_name().to_str().filter(|name| parse(component, name, Found::default()).is_some()) {
            step(name);
        }
    }
}

/// What was found in a path.
#[derive(Clone, Copy, Default)]
struct Found {
    fields: [Option<u32>; 6],
    batch: Option<u64>,
    number: Option<u64>,
}

impl Found {
    fn moment(self) -> Option<FileMoment> {
        let [year, month, day, hour, minute, second] = self.fields;
        let year = i32::try_from(year.unwrap_or(2000)).ok()?;
        let begun = Utc.with_ymd_and_hms(year, month.unwrap_or(1), day.unwrap_or(1), hour.unwrap_or(0), minute.unwrap_or(0), second.unwrap_or(0)).single()?;
        Some(FileMoment { begun, batch: self.batch.unwrap_or(0), number: self.number.unwrap_or(0) })
    }
}

/// Takes a path apart; values that occur twice must be the same.
fn parse(parts: &[Part], text: &str, found: Found) -> Option<Found> {
    let Some((part, rest)) = parts.split_first() else { return text.is_empty().then_some(found) };
    match part {
        Part::Text(expected) => parse(rest, text.strip_prefix(expected.as_str())?, found),
        Part::Place(place @ (Place::Batch | Place::Number)) => {
            let most = text.bytes().take_while(u8::is_ascii_digit).count();
            (1..=most).rev().find_map(|length| {
                let number = text[..length].parse().ok().filter(|number| *number > 0 && place.digits(*number) == text[..length])?;
                let mut found = found;
                let known = if *place == Place::Batch { &mut found.batch } else { &mut found.number };
                (*known.get_or_insert(number) == number).then(|| parse(rest, &text[length..], found))?
            })
        }
        Part::Place(place) => {
            let (mut text, mut found) = (text, found);
            for run in place.layout().as_bytes().chunk_by(|a, b| a == b) {
                let (piece, after) = text.split_at_checked(run.len())?;
                match FIELDS.find(char::from(run[0])) {
                    Some(field) => {
                        let value = piece.bytes().all(|byte| byte.is_ascii_digit()).then(|| piece.parse().ok())??;
                        if *found.fields[field].get_or_insert(value) != value {
                            return None;
                        }
                    }
                    None if piece.as_bytes() == run => {}
                    None => return None,
                }
                text = after;
            }
            parse(rest, text, found)
        }
    }
}

/// Where the suffixes of the file's name begin; they don't reach before `lowest`.
fn suffixes_at(path: &str, lowest: usize, name_at: Option<usize>) -> usize {
    let is_suffix = |suffix: &str| {
        !suffix.is_empty() && suffix.len() <= 9 && suffix.bytes().all(|b| b.is_ascii_alphanumeric()) && !suffix.bytes().all(|b| b.is_ascii_digit())
    };
    let mut at = path.len();
    while let Some(dot) = path[lowest..at].rfind('.').map(|dot| lowest + dot) {
        if Some(dot) == name_at || !is_suffix(&path[dot + 1..at]) {
            break;
        }
        at = dot;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> FileMoment {
        FileMoment { begun: text.parse().expect("a time"), batch: 7, number: 3 }
    }

    fn path(template: &str, rotation: Option<Rotation>, numbered: bool) -> String {
        PathTemplate::new(template, rotation, numbered).path(moment("2024-01-05T09:30:01Z")).to_string_lossy().into_owned()
    }

    #[test]
    fn placeholders_are_put_in() {
        assert_eq!(path("a/{date}/{hour}/{year}{month}{day}-{timestamp}-{batch_id}.json", None, false), "a/2024-01-05/09/20240105-20240105T093001Z-7.json");
        assert_eq!(path("log-${DATE}-${TIME}.txt", None, false), "log-2024-01-05-093001.txt");
        assert_eq!(path("a/{who}.json", None, false), "a/{who}.json");
        assert_eq!(PathTemplate::new("a/{who}/{date}.json", None, false).unknown(), ["{who}"]);
    }

    #[test]
    fn a_pattern_fits_the_paths_of_its_template() {
        for (template, rotation, numbered) in [
            ("d/{date}/{hour}-{timestamp}-{batch_id}.csv", None, false),
            ("d/x.csv", Some(Rotation::Hourly), true),
            ("${TIME}", None, true),
            ("x", None, false),
        ] {
            let template = PathTemplate::new(template, rotation, numbered);
            let (mut pattern, mut plain) = (PathPattern::default(), PathPattern::default());
            template.add_to(&mut pattern);
            let own = template.path(moment("2024-01-05T09:30:01Z"));
            plain.text(&own.to_string_lossy());
            assert!(pattern.meets(&plain), "{}", own.display());
            let mut other = PathPattern::default();
            other.text(&own.to_string_lossy().replace(['0', 'x'], "y"));
            assert!(!pattern.meets(&other), "{}", own.display());
        }
    }

    #[test]
    fn rotation_and_numbers_stand_before_the_suffix() {
        assert_eq!(path("a.b/x.jsonl.gz", Some(Rotation::Daily), false), "a.b/x.2024-01-05.jsonl.gz");
        assert_eq!(path("x_{date}.jsonl", Some(Rotation::Daily), false), "x_2024-01-05.jsonl");
        assert_eq!(path("x_{date}.jsonl", Some(Rotation::Hourly), true), "x_2024-01-05.2024-01-05-09-0003.jsonl");
        assert_eq!(path("x", None, true), "x-0003");
        assert_eq!(path("d/.hidden", None, true), "d/.hidden-0003");
        assert_eq!(path("d/{date}.jsonl.gz", None, true), "d/2024-01-05-0003.jsonl.gz");
        assert_eq!(path("v1.5", None, true), "v1.5-0003");
    }

    #[test]
    fn only_paths_that_the_template_gives_are_its_own() {
        for (template, rotation, numbered, foreign) in [
            ("d/x.jsonl", None, true, "d/x-2024-01-05.jsonl"),
            ("d/x.jsonl", None, true, "d/x-2023-report-final.jsonl"),
            ("d/x.jsonl", None, true, "d/x-003.jsonl"),
            ("d/x.jsonl", None, true, "d/x-00003.jsonl"),
            ("d/x.jsonl", None, true, "d/x-0000.jsonl"),
            ("d/x_{date}.jsonl", Some(Rotation::Hourly), true, "d/x_2024-01-05.2024-01-06-09-0003.jsonl"),
            ("d/{batch_id}{hour}.csv", None, false, "d/0709.csv"),
            ("d/[x]{timestamp}.csv", None, false, "d/[x]20240105T253001Z.csv"),
            ("d/x.json", Some(Rotation::Daily), false, "d/x.2024-02-30.json"),
            ("d/x.json", Some(Rotation::Daily), false, "d/x.json"),
            ("{date}/x.json", None, true, "2024-01-05/y-0001.json"),
        ] {
            let template = PathTemplate::new(template, rotation, numbered);
            let own = template.path(moment("2024-01-05T09:30:01Z")).to_string_lossy().into_owned();
            let found = template.moment_of(&own).unwrap_or_else(|| panic!("{own}"));
            assert_eq!(template.path(found).to_string_lossy(), own);
            assert_eq!(template.moment_of(foreign), None, "{foreign}");
        }
        let number = |path: &str| PathTemplate::new("x.jsonl", None, true).moment_of(path).map(|found| found.number);
        assert_eq!((number("x-9999.jsonl"), number("x-10000.jsonl")), (Some(9999), Some(10_000)));
    }

    #[test]
    fn files_are_found_in_folders_with_placeholders_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_string_lossy().into_owned();
        for name in ["2024-01-05/x-0001.csv", "2024-01-06/x-0012.csv", "2024-01-06/y-0001.csv", "other/x-0001.csv", "2024-01-07/x-0001.csv/in"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        let template = PathTemplate::new(&format!("{root}/{{date}}/x.csv"), None, true);
        let mut found: Vec<_> = template.existing().into_iter().map(|(path, moment)| (path, moment.number)).collect();
        found.sort();
        assert_eq!(found, [(folder.path().join("2024-01-05/x-0001.csv"), 1), (folder.path().join("2024-01-06/x-0012.csv"), 12)]);
        let day = template.of_moment(moment("2024-01-06T00:00:00Z"));
        assert_eq!(day.existing().len(), 1);
        assert_eq!(PathTemplate::new(&format!("{root}/{{date}}/x.csv"), None, false).fixed_folder(), (format!("{root}/"), "{date}/x.csv".to_owned()));
    }
}
