//! One definition makes the typed struct, its parser and the table that `velo-sql options` and the reference pages print.

use super::OptionValue;

/// Who may set an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The job.
    Job,
    /// A source.
    Source,
    /// A sink.
    Sink,
}

impl Scope {
    /// The word printed in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }

    /// Whether a type as it was written (`Kafka_Source`; `None` stands for all) is that of the kind with a simple name.
    pub fn names_kind(self, written: Option<&str>, simple: &str) -> bool {
        let suffix = format!("_{}", self.as_str());
        written.is_none_or(|written| written.trim().to_ascii_lowercase().trim_end_matches(suffix.as_str()) == simple)
    }
}

/// What happens when an option is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The start is refused.
    Required,
    /// The option has no value.
    Optional,
    /// This text is read instead.
    Default(&'static str),
}

/// What is known of the values of a type.
#[derive(Clone, Copy, Debug)]
pub struct ValueFacts {
    /// The words that it has, if there are few.
    pub names: &'static [&'static str],
    /// Of numbers: the least and the greatest.
    pub range: (usize, usize),
    /// Whether a text is a value of the type; if not, what is expected.
    pub check: fn(&str) -> Result<(), String>,
    example: &'static str,
}

impl ValueFacts {
    /// The facts of a type.
    pub(crate) const fn of<T: OptionValue>() -> Self {
        let example = if T::EXAMPLE.is_empty() && !T::NAMES.is_empty() { T::NAMES[0] } else { T::EXAMPLE };
        Self { names: T::NAMES, range: T::RANGE, check: |text| T::parse(text).map(drop), example }
    }
}

/// An option as documented and as parsed: both come from one definition.
#[derive(Clone, Copy, Debug)]
pub struct OptionDescriptor {
    /// The key without its owner.
    pub key: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// Name of the value type.
    pub type_name: &'static str,
    /// What its absence means.
    pub presence: Presence,
    /// Who may set it.
    pub scope: Scope,
    /// What is known of its values; `None` for keys that are read by hand.
    pub value: Option<ValueFacts>,
    pub(crate) docs: &'static str,
    /// A value of this option where the type alone does not tell what one looks like.
    pub(crate) like: &'static str,
}

impl OptionDescriptor {
    /// An option that no option struct reads.
    pub(crate) const fn by_hand(key: &'static str, type_name: &'static str, presence: Presence, scope: Scope, docs: &'static str) -> Self {
        Self { key, aliases: &[], type_name, presence, scope, value: None, docs, like: "" }
    }

    /// A value that somebody might write; empty if nothing is known of the values.
    pub fn example(&self) -> &'static str {
        if self.like.is_empty() { self.value.map_or("", |value| value.example) } else { self.like }
    }

    /// The key and its aliases.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.key).chain(self.aliases.iter().copied())
    }

    /// What it does, in a sentence or two.
    pub fn meaning(&self) -> String {
        self.docs.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The default as printed: a value, `required` or `none`.
    pub fn default_text(&self) -> &'static str {
        match self.presence {
            Presence::Required => "required",
            Presence::Optional => "none",
            Presence::Default(text) => text,
        }
    }
}

/// Defines a struct of options.
///
/// ```text
/// define_options! {
///     /// What the struct holds.
///     pub struct FileSourceOptions (Source) {
///         /// Meaning, printed by `velo-sql options`.
///         path: PathBuf = "path" [] required;
///         format: FormatName = "format" ["value.format"] optional;     // becomes Option<FormatName>
///         has_headers: bool = "has_headers" [] default "true" like "false";    // a value for the documentation
///     }
/// }
/// ```
/// makes the struct with public fields, `OPTIONS: &[OptionDescriptor]`, and `from_keys(&mut KeyMap, &mut Vec<Error>) -> Option<Self>`, which takes the keys it knows.
macro_rules! define_options {
    (@type required $ty:ty) => { $ty };
    (@type optional $ty:ty) => { Option<$ty> };
    (@type default $ty:ty) => { $ty };
    (@presence required) => { $crate::options::Presence::Required };
    (@presence optional) => { $crate::options::Presence::Optional };
    (@presence default $text:literal) => { $crate::options::Presence::Default($text) };
    (@unwrap required $value:expr) => { $value? };
    (@unwrap default $value:expr) => { $value? };
    (@unwrap optional $value:expr) => { $value };
    (
        $(#[doc = $struct_doc:expr])+
        pub struct $name:ident ($scope:ident) {
            $( $(#[doc = $doc:expr])+ $field:ident : $ty:ty = $key:literal [$($alias:literal),*] $presence:ident $($default:literal)? $(like $like:literal)?; )*
        }
    ) => {
        $(#[doc = $struct_doc])+
        #[derive(Clone, Debug)]
        #[allow(unreachable_pub, reason = "some option structs are private to the folder that combines them")]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $crate::options::define_options!(@type $presence $ty), )*
        }

        #[allow(unreachable_pub, reason = "as above")]
        impl $name {
            /// The table of these options.
            pub const OPTIONS: &'static [$crate::options::OptionDescriptor] = &[
                $( $crate::options::OptionDescriptor {
                    key: $key,
                    aliases: &[$($alias),*],
                    type_name: <$ty as $crate::options::OptionValue>::TYPE,
                    presence: $crate::options::define_options!(@presence $presence $($default)?),
                    scope: $crate::options::Scope::$scope,
                    value: Some($crate::options::ValueFacts::of::<$ty>()),
                    docs: concat!($($doc, " "),+),
                    like: concat!($($like)?),
                }, )*
            ];

            /// Takes the keys of these options out of the map; faults are added to `errors`, missing keys to the map's list of them, and `None` means that
            /// there is one.
            pub fn from_keys(keys: &mut $crate::options::KeyMap, errors: &mut Vec<$crate::error::Error>) -> Option<Self> {
                let faults = errors.len();
                let mut options = Self::OPTIONS.iter();
                $( let $field = keys.read::<$ty>(options.next()?, errors); )*
                if errors.len() > faults {
                    return None;
                }
                Some(Self { $( $field: $crate::options::define_options!(@unwrap $presence $field), )* })
            }
        }
    };
}
pub(crate) use define_options;
