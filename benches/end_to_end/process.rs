//! Processes and what they took.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a process took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    pub wall: Duration,
    /// Peak of resident memory, in bytes.
    pub peak: u64,
    /// Processor time, the system's share included.
    pub cpu: Duration,
}

impl Measured {
    pub(crate) fn better(self, other: Self) -> Self {
        if other.wall < self.wall { other } else { self }
    }

    pub(crate) fn megabytes(self) -> u64 {
        self.peak / 1_000_000
    }
}

/// How often memory is looked at. The system keeps the peak, so that only what grows in the last moment is missed.
const LOOK: Duration = Duration::from_millis(5);

/// The peak of a process's resident memory so far, in bytes; `None` once it has ended. `ru_maxrss` is of no use: it begins with what the bench itself held when it started the process.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Waits for a child by its number, with its resources.
fn reap(child: &std::process::Child, began: Instant) -> (i32, Measured) {
    let process = child.id();
    let looking = std::thread::spawn(move || {
        let mut highest = 0;
        while let Some(peak) = peak(process) {
            highest = peak;
            std::thread::sleep(LOOK);
        }
        highest
    });
    let mut status = 0;
    // SAFETY: the structure is plain numbers, and the kernel fills it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the process is our child and nobody else waits for it.
    let reaped = unsafe { libc::wait4(i32::try_from(child.id()).unwrap(), &mut status, 0, &mut usage) };
    assert!(reaped > 0);
    let time = |time: libc::timeval| Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64);
    let wall = began.elapsed();
    (status, Measured { wall, peak: looking.join().unwrap(), cpu: time(usage.ru_utime) + time(usage.ru_stime) })
}

/// Runs a command to its end.
pub(crate) fn measure(command: &mut Command) -> Measured {
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let (status, measured) = reap(&child, began);
    assert_eq!(status, 0, "{command:?} failed");
    measured
}

/// Runs the program that is measured.
pub(crate) fn velo(arguments: &[&str]) -> Measured {
    measure(Command::new(env!("CARGO_BIN_EXE_velo-sql")).args(arguments))
}

/// Keeps a command on so many processors; 0 is all of them.
pub(crate) fn on_processors(command: &mut Command, processors: usize) {
    if processors == 0 {
        return;
    }
    // SAFETY: between fork and exec only plain numbers are touched and one call to the system is made.
    unsafe {
        command.pre_exec(move || {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            (0..processors).for_each(|processor| libc::CPU_SET(processor, &mut set));
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
            Ok(())
        });
    }
}

/// Runs the program that is measured, on so many processors.
pub(crate) fn velo_on(processors: usize, arguments: &[&str]) -> Measured {
    let mut command = Command::new(env!("CARGO_BIN_EXE_velo-sql"));
    on_processors(command.args(arguments), processors);
    measure(&mut command)
}

/// Runs the program beside something else, and ends it in peace afterwards, which has to come within `patience`.
pub(crate) fn beside<T>(arguments: &[&str], patience: Duration, work: impl FnOnce() -> T) -> (T, Measured) {
    let began = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_velo-sql")).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let done = work();
    // SAFETY: the process is our child and has not been waited for.
    unsafe { libc::kill(i32::try_from(child.id()).unwrap(), libc::SIGTERM) };
    let ending = Instant::now();
    let (status, measured) = reap(&child, began);
    assert!(status == 0 && ending.elapsed() < patience, "the job ended with {status} after {:?}", ending.elapsed());
    (done, measured)
}

/// Runs the program to its end and looks at its resident memory on the way: when `output` has the given share of its final size, and at the end.
pub(crate) fn watched(arguments: &[&str], output: &Path, share: f64) -> (Measured, u64, u64) {
    let _not_there = std::fs::remove_file(output);
    let mut command = Command::new(env!("CARGO_BIN_EXE_velo-sql"));
    let began = Instant::now();
    let child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut samples = Vec::new();
    loop {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", child.id())).unwrap();
        let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
        if pages == 0 {
            break;
        }
        // SAFETY: asks for a number.
        let bytes = pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
        samples.push((std::fs::metadata(output).map_or(0, |metadata| metadata.len()), bytes));
        std::thread::sleep(Duration::from_millis(5));
    }
    let (status, measured) = reap(&child, began);
    assert_eq!(status, 0);
    let size = std::fs::metadata(output).unwrap().len() as f64;
    let early = samples.iter().find(|(written, _)| *written as f64 >= size * share).unwrap().1;
    // The very last ones may be of a process that is ending.
    let late = samples.iter().rev().find(|(written, _)| (*written as f64) < size * 0.999).unwrap().1;
    (measured, early, late)
}

/// The share of one processor that a run takes while nothing happens.
pub(crate) fn idle(arguments: &[&str], duration: Duration) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_velo-sql"));
    let began = Instant::now();
    let child = command.args(arguments).stdin(Stdio::null()).spawn().unwrap();
    let cpu = || -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // User and system time are fields 14 and 15 of the whole line.
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        // SAFETY: asks for a number.
        ticks as f64 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
    };
    std::thread::sleep(Duration::from_secs(2));
    let before = cpu();
    std::thread::sleep(duration);
    let share = (cpu() - before) / duration.as_secs_f64();
    // SAFETY: the process is our child and has not been waited for.
    unsafe { libc::kill(i32::try_from(child.id()).unwrap(), libc::SIGTERM) };
    assert_eq!(reap(&child, began).0, 0);
    share
}

/// Rows of an output.
pub(crate) fn count(path: &Path, format: &str) -> u64 {
    if format == "parquet" {
        let file = std::fs::File::open(path).unwrap();
        let reader = parquet::file::serialized_reader::SerializedFileReader::new(file).unwrap();
        return parquet::file::reader::FileReader::metadata(&reader).file_metadata().num_rows() as u64;
    }
    // Piece by piece: a child begins with the memory peak of the process that starts it.
    let mut file = std::fs::File::open(path).unwrap();
    let mut piece = vec![0; 1 << 20];
    let mut lines = 0;
    loop {
        match std::io::Read::read(&mut file, &mut piece).unwrap() {
            0 => return lines,
            read => lines += memchr::memchr_iter(b'\n', &piece[..read]).count() as u64,
        }
    }
}
