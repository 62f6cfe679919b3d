//! Files that the configuration names, and the secrets in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::value::Secret;
use super::{Config, ConfigError};

impl Config {
    /// A secret that stands in the configuration itself, or else in a file. `key`: the one that names the file. White
    /// space at the file's end is none of the secret's: editors put a line end there.
    ///
    /// # Errors
    /// If the file cannot be read or is empty.
    pub(super) fn secret(&self, key: &str, secret: &Secret, file: Option<&PathBuf>) -> Result<Secret, ConfigError> {
        let Some(path) = file else { return Ok(secret.clone()) };
        match self.text_of(key, path)?.trim_end() {
            "" => Err(self.error(key, format!("{} is empty; it takes the secret", path.display()))),
            secret => Ok(Secret::new(secret)),
        }
    }

    /// The whole text of a file that a key names.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn text_of(&self, key: &str, path: &Path) -> Result<String, ConfigError> {
        fs::read_to_string(path).map_err(|error| self.error(key, format!("{} cannot be read: {error}", path.display())))
    }
}
