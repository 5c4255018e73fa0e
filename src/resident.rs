//! Pages of the program that only the start needs.
//!
//! Parsing, planning and connecting touch code all over a large program, and with every touched page the system maps some fifteen of its neighbours. They would stay in the resident memory of a job that runs
//! for months in a tenth of them.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the process is ours, so that its code may be given back. A library does not do that to the program it is part of.
static OWN_PROCESS: AtomicBool = AtomicBool::new(false);

/// Lets [`forget_program`] work: called by the command line, whose process runs nothing but jobs.
pub(crate) fn own_process() {
    OWN_PROCESS.store(true, Ordering::Relaxed);
}

/// Gives back the pages of the program's code and constants; what is still used is mapped again from the page cache when it is called or read, at a few microseconds for each run of pages. To be called after a
/// phase of the start.
/// Does nothing in a process that is not ours, and on systems other than Linux.
pub(crate) fn forget_program() {
    #[cfg(target_os = "linux")]
    if OWN_PROCESS.load(Ordering::Relaxed) {
        linux::forget_program();
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{c_int, c_void};
    use std::ops::Range;

    pub(super) fn forget_program() {
        for range in unchanging() {
            // SAFETY: the range is a private mapping of a file that was never writable, so that its pages are those of the file; they are read again when they are needed.
            let code = unsafe { libc::madvise(range.start as *mut c_void, range.len(), libc::MADV_DONTNEED) };
            if code != 0 {
                tracing::debug!("code pages stay resident: {}", std::io::Error::last_os_error());
            }
        }
    }

    /// Where pages of the program lie that are as they are in its file: segments that can't be written, without what was relocated before it was made so. A program whose code is relocated has none.
    pub(super) fn unchanging() -> Vec<Range<usize>> {
        let mut found = Vec::new();
        // SAFETY: the function is called before the call returns, with the address of `found`.
        unsafe { libc::dl_iterate_phdr(Some(segments), (&raw mut found).cast()) };
        found
    }

    /// Looks at the first object that the loader tells of, which is the program.
    ///
    /// # Safety
    /// Called by `dl_iterate_phdr` with the address of a `Vec<Range<usize>>`.
    unsafe extern "C" fn segments(info: *mut libc::dl_phdr_info, _size: usize, found: *mut c_void) -> c_int {
        // SAFETY: the loader's structure and its program headers are alive during the call, and so is the list.
        let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<Range<usize>>>()) };
        // SAFETY: as above.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let range = |header: &libc::Elf64_Phdr| {
            let start = info.dlpi_addr as usize + header.p_vaddr as usize;
            start..start + header.p_memsz as usize
        };
        let relocated: Vec<_> = headers.iter().filter(|header| header.p_type == libc::PT_GNU_RELRO).map(range).collect();
        // SAFETY: the dynamic section of a loaded program ends with a zero tag.
        let code_is_relocated = headers.iter().filter(|header| header.p_type == libc::PT_DYNAMIC).any(|header| unsafe { relocates_code(range(header).start) });
        if code_is_relocated {
            return 1;
        }
        let page = page_size();
        for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0) {
            // Whole pages only: at the ends there may be pages of neighbours.
            let Range { start, end } = range(header);
            let whole = start.next_multiple_of(page)..end / page * page;
            if whole.start < whole.end && relocated.iter().all(|other| other.end <= whole.start || whole.end <= other.start) {
                found.push(whole);
            }
        }
        1
    }

    /// Whether a dynamic section says that segments that can't be written are relocated.
    ///
    /// # Safety
    /// It lies at the address.
    unsafe fn relocates_code(address: usize) -> bool {
        const DT_NULL: u64 = 0;
        const DT_TEXTREL: u64 = 22;
        let mut entry = address as *const [u64; 2];
        loop {
            // SAFETY: entries go on until the one with tag zero.
            let [tag, _] = unsafe { *entry };
            if tag == DT_NULL || tag == DT_TEXTREL {
                return tag == DT_TEXTREL;
            }
            // SAFETY: as above.
            entry = unsafe { entry.add(1) };
        }
    }

    fn page_size() -> usize {
        // SAFETY: no pointers are involved.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).unwrap_or(65_536)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// A constant that is relocated, since it holds an address.
    static RELOCATED: &[&str] = &["a", "b"];
    static VARIABLE: AtomicBool = AtomicBool::new(true);

    #[test]
    fn code_is_given_back_and_still_runs_and_data_is_not() {
        let covers = |address: usize| linux::unchanging().iter().any(|range| range.contains(&address));
        assert!(covers(forget_program as *const () as usize), "code");
        assert!(!covers(RELOCATED.as_ptr() as usize), "relocated data");
        assert!(!covers((&raw const VARIABLE) as usize), "data");
        linux::forget_program();
        assert!(regex::Regex::new("[a-z]+x{2,5}").is_ok_and(|pattern| pattern.is_match("abxxx")));
        assert_eq!(RELOCATED, ["a", "b"]);
    }
}
