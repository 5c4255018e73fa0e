//! What is wrong with a record, and in which field of it.

/// What is wrong with a record; made only for records that are rejected.
#[derive(Debug)]
pub(in crate::formats) struct Fault {
    /// The fields around the value, innermost first.
    path: Vec<String>,
    message: String,
}

/// What reading a value comes to.
pub(in crate::formats) type Parsed<T = ()> = Result<T, Box<Fault>>;

/// A fault of the value at hand.
pub(in crate::formats) fn fault(message: impl Into<String>) -> Box<Fault> {
    Box::new(Fault { path: Vec::new(), message: message.into() })
}

impl Fault {
    /// The same fault, of a value in a field.
    pub(in crate::formats) fn within(mut self: Box<Self>, field: &str) -> Box<Self> {
        self.path.push(field.to_owned());
        self
    }

    /// In one sentence.
    pub(in crate::formats) fn reason(mut self) -> String {
        if self.path.is_empty() {
            return self.message;
        }
        self.path.reverse();
        format!("field '{}': {}", self.path.join("."), self.message)
    }
}
