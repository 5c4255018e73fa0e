//! What option structs are made of. In reading order:
//! - `origin`: where a setting came from
//! - `key_map`: the merged keys of one source, sink or job, each with its origin
//! - `value`: how a value's text becomes a type
//! - `duration`, `byte_size`, `secret`, `list`: value types with spellings of their own
//! - `masking`: secrets that a text shows by its form
//! - `define`: the macro that makes a typed struct and its key table from one definition

mod byte_size;
mod define;
mod duration;
mod key_map;
mod list;
mod masking;
mod origin;
mod secret;
mod value;

pub use byte_size::{ByteSize, SomeBytes};
pub(crate) use define::define_options;
pub use define::{OptionDescriptor, Presence, Scope, ValueFacts};
pub use duration::{Millis, SomeMillis};
pub(crate) use key_map::fault_of;
pub(crate) use key_map::takes_list;
pub use key_map::{EffectiveSetting, KeyMap, Leftover, Replaced, Setting, locate};
pub use list::NameList;
pub(crate) use list::{ELEMENT_SEPARATOR, joined, sequence};
pub use origin::Origin;
pub(crate) use secret::register_passwords_in;
pub use secret::{MASK, Secret, register_secret, scrub};
pub use sql_extensions::{is_secret_key, is_secret_variable};
pub(crate) use value::word_of;
pub use value::{Columns, OptionValue, PathText, Within, YesNo};
