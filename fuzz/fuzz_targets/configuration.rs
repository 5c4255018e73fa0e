//! Any bytes as a configuration file: they are read or refused, without a panic, soon, and no secret is told. Needs a nightly compiler and `cargo install cargo-fuzz`:
//!
//! ```text
//! cargo +nightly fuzz run configuration
//! ```
//!
//! `tests/it/config_fuzz.rs` tries the same without them.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/config_property.rs"]
mod config_property;

fuzz_target!(|bytes: &[u8]| {
    let folder = std::env::temp_dir().join(format!("velostream-fuzz-{}", std::process::id()));
    if std::fs::create_dir_all(&folder).is_ok() {
        config_property::check_file(bytes, &folder);
        let mut parts = bytes.splitn(2, |byte| *byte == b'=').map(String::from_utf8_lossy);
        if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            config_property::check_setting(&key, &value, &folder);
        }
    }
});
