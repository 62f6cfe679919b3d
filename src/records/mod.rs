//! Record files: every message of an hour, in one file, as back ends download them.
//!
//! ```text
//! records/2026112504.gz      the messages of an hour, in the form of the API that ours follows
//! records/index.json         which hours are written, their sizes and digests, and where the next one begins in the log
//! ```
//!
//! This module knows names, the format and the folder. Who writes stands in `consumers/records`, who hands out in
//! `gateway/http`. The writer's position lies beside its files and not in the log: a folder that is lost, or put back
//! from a backup, is continued from what it really holds.

mod file;
mod folder;
mod hour;

pub use file::{HourFile, RecordedMessage, Written, one_line};
pub use folder::{Entry, Folder, FolderError, Identity, Index, Position};
pub use hour::{Hour, UtcOffset};
