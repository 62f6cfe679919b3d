//! Pages of memory, as the kernel gives them.

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

fn huge(allowed: bool) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(!allowed) {
        tracing::debug!("huge pages stay as they are: {error}");
    }
}
