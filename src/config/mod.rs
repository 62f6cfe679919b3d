//! The configuration: defaults, `app.toml` of the first start, a TOML file, the environment, flags; the later one wins.
//!
//! ```text
//!   flag > environment > --config FILE > <data.dir>/app.toml > default
//! ```
//!
//! The keys stand in one table (`sections.rs`). Relative paths are relative to where the program was started.

mod app;
mod callback;
mod catalogue;
mod checkpoint;
mod cluster;
mod environment;
mod error;
mod file;
mod policy;
mod print;
mod push;
mod secret;
mod sections;
mod settings;
#[cfg(test)]
mod tests;
mod validate;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use app::{APP_FILE, AppIdentity};
pub use callback::{CALLBACK_COMMANDS, CallbackTarget, DEFAULT_ENDPOINT};
pub use catalogue::{Allowed, Key, Section, Shape};
pub use cluster::NODE_FILE;
pub use error::{ConfigError, Problem};
pub use push::{ApnsTarget, FcmTarget};
pub use sections::*;
pub use settings::{Settings, Source};
pub use value::{HookFailure, Provider, Secret, Setting, StoreUrl, Url, UtcOffset};

use settings::{Reader, find_key, parse_bare};

/// What configures a program, before it is read.
#[derive(Clone, Default, Debug)]
pub struct Layers {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// All variables of the environment; those that are not ours are passed over.
    pub environment: Vec<(String, String)>,
    /// Flags that set a key: the flag, the key's path, the text.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// The effective configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub app: App,
    pub server: Server,
    pub data: Data,
    pub log: Log,
    pub kafka: Kafka,
    pub cluster: Cluster,
    pub policy: Policy,
    pub instances: Instances,
    pub limits: Limits,
    pub callback: Callback,
    pub endpoints: Vec<Endpoint>,
    pub apns: Apns,
    pub fcm: Fcm,
    pub push_words: PushWords,
    pub records: Records,
    pub checkpoint: Checkpoint,
    settings: Settings,
}

impl Config {
    /// Reads and checks all layers. Of files it reads only the configuration, `app.toml` included.
    ///
    /// # Errors
    /// Everything that is wrong in the first layer that has something wrong, or else everything that is wrong with the
    /// values. The message names file, line, key and what is allowed.
    pub fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let mut settings = Settings::default();
        for (flag, path, text) in &layers.flags {
            let key = find_key(|key| key.path() == *path).expect("flags are made for keys of the catalogue");
            settings.put(key.path(), parse_bare(key, text), Source::Flag(flag));
        }
        settings.lay_below(environment::read(layers.environment.iter().cloned())?);
        if let Some(path) = &layers.file {
            settings.lay_below(file::read(path)?);
        }
        let app_file = settings.data_dir()?.join(APP_FILE);
        if app_file.exists() {
            settings.lay_below(file::read(&app_file).map_err(|error| error.advise(app::PUT_NUMBER_BACK))?);
        }
        Self::from_settings(settings)
    }

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        let data_dir = settings.data_dir()?;
        let mut reader = Reader::new(&settings, &data_dir);
        let endpoint = |reader: &mut Reader<'_>, number: usize| {
            Endpoint::read(reader, &format!("{}.{number}", Endpoint::SECTION.name))
        };
        let config = Self {
            app: App::read(&mut reader, "app"),
            server: Server::read(&mut reader, "server"),
            data: Data::read(&mut reader, "data"),
            log: Log::read(&mut reader, "log"),
            kafka: Kafka::read(&mut reader, "log.kafka"),
            cluster: Cluster::read(&mut reader, "cluster"),
            policy: Policy::read(&mut reader, "policy"),
            instances: Instances::read(&mut reader, "policy.instances"),
            limits: Limits::read(&mut reader, "limits"),
            callback: Callback::read(&mut reader, "callback"),
            endpoints: (0..settings.repeats("callback.endpoints")).map(|n| endpoint(&mut reader, n)).collect(),
            apns: Apns::read(&mut reader, "push.apns"),
            fcm: Fcm::read(&mut reader, "push.fcm"),
            push_words: PushWords::read(&mut reader, "push.words"),
            records: Records::read(&mut reader, "records"),
            checkpoint: Checkpoint::read(&mut reader, "checkpoint"),
            settings: settings.clone(),
        };
        validate::check(&config, &mut reader);
        reader.finish()?;
        Ok(config)
    }

    /// The address that commands on this machine reach the server by.
    pub fn base_url(&self) -> String {
        self.base_url_at(self.server.listen)
    }

    /// The address that others reach the server by, which listens at `address`.
    pub fn base_url_at(&self, mut address: SocketAddr) -> String {
        match &self.server.public_url {
            Some(url) => url.to_string(),
            None => {
                let scheme = if self.server.tls_cert.is_some() { "https" } else { "http" };
                // A server that listens everywhere is reached at home.
                match address.ip() {
                    std::net::IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip([127, 0, 0, 1].into()),
                    std::net::IpAddr::V6(ip) if ip.is_unspecified() => {
                        address.set_ip(std::net::Ipv6Addr::LOCALHOST.into());
                    }
                    _ => {}
                }
                format!("{scheme}://{address}")
            }
        }
    }

    /// A problem with a key's value, with the place where it was set.
    fn problem(&self, key: &str, what: impl Into<String>) -> Problem {
        Problem { place: self.settings.place(key), key: key.to_owned(), what: what.into() }
    }

    /// What is wrong with a key's value, with the place where it was set: for whoever finds it only by using the value.
    pub fn error(&self, key: &str, what: impl Into<String>) -> ConfigError {
        vec![self.problem(key, what)].into()
    }
}
