//! Who this node is among the others.

use std::fs;

use super::app::{hex, random, write_secret};
use super::value::{Secret, StoreUrl};
use super::{Config, ConfigError};

/// The file in the data directory that holds a node's name, if the configuration gives none.
pub const NODE_FILE: &str = "node";

impl Config {
    /// This node's name; made up at the first start, so that a node comes back as itself.
    ///
    /// # Errors
    /// If the file with it cannot be written or read.
    pub fn node_name(&self) -> Result<String, ConfigError> {
        if !self.cluster.node.is_empty() {
            return Ok(self.cluster.node.clone());
        }
        let file = self.data.dir.join(NODE_FILE);
        if !file.exists() {
            write_secret(&file, &format!("node-{}\n", hex(&random::<6>())))?;
        }
        let name = fs::read_to_string(&file)
            .map_err(|error| ConfigError::file(&file, "cluster.node", "cannot be read", &error))?;
        Ok(name.trim().to_owned())
    }

    /// Whether checkpoints lie where only this node sees them: under its data directory.
    pub fn keeps_checkpoints_to_itself(&self) -> bool {
        matches!(&self.checkpoint.url, StoreUrl::Folder(folder) if folder.starts_with(&self.data.dir))
    }

    /// What nodes know each other by; none: it is made from the app's key.
    ///
    /// # Errors
    /// If its file cannot be read or is empty.
    pub fn cluster_secret(&self) -> Result<Option<Secret>, ConfigError> {
        let secret = self.secret("cluster.secret_file", &self.cluster.secret, self.cluster.secret_file.as_ref())?;
        Ok(Some(secret).filter(|secret| !secret.is_empty()))
    }
}
