//! Pages of memory, as the kernel gives them.

use libmimalloc_sys::{mi_option_set_default, mi_option_t};

/// `mi_option_purge_delay` of `mimalloc.h`, version 3: after so many milliseconds what was freed goes back to the kernel. The
/// crate has no name for it.
const PURGE_DELAY: mi_option_t = 15;

/// Has the kernel give this process, and those that it starts from now on, memory by small pages only.
///
/// A huge page is cleared as a whole when it is first touched, by the thread that touches it: under load a fold was seen to
/// stand still for 5 to 10 ms, three times a second, and everybody who waited for an answer with it (ADR 9). A kernel that
/// has no huge pages has nothing to turn off. Memory that was given before stays as it is, so call it first.
pub fn keep_small() {
    huge(false);
}

/// Takes [`keep_small`] back, for a process that is started next and knows best itself.
pub fn allow_huge() {
    huge(true);
}

/// Has the allocator keep what is freed for what comes next, unless `MIMALLOC_PURGE_DELAY` says otherwise: the process stays as
/// large as it once had to be.
///
/// The rows of a buffer are freed when they are in a table, and the next buffer takes as much. To give tens of MiB back to the
/// kernel and to take them again, page by page, was a stall for the threads that met it (ADR 9).
pub fn keep_freed() {
    const NEVER: std::ffi::c_long = -1;
    // SAFETY: It sets a number in the allocator's own table; any thread may at any time.
    unsafe { mi_option_set_default(PURGE_DELAY, NEVER) };
}

fn huge(allowed: bool) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(!allowed) {
        tracing::debug!("huge pages stay as they are: {error}");
    }
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::{mi_option_get, mi_option_set};

    use super::*;

    #[test]
    fn what_is_freed_is_kept() {
        // SAFETY: As in `keep_freed`.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        let usual = delay();
        assert_eq!(usual, 1_000, "the option's number, or the allocator's habit, has changed");
        keep_freed();
        assert_eq!(delay(), -1);
        // SAFETY: As above.
        unsafe { mi_option_set(PURGE_DELAY, usual) };
    }
}
