use std::fmt;
use std::path::Path;

/// What is wrong with a configuration: every problem found, a line each. The program exits with 2.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing that is wrong: where, which key, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// A file and line, an environment variable, or a flag.
    pub place: String,
    /// The key with its section, such as `server.listen`; empty if the problem is not one key's.
    pub key: String,
    /// What is wrong and what is allowed, in one sentence without a full stop.
    pub what: String,
}

impl ConfigError {
    pub fn new(place: impl fmt::Display, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { problems: vec![Problem { place: place.to_string(), key: key.into(), what: what.into() }] }
    }

    /// A file that the configuration names could not be read or written.
    pub fn file(path: &Path, key: &str, doing: &str, error: &std::io::Error) -> Self {
        Self::new(path.display(), key, format!("{doing}: {error}"))
    }

    /// The same, and what to do where a whole file is wrong, and not one of its keys.
    pub(super) fn advise(mut self, advice: &str) -> Self {
        for problem in self.problems.iter_mut().filter(|problem| problem.key.is_empty()) {
            problem.what = format!("{}; {advice}", problem.what);
        }
        self
    }

    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Vec<Problem>> for ConfigError {
    fn from(problems: Vec<Problem>) -> Self {
        Self { problems }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.key].into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.what)
    }
}
