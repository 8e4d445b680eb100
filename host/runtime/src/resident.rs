//! Memory that the process holds and does not need: given back to the system while modules fall asleep.

/// Gives back what the allocator keeps for later, and what only the start and loading needed of the program. It takes
/// some milliseconds at most.
pub(crate) fn give_back() {
    trim();
    unmap_program();
}

/// What was freed between what is still used stays with glibc's allocator, in an arena for each thread, unless it is
/// told: three quarters of a hundred modules' heap. It takes about a millisecond for 10 MiB.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "glibc offers it to C only")]
fn trim() {
    // SAFETY: it takes the allocator's own locks, has no preconditions, and touches no memory that is in use.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}

/// Two thirds of the program's pages that start and loading touched are not needed by runs. They stay in the page cache,
/// where they are the first to go when memory is short, and come back from there by a fault of a microsecond, sixteen
/// at a time.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the loader and the system offer it to C only")]
fn unmap_program() {
    // SAFETY: the loader calls back once for each object with headers that live as long as this process; the first one
    // is the program, and the callback stops there.
    unsafe { libc::dl_iterate_phdr(Some(unmap), std::ptr::null_mut()) };
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the loader and the system offer it to C only")]
unsafe extern "C" fn unmap(
    program: *mut libc::dl_phdr_info,
    _: libc::size_t,
    _: *mut std::ffi::c_void,
) -> std::ffi::c_int {
    const STOP: std::ffi::c_int = 1;
    // SAFETY: the loader gives a valid object for the time of the call.
    let program = unsafe { &*program };
    // SAFETY: and the address and number of its headers.
    let headers = unsafe { std::slice::from_raw_parts(program.dlpi_phdr, usize::from(program.dlpi_phnum)) };
    let page_bytes = rustix::param::page_size();
    let loaded = headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
    for header in loaded.filter(|header| header.p_flags & libc::PF_W == 0) {
        let Ok(from) = usize::try_from(program.dlpi_addr + header.p_vaddr) else { continue };
        let to = (from + usize::try_from(header.p_memsz).unwrap_or(0)) / page_bytes * page_bytes;
        let from = from.next_multiple_of(page_bytes);
        // SAFETY: whole pages of a segment that is mapped from the program's file and that nobody may write: what is let
        // go of is read again from there, the same bytes. What the loader writes (relocations) is in other segments.
        unsafe { libc::madvise(from as *mut std::ffi::c_void, to.saturating_sub(from), libc::MADV_DONTNEED) };
    }
    STOP
}

/// Other systems are left alone.
#[cfg(not(target_os = "linux"))]
fn unmap_program() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use std::fs;

    /// What is resident of files, which is mostly this program.
    fn of_files_kib() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_is_given_back_of_the_program_comes_again_as_it_was() {
        let before = of_files_kib();
        give_back();
        let after = of_files_kib();
        assert!(after < before, "{before} KiB of files before, {after} after");
        let text: String = (0..100).map(|number: u32| number.to_string()).collect();
        assert!(text.starts_with("0123456789101112"));
    }
}
