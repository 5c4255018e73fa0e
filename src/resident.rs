//! Pages of the program that only the start needs.
//!
//! Parsing, planning and connecting touch code all over a large program, and with every touched page the system maps some fifteen of its neighbours. They would stay in the resident memory of a job that runs
//! for months in a tenth of them.

/// Gives back the pages of the program's code and of the constants before it; what is still used is mapped again from the page cache when it is called or read, at a few microseconds for each run of pages. To
/// be called after a phase of the start.
/// Does nothing on systems other than Linux.
pub(crate) fn forget_program() {
    #[cfg(target_os = "linux")]
    linux::forget_program();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    pub(super) fn forget_program() {
        // Without either file nothing is given back, and nothing is lost.
        let (Ok(program), Ok(maps)) = (std::fs::read_link("/proc/self/exe"), std::fs::read_to_string("/proc/self/maps")) else { return };
        for (start, length) in maps.lines().filter_map(|line| code(line, &program)) {
            // SAFETY: the range is a private mapping of a file that was never writable, so that its pages are those of the file; they are read again when they are needed.
            let code = unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) };
            if code != 0 {
                tracing::debug!("code pages stay resident: {}", std::io::Error::last_os_error());
            }
        }
    }

    /// Start and length of a mapping, given as a line of `/proc/PID/maps`, if it is code of `program`, or what stands before all code: its headers, relocations and constants. Data that was relocated when the
    /// program was loaded is neither, although it can't be written any more: it would be read anew without that.
    fn code(line: &str, program: &Path) -> Option<(usize, usize)> {
        let mut fields = line.split_ascii_whitespace();
        let (range, rights, offset) = (fields.next()?, fields.next()?, fields.next()?);
        let path = fields.nth(2)?;
        let (start, end) = range.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        let is_first = usize::from_str_radix(offset, 16) == Ok(0);
        let from_file = rights == "r-xp" || rights == "r--p" && is_first;
        (from_file && program.as_os_str() == path).then_some((start, end.checked_sub(start)?))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Pages of the program's code that are resident, in kB.
        fn resident() -> u64 {
            let program = std::fs::read_link("/proc/self/exe").expect("a program");
            let smaps = std::fs::read_to_string("/proc/self/smaps").expect("maps");
            let is_code = |line: &str| line.contains("r-xp") && code(line, &program).is_some();
            let mut lines = smaps.lines().skip_while(|line| !is_code(line));
            let rss = lines.find_map(|line| line.strip_prefix("Rss:")).expect("a size");
            rss.trim_end_matches("kB").trim().parse().expect("a number")
        }

        #[test]
        fn code_is_given_back_and_still_runs() {
            // Whatever other tests have touched, and a regular expression's compiler.
            assert!(regex::Regex::new("[a-z]+x{2,5}").is_ok());
            let before = resident();
            super::super::forget_program();
            let after = resident();
            assert!(before > 0 && after < before, "{before} kB, then {after} kB");
            assert!(regex::Regex::new("[a-z]+x{2,5}").is_ok_and(|pattern| pattern.is_match("abxxx")));
        }

        #[test]
        fn relocated_data_is_not_touched() {
            let program = Path::new("/usr/bin/velo-sql");
            let own = "/usr/bin/velo-sql";
            let line = |rights: &str, offset: &str, path: &str| format!("55d0c0a00000-55d0c0b00000 {rights} {offset} fd:01 42    {path}");
            for (rights, offset) in [("r-xp", "00001000"), ("r--p", "00000000")] {
                assert_eq!(code(&line(rights, offset, own), program), Some((0x55d0_c0a0_0000, 0x10_0000)));
            }
            for (rights, offset, path) in [("r--p", "00001000", own), ("rw-p", "00000000", own), ("r-xp", "00001000", "/lib/libc.so.6"), ("r-xp", "0", "")] {
                assert_eq!(code(&line(rights, offset, path), program), None, "{rights} {offset} {path}");
            }
        }
    }
}
