//! Any text: no panic, errors inside the text, and what parses is printed back to the same. Needs a nightly compiler and `cargo install cargo-fuzz`:
//!
//! ```text
//! cargo +nightly fuzz run statements fuzz/corpus/statements sql-extensions/tests/corpus
//! ```
//!
//! The first folder takes what libFuzzer finds, the second holds the statements to start from. A text that failed goes there as `found_<what>.sql`, so that the tests of
//! `sql-extensions` try it from then on.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../sql-extensions/tests/it/property.rs"]
mod property;

fuzz_target!(|text: &str| property::check(text));
