//! The server: the only file that knows every component, in the order in which they start and drain.
//!
//! Start: data directory, log and stores, engine (folds what the stores lack, takes the partitions over), admins,
//! consumers, gateway. Drain: no new connections, sessions are told to go, requests under way are answered, consumers end
//! their tries, the engine stops and flushes.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use duolog_topics::{Account, AccountImported};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cluster::ClusterError;
use crate::config::{Config, ConfigError, Provider};
use crate::consumers::callback::{Before, CallbackSettings, Callbacks, PostError};
use crate::consumers::records::{self as record_files, RecordsError};
use crate::consumers::{Consumers, DeadLetters, Running, StartError, push};
use crate::data_dir::{DataDir, DataDirError, OpenData};
use crate::dir_lock::DirLock;
use crate::engine::unreturned::{RETURN_TIME, close_unreturned};
use crate::engine::{Engine, EngineError, OpenError, Parts};
use crate::gateway::auth::AppKey;
use crate::gateway::elements;
use crate::gateway::http::{self, Health, HttpSettings, HttpState, RecordSettings};
use crate::gateway::listener::{self, Listener, TlsError};
use crate::gateway::ws::{self, WsState};
use crate::log::{Log, LogError};
use crate::node::{Joined, Node};
use crate::open_log::{DeadLettersPlace, data_dir, open_log, refuse_properties};
use crate::records::{Folder, FolderError, UtcOffset};
use crate::telemetry;
use crate::upkeep::Upkeep;

/// Connections that still answer when the server drains have this long.
const DRAIN_TIME: Duration = Duration::from_secs(10);
/// How long a start waits for the homes of its admins.
const ADMINS_TIME: Duration = Duration::from_secs(60);
const SECONDS_A_DAY: u64 = 86_400;

/// Why the server could not start, or stopped by itself.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Data(#[from] DataDirError),
    #[error(transparent)]
    Engine(#[from] OpenError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("the admins cannot be made: {0}")]
    Admins(#[from] EngineError),
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error("callbacks cannot be set up: {0}")]
    Callbacks(#[from] PostError),
    #[error("consumers of the log cannot be started: {0}")]
    Consumers(#[from] StartError),
    #[error("metrics cannot be set up: {0}")]
    Metrics(#[from] BuildError),
    #[error("failed")]
    Io(#[from] io::Error),
}

/// Runs the server until SIGTERM or SIGINT, and drains it.
///
/// # Errors
/// If it cannot start.
pub fn run(config: Config) -> Result<(), ServerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = Server::start(config).await?;
        greet(&mut io::stdout(), &server.url());
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        server.stop().await
    })
}

/// Says where the server listens. One that cannot say it serves all the same.
fn greet(out: &mut impl Write, url: &str) {
    if let Err(error) = writeln!(out, "listening on {url}") {
        tracing::warn!("listening on {url}; standard output cannot be written: {error}");
    }
}

/// A server that runs.
pub struct Server {
    address: SocketAddr,
    core: Core,
    sessions: WsState,
    scheme: &'static str,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    records: JoinHandle<()>,
    unreturned: JoinHandle<()>,
}

/// What works on the open log: it has to end before the data directory is given back, also where a start fails.
struct Core {
    engine: Engine,
    /// Membership among the nodes, if there are several.
    node: Option<Joined>,
    consumers: Option<Running>,
    /// Held until the engine has stopped.
    lock: DirLock,
}

/// What was opened: an engine that owns everything, or one that owns what the group of nodes gives it.
pub(crate) struct Opened {
    pub engine: Engine,
    pub log: Arc<dyn Log>,
    pub lock: DirLock,
    pub node: Option<Node>,
}

impl Server {
    /// Starts every component; it answers when this returns.
    ///
    /// # Errors
    /// [`ServerError`]; what was started is stopped again.
    pub async fn start(config: Config) -> Result<Self, ServerError> {
        let address = config.server.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
        let address = listener.local_addr()?;
        let tls = match (&config.server.tls_cert, &config.server.tls_key) {
            (Some(certificates), Some(key)) => Some(listener::tls(certificates, key)?),
            _ => None,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let identity = config.app_identity()?;
        let key = AppKey::new(identity.sdkappid, &identity.key);
        let ws_settings = ws_settings(&config, key.clone());
        let metrics = metrics_recorder()?;
        let push = push::Services::new(&config)?;
        let data = data_dir(&config)?;
        let letters = DeadLetters::new(DeadLettersPlace::new(&config, &data));
        let Opened { engine, log, lock, node } = match config.log.provider {
            Provider::Embedded => blocking(open_engine(&config, &data, letters.clone())).await??,
            Provider::Kafka => {
                refuse_properties(&config)?;
                crate::node::open(&config, &data, letters.clone()).await?
            }
        };
        let dialer = node.as_ref().map(|node| node.dialer(&engine));
        let sessions = WsState::new(engine.clone(), ws_settings, dialer);
        let writer = record_writer(&config, identity.sdkappid, &engine, log.clone());
        let mut core = Core { engine: engine.clone(), node: None, consumers: None, lock };
        let records = match core.begin(&config, node, &sessions, push, &letters, writer).await {
            Ok(records) => records,
            Err(error) => {
                // Why it failed says more than how it ended.
                let _ = core.stop().await;
                return Err(error);
            }
        };
        let upkeep = upkeep(&config, &engine, log, letters, data);
        let http_settings = http_settings(&config, config.base_url_at(address));
        let health = Health { ready: core.readiness(), metrics };
        let state = HttpState::new(engine.clone(), key, http_settings, sessions.known(), health);
        let app = http::router(state).merge(ws::route(sessions.clone()));
        let (stop, stopped) = watch::channel(false);
        let listener = Listener::new(listener, tls, config.limits.connections as usize);
        let serving = tokio::spawn(listener.serve(app, stopped.clone()));
        let (upkeep, records) = (tokio::spawn(upkeep.run()), tokio::spawn(records.run(stopped)));
        let unreturned = tokio::spawn(close_unreturned(engine, RETURN_TIME));
        Ok(Self { address, scheme, core, sessions, stop, serving, upkeep, records, unreturned })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme and address, as clients on this machine reach it.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn engine(&self) -> &Engine {
        &self.core.engine
    }

    /// Drains and stops: what was accepted is answered, as far as that takes no longer than some seconds and its caller takes
    /// the answer, and the rows are flushed. Whoever is not answered does not know what became of his request, as after a
    /// lost link.
    ///
    /// # Errors
    /// If the engine's end cannot be waited for.
    pub async fn stop(self) -> Result<(), ServerError> {
        self.upkeep.abort();
        self.unreturned.abort();
        let _ = self.stop.send(true);
        self.sessions.drain();
        let drained = async {
            self.sessions.gone().await;
            self.serving.await
        };
        let served = tokio::time::timeout(DRAIN_TIME, drained).await;
        let lock = self.core.stop().await?;
        // A round asks other nodes, who may be slow: what it asks with ends with the runtime.
        let written = tokio::time::timeout(DRAIN_TIME, self.records).await;
        drop(lock);
        if served.is_err() {
            tracing::warn!("some requests were not answered in time");
        }
        if written.is_err() {
            tracing::warn!("the writer of record files did not end in time");
        }
        Ok(())
    }
}

impl Core {
    /// Begins what needs the engine; gives what writes the record files.
    ///
    /// # Errors
    /// [`ServerError`]; what has begun by then waits for [`Self::stop`].
    async fn begin(
        &mut self,
        config: &Config,
        node: Option<Node>,
        sessions: &WsState,
        push: push::Services,
        letters: &DeadLetters,
        writer: impl FnOnce() -> Result<record_files::Writer, RecordsError> + Send + 'static,
    ) -> Result<record_files::Writer, ServerError> {
        // Before any other node asks this one.
        set_hook(config, &self.engine)?;
        if let Some(node) = node {
            self.node = Some(node.join(&self.engine, sessions.clone()).await?);
        }
        make_admins(&self.engine, &config.app.admins).await?;
        self.consumers = Some(start_consumers(config, push, &self.engine, letters.clone()).await?);
        blocking(writer).await?.map_err(|error| unfit_records(config, error))
    }

    /// Whether everything that this process has to own gives verdicts.
    fn readiness(&self) -> Box<dyn Fn() -> bool + Send + Sync> {
        if let Some(node) = &self.node {
            return node.readiness();
        }
        let engine = self.engine.clone();
        Box::new(move || engine.owns_all())
    }

    /// Ends it in order, and gives back what holds the directory.
    ///
    /// # Errors
    /// If the engine's end cannot be waited for.
    async fn stop(self) -> io::Result<DirLock> {
        let Self { engine, node, consumers, lock } = self;
        if let Some(consumers) = consumers {
            consumers.stop().await;
        }
        let stop = move || {
            // Partitions go to other nodes one by one; what is left is stopped.
            drop(node);
            engine.stop();
        };
        blocking(stop).await?;
        Ok(lock)
    }
}

/// Makes the accounts of the admins. Where several nodes start or one has died, their homes may have no owner for a while.
async fn make_admins(engine: &Engine, admins: &[Account]) -> Result<(), EngineError> {
    let deadline = tokio::time::Instant::now() + ADMINS_TIME;
    for admin in admins {
        loop {
            let made = engine.submit(admin, AccountImported { nick: None, face_url: None }.into()).await;
            match made {
                Ok(_) => break,
                Err(EngineError::NotOwner { .. } | EngineError::Unknown) if tokio::time::Instant::now() < deadline => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// What opens log, stores and engine; it reads and folds, so it runs on the blocking pool.
fn open_engine(
    config: &Config,
    data: &DataDir,
    letters: DeadLetters,
) -> impl FnOnce() -> Result<Opened, ServerError> + Send + 'static {
    let (config, data, policy) = (config.clone(), data.clone(), config.policy_changed());
    move || {
        let opened = data.open_with(|| open_log(&config, &data));
        let OpenData { log, stores, expiry, lock } = opened.map_err(|error| match error {
            DataDirError::Log(unfit @ LogError::Partitions { .. }) => {
                ServerError::Config(config.error("log.partitions", unfit.to_string()))
            }
            error => error.into(),
        })?;
        let node = format!("process {}", std::process::id());
        let parts =
            Parts { log: log.clone(), stores, expiry, policy, node, clock: None, aside: Some(Arc::new(letters)) };
        let mut bar = crate::telemetry::Progress::new("folding the log");
        let engine = Engine::open(parts, |partition, folded, end| bar.at(partition, folded, end))?;
        bar.done();
        Ok(Opened { engine, log, lock, node: None })
    }
}

/// Whoever is asked before a message is decided.
fn set_hook(config: &Config, engine: &Engine) -> Result<(), ServerError> {
    let (targets, settings) = (config.callback_targets()?, CallbackSettings::new(config)?);
    let limit = config.limits.body_bytes as usize;
    let check = Box::new(move |body: &str, custom: Option<&str>| {
        elements::check_body(body, custom, limit).map_err(|error| error.to_string())
    });
    let failure = config.callback.before_send_failure;
    if let Some(hook) = Before::new(&targets, settings, failure, engine.clock().clone(), check)? {
        engine.set_hook(hook);
    }
    Ok(())
}

/// Whoever reads the log, where it was.
async fn start_consumers(
    config: &Config,
    push: push::Services,
    engine: &Engine,
    letters: DeadLetters,
) -> Result<Running, ServerError> {
    let targets = config.callback_targets()?;
    let settings = CallbackSettings::new(config)?;
    let mut consumers = Consumers::new(engine.clone());
    consumers.keep(record_files::NAME);
    for target in &targets {
        if let Some(callbacks) = Callbacks::new(target, settings)? {
            consumers.add(callbacks);
        }
    }
    push.join(&mut consumers, engine);
    Ok(consumers.start(letters).await?)
}

fn upkeep(config: &Config, engine: &Engine, log: Arc<dyn Log>, letters: DeadLetters, data: DataDir) -> Upkeep {
    Upkeep {
        engine: engine.clone(),
        log,
        letters,
        data,
        interval: Duration::from_secs(config.checkpoint.interval_seconds),
        retention: Duration::from_secs(u64::from(config.log.retention_days) * SECONDS_A_DAY),
        hold: Duration::from_secs(u64::from(config.log.hold_days) * SECONDS_A_DAY),
        covered: Mutex::default(),
        trims: config.log.provider == Provider::Embedded || !config.keeps_checkpoints_to_itself(),
    }
}

/// What makes the writer of the record files; it reads their index.
fn record_writer(
    config: &Config,
    sdkappid: u64,
    engine: &Engine,
    log: Arc<dyn Log>,
) -> impl FnOnce() -> Result<record_files::Writer, RecordsError> + Send + 'static {
    let RecordSettings { folder, retention, utc_offset, .. } = record_settings(config, String::new());
    let settings = record_files::Settings { sdkappid, retention, utc_offset };
    let engine = engine.clone();
    move || record_files::Writer::new(engine, log, folder, settings)
}

/// Where the folder of record files is another's, its key is wrong; where its hours are others, that of the clock is.
fn unfit_records(config: &Config, error: RecordsError) -> ServerError {
    let RecordsError::Folder(FolderError::Foreign { path, found, wanted }) = error else { return error.into() };
    let path = path.display();
    ServerError::Config(if found.log_id == wanted.log_id {
        let (theirs, ours) = (found.utc_offset.show(0), wanted.utc_offset.show(0));
        let what = format!(
            "{path} holds files whose hours are those of a clock that shows {theirs} at the start of 1970 (UTC), and this \
             one shows {ours}; set it back, or give the files of the new clock another records.dir"
        );
        config.error("records.utc_offset", what)
    } else {
        let (theirs, ours) = (found.log_id, wanted.log_id);
        config.error("records.dir", format!("{path} holds files of log {theirs}, and this is log {ours}; take another"))
    })
}

fn record_settings(config: &Config, base_url: String) -> RecordSettings {
    RecordSettings {
        folder: Folder::new(&config.records.dir),
        retention: u64::from(config.records.retention_days) * SECONDS_A_DAY * 1000,
        utc_offset: UtcOffset::minutes(config.records.utc_offset.minutes()),
        base_url,
    }
}

fn http_settings(config: &Config, base_url: String) -> HttpSettings {
    HttpSettings {
        admins: config.app.admins.clone(),
        rate_limit: config.server.rate_limit,
        request_bytes: config.limits.request_bytes as usize,
        body_bytes: config.limits.body_bytes as usize,
        trusted_proxies: config.server.trusted_proxies.clone(),
        addresses: addresses(config),
        records: record_settings(config, base_url),
    }
}

/// What `GetIPList` answers: an address that stands for all of a machine says nothing to a firewall.
fn addresses(config: &Config) -> Vec<IpAddr> {
    let listen = config.server.listen.ip();
    match config.server.public_ips.is_empty() {
        true if listen.is_unspecified() => Vec::new(),
        true => vec![listen],
        false => config.server.public_ips.clone(),
    }
}

fn ws_settings(config: &Config, app: AppKey) -> ws::Settings {
    let limits = &config.limits;
    ws::Settings {
        app,
        admins: config.app.admins.clone(),
        heartbeat_seconds: config.server.heartbeat_seconds.into(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        limits: ws::Limits {
            frame_bytes: limits.frame_bytes as usize,
            body_bytes: limits.body_bytes as usize,
            in_flight: limits.in_flight as usize,
            connections: limits.connections as usize,
            sends_per_second: limits.sends_per_second,
        },
    }
}

/// The process's one recorder: a second server in it counts into the same.
fn metrics_recorder() -> Result<PrometheusHandle, BuildError> {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let handle = match PrometheusBuilder::new().install_recorder() {
        Ok(handle) => {
            telemetry::metrics::begin();
            handle
        }
        // Another thread was first.
        Err(error) => RECORDER.get().cloned().ok_or(error)?,
    };
    Ok(RECORDER.get_or_init(|| handle).clone())
}

async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(run).await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::config::Layers;
    use crate::records::{Hour, Identity, Index, Position};

    /// A server's configuration on a directory of its own, at any free port.
    fn load(dir: &Path) -> Config {
        let flags = vec![
            ("--data", "data.dir", dir.display().to_string()),
            ("--listen", "server.listen", "127.0.0.1:0".to_owned()),
        ];
        Config::load(&Layers { flags, ..Layers::default() }).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_start_that_fails_late_leaves_nothing_running() {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path()).first_start().unwrap();
        let config = load(folder.path());
        // A file where the folder of record files would be.
        std::fs::write(&config.records.dir, "").unwrap();
        let failed = Server::start(config.clone()).await.err();
        assert!(matches!(failed, Some(ServerError::Records(_))), "{failed:?}");

        // Nobody holds the log any more.
        std::fs::remove_file(&config.records.dir).unwrap();
        Server::start(config).await.unwrap().stop().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn record_files_of_another_clock_or_log_are_a_mistake_of_one_key() {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path()).first_start().unwrap();
        let config = load(folder.path());
        let server = Server::start(config.clone()).await.unwrap();
        let log_id = server.engine().log_id().to_string();
        server.stop().await.unwrap();
        let clock = UtcOffset::minutes(480);
        for (log_id, utc_offset, key, other) in [
            (log_id, clock, "records.utc_offset: ", "another log"),
            ("another log".to_owned(), clock, "records.dir: ", "a clock"),
        ] {
            let position = Position { hour: Hour::FIRST, generation: 0, offsets: vec![0] };
            let index = Index { identity: Identity { log_id, utc_offset }, position, hours: BTreeMap::new() };
            Folder::new(&config.records.dir).save(&index).unwrap();
            let Some(ServerError::Config(error)) = Server::start(config.clone()).await.err() else { panic!("{key}") };
            let said = error.to_string();
            assert!(said.starts_with(key) && !said.contains(other), "{said}");
        }
    }

    #[test]
    fn a_greeting_that_nobody_can_read_ends_no_server() {
        let mut full = io::Cursor::new([0_u8; 4]);
        greet(&mut full, "http://127.0.0.1:1");
        assert_eq!(full.into_inner(), *b"list");
    }
}
