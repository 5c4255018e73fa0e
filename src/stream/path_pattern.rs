//! Patterns of paths, and whether two of them have a path in common.

use std::collections::HashSet;
use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use super::place::resolved;

/// Characters: those of the ranges, or all others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Class {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Class {
    fn of(ranges: &[(char, char)]) -> Self {
        Self { ranges: ranges.to_vec(), negated: false }
    }

    fn no_slash() -> Self {
        Self { ranges: vec![('/', '/')], negated: true }
    }

    fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != self.negated
    }

    /// Whether a character is in both. If there is one, the smallest one is 0, the end of a range, the beginning of one, or next to one of these.
    fn meets(&self, other: &Self) -> bool {
        let next = |c: char| char::from_u32(u32::from(c) + 1);
        let candidates = self.ranges.iter().chain(&other.ranges).flat_map(|(low, high)| [Some(*low), next(*high)]).flatten();
        candidates.chain(['\0']).any(|c| self.contains(c) && other.contains(c))
    }
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// One character.
    One(Class),
    /// Any number of them.
    Many(Class),
    /// None; as many of the next parts may be left out.
    Skip(usize),
}

impl Step {
    fn class(&self) -> Option<&Class> {
        match self {
            Self::One(class) | Self::Many(class) => Some(class),
            Self::Skip(_) => None,
        }
    }

    /// Where to go on after one of its characters.
    fn after(&self, at: usize) -> usize {
        if matches!(self, Self::Many(_)) { at } else { at + 1 }
    }

    /// Where one can go on without a character.
    fn beyond(&self, at: usize) -> impl Iterator<Item = usize> {
        let places = match self {
            Self::One(_) => [None, None],
            Self::Many(_) => [Some(at + 1), None],
            Self::Skip(count) => [Some(at + 1), Some(at + 1 + count)],
        };
        places.into_iter().flatten()
    }
}

/// What paths look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathPattern {
    steps: Vec<Step>,
}

impl PathPattern {
    /// What is in a folder: its path from the root, links followed, and a slash. What follows is added.
    pub fn below(folder: &Path) -> Self {
        let mut pattern = Self::default();
        pattern.text(resolved(folder).to_string_lossy().trim_end_matches('/'));
        pattern.text("/");
        pattern
    }

    /// Adds a text that stands for itself.
    pub fn text(&mut self, text: &str) {
        self.steps.extend(text.chars().map(|c| Step::One(Class::of(&[(c, c)]))));
    }

    /// Adds digits: as many as asked for and, with `more`, any number further.
    pub fn digits(&mut self, count: usize, more: bool) {
        let digit = Class::of(&[('0', '9')]);
        self.steps.extend((0..count).map(|_| Step::One(digit.clone())));
        self.steps.extend(more.then_some(Step::Many(digit)));
    }

    /// Adds a part of a name, which may be empty.
    pub fn any_in_name(&mut self) {
        self.steps.push(Step::Many(Class::no_slash()));
    }

    /// Adds the name of a file that is not hidden.
    pub fn shown_name(&mut self) {
        self.steps.push(Step::One(Class { ranges: vec![('.', '/')], negated: true }));
        self.any_in_name();
    }

    /// Adds anything, folders too.
    pub fn anything(&mut self) {
        self.steps.push(Step::Many(Class { ranges: Vec::new(), negated: true }));
    }

    /// Adds a glob of the `glob` crate: `*` and `?` within a name, `**` for any folders, `[abc]`, `[a-z]`, `[!x]`.
    pub fn glob(&mut self, glob: &str) {
        let mut rest = glob.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '*' if rest.next_if_eq(&'*').is_some() => {
                    let is_folder = rest.next_if_eq(&'/').is_some() && rest.peek().is_some();
                    // `**/` also stands for no folder at all.
                    self.steps.extend(is_folder.then_some(Step::Skip(2)));
                    self.anything();
                    self.text(if is_folder { "/" } else { "" });
                }
                '*' => self.any_in_name(),
                '?' => self.steps.push(Step::One(Class::no_slash())),
                '[' => match class(&mut rest.clone()) {
                    Some((class, length)) => {
                        rest.nth(length - 1);
                        self.steps.push(Step::One(class));
                    }
                    None => self.text("["),
                },
                other => self.text(other.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// Whether a path is of both patterns. The pairs of places that are reachable in both at once are walked, each of them once.
    pub fn meets(&self, other: &Self) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![(0, 0)];
        while let Some((a, b)) = open.pop() {
            if !seen.insert((a, b)) {
                continue;
            }
            let (left, right) = (self.steps.get(a), other.steps.get(b));
            if left.is_none() && right.is_none() {
                return true;
            }
            open.extend(left.into_iter().flat_map(|step| step.beyond(a)).map(|a| (a, b)));
            open.extend(right.into_iter().flat_map(|step| step.beyond(b)).map(|b| (a, b)));
            if let (Some(left), Some(right)) = (left, right)
                && let (Some(own), Some(other)) = (left.class(), right.class())
                && own.meets(other)
            {
                open.push((left.after(a), right.after(b)));
            }
        }
        false
    }
}

/// Reads what follows `[`, and its length.
fn class(rest: &mut Peekable<Chars<'_>>) -> Option<(Class, usize)> {
    let negated = rest.next_if_eq(&'!').is_some();
    let mut members = Vec::new();
    loop {
        match rest.next()? {
            // The first one is a member.
            ']' if !members.is_empty() => break,
            c => members.push(c),
        }
    }
    let length = members.len() + 1 + usize::from(negated);
    // None of them is a slash.
    let mut ranges = if negated { vec![('/', '/')] } else { Vec::new() };
    let mut at = 0;
    while at < members.len() {
        let is_range = at + 2 < members.len() && members[at + 1] == '-';
        ranges.push((members[at], members[if is_range { at + 2 } else { at }]));
        at += if is_range { 3 } else { 1 };
    }
    Some((Class { ranges, negated }, length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> PathPattern {
        let mut pattern = PathPattern::default();
        pattern.glob(text);
        pattern
    }

    fn text(text: &str) -> PathPattern {
        let mut pattern = PathPattern::default();
        pattern.text(text);
        pattern
    }

    #[test]
    fn patterns_meet_in_a_common_path_only() {
        for (a, b) in [
            ("/d/*.jsonl", "/d/x.jsonl"),
            ("/d/*.jsonl", "/d/out-[0-9]*.jsonl"),
            ("/d/a*", "/d/*b"),
            ("/d/**/x", "/d/x"),
            ("/d/**/x", "/d/a/b/x"),
            ("/[!a]x", "/bx"),
            ("/[]]x", "/]x"),
            ("/[x", "/[x"),
            ("/?[a-c]", "/[x-z]b"),
        ] {
            assert!(glob(a).meets(&glob(b)) && glob(b).meets(&glob(a)), "{a} {b}");
        }
        for (a, b) in [
            ("/d/*.jsonl", "/d/x.json"),
            ("/d/*.jsonl", "/d/e/x.jsonl"),
            ("/d/a*", "/d/b*"),
            ("/[!a]x", "/ax"),
            ("/[a-c]", "/[d-f]"),
            ("/d/?", "/d/"),
            ("/d/**/x", "/dx"),
            ("/d/**/x", "/d/yx"),
            ("/d/**/x", "/d/e/yx"),
        ] {
            assert!(!glob(a).meets(&glob(b)) && !glob(b).meets(&glob(a)), "{a} {b}");
        }
        let mut shown = text("/d/");
        shown.shown_name();
        assert!(shown.meets(&text("/d/x")) && !shown.meets(&text("/d/.x")) && !shown.meets(&text("/d/")) && !shown.meets(&text("/d/e/x")));
        let mut numbered = text("/d/x-");
        numbered.digits(4, true);
        assert!(numbered.meets(&text("/d/x-0012")) && numbered.meets(&text("/d/x-12345")) && !numbered.meets(&text("/d/x-12")));
    }

    proptest! {
        /// A plain path meets a glob exactly if the library that lists the files says so.
        #[test]
        fn globs_are_read_as_the_library_reads_them(pattern in r"/(\*\*/)?[a-c*?/]{0,6}(\[!?[a-c]-?[b-d]?\])?[a-c*]{0,2}", path in "/[a-d/]{0,8}") {
            let options = glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };
            // No path has two slashes in a row.
            let single = |text: String| text.split('/').enumerate().filter(|(at, part)| *at == 0 || !part.is_empty()).map(|(_, part)| part).collect::<Vec<_>>().join("/");
            let (pattern, path) = (single(pattern), single(path));
            if let Ok(library) = glob::Pattern::new(&pattern) {
                prop_assert_eq!(glob(&pattern).meets(&text(&path)), library.matches_with(&path, options), "{} {}", pattern, path);
            }
        }
    }
}
