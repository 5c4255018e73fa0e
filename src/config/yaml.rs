//! YAML as a tree whose nodes know their lines. Bounded, so that a small text can't grow into a large tree.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{Error, Result};

/// Deepest nesting of maps and lists.
const DEEPEST: usize = 32;
/// Most values of a file as it is written.
const MOST_NODES: usize = 100_000;
/// Most values that are looked at, those of aliases each time.
const MOST_VISITS: usize = 100_000;
/// Most bytes of a key, with those around it where it is nested.
pub(super) const LONGEST_KEY: usize = 256;
/// Most bytes of a value.
const LONGEST_VALUE: usize = 64 << 10;
/// Most bytes of all keys and values, those of aliases each time. More than a file can have without them.
const MOST_BYTES: usize = 16 << 20;
/// The key whose maps fill in what the map around it lacks.
const MERGE: &str = "<<";

/// A value.
#[derive(Debug)]
pub(super) struct Node {
    /// Its line, from 1.
    pub line: usize,
    /// Levels of maps and lists in it, aliases among them. Bounded, so that it can be walked and dropped by recursion.
    height: usize,
    /// What it is.
    pub content: Content,
}

impl Node {
    /// A value; what it is made of stands already.
    pub(super) fn new(line: usize, content: Content) -> Self {
        let height = match &content {
            Content::Null | Content::Text(_) => 0,
            Content::List(elements) => 1 + elements.iter().map(|node| node.height).max().unwrap_or(0),
            Content::Map(entries) => 1 + entries.iter().map(|entry| entry.value.height).max().unwrap_or(0),
        };
        Self { line, height, content }
    }
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Content {
    /// No value: nothing, `~` or `null`.
    Null,
    /// A text, number or boolean, as it is written.
    Text(String),
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// Keys, each with its line, in the order of the file; merge keys are among them.
    Map(Vec<Entry>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key.
    pub key: String,
    /// Its line.
    pub line: usize,
    /// Its value.
    pub value: Rc<Node>,
    /// How many merge keys it came through; a map's own count more.
    pub merges: usize,
}

/// A file.
#[derive(Debug)]
pub(super) struct Document {
    /// The name of the file, for errors.
    name: String,
    /// Its value; `None` for a file without any.
    pub root: Option<Rc<Node>>,
    visits: usize,
    bytes: usize,
}

/// A map or list that is not complete.
enum Open {
    List { line: usize, anchor: usize, elements: Vec<Rc<Node>> },
    Map { line: usize, anchor: usize, entries: Vec<Entry>, keys: HashSet<String>, key: Option<(String, usize)> },
}

impl Document {
    /// Parses a text; `path` names it in errors.
    ///
    /// **Errors**: with file and line, what is no YAML, or is more than a file of settings has: several documents, tags, a key twice, too much of anything.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let mut building = Building { name: &name, open: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0 };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| building.fault(error.marker().line(), &format!("not valid YAML: {}", error.info())))?;
            building.take(event, span)?;
        }
        let root = building.root.filter(|root| !matches!(root.content, Content::Null));
        Ok(Self { name, root, visits: 0, bytes: 0 })
    }

    /// An error at a line.
    pub(super) fn fault(&self, line: usize, what: &str) -> Error {
        fault(&self.name, line, what)
    }

    /// The keys of a map with those that it merges; its own come first and count more, then those of the maps named first.
    ///
    /// **Errors**: it is no map, or what it merges is none.
    pub(super) fn entries(&mut self, node: &Node, what: &str) -> Result<Vec<Entry>> {
        let Content::Map(entries) = &node.content else { return Err(self.fault(node.line, &format!("{what} is no map of keys"))) };
        self.visit(node.line, entries.len())?;
        let mut all: Vec<Entry> = entries.iter().filter(|entry| entry.key != MERGE).cloned().collect();
        let mut keys: HashSet<String> = all.iter().map(|entry| entry.key.clone()).collect();
        for merged in entries.iter().filter(|entry| entry.key == MERGE) {
            let maps = match &merged.value.content {
                Content::List(maps) => maps.as_slice(),
                _ => std::slice::from_ref(&merged.value),
            };
            for map in maps {
                let inherited = self.entries(map, &format!("what '{MERGE}' in line {} merges", merged.line))?;
                let inherited = inherited.into_iter().map(|entry| Entry { merges: entry.merges + 1, ..entry });
                all.extend(inherited.filter(|entry| keys.insert(entry.key.clone())));
            }
        }
        Ok(all)
    }

    /// Counts values that are looked at.
    pub(super) fn visit(&mut self, line: usize, count: usize) -> Result<()> {
        self.visits = self.visits.saturating_add(1 + count);
        if self.visits > MOST_VISITS {
            return Err(self.fault(line, &format!("with what its aliases stand for, the file has more than {MOST_VISITS} values")));
        }
        Ok(())
    }

    /// Counts bytes of keys and values that are about to be copied.
    pub(super) fn grow(&mut self, line: usize, count: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(count);
        if self.bytes > MOST_BYTES {
            return Err(self.fault(line, &format!("with what its aliases stand for, the file has more than {} MiB", MOST_BYTES >> 20)));
        }
        Ok(())
    }
}

fn fault(name: &str, line: usize, what: &str) -> Error {
    Error::config(format!("{name}:{}: {what}", line.max(1)))
}

struct Building<'a> {
    name: &'a str,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    nodes: usize,
}

impl Building<'_> {
    fn fault(&self, line: usize, what: &str) -> Error {
        fault(self.name, line, what)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<()> {
        let line = span.start.line();
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => Err(self.fault(line, "the file holds a second document")),
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.put_alias(node, line),
                None => Err(self.fault(line, "an alias stands for a value that it is a part of")),
            },
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    return Err(self.fault(line, "a value has a YAML tag; write it without"));
                }
                if text.len() > LONGEST_VALUE {
                    return Err(self.fault(line, &format!("a value has more than {} KiB", LONGEST_VALUE >> 10)));
                }
                let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                self.put(Node::new(line, if is_null { Content::Null } else { Content::Text(text.into_owned()) }), anchor)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Open::List { line, anchor, elements: Vec::new() }, tag.is_some(), line),
            Event::MappingStart(anchor, tag) => {
                self.begin(Open::Map { line, anchor, entries: Vec::new(), keys: HashSet::new(), key: None }, tag.is_some(), line)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { line, anchor, elements }) => self.put(Node::new(line, Content::List(elements)), anchor),
                Some(Open::Map { line, anchor, entries, .. }) => self.put(Node::new(line, Content::Map(entries)), anchor),
                None => Err(self.fault(line, "not valid YAML: an end without a beginning")),
            },
        }
    }

    fn begin(&mut self, open: Open, tagged: bool, line: usize) -> Result<()> {
        if tagged {
            return Err(self.fault(line, "a value has a YAML tag; write it without"));
        }
        if self.open.len() >= DEEPEST {
            return Err(self.fault(line, &format!("nested more than {DEEPEST} levels deep")));
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<()> {
        let (line, node) = (node.line, Rc::new(node));
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.put_alias(node, line)
    }

    /// Puts a value, which may stand elsewhere too, where the line is.
    fn put_alias(&mut self, node: Rc<Node>, line: usize) -> Result<()> {
        let name = self.name;
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(fault(name, line, &format!("the file has more than {MOST_NODES} values")));
        }
        // An alias may stand for what is nested itself.
        if self.open.len() + node.height > DEEPEST {
            return Err(fault(name, line, &format!("nested more than {DEEPEST} levels deep")));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { elements, .. }) => elements.push(node),
            Some(Open::Map { entries, keys, key, .. }) => match key.take() {
                Some((key, line)) => entries.push(Entry { key, line, value: node, merges: 0 }),
                None => {
                    let Content::Text(text) = &node.content else { return Err(fault(name, line, "a key is not a text")) };
                    if text.len() > LONGEST_KEY {
                        return Err(fault(name, line, &format!("a key has more than {LONGEST_KEY} bytes")));
                    }
                    if text != MERGE && !keys.insert(text.clone()) {
                        return Err(fault(name, line, &format!("'{text}' is set twice")).with_help("keep one of them"));
                    }
                    *key = Some((text.clone(), line));
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Result<Document> {
        Document::parse(text, Path::new("a.yaml"))
    }

    #[test]
    fn own_keys_count_more_than_merged_ones_and_earlier_maps_more_than_later() {
        let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2, w: 2}\nc:\n  <<: [*a, *b]\n  w: 3\n";
        let mut document = document(text).expect("valid");
        let root = document.root.clone().expect("a map");
        let top = document.entries(&root, "it").expect("a map");
        let merged = document.entries(&top[2].value, "c").expect("a map");
        let found: Vec<_> = merged.iter().map(|entry| (entry.key.as_str(), entry.line, format!("{:?}", entry.value.content))).collect();
        let text = |text: &str| format!("{:?}", Content::Text(text.to_owned()));
        assert_eq!(found, [("w", 5, text("3")), ("x", 1, text("1")), ("y", 1, text("1")), ("z", 2, text("2"))]);
    }

    #[test]
    fn what_is_no_file_of_settings_is_refused_with_its_line() {
        let message = |text: &str| document(text).expect_err("refused").to_string();
        assert_eq!(message("a: 1\nb: 2\na: 3\n"), "a.yaml:3: 'a' is set twice; keep one of them");
        assert_eq!(message("a: 1\nb: {x: 1,\n  x: 2}\n"), "a.yaml:3: 'x' is set twice; keep one of them");
        assert_eq!(message("a: 1\n---\nb: 1\n"), "a.yaml:2: the file holds a second document");
        assert_eq!(message("a: !!binary aGk=\n"), "a.yaml:1: a value has a YAML tag; write it without");
        assert_eq!(message("a:\n  - &x [*x]\n"), "a.yaml:2: an alias stands for a value that it is a part of");
        assert!(message("a: x\n  bad: [1,\n").starts_with("a.yaml:2: not valid YAML: "), "{}", message("a: x\n  bad: [1,\n"));
        assert_eq!(message(&format!("a: {}1{}", "[".repeat(40), "]".repeat(40))), "a.yaml:1: nested more than 32 levels deep");
        assert!(message(&format!("a: {}", "[".repeat(100_000))).starts_with("a.yaml:1: "));
        assert!(message(&"- x\n".repeat(200_000)).contains("more than 100000 values"));
    }

    #[test]
    fn aliases_can_not_expand_a_file() {
        let mut text = "m0: &m0 {}\n".to_owned();
        for level in 1..15 {
            let before = level - 1;
            text.push_str(&format!("m{level}: &m{level} {{<<: [*m{before}, *m{before}, *m{before}]}}\n"));
        }
        let mut document = document(&text).expect("small as it stands");
        let root = document.root.clone().expect("a map");
        let top = document.entries(&root, "it").expect("a map");
        let error = document.entries(&top[14].value, "it").expect_err("3 to the 14th");
        assert!(error.to_string().contains("more than 100000 values"), "{error}");
    }

    #[test]
    fn aliases_can_not_nest_a_file() {
        let chain = |link: &str| {
            (1..20_000)
                .fold("m0: &m0 {x: 1}\n".to_owned(), |text, level| text + &link.replace("NEW", &format!("m{level}")).replace("OLD", &format!("m{}", level - 1)))
        };
        for (link, line) in [("NEW: &NEW {<<: *OLD}\n", 32), ("NEW: &NEW {x: *OLD}\n", 32), ("NEW: &NEW [*OLD]\n", 32), ("NEW: &NEW {<<: [*OLD]}\n", 17)] {
            let error = document(&chain(link)).expect_err("20,000 levels").to_string();
            assert_eq!(error, format!("a.yaml:{line}: nested more than 32 levels deep"), "{link}");
        }
        let shallow: String = (0..20_000).map(|number| format!("k{number}: *m\n")).collect();
        assert!(document(&format!("m: &m {{x: 1}}\n{shallow}")).is_ok(), "many aliases side by side are no depth");
    }

    #[test]
    fn keys_and_values_are_bounded() {
        let message = |text: &str| document(text).expect_err("refused").to_string();
        assert_eq!(message(&format!("a: 1\n? {}\n: 1\n", "k".repeat(257))), "a.yaml:2: a key has more than 256 bytes");
        assert_eq!(message(&format!("a: 1\nb: {}\n", "v".repeat((64 << 10) + 1))), "a.yaml:2: a value has more than 64 KiB");
        assert!(document(&format!("{}: {}\n", "k".repeat(256), "v".repeat(64 << 10))).is_ok());
        let message = message(&format!("a: &a x\nb: [{}]\n", "*a,".repeat(200_000)));
        assert_eq!(message, "a.yaml:2: the file has more than 100000 values");
    }
}
