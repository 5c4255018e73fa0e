//! Running the binary.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A folder of a test's own.
pub struct Folder {
    folder: TempDir,
}

/// What a run of the binary gave.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The last line on standard error that is an object: the summary.
    pub fn summary(&self) -> serde_json::Value {
        let line = self.err.lines().rev().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no summary in {}", self.err));
        serde_json::from_str(line).unwrap()
    }

    /// The only job of the summary.
    pub fn job(&self) -> serde_json::Value {
        self.summary()["jobs"][0].clone()
    }

    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "standard error:\n{}\nstandard output:\n{}", self.err, self.out);
        self
    }
}

/// `in + expanded = out + filtered + rejected`.
pub fn assert_balanced(job: &serde_json::Value) {
    let count = |name: &str| job[name].as_u64().unwrap();
    assert_eq!(count("in") + count("expanded"), count("out") + count("filtered") + count("rejected"), "{job}");
}

/// The binary; VELO_BINARY names another build of it.
pub fn binary() -> PathBuf {
    std::env::var_os("VELO_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_velo-sql")), PathBuf::from)
}

impl Folder {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}; there are {:?}", self.list("")))
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// All files below a folder, hidden ones too, in order.
    pub fn list(&self, name: &str) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
            let Ok(entries) = std::fs::read_dir(folder) else { return };
            for entry in entries.flatten() {
                let path = entry.path();
                if path.is_dir() { walk(&path, root, found) } else { found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned()) }
            }
        }
        let mut found = Vec::new();
        walk(&self.path().join(name), self.path(), &mut found);
        found.sort();
        found
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.path()).env_remove("VELO_ENCRYPTION_KEY").env("TZ", "Asia/Kolkata");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[], b"")
    }

    /// Runs with variables and standard input.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)], input: &[u8]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            let _closed_early = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Ran {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs one statement, with a summary in JSON.
    pub fn sql(&self, sql: &str) -> Ran {
        self.run(&["--summary", "json", "--sql", sql])
    }

    /// Starts the binary and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Started {
        self.start_with(arguments, &[])
    }

    /// Likewise, with variables.
    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Started {
        let log = self.path().join("stderr.log");
        let child = self
            .command(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(self.path().join("stdout.log")).unwrap())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Started { child, log }
    }
}

/// A running binary; killed when dropped.
pub struct Started {
    pub child: std::process::Child,
    log: PathBuf,
}

impl Started {
    /// A child whose standard error goes to `log`.
    pub fn of(child: std::process::Child, log: PathBuf) -> Self {
        Self { child, log }
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: the process is our child and has not been waited for.
        unsafe { libc::kill(i32::try_from(self.child.id()).unwrap(), signal) };
    }

    pub fn wait(&mut self) -> i32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(began.elapsed() < Duration::from_secs(60), "still running after 60 s:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has printed.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log.with_file_name("stdout.log")).unwrap_or_default()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Waits until `condition` holds, at most 30 seconds.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    eventually_or(what, condition, String::new);
}

/// Likewise; `explain` is told with the failure.
pub fn eventually_or(what: &str, condition: impl Fn() -> bool, explain: impl Fn() -> String) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} did not come true in 30 s\n{}", explain());
        std::thread::sleep(Duration::from_millis(20));
    }
}
