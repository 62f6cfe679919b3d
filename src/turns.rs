//! Turns on a core, as the kernel gives them.

/// Has the kernel give this thread, and those that it starts from now on, short turns: whoever wakes gets a core soon.
///
/// By itself a thread that was chosen keeps its core for some milliseconds, whoever wakes meanwhile, and one of the lowest
/// priority is chosen now and then, too: under load a fold was seen to wait behind a compaction for 4 ms, again and again
/// (ADR 15). Linux listens since 6.12 (`sched_runtime` in sched_setattr(2)); earlier ones take no notice.
pub fn keep_short() {
    ask_for(imp::SHORTEST);
}

/// Takes [`keep_short`] back, for a process that is started next and knows best itself.
pub fn allow_long() {
    ask_for(imp::USUAL);
}

/// Has the calling thread take the time that is left: it gets the lowest priority.
pub fn give_way() {
    if let Err(error) = imp::lower() {
        tracing::debug!("a thread that nobody waits for has the usual priority: {error}");
    }
}

fn ask_for(nanoseconds: u64) {
    if let Err(error) = imp::set(nanoseconds) {
        tracing::debug!("turns on a core stay as they are: {error}");
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io::{Error, Result};
    use std::mem::size_of;

    use libc::sched_attr;

    /// The kernel gives none that are shorter.
    pub const SHORTEST: u64 = 100_000;
    pub const USUAL: u64 = 0;

    /// The calling thread's, with its policy and its priority.
    pub fn get() -> Result<sched_attr> {
        let mut attributes = sched_attr {
            size: 0,
            sched_policy: 0,
            sched_flags: 0,
            sched_nice: 0,
            sched_priority: 0,
            sched_runtime: 0,
            sched_deadline: 0,
            sched_period: 0,
        };
        // SAFETY: The kernel writes no more than the size that it is told. 0: the calling thread; and no flags.
        let done = unsafe {
            libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size_of::<sched_attr>() as libc::c_uint, 0)
        };
        if done == 0 { Ok(attributes) } else { Err(Error::last_os_error()) }
    }

    /// Changes the calling thread's turns and nothing else of it.
    pub fn set(nanoseconds: u64) -> Result<()> {
        let attributes = sched_attr { sched_runtime: nanoseconds, ..get()? };
        // SAFETY: The kernel reads as many bytes as `size` says, which it wrote itself. 0 as above.
        let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
        if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
    }

    pub fn lower() -> Result<()> {
        const LOWEST: i32 = 19;
        // It means the calling thread.
        Ok(rustix::process::setpriority_process(None, LOWEST)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    pub const SHORTEST: u64 = 0;
    pub const USUAL: u64 = 0;

    pub fn set(_: u64) -> std::io::Result<()> {
        Ok(())
    }

    pub fn lower() -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    /// On a thread of its own: the others of the test keep theirs.
    fn alone(test: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(test).join().expect("the test passes"));
    }

    #[test]
    fn threads_that_are_started_later_have_short_turns_too() {
        alone(|| {
            let usual = imp::get().unwrap().sched_runtime;
            imp::set(imp::SHORTEST).unwrap();
            let started = std::thread::spawn(|| imp::get().unwrap().sched_runtime).join().unwrap();
            // A kernel before 6.12 says 0, whatever it is asked for.
            assert_eq!(started, if usual == 0 { 0 } else { imp::SHORTEST });
            imp::set(imp::USUAL).unwrap();
            assert_eq!(imp::get().unwrap().sched_runtime, usual);
        });
    }

    #[test]
    fn who_gives_way_goes_on_giving_way() {
        alone(|| {
            give_way();
            keep_short();
            assert_eq!(imp::get().unwrap().sched_nice, 19);
        });
    }
}
