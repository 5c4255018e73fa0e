//! Output paths with placeholders.

use std::path::PathBuf;

use chrono::{DateTime, Timelike, Utc};

use super::options::Rotation;

/// Placeholders in braces, and those in the style of variables.
const NAMES: [&str; 7] = ["date", "timestamp", "hour", "batch_id", "year", "month", "day"];
const VARIABLES: [&str; 2] = ["DATE", "TIME"];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(&'static str),
}

/// A path, its placeholders found.
#[derive(Clone, Debug)]
pub(super) struct PathTemplate {
    parts: Vec<Part>,
    /// Put before the suffix: the period of a rotation that the placeholders don't show.
    period: Option<Rotation>,
    numbered: bool,
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
    /// Finds the placeholders. `numbered` puts a number before the suffix.
    pub(super) fn new(path: &str, rotation: Option<Rotation>, numbered: bool) -> Self {
        let mut parts = Vec::new();
        let mut rest = path;
        while !rest.is_empty() {
            let variable = VARIABLES.iter().find_map(|name| rest.strip_prefix(&format!("${{{name}}}")).map(|after| (*name, after)));
            let braced = NAMES.iter().find_map(|name| rest.strip_prefix(&format!("{{{name}}}")).map(|after| (*name, after)));
            if let Some((name, after)) = variable.or(braced) {
                parts.push(Part::Place(name));
                rest = after;
                continue;
            }
            let length = rest.chars().next().map_or(0, char::len_utf8);
            let (text, after) = rest.split_at(length);
            match parts.last_mut() {
                Some(Part::Text(known)) => known.push_str(text),
                _ => parts.push(Part::Text(text.to_owned())),
            }
            rest = after;
        }
        let mut template = Self { parts, period: None, numbered };
        template.period = rotation.filter(|rotation| !template.shows(*rotation));
        template
    }

    fn has(&self, name: &str) -> bool {
        self.parts.contains(&Part::Place(NAMES.iter().chain(&VARIABLES).find(|known| **known == name).copied().unwrap_or_default()))
    }

    /// Whether names of different periods differ.
    fn shows(&self, rotation: Rotation) -> bool {
        let day = self.has("date") || self.has("DATE") || (self.has("year") && self.has("month") && self.has("day"));
        let exact = self.has("timestamp") || self.has("batch_id");
        match rotation {
            Rotation::Daily => day || exact,
            Rotation::Hourly => (day && (self.has("hour") || self.has("TIME"))) || exact,
        }
    }

    /// Whether every batch has a file of its own.
    pub(super) fn per_batch(&self) -> bool {
        self.has("batch_id")
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

    /// The path of a file.
    pub(super) fn path(&self, moment: FileMoment) -> PathBuf {
        let at = moment.begun;
        let text: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Place("date" | "DATE") => at.format("%Y-%m-%d").to_string(),
                Part::Place("timestamp") => at.format("%Y%m%dT%H%M%SZ").to_string(),
                Part::Place("hour") => format!("{:02}", at.hour()),
                Part::Place("batch_id") => moment.batch.to_string(),
                Part::Place("year") => at.format("%Y").to_string(),
                Part::Place("month") => at.format("%m").to_string(),
                Part::Place("day") => at.format("%d").to_string(),
                Part::Place(_) => at.format("%H%M%S").to_string(),
            })
            .collect();
        let mut extra = String::new();
        if let Some(rotation) = self.period {
            extra.push('.');
            extra.push_str(&match rotation {
                Rotation::Daily => at.format("%Y-%m-%d").to_string(),
                Rotation::Hourly => at.format("%Y-%m-%d-%H").to_string(),
            });
        }
        if self.numbered {
            extra.push_str(&format!("-{:04}", moment.number));
        }
        PathBuf::from(before_suffix(&text, &extra))
    }

    /// A pattern that matches the files of this template and little else.
    pub(super) fn pattern(&self) -> String {
        let digits = |count: usize| "[0-9]".repeat(count);
        let date = || format!("{}-{}-{}", digits(4), digits(2), digits(2));
        let text: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => glob::Pattern::escape(text),
                Part::Place("date" | "DATE") => date(),
                Part::Place("timestamp") => format!("{}T{}Z", digits(8), digits(6)),
                Part::Place("hour" | "month" | "day") => digits(2),
                Part::Place("batch_id") => "[0-9]*".to_owned(),
                Part::Place("year") => digits(4),
                Part::Place(_) => digits(6),
            })
            .collect();
        let mut extra = String::new();
        if let Some(rotation) = self.period {
            extra.push('.');
            extra.push_str(&date());
            if rotation == Rotation::Hourly {
                extra.push('-');
                extra.push_str(&digits(2));
            }
        }
        if self.numbered {
            extra.push('-');
            extra.push_str(&digits(4));
            extra.push('*');
        }
        before_suffix(&text, &extra)
    }
}

/// Puts `extra` before the suffixes of the file's name: `a/x.jsonl.gz` → `a/x-0001.jsonl.gz`.
fn before_suffix(path: &str, extra: &str) -> String {
    if extra.is_empty() {
        return path.to_owned();
    }
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let is_suffix = |suffix: &str| {
        !suffix.is_empty() && suffix.len() <= 9 && suffix.bytes().all(|b| b.is_ascii_alphanumeric()) && !suffix.bytes().all(|b| b.is_ascii_digit())
    };
    let mut at = path.len();
    while let Some(dot) = path[name_at..at].rfind('.').map(|dot| name_at + dot) {
        if dot == name_at || !is_suffix(&path[dot + 1..at]) {
            break;
        }
        at = dot;
    }
    format!("{}{extra}{}", &path[..at], &path[at..])
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
    fn rotation_and_numbers_stand_before_the_suffix() {
        assert_eq!(path("a.b/x.jsonl.gz", Some(Rotation::Daily), false), "a.b/x.2024-01-05.jsonl.gz");
        assert_eq!(path("x_{date}.jsonl", Some(Rotation::Daily), false), "x_2024-01-05.jsonl");
        assert_eq!(path("x_{date}.jsonl", Some(Rotation::Hourly), true), "x_2024-01-05.2024-01-05-09-0003.jsonl");
        assert_eq!(path("x", None, true), "x-0003");
    }

    #[test]
    fn the_pattern_matches_the_files() {
        for (template, rotation, numbered) in
            [("d/x_{date}.jsonl", Some(Rotation::Hourly), true), ("d/[x]{timestamp}.csv", None, false), ("d/x.json", Some(Rotation::Daily), false)]
        {
            let template = PathTemplate::new(template, rotation, numbered);
            let pattern = glob::Pattern::new(&template.pattern()).expect("a pattern");
            assert!(pattern.matches_path(&template.path(moment("2024-01-05T09:30:01Z"))), "{pattern}");
            assert!(!pattern.matches("d/x_other.jsonl"));
        }
    }
}
