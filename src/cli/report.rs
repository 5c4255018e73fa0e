//! Numbers, summaries and errors for people.

use std::io::Write;
use std::time::Duration;

use crate::error::{Error, Fault, io_text};
use crate::options::scrub;
use crate::runtime::JobSummary;

use super::exit::ExitStatus;

/// `1204511` as `1,204,511`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration with a useful number of digits.
pub(super) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.0} s") }
}

/// One line that accounts for every record of a job; of one that has failed it tells the counts, which don't add up then.
pub(super) fn summary_line(summary: &JobSummary, failed: bool, took: Duration) -> String {
    let rate = (summary.input as f64 / took.as_secs_f64().max(1e-3)) as u64;
    let expanded = if summary.expanded > 0 { format!(" + added {}", grouped(summary.expanded)) } else { String::new() };
    let (input, out, filtered, rejected) = (grouped(summary.input), grouped(summary.out), grouped(summary.filtered), grouped(summary.rejected));
    let mut line = if failed {
        format!(
            "{}: failed after {}: in {input}, out {out}, rejected {rejected}, batches failed {}",
            summary.job,
            seconds(took),
            grouped(summary.batches_failed)
        )
    } else {
        format!("{}: in {input}{expanded} = out {out} + filtered {filtered} + rejected {rejected} in {} ({}/s)", summary.job, seconds(took), grouped(rate))
    };
    for sink in summary.sinks.iter().filter(|sink| sink.rejected + sink.lost + sink.retries > 0) {
        line.push_str(&format!(
            "; {}: {} written, {} refused, {} lost, {} retries",
            sink.name,
            grouped(sink.rows),
            grouped(sink.rejected),
            grouped(sink.lost),
            grouped(sink.retries)
        ));
    }
    line
}

/// Prints a line on standard error.
pub(super) fn tell(line: &str) {
    // If standard error is gone there is nobody to tell.
    let _nobody_reads = writeln!(std::io::stderr().lock(), "{}", scrub(line));
}

/// Prints a text on standard output. A reader that has gone away has what it wanted; anything else that is in the way is a failure.
pub(super) fn print(text: &str) -> ExitStatus {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            tell(&format!("Error: standard output: {}", io_text(&error)));
            ExitStatus::Failed
        }
        _ => ExitStatus::Done,
    }
}

/// Prints errors.
pub(super) fn errors(errors: &[Error]) {
    errors.iter().for_each(|error| tell(&format!("Error: {}", error.render())));
}

/// The status for a start that was refused: the user's fault is 2, that of something outside 1.
pub(super) fn refused(list: &[Error]) -> ExitStatus {
    errors(list);
    if list.iter().any(|error| error.fault() == Fault::User) { ExitStatus::Refused } else { ExitStatus::Failed }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_in_threes() {
        assert_eq!([0, 7, 999, 1_000, 1_204_511].map(grouped), ["0", "7", "999", "1,000", "1,204,511"]);
    }
}
