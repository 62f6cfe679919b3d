//! The key that opens the store of the checkpoints.

use super::value::Secret;
use super::{Config, ConfigError};

impl Config {
    /// The access key's id and the key; `None` if they are the environment's or the machine's.
    ///
    /// # Errors
    /// If the key's file cannot be read or is empty.
    pub fn checkpoint_access_key(&self) -> Result<Option<(String, Secret)>, ConfigError> {
        let checkpoint = &self.checkpoint;
        if checkpoint.access_key_id.is_empty() {
            return Ok(None);
        }
        let (key, file) = (&checkpoint.secret_access_key, checkpoint.secret_access_key_file.as_ref());
        let key = self.secret("checkpoint.secret_access_key_file", key, file)?;
        Ok(Some((checkpoint.access_key_id.clone(), key)))
    }
}
