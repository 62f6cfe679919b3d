//! The key that opens the store of the checkpoints, read from its file.

use std::fs;

use super::value::Secret;
use super::{Config, ConfigError};

impl Config {
    /// The access key's id and the key; `None` if they are the environment's or the machine's.
    ///
    /// # Errors
    /// If the key's file cannot be read or is empty.
    pub fn checkpoint_access_key(&self) -> Result<Option<(String, Secret)>, ConfigError> {
        if self.checkpoint.access_key_id.is_empty() {
            return Ok(None);
        }
        let id = self.checkpoint.access_key_id.clone();
        let Some(path) = &self.checkpoint.secret_access_key_file else {
            return Ok(Some((id, self.checkpoint.secret_access_key.clone())));
        };
        let refused =
            |what: &str| self.error("checkpoint.secret_access_key_file", format!("{} {what}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| refused(&format!("cannot be read: {error}")))?;
        match text.trim() {
            "" => Err(refused("is empty; it takes the key")),
            key => Ok(Some((id, Secret::new(key)))),
        }
    }
}
