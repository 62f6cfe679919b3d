//! What can be configured and is not built yet. A set value is never ignored in silence: the server refuses to start.
//!
//! Whoever builds a capability removes its line. `tests/tidy` finds keys that nobody reads and that have no line here.

use super::value::StoreUrl;
use super::{Config, ConfigError, SECTIONS};

/// Keys that nothing obeys yet: a key, or a section with all that is in it, and what the operator can do instead.
/// Setting one to its default asks for nothing.
pub const MISSING: &[(&str, &str)] = &[
    ("callback", "this version sends no callbacks yet; leave it out"),
    ("push", "this version sends no offline push yet; leave it out"),
    ("records", "this version writes no record files yet; leave it out"),
];

impl Config {
    /// # Errors
    /// If a key asks for something that this program cannot do: all such keys.
    pub fn refuse_missing(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        for (missing, what) in MISSING {
            let asked_for = |path: &String| inside(path, missing) && !self.is_default(path);
            problems.extend(self.settings.paths().filter(|path| asked_for(path)).map(|path| self.problem(path, *what)));
        }
        if matches!(self.checkpoint.url, StoreUrl::S3 { .. }) {
            problems.push(
                self.problem("checkpoint.url", "this version keeps checkpoints in a folder; it takes file:FOLDER"),
            );
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }

    /// Whether a path is set to what it would be anyway. Keys of repeated sections never are.
    fn is_default(&self, path: &str) -> bool {
        let keys = SECTIONS.iter().filter(|section| !section.repeated).flat_map(|section| section.keys);
        let mut keys = keys.filter(|key| key.path() == path);
        keys.any(|key| self.settings.get(path).is_some_and(|set| set.value == key.default_value(&self.data.dir)))
    }
}

/// Whether a path is a key, or a key of a section or of a section inside it.
fn inside(path: &str, key_or_section: &str) -> bool {
    path.strip_prefix(key_or_section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
