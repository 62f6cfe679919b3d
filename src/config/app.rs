//! Who the app is: its number and its key. Made at first start, kept in the data directory.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use duolog_topics::Account;
use tempfile::NamedTempFile;

use super::{Config, ConfigError};
use crate::durable;

/// The file in the data directory that keeps what the first start made up.
pub const APP_FILE: &str = "app.toml";

/// What an earlier start leaves in the data directory: what it made up, the log, or, if that is on Kafka, the state.
const LEFT_BY_A_START: &[&str] = &[APP_FILE, "log", "state"];

/// Made-up numbers look like those of the API that ours follows: 1400000000 and up.
const MADE_UP_FROM: u64 = 1_400_000_000;
const MADE_UP_COUNT: u64 = 100_000_000;

/// What to do where number or key is not known.
const FIRST_START: &str = "start the server once on this data directory, or set it";

/// What to do about an [`APP_FILE`] that is empty, or ends too early.
pub(super) const PUT_NUMBER_BACK: &str =
    "the first start wrote `[app]` and `sdkappid = NUMBER` into this file: put it back, or set the number that it held";

/// The key as text is twice as long; the text is what signs.
const KEY_BYTES: usize = 32;

/// What signing a user in takes.
#[derive(Clone)]
pub struct AppIdentity {
    pub sdkappid: u64,
    /// The bytes of the key file without white space at its end.
    pub key: Vec<u8>,
    /// The first of `app.admins`, in whose name the command line calls the server API.
    pub admin: Account,
}

impl Config {
    /// Reads the app's number and key.
    ///
    /// # Errors
    /// If the server has not been started on this data directory yet, or the key file is gone or empty.
    pub fn app_identity(&self) -> Result<AppIdentity, ConfigError> {
        let sdkappid = self.app.sdkappid.ok_or_else(|| self.no_number())?;
        let path = &self.app.key_file;
        let text = fs::read_to_string(path).map_err(|error| {
            self.error("app.key_file", format!("{} cannot be read: {error}; {FIRST_START}", path.display()))
        })?;
        let key = text.trim_end();
        if key.is_empty() {
            return Err(self.error("app.key_file", format!("{} is empty; it takes the app's key", path.display())));
        }
        let admin = self.app.admins[0].clone();
        Ok(AppIdentity { sdkappid, key: key.as_bytes().to_vec(), admin })
    }

    /// Makes what a first start finds missing: the data directory, the app's number and its key, for the owner's eyes
    /// only. Returns what it made. Load the configuration again: another server that starts here at the same time may have
    /// made the rest.
    ///
    /// # Errors
    /// If a file cannot be written; and if number or key is gone that an earlier start used: another one would make every
    /// signature and every URL of a record file given out so far worthless, so that is the operator's to decide.
    pub fn first_start(&self) -> Result<Vec<PathBuf>, ConfigError> {
        let mut made = Vec::new();
        fs::create_dir_all(&self.data.dir)
            .map_err(|error| ConfigError::file(&self.data.dir, "data.dir", "cannot be made", &error))?;
        // Before the files are looked for: a start at the same time makes them before all else.
        let mut left = LEFT_BY_A_START.iter().map(|name| self.data.dir.join(name));
        let left = left.find(|path| path.exists());
        if !self.app.key_file.exists() {
            self.refuse_lost("app.key_file", &self.app.key_file, "another key", left.as_deref())?;
            if write_secret(&self.app.key_file, &format!("{}\n", hex(&random::<KEY_BYTES>())))? {
                made.push(self.app.key_file.clone());
            }
        }
        let app_file = self.data.dir.join(APP_FILE);
        if self.app.sdkappid.is_none() && !app_file.exists() {
            self.refuse_lost("app.sdkappid", &app_file, "another number", left.as_deref())?;
            let sdkappid = MADE_UP_FROM + u64::from_le_bytes(random()) % MADE_UP_COUNT;
            let text = format!(
                "# Made at the first start; app.sdkappid in the configuration wins.\n[app]\nsdkappid = {sdkappid}\n"
            );
            if write_secret(&app_file, &text)? {
                made.push(app_file);
            }
        }
        Ok(made)
    }

    /// A file that is not there may be made only where no server has been before: elsewhere its disk may not be mounted.
    fn refuse_lost(&self, key: &str, file: &Path, another: &str, left: Option<&Path>) -> Result<(), ConfigError> {
        let Some(left) = left else { return Ok(()) };
        let what = format!(
            "{} is gone; put it back. A server was started here before ({} is there), and {another} ends every \
             signature given out so far: to begin with one all the same, put it there yourself",
            file.display(),
            left.display()
        );
        Err(self.error(key, what))
    }

    /// Why the app's number is not known, and what to do.
    fn no_number(&self) -> ConfigError {
        let app_file = self.data.dir.join(APP_FILE);
        if app_file.exists() {
            return ConfigError::new(app_file.display(), "app.sdkappid", format!("missing; {PUT_NUMBER_BACK}"));
        }
        self.error("app.sdkappid", format!("not known yet; {FIRST_START}"))
    }
}

/// Writes a new file that only its owner may read, as a whole or not at all; `false` if somebody else has made it meanwhile.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<bool, ConfigError> {
    let failed = |error: &std::io::Error| ConfigError::file(path, "", "cannot be written", error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| failed(&error))?;
    let written = NamedTempFile::new_in(parent).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        durable::sync_folder_of(path)
    });
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(&error)),
    }
}

pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let source = rustls::crypto::ring::default_provider().secure_random;
    source.fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
