//! Standard output that nobody reads, or that is full.

use std::process::{Command, Output};

use crate::velo::{Folder, binary};

/// Runs a command of a shell in which `velo` is the binary.
fn shell(folder: &Folder, command: &str) -> Output {
    let command = command.replace("velo ", &format!("{} ", binary().display()));
    Command::new("bash").arg("-c").arg(format!("set -o pipefail; {command}")).current_dir(folder.path()).output().unwrap()
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.csv", "id\n1\n");
    folder.write("s.sql", "SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.csv','a.schema'='id BIGINT','o.type'='file','o.path'='o.json')");
    let key = "c2VudGluZWwtc2VudGluZWwtc2VudGluZWwtMTIzNDU=";
    folder.write("key", key);
    let encrypted = "'o.type'='file','o.path'='o.enc','o.encryption'='AES256'";
    folder.write("a.jsonl", "{\"id\":\"some text that is long enough to be written\"}\n".repeat(10_000));
    let sql = format!("SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl',{encrypted})");
    folder.run_with(&["--quiet", "--sql", &sql], &[("VELO_ENCRYPTION_KEY", key)], b"").expect(0);
    folder
}

const COMMANDS: [&str; 8] = [
    "options",
    "options --format json",
    "options --format markdown",
    "explain s.sql",
    "explain s.sql --format json --verbose",
    "completions bash",
    "decrypt o.enc --key-file key",
    "--help",
];

#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = folder();
    for command in COMMANDS.into_iter().chain(["validate s.sql"]) {
        // The reader has gone before anything is written.
        let output = shell(&folder, &format!("(sleep 0.2; velo {command}) | true"));
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).replace('\0', "")), (Some(0), told_by(command)), "{command}");
    }
}

/// `validate` tells what it found on standard error.
fn told_by(command: &str) -> String {
    if !command.starts_with("validate") {
        return String::new();
    }
    let output = shell(&folder(), "velo validate s.sql");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_full_device_is_a_failure() {
    let folder = folder();
    for command in COMMANDS {
        let output = shell(&folder, &format!("velo {command} > /dev/full"));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command}: {told}");
        assert_eq!(told, "Error: standard output: No space left on device\n", "{command}");
    }
    assert_eq!(shell(&folder, "velo validate s.sql > /dev/full").status.code(), Some(0), "validate prints nothing");
    for command in ["options", "validate s.sql", "explain s.sql"] {
        let output = shell(&folder, &format!("velo {command} > out 2> /dev/full"));
        assert_eq!(output.status.code(), Some(0), "{command}: there is nobody to tell");
    }
}
